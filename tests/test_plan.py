import csv
from dataclasses import replace

import pytest

from bench.cases.base import Case, component
from bench.engines.tensorflow import TensorFlow
from bench.errors import BenchError
from bench.estimates import START_S, Estimate, Pace, in_words, pace_of, remaining_s
from bench.measurement import PROCESSES
from bench.plan import UNSEEDED, expand, make_plan
from bench.suite import Suite, read_suite
from bench.task import TargetKind, Task
from tests.committed import check_out
from tests.fakes import (
    ENVIRONMENT,
    NO_BACKEND,
    FakeLeaky,
    FakeNaive,
    FakeNetwork,
    FakeWaves,
    fake_case,
    fake_measurement,
    fake_plan,
    fake_record,
    fake_spec,
)


def small(**changes):
    base = {"name": "s", "cases": ["chapter15/naive_next_step", "chapter15/linear"], "seeds": [1, 2]}
    return Suite.model_validate(base | changes)


def test_a_predictor_runs_once_and_a_network_once_a_seed_and_device():
    suite = small(devices=["cpu", "gpu"], seeds=[5, 6], data_seeds="seeds")
    specs = expand(suite, suite.select())
    naive = [s for s in specs if s.case.endswith("naive_next_step")]
    linear = [s for s in specs if s.case.endswith("linear")]
    assert [(s.data_seed, s.model_seed, s.device) for s in naive] == [(5, None, "cpu"), (6, None, "cpu")]
    assert [(s.data_seed, s.model_seed, s.device) for s in linear] == [
        (5, 5, "cpu"), (6, 6, "cpu"), (5, 5, "gpu"), (6, 6, "gpu"),
    ]  # fmt: skip
    assert len({s.run_id for s in specs}) == len(specs)


def test_a_run_id_depends_on_what_changes_numbers_and_on_nothing_else():
    one, two = small(), small(name="t", title="other", seeds=[2, 1])
    ids = {s.run_id for s in expand(one, one.select())}
    assert ids == {s.run_id for s in expand(two, two.select())}
    spec = expand(one, one.select())[-1]
    for change in (
        {"model_seed": 9},
        {"data_seed": 9},
        {"device": "gpu"},
        {"recipe": spec.recipe.model_copy(update={"epochs": 3})},
        {"versions": spec.versions | {"engine": "0"}},
        {"model": spec.model.model_copy(update={"version": "0"})},
        {"dataset": spec.dataset.model_copy(update={"params": {"n_series": 3}})},
        {"metrics": ("mse_odd_positions",)},
    ):
        assert spec.model_copy(update=change).run_id != spec.run_id


def test_run_ids_stay_what_they_are():
    """Records are found by these ids: a change here makes every record stale and wants a reason."""
    suite = read_suite("smoke")
    ids = {s.case: s.run_id for s in expand(suite, suite.select()) if s.model_seed in (None, 42)}
    assert ids["chapter15/naive_next_step"] == "fc4394af80143064"
    assert ids["chapter15/seq2seq_rnn"] == "2884d72e8e1ceb9c"


class Before(FakeWaves):
    """A dataset as it was."""

    name = "grows"


class After(Before):
    """The same with a further parameter, whose default makes the same data."""

    further: float = 0.5


def id_of(case):
    (spec,) = expand(small(seeds=[1]), [case])
    return spec.run_id


def test_a_field_with_a_default_that_came_later_leaves_ids_alone(monkeypatch):
    was, now, other = (Case(dataset, FakeNetwork(), name="x") for dataset in (Before(), After(), After(further=0.6)))
    assert id_of(was) == id_of(now) != id_of(other)
    assert component(now.dataset).all_params["further"] == 0.5, "a record still says what was used"
    spec = fake_spec(fake_case("fake/rnn"))
    assert set(spec.identity["recipe"]) == set(), "a recipe's fields stand in it where they were set otherwise"
    recipe = spec.recipe.model_copy(update={"epochs": 3})
    assert spec.model_copy(update={"recipe": recipe}).identity["recipe"] == {"epochs": 3}


class FromFile(FakeWaves):
    """A dataset that reads a file."""

    name = "from_file"
    files = ("path",)
    path: str = ""


def test_a_file_counts_by_its_content_wherever_it_lies(tmp_path):
    here, there = tmp_path / "a.csv", tmp_path / "elsewhere.csv"
    here.write_text("1,2\n")
    there.write_text("1,2\n")

    def of(path):
        return Case(FromFile(path=str(path)), FakeNetwork(), name="x")

    first = id_of(of(here))
    assert first == id_of(of(there))
    there.write_text("1,3\n")
    assert first != id_of(of(there))
    assert component(FromFile(path=str(here))).params == {"path": str(here)}, "a worker is told where it lies"
    with pytest.raises(BenchError, match=r"cannot read .*nonesuch.csv \(No such file or directory\)"):
        id_of(of(tmp_path / "nonesuch.csv"))


