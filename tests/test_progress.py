"""How a sweep shows on a terminal, and where there is none."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from bench.estimates import Pace, in_words
from bench.jobs import DataChecked, EpochEnded, NoRoom, RunEnded, RunStarted, StackHalved
from bench.progress import SweepProgress, outcome_of
from tests.fakes import fake_record


@pytest.fixture(params=[True, False], ids=["terminal", "file"])
def console(request):
    return Console(file=io.StringIO(), force_terminal=request.param, width=120)


def test_a_run_that_is_tried_again_counts_once(console):
    crashed = fake_record(seed=1, status="crashed")
    done, other = (fake_record(seed=seed, mse=0.01) for seed in (1, 2))
    with SweepProgress([done.spec, other.spec], Pace(), 2, console) as progress:
        for record in (crashed, done, other):
            progress(RunStarted(record.spec))
            progress(EpochEnded(record.run_id, 1, 20))
            progress(RunEnded(record))
        if console.is_terminal:
            (overall,) = progress._live.tasks
            assert (overall.completed, overall.total) == (2, 2)
    printed = console.file.getvalue()
    assert "crashed: out of memory" in printed
    if not console.is_terminal:
        assert [line.split()[0] for line in printed.splitlines()] == ["[1/2]", "[1/2]", "[2/2]"]


def test_the_time_left_goes_by_the_pace_of_the_runs_so_far():
    console = Console(file=io.StringIO(), width=120)
    first, second = fake_record("fake/a", 1, mse=0.01, windows_per_s=7000), fake_record("fake/b", 1, mse=0.01)
    pace = Pace({"fake/a": 10 * (first.timing.total_s - first.timing.compile_s), "fake/b": 300.0}, {"fake/b": 5.0})
    with SweepProgress([first.spec, second.spec], pace, 1, console) as progress:
        progress(RunEnded(first))
    assert "about 35 s left" in console.file.getvalue()


def test_the_time_left_counts_what_cases_to_come_compile():
    console = Console(file=io.StringIO(), width=120)
    first, *others = (fake_record(f"fake/{name}", 1, mse=0.01) for name in "abc")
    timing = first.timing.model_copy(update={"total_s": 12.0, "import_s": 0.0, "compile_s": 8.0})
    first = first.model_copy(update={"timing": timing})
    specs = [record.spec for record in (first, *others)]
    with SweepProgress(specs, Pace(), 1, console) as progress:
        progress(RunEnded(first))
    assert "about 24 s left" in console.file.getvalue(), "two cases of 4 s, and 8 s to compile each"


def test_the_time_left_counts_the_throughput_benchmark():
    console = Console(file=io.StringIO(), width=120)
    first, second = fake_record("fake/a", 1, mse=0.01), fake_record("fake/a", 2, mse=0.01)
    each = first.timing.total_s - first.timing.compile_s
    with SweepProgress([first.spec, second.spec], Pace({"fake/a": each}), 1, console, throughput_s=180.0) as progress:
        progress(RunEnded(first))
    whole, runs = in_words(each + 180), in_words(each)
    assert f"about {whole} left: {runs} of runs, 3 min of throughput" in console.file.getvalue()


def test_an_outcome_is_told_by_the_metric_that_ranks():
    mse = fake_record("fake/rnn", mse=0.01234567)
    assert outcome_of(mse) == f"valid MSE 0.0123457 in {mse.timing.total_s:.1f} s"
    share = fake_record("fake/strings", task="reber", accuracy=0.9876)
    assert outcome_of(share) == f"valid accuracy 98.76 % in {share.timing.total_s:.1f} s"
    named = mse.model_copy(update={"task": replace(mse.task, rank="mae"), "scores": mse.scores})
    assert outcome_of(named).startswith(f"valid MAE {mse.score('mae'):.6g} in ")
    assert outcome_of(mse.model_copy(update={"scores": ()})).startswith("no MSE in ")


def test_a_run_whose_data_are_bad_counts_and_has_no_line_of_its_own(console):
    bad, good = fake_record(seed=1, status="failed"), fake_record(seed=2, mse=0.01)
    with SweepProgress([bad.spec, good.spec], Pace(), 1, console) as progress:
        progress(RunStarted(bad.spec))
        progress(DataChecked(bad.spec, fault=bad.failure.reason))
        progress(RunEnded(bad))
        assert bad.failure.reason not in console.file.getvalue()
        if console.is_terminal:
            (overall,) = progress._live.tasks
            assert overall.completed == 1
        progress(RunEnded(good))
    if not console.is_terminal:
        assert [line.split()[0] for line in console.file.getvalue().splitlines()] == ["[2/2]"]


def test_a_stack_has_one_bar_and_one_that_is_halved_is_said(console):
    first, *others = records = [fake_record(seed=seed, mse=0.01) for seed in (1, 2, 3)]
    with SweepProgress([r.spec for r in records], Pace(), 1, console) as progress:

        def bars():
            return [task.description.strip() for task in progress._live.tasks[1:]] if console.is_terminal else None

        progress(RunStarted(first.spec, tuple(r.spec for r in others)))
        assert bars() in (None, [f"{first.spec.case}, 3 seeds"])
        progress(StackHalved(first.spec, 2))
        assert bars() in (None, [])
        progress(RunStarted(first.spec, (others[0].spec,)))
        progress(EpochEnded(first.run_id, 1, 20))
        progress(RunEnded(first))
        progress(RunEnded(others[0]))
        progress(RunStarted(others[1].spec))
        assert bars() in (None, [f"{first.spec.case} seed 3"])
        progress(RunEnded(others[1]))
        assert bars() in (None, [])
    assert f"{first.spec.case}: out of memory; going on with 2 seeds in one program" in console.file.getvalue()


def test_a_sweep_that_waits_for_a_machine_says_for_what(console):
    spec = fake_record(seed=1, mse=0.01).spec
    with SweepProgress([spec], Pace(), 1, console) as progress:
        progress(NoRoom("no node of the cluster has a core now; the runs go on when one joins"))
    assert "waiting: no node of the cluster has a core now; the runs go on when one joins" in console.file.getvalue()
