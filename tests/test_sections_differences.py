"""What else differs, provenance, rivals, odd endings and short tables, each against numbers by hand."""

import math
import re
from dataclasses import replace

import pandas as pd
import pytest
from scipy import stats as scipy_stats

from bench import stats
from bench.recipe import Recipe
from bench.record import Weights
from bench.report.findings.leaders import leader
from bench.report.groups import NO_GROUP, bins
from bench.report.prose import opening
from bench.report.provenance import commits_of, origins
from bench.report.sections.differences import core_seconds, differences_table
from bench.report.sections.endings import endings_table
from bench.report.sections.provenance import provenance_table
from bench.report.sections.rivals import rivals_table
from bench.report.shortlist import MOST, entries, shortlist
from bench.report.tables import all_tables
from bench.text.markdown import anchor
from tests.fakes import FakeLeastSquares, FakeNaive, FakeStrings, fake_case, fake_plan, fake_record
from tests.section_fakes import lines, results_of

SEEDS = range(42, 52)
NAIVE = fake_case("fake/naive", label="naive", model=FakeNaive())
SQUARES = fake_case("fake/squares", label="least squares", model=FakeLeastSquares())


def scattered(case, centre, spread=0.05, **more):
    """Return ten runs whose logs lie symmetrically about that of the centre."""
    return [fake_record(case, seed, mse=centre * math.exp(spread * (seed - 46.5) / 4.5), **more) for seed in SEEDS]


def test_core_seconds_are_processor_time():
    case, other = fake_case("fake/a", label="a"), fake_case("fake/b", label="b")
    records = scattered(case, 0.01, windows_per_s=7_000, cpu_over_wall=0.5) + scattered(other, 0.02)
    results = results_of(fake_plan([case, other], records, SEEDS))
    (row, _) = results.rows
    assert core_seconds(row) == pytest.approx(20 * 0.5)
    made = differences_table(results)
    assert lines(made[0], "a")[0]["training a run, core-seconds"] == "10.0"
    assert lines(made[0], "a")[0]["receptive field, steps"] == "–"


def test_provenance_counts_runs_by_commit_environment_and_day():
    case = fake_case("fake/a", label="a")
    records = scattered(case, 0.01)
    for i in (0, 1, 2):
        told = {"git_commit": "feedbeef0000+", "started_at": "2026-01-03T00:00:00Z", "ended_at": "2026-01-03T00:01:00Z"}
        records[i] = records[i].model_copy(update={"provenance": records[i].provenance.model_copy(update=told)})
    results = results_of(fake_plan([case], records, SEEDS))
    assert commits_of(results) == ["0123456789abcdef", "feedbeef0000+"]
    assert origins(results)[["git_commit", "day", "n"]].to_numpy().tolist() == [
        ["0123456789abcdef", "2026-01-02", 7], ["feedbeef0000+", "2026-01-03", 3],
    ]  # fmt: skip
    body, notes = provenance_table(results)
    assert lines(body, "`feedbeef0000+`")[0]["number"] == "3"
    assert "was changed" in notes[0]
    results.about["command"] = "make bench"
    tables = all_tables(results)
    assert opening(results, tables)[0] == (
        "**Made from 2 commits, and from a changed tree** (`0123456789abcdef`, `feedbeef0000+`; "
        f"[the table of provenance says what is of which](#{anchor(tables['provenance'].heading)}))."
    )


def test_an_undecided_rival_stands_with_the_seeds_that_decide_at_the_level_of_the_table():
    first, second, far = (fake_case(f"fake/{name}", label=name) for name in ("first", "second", "far"))
    records = [*scattered(first, 0.0100, 0.3), *scattered(second, 0.0108, 0.3), *scattered(far, 0.1, 0.3)]
    results = results_of(fake_plan([first, second, far], records, SEEDS))
    body, _ = rivals_table(results)
    assert not lines(body, "far")
    (line,) = lines(body, "second")
    assert (line["leader"], line["verdict"]) == ("first", "undecided \\*")
    board = results.leading()[0]
    samples = [board.rows[i].sample(board.score) for i in (1, 0)]
    needed = stats.seeds_to_decide(*samples, results.region, level=board.judge.level)
    assert line["seeds of each that decide"].replace(",", "") == str(needed)
    assert isinstance(needed, int)
    assert needed > len(SEEDS), "as many seeds as there are leave it undecided"


def test_where_every_verdict_is_known_there_are_no_rivals():
    cases = [fake_case(f"fake/{name}", label=name) for name in "ab"]
    records = [*scattered(cases[0], 0.01), *scattered(cases[1], 0.1)]
    assert rivals_table(results_of(fake_plan(cases, records, SEEDS))) is None


def test_odd_seeds_are_named_by_what_is_odd():
    case, label = fake_case("fake/a", label="a"), fake_case("fake/gru", task="reber", label="gru")
    records = [fake_record(case, s, mse=0.2 if s == 44 else 0.01) for s in SEEDS]
    records += [fake_record(label, s, accuracy=0.99, accuracy_outer_only=0.01 if s < 45 else 0.98) for s in SEEDS]
    body, _ = endings_table(results_of(fake_plan([case, label], records, SEEDS)))
    assert [line["what"] for line in lines(body, "a")] == ["stuck"]
    assert lines(body, "a")[0]["seed"] == "seed 44"
    assert [line["seed"] for line in lines(body, "gru")] == ["seed 42", "seed 43", "seed 44"]
    assert {line["what"] for line in lines(body, "gru")} == {"fails on outer only"}


