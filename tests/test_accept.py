"""Unlike nodes: which environments' runs count as done, which are shown, and that speeds are of one."""

from dataclasses import replace

import pytest

from bench.cli import call
from bench.frames import make_frames, select
from bench.frames.tidy import means
from bench.measurement import measure_spec
from bench.store import RESULTS, Store
from tests.elsewhere import registered
from tests.fakes import ENVIRONMENT, fake_case, fake_measurement, fake_plan, fake_record, fake_spec
from tests.report_fakes import RNN

FIRST, SECOND, THIRD = (ENVIRONMENT.model_copy(update={"cpu": name}) for name in ("first", "second", "third"))


def plan_of(accept, *records, here=()):
    plan = fake_plan([RNN], list(records))
    suite = plan.suite.model_copy(update={"accept": accept})
    return replace(plan, suite=suite, here=frozenset(e.digest for e in here))


def ran(environment, *seeds, **options):
    return [fake_record(RNN, seed, environment=environment, **{"mse": 0.01, **options}) for seed in seeds]


def seeds(specs):
    return [spec.model_seed for spec in specs]


MIXED = [*ran(FIRST, 42, 43), *ran(SECOND, 43, 44)]


def test_what_counts_as_done_is_the_suites_to_say():
    assert seeds(plan_of("here", *MIXED, here=[FIRST]).missing) == [44]
    assert seeds(plan_of("here", *MIXED, here=[THIRD]).missing) == [42, 43, 44]
    assert seeds(plan_of("any", *MIXED, here=[THIRD]).missing) == []
    assert seeds(plan_of("one", *MIXED, *ran(SECOND, 42), here=[FIRST]).missing) == []
    assert seeds(plan_of("one", *ran(FIRST, 42, 43), *ran(SECOND, 44), here=[FIRST]).missing) == [44]


def test_the_one_environment_has_most_runs_and_where_it_is_not_here_its_rest_cannot_be_made():
    records = [*ran(FIRST, 42, 43), *ran(SECOND, 44), *ran(SECOND, 44, attempt=2), *ran(SECOND, 44, attempt=3)]
    assert plan_of("one", *records, here=[FIRST]).elsewhere == {}
    assert plan_of("one", *records, here=[SECOND]).elsewhere == {("cpu", "tensorflow"): FIRST.digest}
    assert plan_of("one", *records, *ran(FIRST, 44), here=[SECOND]).elsewhere == {}, "all is done there"
    assert plan_of("any", *records, here=[SECOND]).elsewhere == {}


def test_of_any_environment_each_run_is_shown_once_that_of_this_machine_first():
    shown = select(plan_of("any", *MIXED, here=[SECOND]))
    assert [(r.spec.model_seed, r.environment.cpu) for r in shown.records] == [
        (42, "first"), (43, "second"), (44, "second")
    ]  # fmt: skip
    assert shown.left_out == 1, "seed 43 of the first"
    failed = ran(SECOND, 42, status="failed")
    shown = select(plan_of("any", *failed, *ran(FIRST, 42), *ran(THIRD, 43, status="failed"), here=[SECOND]))
    assert [(r.spec.model_seed, r.environment.cpu, r.status) for r in shown.records] == [
        (42, "first", "done"), (43, "third", "failed")
    ]  # fmt: skip
    assert [r.environment.cpu for r in shown.retried] == ["second"]


def test_of_one_environment_only_its_runs_are_shown_wherever_the_report_is_made():
    records = [*ran(FIRST, 42, 43), *ran(SECOND, 44)]
    shown = select(plan_of("one", *records, here=[SECOND]))
    assert [(r.spec.model_seed, r.environment.cpu) for r in shown.records] == [(42, "first"), (43, "first")]
    assert shown.left_out == 1