class Fixed(FakeWaves):
    """Data that no seed changes."""

    name = "fixed"
    seeded = False


def test_data_that_no_seed_changes_are_run_once():
    suite = small(seeds=[1, 2], data_seeds="seeds")
    seeded, fixed = Case(FakeWaves(), FakeNetwork(), name="a"), Case(Fixed(), FakeNetwork(), name="b")
    specs = expand(suite, [seeded, fixed])
    assert [(s.case, s.data_seed, s.model_seed) for s in specs] == [
        ("a", 1, 1), ("a", 2, 2), ("b", UNSEEDED, 1), ("b", UNSEEDED, 2),
    ]  # fmt: skip
    predictors = [Case(data, FakeNaive(), name=data.name) for data in (FakeWaves(), Fixed())]
    assert [(s.case, s.data_seed) for s in expand(suite, predictors)] == [
        ("fake_waves", 1), ("fake_waves", 2), ("fixed", UNSEEDED),
    ]  # fmt: skip
    one = small(seeds=[1, 2], data_seeds=[7])
    assert [(s.case, s.data_seed, s.model_seed) for s in expand(one, [seeded, predictors[0]])] == [
        ("a", 7, 1), ("a", 7, 2), ("fake_waves", 7, None),
    ]  # fmt: skip


def test_throughput_is_measured_on_the_first_draw():
    assert make_plan(small(seeds=[3, 4], data_seeds="seeds"), []).timed_seed == 3
    assert make_plan(small(seeds=[3, 4], data_seeds=[7]), []).timed_seed == 7


def test_a_pair_that_does_not_fit_is_skipped_with_its_reason():
    odd = {"name": "mine/odd", "dataset": "reber", "model": "least_squares"}
    plan = make_plan(small(cases=["chapter15/linear", odd]), [])
    assert [case.name for case in plan.cases] == ["chapter15/linear"]
    assert {spec.case for spec in plan.specs} == {"chapter15/linear"}
    (skip,) = plan.skips
    assert skip.case.name == "mine/odd"
    assert "least_squares" in skip.reason
    assert "reber" in skip.reason
    wrong_loss = {"name": "mine/loss", "dataset": "waves_next_step", "model": "linear"}
    wrong_loss |= {"recipe": {"loss": "binary_crossentropy"}}
    (skip,) = make_plan(small(cases=["chapter15/linear", wrong_loss]), []).skips
    assert "binary_crossentropy" in skip.reason
    with pytest.raises(BenchError, match=r"suite 's' has no case that can be run: mine/odd: .+"):
        make_plan(small(cases=[odd]), [])


class AsksOddly(FakeWaves):
    """A dataset whose task cannot be ranked, or bears another's name."""

    name = "odd"
    rank: str = ""
    monitor: str = ""
    horizon: int = 1

    def task(self):
        return Task("next_step", TargetKind.LAST_STEP, 50, horizon=self.horizon, rank=self.rank, monitor=self.monitor)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        (
            {"monitor": "accuracy"},
            "case 'x': task 'next_step': metric 'accuracy' chooses the epoch, but does not apply",
        ),
        ({"monitor": "mae"}, "metric 'mae' is not computed every epoch"),
        ({"rank": "mse_per_step"}, "metric 'mse_per_step' ranks, but is no one number that is better or worse"),
        ({"rank": "msee"}, "unknown metric 'msee'; did you mean mse"),
        ({"horizon": 3}, "cases 'fake/rnn' and 'x' ask unlike tasks that are both called 'next_step'; rename one"),
    ],
)
def test_a_task_that_cannot_be_ranked_or_named_is_one_line_before_anything_runs(fields, complaint, monkeypatch):
    chosen = [fake_case("fake/rnn"), Case(AsksOddly(**fields), FakeNetwork(), name="x")]
    monkeypatch.setattr(Suite, "select", lambda self: chosen)
    with pytest.raises(BenchError, match=complaint):
        make_plan(small(), [])


def test_several_files_count_by_their_content_too(tmp_path):
    class FromFiles(FakeWaves):
        """A dataset that reads files."""

        name = "from_files"
        files = ("paths",)
        paths: tuple[str, ...] = ()

    one, two = tmp_path / "a.csv", tmp_path / "b.csv"
    one.write_text("1")
    two.write_text("2")
    before = id_of(Case(FromFiles(paths=(str(one), str(two))), FakeNetwork(), name="x"))
    two.write_text("3")
    assert id_of(Case(FromFiles(paths=(str(one), str(two))), FakeNetwork(), name="x")) != before


