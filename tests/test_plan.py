import csv
from dataclasses import replace
from pathlib import Path

from bench.estimates import in_words, remaining_s, seconds_by_case
from bench.plan import expand, make_plan
from bench.suite import Suite, read_suite
from tests.fakes import (
    ENVIRONMENT,
    NO_BACKEND,
    FakeNaive,
    FakePeek,
    fake_case,
    fake_measurement,
    fake_plan,
    fake_record,
)


def small(**changes):
    base = {"name": "s", "cases": ["chapter15/naive_next_step", "chapter15/linear"], "seeds": [1, 2]}
    return Suite.model_validate(base | changes)


def test_a_predictor_runs_once_and_a_network_once_a_seed_and_device():
    suite = small(devices=["cpu", "gpu"], data_seeds=[5, 6])
    specs = expand(suite, suite.select())
    naive = [s for s in specs if s.case.endswith("naive_next_step")]
    linear = [s for s in specs if s.case.endswith("linear")]
    assert [(s.data_seed, s.model_seed, s.device) for s in naive] == [(5, None, "cpu"), (6, None, "cpu")]
    assert len(linear) == 2 * 2 * 2
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
    ):
        assert spec.model_copy(update=change).run_id != spec.run_id


def test_run_ids_stay_what_they_are():
    """Records are found by these ids: a change here makes every record stale and wants a reason."""
    suite = read_suite("smoke")
    ids = {s.case: s.run_id for s in expand(suite, suite.select()) if s.model_seed in (None, 42)}
    assert ids["chapter15/naive_next_step"] == "b8034df8366a2b25"
    assert ids["chapter15/seq2seq_rnn"] == "920dc63f57817331"


def test_every_run_of_the_committed_report_is_still_planned():
    with (Path("reports") / "chapter15" / "runs.csv").open(encoding="utf-8") as file:
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
    (tmp_path / "runs.csv").write_text("case,total_s\na,10\na,20\na,90\nb,5\n")
    suite = small()
    spec = expand(suite, suite.select())[-1]
    record = fake_record("x")
    timing = record.timing.model_copy(update={"total_s": 7.0})
    ours = record.model_copy(update={"spec": spec.model_copy(update={"case": "b"}), "timing": timing})
    known = seconds_by_case([ours], tmp_path)
    assert known == {"a": 20.0, "b": 7.0}
    a, b, c = (spec.model_copy(update={"case": name}) for name in "abc")
    assert remaining_s([a, b], known, 1) == 27
    assert remaining_s([a, b, c], known, 2) == (27 + 13.5) / 2
    assert remaining_s([c], {}, 1) is None
    assert remaining_s([], known, 1) == 0
    assert [in_words(s) for s in (None, 12.4, 600, 9000)] == ["an unknown time", "12 s", "10 min", "2.5 h"]


def test_what_is_unmeasured_is_what_has_no_result_here():
    naive, peek = fake_case("fake/naive", model=FakeNaive()), fake_case("fake/peek", model=FakePeek())
    plan = fake_plan([naive, peek, fake_case("fake/rnn")], [])
    assert [s.case for s in plan.measured] == ["fake/naive", "fake/rnn"]  # one that peeks has no honest inference
    other = ENVIRONMENT.model_copy(update={"cpu": "another"})
    here = replace(plan, here=frozenset({NO_BACKEND.digest, ENVIRONMENT.digest}))
    done, elsewhere = fake_measurement(plan.measured[0]), fake_measurement(plan.measured[1], other)
    assert [s.case for s in replace(here, measurements=(done, elsewhere)).unmeasured] == ["fake/rnn"]
    assert not replace(plan, measurements=(done, elsewhere)).unmeasured
    assert len(replace(here, measurements=(fake_measurement(plan.measured[0], status="failed"),)).unmeasured) == 2
    assert replace(plan, suite=plan.suite.model_copy(update={"throughput": False})).measured == []
