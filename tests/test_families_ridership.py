"""The family of Chicago's boardings: its suite, its printed values, and labels that tell its cases apart."""

from bench.cases.base import cases
from bench.recipe import changed
from bench.suite import read_suite

FAMILY = {name.partition("/")[2]: cases.get(name) for name in cases.names() if name.startswith("ridership/")}


def test_the_suite_has_all_cases_which_fit_their_tasks_and_are_told_apart():
    assert [case.name for case in read_suite("ridership").select()] == [case.name for case in FAMILY.values()]
    assert len(FAMILY) == len({case.label for case in FAMILY.values()}) == 15
    for case in FAMILY.values():
        assert case.supports(), case.name
        assert (case.task.rank, case.dataset.horizon) == ("mae", 14 if "14 days" in case.label else 1)


def test_each_network_has_the_chapters_recipe_and_a_printed_value_of_its_best_epoch():
    trained = {name: case for name, case in FAMILY.items() if case.recipe}
    common = changed(trained["day_linear"].recipe, {"learning_rate": 1.0})
    assert {changed(case.recipe, {"learning_rate": 1.0}) for case in trained.values()} == {common}
    assert {name for name, case in FAMILY.items() if case.published.values} == set(trained)
    printed = [case.published for case in trained.values()]
    assert {(p.split, p.weights, *p.values) for p in printed} == {("valid", "best", "mae")}
    assert trained["day_rnn_32"].published.values == {"mae": 29_014.97}
