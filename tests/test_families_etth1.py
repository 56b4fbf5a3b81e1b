"""The family of ETTh1: its sizes, its printed values, and dropped windows."""

import numpy as np
import pytest

from bench.cases.base import cases, component
from bench.cases.printed import not_run
from bench.datasets.base import datasets
from bench.suite import read_suite
from tests.tables import usual

FAMILY = {name.partition("/")[2]: cases.get(name) for name in cases.names() if name.startswith("etth1/")}


def test_test_windows_in_whole_batches_are_the_first_ones_and_leave_the_rest_alone():
    table = datasets.get("table")
    whole = table(**usual(horizon=3)).load(1)
    count = len(whole.test.x)
    cut = table(**usual(horizon=3), test_batch=count - 1).load(1)
    assert (len(cut.test.x), len(cut.valid.x), len(cut.train.x)) == (count - 1, len(whole.valid.x), len(whole.train.x))
    np.testing.assert_array_equal(np.asarray(cut.test.x), np.asarray(whole.test.x)[:-1])
    assert len(cut.test.series) == count - 1
    assert len(table(**usual(horizon=3), test_batch=count - 1).facts(1).first) == count - 1, "slices are of the same"
    with pytest.raises(Exception, match="lower test_batch"):
        table(**usual(horizon=3), test_batch=count + 1).load(1)


def test_a_table_that_scores_all_windows_has_the_id_that_it_had():
    table = datasets.get("table")
    assert "test_batch" not in component(table(**usual(horizon=3))).params


def test_each_size_has_the_linear_models_and_the_suite_leaves_out_what_says_why():
    sizes = {f"{steps}_to_{horizon}" for steps in (96, 336) for horizon in (96, 720)}
    linear = ("naive", "seasonal_naive", "least_squares", "d_linear", "n_linear")
    for name in (f"{model}_{size}" for model in linear for size in sizes):
        task, (steps, horizon) = FAMILY[name].task, name.split("_")[-3::2]
        assert (task.input_length, task.horizon) == (int(steps), int(horizon))
    for case in FAMILY.values():
        assert case.supports(), case.name
        assert (len(case.task.targets), case.dataset.units, len(case.dataset.sha256)) == (7, "scaled", 64)
    assert len({case.label for case in FAMILY.values()}) == len(FAMILY)
    chosen = {case.name for case in read_suite("etth1").select()}
    assert chosen == {case.name for case in FAMILY.values() if not case.published.why_not}


def test_faults_have_a_corrected_case_each_and_printed_values_are_of_test():
    variants = {(each.number, each.variant) for case in FAMILY.values() for each in case.errata}
    assert variants == {(number, variant) for number in (1, 2, 3, 4) for variant in ("as printed", "corrected")}
    printed = {name: case.published for name, case in FAMILY.items() if case.published.values}
    assert printed["d_linear_96_to_96_slow"].values == {"mse": 0.386, "mae": 0.4}
    assert printed["n_linear_336_to_720"].values == {"mse": 0.44, "mae": 0.453}
    assert {(p.split, p.weights) for p in printed.values()} == {("test", "best")}
    rows = not_run.get("etth1")
    assert len(rows) == 18 + 3 * 2 * 2 + 2 + 1, "networks not here, look-backs of PatchTST, TiDE, TSMixer"
    assert [row.model for row in rows if row.value is None] == ["TSMixer"]
    for row in rows:
        horizon, _, steps = row.task.partition(" ahead from ")
        floor = FAMILY.get(f"least_squares_{steps}_to_{horizon}")
        assert row.like == (floor.name if floor else ""), "beside least squares on the same windows, where it is fitted"
    own = {(row.model, row.task, row.metric): row.value for row in rows if "its own paper" in row.why}
    assert own["TiDE", "96 ahead from 720", "MSE"] == own["PatchTST/42", "96 ahead from 336", "MSE"] == 0.375
    assert all(case.model.scaled for name, case in FAMILY.items() if hasattr(case.model, "scaled"))


def test_the_forecasting_suite_has_the_windows_of_the_family_and_one_recipe_and_search_for_all():
    suite = read_suite("forecasting")
    made = suite.select()
    assert {case.task.input_length for case in made} == {96, 336}
    for case in made:
        assert case.dataset == FAMILY[f"naive_{case.task.input_length}_to_96"].dataset
        assert case.supports(), case.name
        assert getattr(case.model, "scaled", True), "windows are scaled, as the authors' scripts do"
    trained = [case for case in made if case.model.trained]
    assert len({case.recipe.model_copy(update={"learning_rate": 0.1}) for case in trained}) == 1
    tried = {}
    for case in trained:
        tried.setdefault((case.model.name, case.task.input_length), set()).add(case.recipe.learning_rate)
    assert {frozenset(rates) for rates in tried.values()} == {frozenset({0.001, 0.005, 0.025})}
    assert {"d_linear", "n_beats", "i_transformer"} <= {model for model, _ in tried}