def test_a_metric_that_a_suite_names_is_part_of_the_run_where_it_is_not_computed_anyway():
    (usual,) = make_plan(small(cases=["chapter15/linear"], seeds=[1], metrics=["mae"]), []).specs
    (plain,) = make_plan(small(cases=["chapter15/linear"], seeds=[1]), []).specs
    assert usual.run_id == plain.run_id
    layers = small(cases=["chapter15/wavenet"], seeds=[1], metrics=["mse_odd_positions"])
    assert make_plan(layers, []).specs[0].metrics == (), "the chapter's task names it already"
    with pytest.raises(BenchError, match="unknown metric 'mea'; did you mean"):
        make_plan(small(metrics=["mea"]), [])


def test_every_run_of_the_committed_report_is_still_planned(tmp_path, monkeypatch):
    """But for the engine's version: the report is of version 1, and nothing else may have changed a run's id since."""
    monkeypatch.setattr(TensorFlow, "version", "1")
    with (check_out("reports/chapter15", tmp_path) / "runs.csv").open(encoding="utf-8") as file:
        recorded = {row["run_id"]: row["case"] for row in csv.DictReader(file) if row["seed"] in ("", "42", "43", "44")}
    suite = read_suite("chapter15")
    planned = {spec.run_id: spec.case for spec in expand(suite, suite.select())}
    assert len(recorded) >= 90
    assert recorded.items() <= planned.items()


def test_done_and_missing():
    suite = small()
    specs = expand(suite, suite.select())
    record = fake_record("x")

    def left(status, spec):
        return record.model_copy(update={"run_id": spec.run_id, "spec": spec, "status": status})

    plan = make_plan(suite, [left("done", specs[0]), left("diverged", specs[1]), left("crashed", specs[2]), record])
    assert plan.done == specs[:2]
    assert plan.missing == specs[2:]
    assert [plan.states({specs[2].run_id})[s.run_id] for s in specs] == ["done", "done", "to retry"]
    assert make_plan(suite, (r for r in plan.records)).records == plan.records
    assert plan.seeds == [1, 2]
    empty = make_plan(suite, [])
    assert list(empty.states({specs[2].run_id}).values()) == ["missing", "missing", "stale"]
    assert len(plan.records) == 3


def test_another_machines_records_stand_beside_ours_and_not_in_their_place():
    suite = small()
    spec = expand(suite, suite.select())[0]
    record = fake_record("x").model_copy(update={"spec": spec, "run_id": spec.run_id})
    ours, theirs = record.environment.digest, "another"
    assert make_plan(suite, [record], frozenset({ours})).done == [spec]
    assert make_plan(suite, [record], frozenset({theirs})).done == []
    assert make_plan(suite, [record], frozenset({theirs})).records == [record]


def test_estimates_come_from_records_then_from_a_report(tmp_path):
    (tmp_path / "runs.csv").write_text(
        "case,total_s,compile_s,import_s\na,27,8,9\na,20,0,0\na,90,0,0\na,32,6,6\nb,5,0,0\n"
    )
    suite = small()
    spec = expand(suite, suite.select())[-1]
    record = fake_record("x")
    timing = record.timing.model_copy(update={"total_s": 12.0, "compile_s": 1.0, "import_s": 4.0})
    ours = record.model_copy(update={"spec": spec.model_copy(update={"case": "b"}), "timing": timing})
    known = pace_of([ours], tmp_path)
    assert known == Pace({"a": 20.0, "b": 7.0}, {"a": 7.0, "b": 1.0}, 4.0)
    assert pace_of([], tmp_path) == Pace({"a": 20.0, "b": 5.0}, {"a": 7.0}, 7.5)
    assert pace_of([], tmp_path / "none") == Pace({}, {}, START_S)
    a, b, c = (spec.model_copy(update={"case": name, "model_seed": 1}) for name in "abc")
    assert remaining_s([a, a, b], known, 1) == 2 * 20 + 7 + 8 + 4, "a case compiles once, a worker starts once"
    assert remaining_s([a, b, c], known, 2) == (27 + 13.5 + 8 + 4) / 2 + 4
    assert remaining_s([a, b], known, 1, ["a"]) == 27 + 1, "a has compiled, so that workers have started"
    assert remaining_s([b.model_copy(update={"model_seed": None})], known, 1) == 7 + 1, "no backend is imported"
    assert remaining_s([c], Pace(), 1) is None
    naive = Pace({"n": 0.5}, predictors=frozenset("n"))
    assert remaining_s([c], naive, 1) is None, "a predictor's second says nothing of a network"
    assert remaining_s([c.model_copy(update={"model_seed": None})], naive, 1) == 0.5
    both = Pace({"n": 0.5, "a": 20.0}, predictors=frozenset("n"))
    assert remaining_s([c], both, 1) == 20 + START_S
    assert remaining_s([], known, 1) == 0
    assert [in_words(s) for s in (None, 12.4, 600, 9000)] == ["an unknown time", "12 s", "10 min", "2.5 h"]


