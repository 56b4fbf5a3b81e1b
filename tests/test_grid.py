"""Recipe grids: variants of cases, their names and what selects them."""

import pytest

from bench.cases.base import cases
from bench.cases.variants import variants
from bench.errors import BenchError
from bench.plan import expand
from bench.recipe import RecipeGrid
from bench.stale import find_stale
from bench.suite import Suite, override
from tests.fakes import fake_record

GRU = "chapter15/seq2seq_gru"


def suite(**changes):
    base = {
        "name": "s",
        "cases": [GRU, "chapter15/naive_every_step"],
        "seeds": [1],
        "grid": {"learning_rate": [0.001, 0.01]},
    }
    return Suite.model_validate(base | changes)


def names(chosen):
    return [case.name for case in chosen.select()]


def test_the_own_recipe_keeps_the_case_and_the_others_are_variants_of_it():
    own, other, naive = suite().select()
    assert own == cases.get(GRU)
    assert naive == cases.get("chapter15/naive_every_step")
    assert (other.name, other.label) == (f"{GRU}@learning_rate=0.01", "GRU, learning rate 0.01")
    assert other.recipe == own.recipe.model_copy(update={"learning_rate": 0.01})
    assert (other.variant_of, own.variant_of, naive.variant_of) == (GRU, "", "")
    assert (other.model, other.dataset) == (own.model, own.dataset)
    assert own.published.values
    assert own.errata
    assert (other.published.values, other.published.source, other.errata) == ({}, "", ())


def test_the_own_recipe_shares_its_runs_with_suites_that_have_no_grid():
    plain, grid = suite(grid={}), suite()
    mine, theirs = ({s.run_id for s in expand(s, s.select())} for s in (grid, plain))
    assert theirs < mine
    assert len(mine) == 3


def test_a_grid_of_two_keys_names_what_differs_in_one_order():
    one = suite(grid={"epochs": [5, 20], "learning_rate": [1e-05, 0.001]})
    assert names(one)[:4] == [
        f"{GRU}@learning_rate=1e-05@epochs=5", f"{GRU}@learning_rate=1e-05", f"{GRU}@epochs=5", GRU,
    ]  # fmt: skip
    assert one.select()[0].label == "GRU, learning rate 1e-05, epochs 5"


def test_the_own_recipe_is_the_one_after_the_suites_override():
    overridden = suite(recipe={"epochs": 3, "learning_rate": None}, grid={"learning_rate": [0.001, 0.01]})
    own, other = overridden.select()[:2]
    assert (own.name, own.recipe.epochs, own.variant_of) == (GRU, 3, "")
    assert (other.name, other.recipe.epochs) == (f"{GRU}@learning_rate=0.01", 3)


def test_a_grid_without_the_own_value_has_variants_only():
    assert names(suite(grid={"learning_rate": [0.5, 2]})) == [
        f"{GRU}@learning_rate=0.5", f"{GRU}@learning_rate=2", "chapter15/naive_every_step",
    ]  # fmt: skip


def test_values_that_differ_little_have_names_that_differ():
    close = [0.1, 0.1000000001]
    found = variants(cases.get(GRU), RecipeGrid(learning_rate=close))
    assert [float(c.name.partition("=")[2]) for c in found] == close


def test_a_name_is_safe_in_a_table_and_on_a_command_line():
    many = suite(grid={"learning_rate": [0.3], "loss": ["mae", "huber"], "early_stopping_epochs": [3]})
    for case in many.select():
        assert not set("|`\\,*?[]'\" ") & set(case.name)


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ([GRU], [GRU, f"{GRU}@learning_rate=0.01"]),
        (["seq2seq_gru"], [GRU, f"{GRU}@learning_rate=0.01"]),
        (["*gru"], [GRU, f"{GRU}@learning_rate=0.01"]),
        (["naive*"], ["chapter15/naive_every_step"]),
        ([f"{GRU}@learning_rate=0.01"], [f"{GRU}@learning_rate=0.01"]),
        (["seq2seq_gru@learning_rate=0.01"], [f"{GRU}@learning_rate=0.01"]),
        (["*@learning_rate=0.01", "naive*"], [f"{GRU}@learning_rate=0.01", "chapter15/naive_every_step"]),
    ],
)
def test_a_command_chooses_a_case_with_its_variants_or_one_variant(patterns, expected):
    whole = suite()
    chosen = override(whole, cases=patterns)
    assert names(chosen) == expected
    assert chosen.digest != whole.digest
    assert override(whole, cases=names(chosen)) == chosen, "the names that a command prints choose the same"
    assert {s.run_id for s in expand(chosen, chosen.select())} < {s.run_id for s in expand(whole, whole.select())}


def test_choosing_all_changes_nothing_and_choosing_twice_narrows():
    whole = suite()
    assert override(whole, cases=["*"]) == whole
    few = override(whole, cases=["*@learning_rate=0.01", "naive*"])
    assert names(override(few, cases=["*gru*"])) == [f"{GRU}@learning_rate=0.01"]
    with pytest.raises(BenchError, match=r"unknown case 'seq2seq_gru@learning_rate=0.02'; did you mean"):
        override(whole, cases=["seq2seq_gru@learning_rate=0.02"])


def test_a_case_in_place_has_variants_too():
    table = {"name": "mine", "dataset": "waves_next_step", "model": "linear"}
    whole = suite(cases=[table, "chapter15/linear"])
    assert names(whole)[:2] == ["mine", "mine@learning_rate=0.01"]
    assert names(override(whole, cases=["mine@*"])) == ["mine@learning_rate=0.01"]
    with pytest.raises(BenchError, match=r"two cases are called 'mine@learning_rate=0.01'; rename one"):
        suite(
            cases=[table, table | {"name": "mine@learning_rate=0.01"}], grid={"learning_rate": [0.001, 0.01]}
        ).select()


def test_epochs_of_a_command_and_of_a_grid_do_not_meet():
    assert {c.recipe.epochs for c in override(suite(), epochs=2).select() if c.recipe} == {2}
    with pytest.raises(BenchError, match="compares numbers of epochs in its grid; leave --epochs out"):
        override(suite(grid={"epochs": [1, 2]}), epochs=2)


def test_a_variants_stale_record_is_found_and_is_no_other_variants():
    then, now = suite(), suite(recipe={"epochs": 2})
    old, new = expand(then, then.select()), expand(now, now.select())
    record = fake_record(GRU, 1)
    records = [record.model_copy(update={"spec": spec, "run_id": spec.run_id}) for spec in old[:2]]
    stale = find_stale(new[:2], records)
    assert [(s.spec.case, s.changes) for s in stale] == [(s.case, ("recipe.epochs: 20 -> 2",)) for s in old[:2]]
    assert find_stale(new[1:2], records[:1]) == []