def test_speeds_of_two_environments_never_stand_in_one_column():
    other = fake_case("fake/gru", model=RNN.model, recipe=RNN.recipe)
    spec, second = (measure_spec(fake_spec(case)) for case in (RNN, other))
    measured = (
        fake_measurement(spec, FIRST, windows_per_s=1e4),
        fake_measurement(spec, SECOND, windows_per_s=2e4),
        fake_measurement(second, SECOND, windows_per_s=3e4),
    )
    plan = fake_plan([RNN, other], [*MIXED, fake_record(other, 42, environment=SECOND, mse=0.1)])
    plan = replace(plan, suite=plan.suite.model_copy(update={"accept": "any"}), measurements=measured)
    for here, speeds in ((FIRST, {spec.case: 1e4}), (SECOND, {spec.case: 2e4, second.case: 3e4}),
                         (THIRD, {spec.case: 2e4, second.case: 3e4})):  # fmt: skip
        frames = make_frames(select(replace(plan, here=frozenset([here.digest]))))
        found = frames["measurements"]
        assert len(set(found["environment"])) == 1
        assert dict(zip(found["case"], found["train_windows_per_s"], strict=True)) == pytest.approx(speeds, rel=0.01)


def test_where_what_counts_was_run_on_unlike_nodes_those_of_the_kind_with_most_runs_are_shown():
    records = [*ran(FIRST, 42, 43), *ran(SECOND, 42, 43, 44)]
    for here in ((FIRST, SECOND), (SECOND, FIRST)):
        assert {r.environment.cpu for r in select(plan_of("here", *records, here=here)).records} == {"second"}


def test_a_place_whose_own_environment_was_not_measured_has_the_speed_of_the_kind_that_was():
    spec = measure_spec(fake_spec(RNN))
    measured = (fake_measurement(spec, SECOND, windows_per_s=2e4), fake_measurement(spec, THIRD, windows_per_s=3e4))

    def shown(accept, here):
        plan = replace(plan_of(accept, *ran(FIRST, 42, 43, 44), here=here), measurements=measured)
        plan = replace(plan, alone=frozenset(e.alone.digest for e in here))
        return [m.environment.cpu for m in select(plan).measurements]

    assert shown("here", [FIRST, SECOND]) == ["second"], "another kind of this command's machines"
    assert shown("here", [FIRST]) == []
    assert shown("here", [SECOND]) == [], "the runs shown are of no machine of this command"
    assert shown("one", [FIRST, SECOND]) == ["second"]


def test_the_summary_of_runs_that_two_machines_made_has_the_speed_of_one():
    slow, fast = ran(FIRST, 42, 43, windows_per_s=1e4), ran(SECOND, 44, windows_per_s=9e4)
    row = means([*slow, *fast]).iloc[0]
    assert row["runs"] == 3
    assert row["windows_per_s"] == slow[0].windows_per_s


def test_a_sweep_over_unlike_nodes_is_done_where_any_counts_and_has_a_rest_where_one_does(far, monkeypatch, capsys):
    registered(monkeypatch, cpus=("Other CPU", "Third CPU"))
    suite = far('accept = "any"')
    assert call(["run", suite, "--no-track", "--no-report", "--executor", "elsewhere"]) == 0
    assert {r.environment.cpu for r in Store(RESULTS).read()} == {"Other CPU", "Third CPU"}
    capsys.readouterr()
    assert call(["plan", suite]) == 0
    assert "6 of 6 runs done" in capsys.readouterr().out
    far('accept = "one"')
    assert call(["plan", suite]) == 0
    assert "3 of 6 runs done" in capsys.readouterr().out
    assert call(["run", suite, "--no-track", "--no-report"]) == 2
    said = capsys.readouterr().err
    assert "suite 'far' accepts one environment, and its runs of numpy on cpu are of " in said
    assert " CPU, numpy " in said
    far("")
    assert call(["plan", suite]) == 0
    assert "0 of 6 runs done" in capsys.readouterr().out


def test_what_counts_is_no_part_of_what_is_planned():
    suite = plan_of("here", *MIXED).suite
    assert suite.digest == suite.model_copy(update={"accept": "any"}).digest


def test_a_changed_copy_of_an_environment_has_a_digest_of_its_own():
    known = FIRST.digest
    assert FIRST.model_copy(update={"cpu": "second"}).digest == SECOND.model_copy().digest != known
    assert FIRST.model_copy() == FIRST
    halved = FIRST.model_copy(update={"stack": 2, "stack_asked": 4})
    assert halved.asked == FIRST.model_copy(update={"stack": 4})
    assert halved.asked.asked.digest == halved.asked.digest != halved.digest
