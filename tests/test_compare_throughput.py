"""Throughputs of two sets held against each other: only within one environment, and only where they had settled."""

import pytest

from bench.cli import call
from bench.compare import compare_throughput, read_set
from tests.compare_fakes import GRU, INTEL, NAIVE, RNN, measured, report, results, runs
from tests.fakes import ENVIRONMENT, NO_BACKEND


@pytest.mark.parametrize("tables", [False, True])
def test_throughput_is_compared_within_one_environment(tables, tmp_path):
    records = runs(RNN, 0.003, (42, 43))
    made = {}
    for name, speed in (("a", 1000.0), ("b", 800.0)):
        made_of = measured(speed)
        folder = tmp_path / name
        made[name] = report(folder, records, [RNN], made_of) if tables else results(folder, records, made_of)
    found = compare_throughput(read_set(made["a"], "A"), read_set(made["b"], "B"))
    by_name = {c.quantity: c for c in found.changes}
    train = by_name["train_windows_per_s"]
    assert train.ratio == pytest.approx(0.8, rel=1e-5)
    assert train.low < 0.8 < train.high < 1
    assert train.verdict == "slower"
    assert by_name["latency_p50_s"].ratio == pytest.approx(1.25, rel=1e-5)
    assert by_name["peak_memory_bytes"].ratio == 1
    assert found.refusals == ()
    assert {c.quantity for c in found.regressed(0.1)} == {
        "train_windows_per_s", "infer_windows_per_s", "latency_p50_s", "latency_p99_s",
    }  # fmt: skip
    assert found.regressed(0.3) == ()
    assert call(["compare", str(made["a"]), str(made["b"])]) == 0
    assert call(["compare", str(made["a"]), str(made["b"]), "--throughput-tolerance", "0.1"]) == 1


def test_throughput_is_refused_where_the_environments_differ(tmp_path, capsys):
    first = results(tmp_path / "a", runs(RNN, 0.003), [*measured(), *measured(case=GRU)])
    b = runs(RNN, 0.003, environment=INTEL)
    second = results(tmp_path / "b", b, [m for c in (RNN, GRU) for m in measured(case=c, environment=INTEL)])
    found = compare_throughput(read_set(first, "A"), read_set(second, "B"))
    assert found.changes == ()
    assert found.refusals == (
        "throughput of 2 cases is not compared, the environments differ in "
        "cpu: AMD EPYC 7B13 -> Intel Xeon; threads: 1 -> 2",
    )
    assert call(["compare", str(first), str(second)]) == 0
    assert "cpu: AMD EPYC 7B13 -> Intel Xeon" in capsys.readouterr().out


@pytest.mark.parametrize("rough", [{"spread": 0.5}, {"processes": 1}])
def test_a_measurement_that_had_not_settled_fails_nothing(rough, tmp_path):
    first = results(tmp_path / "a", runs(RNN, 0.003), measured(1000.0))
    second = results(tmp_path / "b", runs(RNN, 0.003), measured(500.0, **rough))
    found = compare_throughput(read_set(first, "A"), read_set(second, "B"))
    assert {c.verdict for c in found.changes} == {"not settled"}
    assert found.regressed(0.0) == ()


def test_the_newest_processes_stand(tmp_path):
    """As many as a case is measured in: measured anew, it has no older ones among them."""
    made = [*measured(1000.0, ended="2026-01-01"), *measured(2000.0, ended="2026-01-02", spread=0.0)]
    found = read_set(results(tmp_path / "a", runs(RNN, 0.003), made), "A").measurements
    assert list(found["train_windows_per_s"]) == pytest.approx([2000.0])
    assert list(found["processes"]) == [5]


def test_processes_that_overlap_show_no_difference(tmp_path):
    first = results(tmp_path / "a", runs(RNN, 0.003), measured(1000.0, spread=0.05))
    second = results(tmp_path / "b", runs(RNN, 0.003), measured(950.0, spread=0.05))
    found = compare_throughput(read_set(first, "A"), read_set(second, "B"))
    assert next(c for c in found.changes if c.quantity == "train_windows_per_s").verdict == "no difference found"


def test_two_backends_are_refused_in_a_line_also_beside_predictors(tmp_path):
    jax = ENVIRONMENT.model_copy(update={"backend": "jax"})
    exact = measured(case=NAIVE, environment=NO_BACKEND)
    sides = {}
    for name, backend, environment in (("a", "tensorflow", ENVIRONMENT), ("b", "jax", jax)):
        made = measured(environment=environment)
        spec = made[0].spec.model_copy(update={"backend": backend})
        made = [each.model_copy(update={"spec": spec, "measure_id": spec.measure_id}) for each in made]
        records = [*runs(RNN, 0.003, backend=backend, environment=environment), *runs(NAIVE, 0.1, (None,))]
        folder = report(tmp_path / name, records, [RNN, NAIVE], [*made, *exact])
        sides[name] = read_set(folder, name)
    found = compare_throughput(sides["a"], sides["b"])
    assert {change.case for change in found.changes} == {"fake/naive"}
    assert found.refusals == (
        "throughput of 1 case is not compared, the environments differ in backend: tensorflow -> jax",
    )