@pytest.mark.parametrize("rank", ["last", "best"])
@pytest.mark.parametrize("outer", [0.03, 0.5, 0.93])
def test_the_leaders_sentence_counts_the_seeds_that_the_table_of_endings_names(outer: float, rank: Weights) -> None:
    """Whatever siblings do, and with the weights that rank: those of the other weights are all right here."""
    label, records = fake_case("fake/gru", task="reber", label="gru"), []
    for seed in SEEDS:
        made = fake_record(label, seed, accuracy=0.99, accuracy_outer_only=0.98)
        low = [s._replace(value=outer) if s.split == "outer_only" and s.weights == rank else s for s in made.scores]
        records.append(made.model_copy(update={"scores": tuple(low) if seed < 45 else made.scores}))
    results = results_of(fake_plan([label], records, SEEDS, rank=rank))
    assert any(s.split == "outer_only" and s.weights == rank for s in records[0].scores)
    found = endings_table(results)
    named = [line["seed"] for line in lines(found[0], "gru")] if found else []
    assert named == ["seed 42", "seed 43", "seed 44"] * (outer < 0.6)
    assert ("3 of 10 seeds fail test *outer only*" in leader(results.leading()[0])) is bool(named)


def test_a_short_table_has_ten_rows_and_keeps_baseline_and_best_predictor():
    cases = [fake_case(f"fake/{i}", label=f"net {i}") for i in range(14)]
    records = [record for i, case in enumerate(cases) for record in scattered(case, 0.01 * 1.5**i)]
    records += [fake_record(NAIVE, None, mse=50.0), fake_record(SQUARES, None, mse=10.0)]
    results = results_of(fake_plan([*cases, NAIVE, SQUARES], records, SEEDS))
    (board,) = results.leading()
    names = [row.name for row in shortlist(board)]
    assert names == [*(f"net {i}" for i in range(MOST - 2)), "least squares", "naive"]
    short = all_tables(results)[board.table]
    assert len(short.body.splitlines()) == MOST + 2
    assert lines(short.body, "naive")[0]["rank"] == "16"
    assert "6 more rows below" in short.notes[0]


def test_of_a_model_s_recipes_validation_chooses_the_one_that_stands_for_it():
    """Test would choose the other; and where both are always right, the loss on validation chooses."""
    base = fake_case("fake/a", label="a", recipe=Recipe())
    other = replace(base, name="fake/a@x", label="a, x", recipe=Recipe(learning_rate=0.01), variant_of=base.name)
    records = [*scattered(base, 0.010, test_factor=3.0), *scattered(other, 0.011, test_factor=1.0)]
    results = results_of(fake_plan([base, other], records, SEEDS, rank="best"))
    board = results.leading()[0]
    assert [row.name for row in board.ranked] == ["a, x", "a"], "by test"
    assert [row.name for row in entries(board)] == ["a"]
    base, other = (replace(each, dataset=FakeStrings(asks="reber")) for each in (base, other))
    records = [
        fake_record(each, s, accuracy=1.0, cross_entropy=loss)
        for each, loss in ((base, 0.1), (other, 0.01))
        for s in SEEDS
    ]
    results = results_of(fake_plan([base, other], records, SEEDS, rank="best"))
    assert [row.name for row in entries(results.leading()[0])] == ["a, x"]


def test_a_faulty_variant_ranks_nowhere_and_its_verdicts_are_not_corrected_for():
    fair = [fake_case(f"fake/{name}", label=name) for name in "ab"]
    faulty = replace(fake_case("fake/c", label="c"), faulty=True)
    records = [r for case, mse in zip((*fair, faulty), (0.01, 0.02, 0.001), strict=True) for r in scattered(case, mse)]
    both, without = (
        results_of(fake_plan(cases, [r for r in records if r.spec.case in {c.name for c in cases}], SEEDS))
        for cases in ((*fair, faulty), fair)
    )
    assert [row.name for row in both.tasks[0].rows] == ["a", "b"]
    assert "c" in {row.name for row in both.rows}
    assert both.tasks[0].contrasts["b"] == without.tasks[0].contrasts["b"]
    alone = results_of(fake_plan([faulty], scattered(faulty, 0.01), SEEDS))
    assert [row.name for row in alone.tasks[0].rows] == ["c"], "where nothing else is, it stands"


def test_neighbours_are_joined_until_a_line_rests_on_fifty_windows():
    windows = pd.Series({NO_GROUP: 3.0, 1: 20.0, 2: 29.0, 3: 1.0, 4: 60.0, 5: 10.0})
    assert bins(windows) == [[NO_GROUP], [1, 2, 3], [4, 5]]
    assert bins(pd.Series({1: math.nan, 2: math.nan})) == [[1], [2]]
    assert bins(pd.Series({1: 5.0})) == [[1]]


@pytest.mark.parametrize(("seen", "of"), [(0, 2), (13, 20), (20, 20), (1, 1000)])
def test_a_share_has_wilson_s_interval(seen, of):
    known = scipy_stats.binomtest(seen, of).proportion_ci(0.95, "wilson")
    assert stats.wilson(seen / of, of) == pytest.approx((known.low, known.high), abs=1e-12)


def test_two_letters_of_the_report_never_call_an_open_question_a_difference():
    case, other = fake_case("fake/a", label="a"), fake_case("fake/b", label="b")
    results = results_of(fake_plan([case, other], scattered(case, 0.01, 1.0) + scattered(other, 0.0101, 1.0), SEEDS))
    text = "\n".join(table.body + "\n".join(table.notes) for table in all_tables(results).values())
    assert not re.search(r"told apart|cannot tell", text)
