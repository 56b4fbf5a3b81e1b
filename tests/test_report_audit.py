"""What is equal for all rows of a comparison and what is not, by hand."""

from dataclasses import replace

import pytest

from bench.recipe import Recipe
from bench.report.audit import cells, own_recipes, unequal
from bench.report.findings.leaders import leader
from bench.report.sections.differences import differences_table
from bench.report.shortlist import entries
from tests.fakes import FakeNaive, fake_case, fake_plan, fake_record
from tests.section_fakes import lines, results_of

SEEDS = (42, 43, 44)
A, B, C = (fake_case(f"fake/{name}", label=name, recipe=Recipe()) for name in "abc")
NAIVE = fake_case("fake/naive", label="naive", model=FakeNaive())


def audited(records, cases=(A, B, C, NAIVE), **more):
    """Return a leaderboard and the cells of its rows by name."""
    results = results_of(fake_plan([*cases], records, SEEDS, **more))
    board = results.leading()[0]
    rows = entries(board)
    return results, board, dict(zip([row.name for row in rows], cells(board, rows), strict=True))


def runs(case, mse, **told):
    return [fake_record(case, s, mse=mse * (1 + 0.01 * (s - 43))).model_copy(update=told) for s in SEEDS]


DATA = {"data_digest": "0123456789abcdef"}


def test_what_all_share_is_plain_and_what_one_has_for_itself_is_bold():
    records = runs(A, 0.01, **DATA, parameters=1000) + runs(B, 0.02, **DATA, parameters=1090)
    records += runs(C, 0.03, data_digest="f" * 16, parameters=1300, windows={"train": 7000, "valid": 2000, "test": 900})
    records += [fake_record(NAIVE, None, mse=0.3).model_copy(update=DATA)]
    _, _, found = audited(records)
    assert found["a"]["windows scored"] == found["naive"]["windows scored"] == "7,000 train, 2,000 valid, 1,000 test"
    assert found["c"]["windows scored"] == "**7,000 train, 2,000 valid, 900 test**"
    assert (found["a"]["data"], found["c"]["data"]) == ("`01234567`", "**`ffffffff`**")
    assert [found[name]["parameters"] for name in "abc"] == ["1,000", "1,090", "**1,300**"], "a tenth of the median"
    assert (found["naive"]["parameters"], found["naive"]["epoch"]) == ("–", "–")
    assert (found["a"]["input, steps"], found["a"]["epoch"], found["a"]["recipes tried"]) == (
        "50",
        "last of 20 epochs",
        "1",
    )
    assert unequal([*found.values()]) == ["windows scored", "data", "parameters"]


def test_draws_are_counted_and_one_other_draw_is_seen():
    def drawn(case, last):
        made = [
            fake_record(case, s, mse=0.01, data_seed=s).model_copy(update={"data_digest": f"{s:016x}"}) for s in SEEDS
        ]
        return [*made[:-1], made[-1].model_copy(update={"data_digest": last})]

    plan = fake_plan([A, B, C], [], SEEDS)
    records = [*drawn(A, "x" * 16), *drawn(B, "x" * 16), *drawn(C, "y" * 16)]
    board = results_of(replace(plan, records=records, specs=[r.spec for r in records])).leading()[0]
    found = dict(zip([row.name for row in board.ranked], cells(board, board.ranked), strict=True))
    assert found["a"]["data"] == found["b"]["data"] != found["c"]["data"].strip("*")
    assert found["a"]["data"].endswith("`, 3 draws")
    assert found["c"]["data"].startswith("**")


@pytest.mark.parametrize(
    ("changed", "with_its_recipe"),
    [(Recipe(), False), (Recipe(learning_rate=0.01), True), (Recipe(early_stopping_epochs=3), True)],
)
def test_a_leader_leads_with_its_recipe_where_recipes_differ(changed, with_its_recipe):
    other = replace(B, recipe=changed)
    results, board, found = audited([*runs(A, 0.01), *runs(other, 0.02)], (A, other))
    assert own_recipes(board, board.ranked) is with_its_recipe
    assert ("A with its recipe leads" in leader(board)) is with_its_recipe
    stops = changed.early_stopping_epochs is not None
    assert ("last of 20 epochs, patience 3" in found["b"]["epoch"]) is stops
    made = differences_table(results)
    assert made is not None
    assert lines(made[0], "a")[0]["epochs trained"] == "20"


def test_a_predictor_that_leads_has_no_recipe_of_its_own():
    other = replace(B, recipe=Recipe(learning_rate=0.01))
    naive = [fake_record(NAIVE, None, mse=0.003)]
    _, board, _ = audited([*runs(A, 0.01), *runs(other, 0.02), *naive], (A, other, NAIVE))
    said = leader(board)
    assert said.startswith("Naive leads")
    assert "Each network with its own recipe." in said
    assert "own recipe" not in leader(audited([*runs(A, 0.01), *runs(B, 0.02), *naive])[1]), "one recipe for all"


def test_a_leader_that_too_few_seeds_rank_has_its_recipe_too():
    other = replace(B, recipe=Recipe(learning_rate=0.01))
    scattered = [fake_record(A, s, mse=m) for s, m in zip(SEEDS, (0.01, 0.02, 0.04), strict=True)]
    _, board, _ = audited([*scattered, *[fake_record(other, s, mse=0.03) for s in SEEDS]], (A, other))
    assert "against a, which with its recipe has the best mean" in leader(board)


def test_one_search_for_all_is_equal_and_one_more_recipe_is_not():
    grid = [
        replace(
            each,
            name=f"{each.name}@x",
            label=f"{each.label}, x",
            variant_of=each.name,
            recipe=Recipe(learning_rate=0.01),
        )
        for each in (A, B)
    ]
    records = [*runs(A, 0.01), *runs(B, 0.03), *runs(grid[0], 0.02), *runs(grid[1], 0.02)]
    _, board, found = audited(records, (A, B, *grid))
    assert {name: own["recipes tried"] for name, own in found.items()} == {"a": "2", "b, x": "2"}
    assert not own_recipes(board, entries(board)), "validation chose each from the same two"
    _, board, found = audited([*records, *runs(C, 0.05)], (A, B, *grid, C))
    assert found["c"]["recipes tried"] == "**1**"
    assert own_recipes(board, entries(board))
