"""What ranks is what a suite says: validation after the last epoch, or test at the epoch that validation chose."""

from dataclasses import replace

import pytest

from bench.frames.scores import Key
from bench.report.sections.grids import grid_cases
from bench.report.tables import all_tables
from bench.report.under import answer, parse_bounds
from tests.fakes import FakeNaive, fake_case, fake_plan, fake_record
from tests.section_fakes import lines, results_of

SEEDS = (42, 43, 44)
EARLY, LATE = (fake_case(f"fake/{name}", label=name) for name in ("early", "late"))
NAIVE = fake_case("fake/naive", label="naive", model=FakeNaive())


def results(rank):
    """Two networks: one is better on validation after the last epoch, the other on test at its best epoch."""
    records = [
        fake_record(case, seed, mse=mse * (1 + seed / 1000), test_factor=factor)
        for case, mse, factor in ((EARLY, 0.011, 0.5), (LATE, 0.010, 1.5))
        for seed in SEEDS
    ]
    return results_of(fake_plan([EARLY, LATE, NAIVE], [*records, fake_record(NAIVE, None, mse=0.02)], SEEDS, rank=rank))


@pytest.mark.parametrize(
    ("rank", "leader", "words", "column", "phrase"),
    [
        ("last", "late", "validation MSE after the last epoch", "valid MSE", "a validation MSE of 0.01043"),
        ("best", "early", "test MSE of the best epoch", "test MSE", "a test MSE of 0.00562"),
    ],
)
def test_a_suite_says_what_ranks(rank, leader, words, column, phrase):
    found = results(rank)
    board = found.tasks[0]
    assert (board.ranked[0].name, board.score_in_words) == (leader, words)
    assert (board.choosing, board.on_test) == (Key("mse", "valid", rank), Key("mse", "test", rank))
    tables = all_tables(found)
    table = tables[board.table]
    (cells,) = lines(table.body, leader)
    first, low, high = cells[column].replace("[", "").replace("]", "").replace(",", "").split()
    assert float(low) < float(first) < float(high), "the score that ranks has its interval"
    assert f"By {words}" in " ".join(" ".join(table.notes).split())
    assert phrase in answer(found, parse_bounds("parameters=2000"))


def test_a_recipe_is_chosen_on_validation_whatever_ranks():
    variant = replace(fake_case("fake/early, 0.1", label="early, 0.1"), variant_of=EARLY.name)
    records = [fake_record(EARLY, s, mse=0.010, test_factor=2.0) for s in SEEDS]
    records += [fake_record(variant, s, mse=0.011, test_factor=0.5) for s in SEEDS]
    board = results_of(fake_plan([EARLY, variant], records, SEEDS, rank="best")).tasks[0]
    assert board.ranked[0].case == variant.name, "on test the variant is better"
    (case,) = grid_cases(board)
    assert case.best.case == EARLY.name
    assert case.test == board.score
