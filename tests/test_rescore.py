"""A metric from kept forecasts: what the run computed comes out again, and what cannot be computed is said."""

import json

import numpy as np
import pytest

from bench.cli import call
from bench.commands.rescore import rescore
from bench.commands.selection import Selection
from bench.devices import find_device
from bench.errors import BenchError
from bench.jobs import Job, RunEnded
from bench.kept import Kept, digest_of
from bench.metrics.base import metric, metrics
from bench.plan import make_plan
from bench.process import Slot
from bench.store import Store
from bench.suite import Suite
from bench.task import TargetKind
from bench.worker import Worker

SMALL = {"n_series": 300}
CASES = [
    {"name": f"t/{name}", "dataset": {"name": f"waves_{name}", **SMALL}, "model": "least_squares"}
    for name in ("next_step", "ten_steps", "every_step")
]
CASES.append({"name": "t/reber", "dataset": {"name": "reber", "draws": 3000}, "model": "bigram"})
SUITE = Suite.model_validate({"name": "t", "cases": CASES, "seeds": [1, 2], "data_seeds": "seeds", "throughput": False})


@pytest.fixture(scope="module")
def ended():
    """What a worker sends of the suite's runs."""
    events = []
    worker = Worker(Slot("cpu", find_device("cpu"), None), events.append)
    worker.run(Job(tuple(make_plan(SUITE, []).specs)))
    return [event for event in events if isinstance(event, RunEnded)]


@pytest.fixture
def chosen(tmp_path, ended):
    store = Store(tmp_path / "results")
    store.prepare()
    for event in ended:
        assert event.record.status == "done", event.record.failure
        assert event.record.kept == digest_of(event.kept)
        store.write(event.record, event.kept)
    return Selection("t", SUITE, SUITE, tmp_path / "results", tmp_path / "reports")


@pytest.mark.parametrize("name", ["last_time_step_mse", "accuracy", "cross_entropy"])
@pytest.mark.parametrize("weights", ["best", "last"])
def test_a_metric_that_the_run_computed_comes_out_again(chosen, ended, name, weights):
    rows, remarks = rescore(chosen, name, weights)
    assert remarks == []
    expected = {}
    for event in ended:
        for score in event.record.scores:
            if (score.metric, score.weights, score.axis) == (name, weights, "") and score.split != "valid":
                expected.setdefault((event.record.spec.case, score.split), []).append(score.value)
    assert {(row.case, row.split): (row.done, row.mean.n) for row in rows} == dict.fromkeys(expected, (2, 2))
    for row in rows:
        values = expected[row.case, row.split]
        mean = np.exp(np.mean(np.log(values))) if metrics.get(name).log else np.mean(values)
        assert row.mean.centre == pytest.approx(mean, rel=1e-5)


def test_a_new_metric_is_computed_and_nothing_is_written(chosen):
    @metric("test_worst", TargetKind.LAST_STEP)
    def worst(pair):
        """Largest error."""
        return float(np.abs(pair.truth - pair.forecast).max())

    before = {p.name: p.read_bytes() for p in Store(chosen.results).folder.iterdir()}
    try:
        rows, _ = rescore(chosen, "test_worst", "best")
    finally:
        metrics.remove("test_worst")
    assert [(row.case, row.mean.n) for row in rows] == [("t/next_step", 2), ("t/ten_steps", 2)]
    assert all(row.mean.low < row.mean.centre for row in rows)
    assert {p.name: p.read_bytes() for p in Store(chosen.results).folder.iterdir()} == before


def test_what_cannot_be_computed_is_said_once_with_how_many_runs(chosen, ended):
    store = Store(chosen.results)
    gone, other = (event for event in ended if event.record.spec.case == "t/ten_steps")
    (store.folder / f"{gone.record.key}.npz").unlink()
    path = store.folder / f"{other.record.key}.npz"
    path.write_bytes(path.read_bytes() + b"more")
    rows, remarks = rescore(chosen, "mse", "best")
    assert [row.case for row in rows] == ["t/next_step", "t/every_step"]
    assert remarks == ["2 of 6 runs: the file of what it kept is missing or broken"]


def kept_as(chosen, ended, change):
    """The records of the every-step case with other kept forecasts."""
    store = Store(chosen.results)
    for event in ended:
        kept = Kept.from_bytes(event.kept)
        data = Kept(kept.errors, tuple(change(each) for each in kept.forecasts)).to_bytes()
        record = event.record.model_copy(update={"kept": digest_of(data)})
        provenance = record.provenance.model_copy(update={"ended_at": "2999-01-01T00:00:00Z"})
        store.write(record.model_copy(update={"provenance": provenance}), data)


def test_forecasts_of_the_last_position_give_what_is_of_it_alone(chosen, ended):
    def last(each):
        every = each.values.ndim == 3
        values = each.values[:, -1:] if every else each.values
        return type(each)(each.split, each.weights, each.truth, values, every)

    kept_as(chosen, ended, last)
    assert rescore(chosen, "last_time_step_mse", "best")[1] == []
    rows, remarks = rescore(chosen, "mse", "best")
    assert [row.case for row in rows] == ["t/next_step", "t/ten_steps"]
    assert remarks == ["2 of 6 runs: it kept forecasts of the last position alone, which are not all that mse is of"]


def test_forecasts_of_other_data_are_not_scored(chosen, ended):
    kept_as(chosen, ended, lambda each: type(each)(each.split, each.weights, "0" * 16, each.values, each.last))
    rows, remarks = rescore(chosen, "mse", "best")
    assert rows == []
    assert remarks == ["6 of 6 runs: its data set gives others today than those that it was scored on"]


def test_what_a_metric_may_be(chosen):
    with pytest.raises(BenchError, match="unknown metric 'nonesuch'"):
        rescore(chosen, "nonesuch", "best")
    with pytest.raises(BenchError, match="many numbers, one a step"):
        rescore(chosen, "mse_per_step", "best")
    only = SUITE.model_copy(update={"cases": SUITE.cases[:1]})
    with pytest.raises(BenchError, match="applies to no run"):
        rescore(Selection("t", only, only, chosen.results, chosen.reports), "accuracy", "best")
    nowhere = Selection("t", SUITE, SUITE, chosen.results / "none", chosen.reports)
    with pytest.raises(BenchError, match="no records of suite 't'"):
        rescore(nowhere, "mse", "best")


def test_the_verb_prints_a_table_or_json(chosen, ended, tmp_path, capsys):
    suite = tmp_path / "t.toml"
    tables = "\n".join(f"  {json.dumps(case)}," for case in CASES)
    suite.write_text(f'name = "t"\nseeds = [1, 2]\ndata_seeds = "seeds"\nthroughput = false\ncases = [\n{tables}\n]\n'
                     .replace('": ', '" = '))  # fmt: skip
    where = [str(suite), "--results", str(chosen.results)]
    assert call(["rescore", *where, "--metric", "accuracy"]) == 0
    shown = capsys.readouterr().out
    assert "accuracy of the best epoch, from kept forecasts" in shown
    assert "outer_only" in shown
    assert call(["rescore", *where, "--metric", "mae", "--weights", "last", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {row["case"] for row in found["rows"]} == {"t/next_step", "t/ten_steps", "t/every_step"}
    for wrong in ([], ["--metric", "mae", "--weights", "middle"]):
        assert call(["rescore", *where, *wrong]) == 2
