"""Malformed suites and records, a few hundred of each; `python -m tests.torture` tries ten thousand."""

import json

import pytest
from hypothesis import HealthCheck, given, settings

from bench.store.text import to_json
from tests.torture.fuzz import GOOD_SUITE, outcome, records, smoke_records, suites, to_toml, try_record, try_suite

FEW = settings(
    max_examples=100, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@FEW
@given(suites())
def test_a_malformed_suite_gets_one_line(tmp_path_factory, content):
    assert not try_suite(tmp_path_factory.getbasetemp(), content)


@FEW
@given(records())
def test_a_malformed_record_gets_one_line(tmp_path_factory, content):
    assert not try_record(tmp_path_factory.getbasetemp(), content)


def test_what_is_mutated_is_good_before(tmp_path, capsys):
    """Else every mutation would be refused for one and the same reason."""
    assert not try_suite(tmp_path, to_toml(GOOD_SUITE).encode())
    assert outcome(["plan", str(tmp_path / "fuzzed.toml"), "--results", str(tmp_path / "none")]) == ""
    network = smoke_records()[1]
    assert not try_record(tmp_path, to_json(network).encode())
    from bench.cli import call

    assert call(["plan", "smoke", "--results", str(tmp_path / "results"), "--json"]) == 0
    states = [run["state"] for run in json.loads(capsys.readouterr().out)["runs"]]
    assert states.count("done") == 2


@pytest.mark.parametrize(
    "name", ["../../escaped", "a\0b", "x" * 300, "🦊", "a|b", "", ".", "..", "/tmp/escaped", "a/../../b", "-rf", "a\nb"]
)
def test_a_suite_s_name_cannot_break_out_of_a_path(tmp_path, name):
    content = to_toml(GOOD_SUITE | {"name": name}).encode()
    assert not try_suite(tmp_path, content)
    stem = tmp_path / f"{name[:80]}.toml" if name.isprintable() and "/" not in name and name else None
    if stem is not None:
        stem.write_text(to_toml(GOOD_SUITE | {"name": stem.stem}), encoding="utf-8")
        results, reports = tmp_path / "r", tmp_path / "reports"
        assert not outcome(["report", str(stem), "--results", str(results), "--reports", str(reports)])
    assert {p.name for p in tmp_path.iterdir()} <= {
        "fuzzed.toml",
        "none",
        "r",
        "reports",
        *([stem.name] if stem else []),
    }


def test_a_complaint_of_two_lines_or_a_traceback_would_be_seen(monkeypatch):
    import tests.torture.fuzz as fuzz

    monkeypatch.setattr(fuzz, "call", lambda _: 1 / 0)
    assert "ZeroDivisionError" in outcome(["plan"])
    monkeypatch.setattr(fuzz, "call", lambda _: 1)
    assert outcome(["plan"]).startswith("code 1")