def test_an_estimate_says_its_parts():
    assert Estimate(540.0, 180.0).in_words() == "about 12 min: 9 min of runs, 3 min of throughput"
    assert Estimate(540.0, 180.0).in_words("left") == "about 12 min left: 9 min of runs, 3 min of throughput"
    assert Estimate(540.0).in_words() == "about 9 min"
    assert Estimate(None, 60.0).in_words() == "an unknown time of runs, then 60 s of throughput"
    assert Estimate(None).in_words("on 2 workers") == "an unknown time on 2 workers"
    assert (Estimate(540.0, 180.0).total_s, Estimate(None, 60.0).total_s) == (720.0, None)


def test_what_is_unmeasured_is_what_has_no_result_here():
    naive, leaky = fake_case("fake/naive", model=FakeNaive()), fake_case("fake/leaky", model=FakeLeaky())
    plan = fake_plan([naive, leaky, fake_case("fake/rnn")], [])
    assert [s.case for s in plan.measured] == ["fake/naive", "fake/rnn"], "no honest inference of a leak"
    other = ENVIRONMENT.model_copy(update={"cpu": "another"})
    here = replace(plan, here=frozenset({NO_BACKEND.digest, ENVIRONMENT.digest}))
    done, elsewhere = fake_measurement(plan.measured[0]), fake_measurement(plan.measured[1], other)
    assert [s.case for s in replace(here, measurements=(done, elsewhere)).unmeasured(1)] == ["fake/rnn"]
    assert not replace(plan, measurements=(done, elsewhere)).unmeasured(1)
    assert len(replace(here, measurements=(fake_measurement(plan.measured[0], status="failed"),)).unmeasured(1)) == 2
    lacking = replace(here, measurements=(done, done, elsewhere)).unmeasured(3)
    assert [s.case for s in lacking] == ["fake/naive", *["fake/rnn"] * 3], "as often as processes lack"
    assert len(plan.unmeasured()) == 2 * PROCESSES
    assert replace(plan, suite=plan.suite.model_copy(update={"throughput": False})).measured == []


def test_a_backend_that_cannot_train_in_a_precision_leaves_the_case_out(monkeypatch):
    monkeypatch.setattr(TensorFlow, "precisions", ("float32",))
    recipe = {"precision": "bfloat16"}
    asked = {"name": "t", "cases": ["chapter15/linear", "chapter15/naive_next_step"], "seeds": [1], "recipe": recipe}
    plan = make_plan(Suite(**asked, backends=["tensorflow", "jax"]), [])
    assert {(spec.case, spec.backend) for spec in plan.specs} == {
        ("chapter15/linear", "jax"),
        ("chapter15/naive_next_step", "numpy"),
    }
    (skip,) = plan.skips
    assert skip.reason == "backend tensorflow trains in float32, not in bfloat16"
    plain = make_plan(Suite(**asked | {"recipe": {}}, backends=["jax"]), [])
    usual = make_plan(Suite(**asked | {"recipe": {"precision": "float32"}}, backends=["jax"]), [])
    assert [spec.run_id for spec in usual.specs] == [spec.run_id for spec in plain.specs]
    assert {spec.run_id for spec in plan.specs if spec.backend == "jax"}.isdisjoint(s.run_id for s in plain.specs)
    with pytest.raises(BenchError, match="tensorflow trains in float32, not in bfloat16"):
        make_plan(Suite(**asked | {"cases": ["chapter15/linear"]}, backends=["tensorflow"]), [])


def test_a_precision_that_a_backend_has_on_gpus_alone_is_run_there_alone():
    recipe, devices = {"precision": "float16"}, ["cpu", "gpu"]
    asked = {"name": "t", "cases": ["chapter15/linear"], "seeds": [1], "recipe": recipe}
    plan = make_plan(Suite(**asked, backends=["tensorflow", "torch"], devices=devices), [])
    assert {(s.backend, s.device) for s in plan.specs} == {
        ("tensorflow", "cpu"),
        ("tensorflow", "gpu"),
        ("torch", "gpu"),
    }
    assert {spec.recipe.precision for spec in plan.specs} == {"float16"}
    reason = "backend torch trains in float32 or bfloat16 on a CPU, not in float16"
    assert [skip.reason for skip in plan.skips] == [reason]
    with pytest.raises(BenchError, match=reason):
        make_plan(Suite(**asked, backends=["torch"]), [])


def test_a_changed_copy_of_a_spec_has_an_id_of_its_own():
    (spec,) = make_plan(small(cases=["chapter15/linear"], seeds=[1]), []).specs
    known = spec.run_id
    other = spec.model_copy(update={"model_seed": 2})
    assert other.run_id != known
    assert other.model_copy(update={"model_seed": 1}).run_id == known
    assert other.model_copy(update={"model_seed": 1}) == spec
