"""Which seeds solve a task, and when: by hand, in the table, the figure and the finding."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from bench import stats
from bench.frames import make_frames, select, tidy, write_frames
from bench.record import LearningCurve, RunRecord
from bench.report.endings import failing, odd_endings, solvers
from bench.report.figures.base import label_looks
from bench.report.figures.solved import caption, solved_figure
from bench.report.findings.leaders import leaders
from bench.report.prose import description
from bench.report.sections.solved import median_in_words, solved_table
from bench.report.solved import solving
from bench.report.style import styled
from bench.report.tables import all_tables
from tests.fakes import FakeNaive, FakeWaves, fake_case, fake_plan, fake_record
from tests.section_fakes import lines, results_of

SEEDS = range(42, 52)


class FakeRiddle(FakeWaves):
    """Fake numbers to add up.

    Split by window.
    """

    name = "fake_riddle"
    synthetic = True
    lengths: tuple[int, ...] = ()

    @property
    def chance(self) -> dict[str, float]:
        return {"mse": 1 / 6}

    @property
    def solved(self) -> dict[str, float]:
        return {"mse": 0.01}


def case(label: str):
    return replace(fake_case(f"fake/{label}", label=label), dataset=FakeRiddle())


def run(of, seed: int, curve: Sequence[float], test: float = 0.001, **more) -> RunRecord:
    """Return a run with this validation curve and this test score."""
    made = fake_record(of, seed, mse=curve[-1], epochs=len(curve), **more)
    scores = [s._replace(value=test) if (s.split, s.metric) == ("test", "mse") else s for s in made.scores]
    return made.model_copy(
        update={"scores": tuple(scores), "curve": LearningCurve(train_loss=[*curve], valid={"mse": [*curve]})}
    )


@pytest.fixture(scope="module")
def plan():
    quick, never, half = (case(label) for label in ("quick", "never", "half"))
    naive = replace(fake_case("fake/naive", label="naive", model=FakeNaive()), dataset=FakeRiddle())
    records = [run(quick, s, [0.2, 0.009 if s < 48 else 0.1, 0.002]) for s in SEEDS]
    records += [run(never, s, [0.2, 0.17, 0.17], test=0.17) for s in SEEDS]
    records += [
        run(half, s, [0.2, 0.1, 0.005 if s < 46 else 0.1], test=0.005 if s < 45 else 0.1) for s in SEEDS if s < 51
    ]
    records += [fake_record(half, 51, status="diverged"), fake_record(naive, None, mse=0.3)]
    return fake_plan([quick, never, half, naive], records, tuple(SEEDS))


@pytest.fixture(scope="module")
def results(plan):
    return results_of(plan)


def test_the_csv_says_what_the_table_says(plan, results, tmp_path):
    frame = results.frames["solved"].set_index("case")
    assert list(frame.index) == ["fake/quick", "fake/never", "fake/half"], "a predictor takes no steps"
    for each in solving(results, results.leading()[0]):
        row = frame.loc[each.row.case]
        assert (row["n"], row["solved"], row["reached"]) == (len(each.on_test), each.solved, each.reached)
        assert (row["metric"], row["threshold"], row["budget_steps"]) == (each.metric.name, each.threshold, each.budget)
        assert (row["share_low"], row["share_high"]) == pytest.approx(stats.wilson(each.solved / row["n"], row["n"]))
        known = each.survival.median()
        for column, value in zip(("", "_low", "_high"), known, strict=True):
            told = row[f"median_steps{column}"]
            assert math.isnan(told) if value is None else told == value
    write_frames(tmp_path, make_frames(select(plan)))
    assert (tmp_path / "solved.csv").read_text().startswith("case,device,backend,metric,threshold,n,solved,")


def test_the_export_says_of_each_run_whether_it_solves_it_and_when(plan):
    table = tidy("fake", plan.records, {case.name: case.dataset.solved for case in plan.cases}, plan.suite.rank)
    half = table[table["case"] == "fake/half"].set_index("seed")
    solved, steps = (half[half["metric"] == name]["value"] for name in ("solved", "steps_until_solved"))
    assert solved.sort_index().tolist() == [1.0] * 3 + [0.0] * 7, "51 diverged, and is one that does not"
    assert steps.to_dict() == dict.fromkeys(range(42, 46), 654.0)
    assert set(half[half["metric"] == "solved"]["split"]) == {"test"}
    assert "solved" not in set(table[table["case"] == "fake/naive"]["metric"])
    assert "solved" not in set(tidy("fake", plan.records)["metric"])


def test_seeds_are_counted_and_not_averaged(results):
    made = solved_table(results)
    assert made is not None
    (quick,), (half,), (never,) = (lines(made[0], name) for name in ("quick", "half", "never"))
    assert quick["solved on test"] == "10 of 10"
    assert (half["solved on test"], half["there on validation"]) == ("3 of 10", "4 of 10"), "one diverged"
    assert half["share, 95 %"] == "30 % [11, 60]"
    assert (never["solved on test"], never["median steps until there"]) == ("0 of 10", "not reached")
    assert (quick["solved from"], quick["chance"]) == ("MSE of 0.01 or less", "0.1667")
    assert not lines(made[0], "naive")


def test_steps_are_those_of_the_optimizer(results):
    """An epoch trains on 6,976 windows in batches of 32: 218 steps."""
    found = {each.row.name: each for each in solving(results, results.leading()[0])}
    assert found["quick"].steps == (436.0,) * 6 + (654.0,) * 4
    assert found["half"].steps == (654.0,) * 4 + (None,) * 6
    assert found["never"].budget == 654
    assert list(found) == ["quick", "half", "never"], "most seeds first"
    assert found["half"].survival.left.tolist() == [0.6]


def test_a_median_says_what_was_not_reached():
    assert median_in_words((436.0, 436.0, 654.0)) == "436 [436, 654]"
    assert median_in_words((None, 1250.0, None)) == "not reached [1,250, …]"
    assert median_in_words((None, None, None)) == "not reached"


def test_the_finding_says_who_solves_it(results):
    sentence, *_ = leaders(results, all_tables(results))
    assert "Solved (test MSE of 0.01 or less): quick 10 of 10 seeds, half 3 of 10; by no seed of never." in sentence


def test_networks_of_unlike_recipes_solve_it_with_theirs():
    quick, slow = case("quick"), case("slow")
    slow = replace(slow, recipe=slow.recipe.model_copy(update={"learning_rate": 0.5}))
    made = results_of(
        fake_plan([quick, slow], [run(of, s, [0.2, 0.002]) for of in (quick, slow) for s in SEEDS], tuple(SEEDS))
    )
    sentence, *_ = leaders(made, all_tables(made))
    assert "Solved, each network with its recipe (test MSE of 0.01 or less): quick 10 of 10 seeds" in sentence


def test_the_figure_has_a_panel_a_network(results):
    board = results.leading()[0]
    with styled():
        picture = solved_figure(results, board, label_looks(results))
    assert picture is not None
    assert [ax.get_title("left") for ax in picture.axes] == ["quick (10 of 10)", "half (3 of 10)", "never (0 of 10)"]
    assert picture.axes[1].lines[-1].get_xydata().tolist() == [[0, 0], [654, 40], [654, 40]]
    assert "MSE of 0.01 or less" in caption(results, board)


def test_the_description_says_what_a_suite_sets_otherwise(results):
    (board,) = results.tasks
    assert "Otherwise" not in description(board)
    other = replace(case("other"), dataset=FakeRiddle(asks="ten_steps", lengths=(3, 16)))
    made = results_of(fake_plan([other], [fake_record(other, s, task="ten_steps") for s in SEEDS], tuple(SEEDS)))
    assert "Otherwise than described: asks ten_steps; lengths 3, 16." in description(made.tasks[0])


def test_where_no_dataset_says_when_it_is_solved_there_is_no_table():
    plain = fake_case("fake/plain", label="plain")
    results = results_of(fake_plan([plain], [fake_record(plain, s) for s in SEEDS], tuple(SEEDS)))
    assert solved_table(results) is None
    assert not len(results.frames["solved"])


def test_a_seed_that_solves_its_task_is_not_stuck_and_one_that_does_not_fails_nowhere_else():
    able = case("able")
    curves = [[0.2] + 3 * [0.0001 if s < 47 else 0.005 if s < 50 else 0.1] for s in SEEDS]
    records = [run(able, s, curve, test=curve[-1]) for s, curve in zip(SEEDS, curves, strict=True)]
    results = results_of(fake_plan([able], records, tuple(SEEDS)))
    board = results.leading()[0]
    assert [(odd.seed, odd.what) for odd in odd_endings(results)] == [("seed 50", "stuck"), ("seed 51", "stuck")]
    assert solvers(board, board.rows[0]) == [True] * 8 + [False] * 2
    plain = replace(board, solved={})
    assert solvers(plain, plain.rows[0]) is None


def test_only_a_seed_that_solves_its_task_fails_on_another_test_set():
    reader = fake_case("fake/gru", task="reber", label="gru")
    records = [fake_record(reader, s, accuracy=0.99 if s < 45 else 0.9, accuracy_outer_only=0.3) for s in SEEDS]
    board = results_of(fake_plan([reader], records, tuple(SEEDS))).leading()[0]
    told = replace(board, solved={reader.name: ("accuracy", 0.95)})
    assert len(failing(board, board.rows[0], "outer_only")) == 10
    assert list(failing(told, told.rows[0], "outer_only")) == [0, 1, 2]


def test_where_no_seed_ever_solves_it_the_band_is_wilson_s(results):
    board = results.leading()[0]
    with styled():
        figure = solved_figure(results, board, label_looks(results))
    ax = next(ax for ax in figure.axes if ax.get_title(loc="left").startswith("never"))
    (band,) = ax.collections
    heights = [y for path in band.get_paths() for _, y in path.vertices]
    assert (min(heights), max(heights)) == pytest.approx(tuple(100 * end for end in stats.wilson(0.0, 10)))


def test_the_short_table_says_what_chance_gives(results):
    board = results.leading()[0]
    assert any("Chance gives 0.1667." in note for note in all_tables(results)[board.table].notes)
