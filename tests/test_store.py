import errno
import json
import os

import pytest

from bench.errors import BenchError
from bench.record import from_json, to_json
from bench.store import Store, latest
from tests.fakes import fake_record


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path)
    made.prepare()
    return made


def test_a_record_comes_back_as_it_was(store):
    record = fake_record("fake/rnn")
    assert store.write(record) == record
    assert store.read() == [record]
    assert from_json(to_json(record)) == record


def test_nothing_is_overwritten_a_rerun_is_a_further_attempt(store):
    record = fake_record("fake/rnn")
    attempts = [store.write(record).attempt for _ in range(3)]
    assert attempts == [1, 2, 3]
    assert len(list(store.folder.glob("*.json"))) == 3


def test_nan_and_infinity_survive(store):
    record = fake_record("fake/rnn")
    curve = record.curve.model_copy(update={"train_loss": [float("inf"), 1.0]})
    store.write(record.model_copy(update={"curve": curve}))
    assert store.read()[0].curve.train_loss == [float("inf"), 1.0]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda text: text[: len(text) // 2], "Unterminated|Expecting"),
        (lambda text: text.replace('"status": "done"', '"status": "diverged"'), "checksum"),
        (lambda text: "[]", "not a record"),
        (lambda text: "", "Expecting value"),
    ],
)
def test_a_bad_file_is_named_with_its_reason_and_harms_no_other(store, spoil, reason):
    good, other = fake_record("fake/rnn"), fake_record("fake/gru")
    store.write(good)
    store.write(other)
    path = store.folder / f"{other.key}.json"
    path.write_text(spoil(path.read_text()))
    with pytest.raises(BenchError, match=f"{other.key}.json is not a good record: .*({reason}).*; move it away"):
        store.read()
    path.unlink()
    assert store.read() == [good]


def test_a_later_schema_is_not_guessed_at(store):
    record = fake_record("fake/rnn")
    body = json.loads(to_json(record.model_copy(update={"schema_version": 99})))
    with pytest.raises(ValueError, match="schema 99"):
        from_json(json.dumps(body))


def test_a_renamed_record_is_named(store):
    store.write(fake_record("fake/rnn"))
    (path,) = store.folder.glob("*.json")
    path.rename(path.with_name("other-name-1.json"))
    with pytest.raises(BenchError, match="belongs to"):
        store.read()


def test_a_file_system_without_hard_links_serves_too(store, monkeypatch):
    def refuse(source, target):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    record = fake_record("fake/rnn")
    assert [store.write(record).attempt for _ in range(2)] == [1, 2]
    assert len(store.read()) == 2


def test_a_full_disk_leaves_nothing_half_written(store, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.write(fake_record("fake/rnn"))
    assert list(store.folder.iterdir()) == []


def test_an_unwritable_folder_is_said_in_one_line(tmp_path):
    (tmp_path / "results").write_text("a file in the way")
    with pytest.raises(BenchError, match="cannot write to the results folder"):
        Store(tmp_path / "results").prepare()


def test_latest_prefers_a_result_over_a_later_failure():
    done = fake_record("fake/rnn")

    def later(record, when, **changes):
        provenance = record.provenance.model_copy(update={"ended_at": when})
        return record.model_copy(update={"provenance": provenance, **changes})

    old = later(done, "2026-01-01T00:00:00")
    new = later(done, "2026-01-02T00:00:00", attempt=2)
    crash = later(done, "2026-01-03T00:00:00", attempt=3, status="crashed")
    assert latest([crash, new, old]) == {done.run_id: new}
    assert latest([crash]) == {done.run_id: crash}


def test_the_first_schema_stays_readable(request):
    """Every schema that was ever written has a golden file here; add one, never change one."""
    text = (request.path.parent / "golden" / "record_schema_1.json").read_text()
    record = from_json(text)
    assert record.schema_version == 1
    assert record.spec.case == "fake/rnn"
    assert to_json(record) == text
