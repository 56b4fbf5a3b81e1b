"""One table of a suite that stands for a case a model, and folds of its data."""

import pytest

from bench.cases.base import component
from bench.errors import BenchError
from bench.models.base import models
from bench.plan import make_plan
from bench.suite import read_suite
from bench.suite.override import override
from tests.tables import usual

SUITE = """
name = "own"
seeds = {seeds}
data_seeds = {data_seeds}
backends = ["{backend}"]

[[cases]]
name = "sales"
models = {models}
recipe = {{ epochs = 3 }}
[cases.dataset]
name = "table"
"""


def suite_of(folder, *names, backend="tensorflow", seeds=(1, 2), data_seeds=(42,), more="", **changes):
    listed = ", ".join(f'"{name}"' for name in names)
    draws = f'"{data_seeds}"' if isinstance(data_seeds, str) else list(data_seeds)
    head = SUITE.format(models=f"[{listed}]", backend=backend, seeds=list(seeds), data_seeds=draws)
    text = "\n".join(f"{key} = {value!r}" for key, value in usual(**changes).items())
    (folder / "own.toml").write_text(f"{head}{text}\n{more}")
    return read_suite(str(folder / "own.toml"))


def test_a_model_that_is_named_twice_is_refused_and_one_that_a_glob_stands_for_is_not(tmp_path):
    with pytest.raises(BenchError, match="case 'sales': its models name gru twice; put one into a "):
        suite_of(tmp_path, "gru", "linear", "gru").select()
    assert len(suite_of(tmp_path, "gr*", "gru").select()) == 1


def test_a_star_stands_for_every_general_model_that_the_backend_runs(tmp_path):
    plan = make_plan(suite_of(tmp_path, "*"), [])
    general = {n for n in models.names() if models.get(n).general}
    on_torch = {n for n in general if getattr(models.get(n), "backends", ())}
    skipped = {skip.case.name: skip.reason for skip in plan.skips}
    named = {case.name.removeprefix("sales/") for case in plan.cases} | {n.removeprefix("sales/") for n in skipped}
    assert named == general - on_torch
    assert "sales/conv_gru" in skipped, "it forecasts at every step"
    assert {"naive", "seasonal_naive", "drift", "ridge", "linear", "gru"} <= {c.model.name for c in plan.cases}
    epochs = {case.recipe.epochs for case in plan.cases if case.recipe}
    assert epochs == {3}
    assert {case.label for case in plan.cases} >= {"seasonal naive", "gru"}
    assert on_torch <= {c.model.name for c in suite_of(tmp_path, "*", backend="torch").select()}


def test_a_name_is_taken_as_it_is_and_each_once(tmp_path):
    chosen = suite_of(tmp_path, "gru", "g*", "least_squares").select()
    assert [case.model.name for case in chosen] == ["gru", "gated_wavenet", "least_squares"]
    assert chosen[0].dataset == chosen[2].dataset
    assert component(chosen[0].model).params == {}


def test_a_command_chooses_among_crossed_cases(tmp_path):
    suite = suite_of(tmp_path, "*")
    some = override(suite, cases=["sales/gru", "naive"])
    assert {case.name for case in some.select()} == {"sales/naive", "sales/gru"}
    whole = {spec.case: spec.run_id for spec in make_plan(suite, []).specs}
    assert {spec.case: spec.run_id for spec in make_plan(some, []).specs}.items() <= whole.items()


def test_a_table_gives_a_model_its_size_and_its_label(tmp_path):
    (tmp_path / "own.toml").write_text(
        'name = "own"\nseeds = [1]\n[[cases]]\nname = "waves"\ndataset = "waves_next_step"\n'
        'models = ["lstm", { name = "tcn", label = "TCN", channels = [4, 4] }]\nrecipe = { epochs = 3 }\n'
    )
    suite = read_suite(str(tmp_path / "own.toml"))
    told = [(case.name, case.label, component(case.model).params) for case in suite.select()]
    assert told == [("waves/lstm", "lstm", {}), ("waves/tcn", "TCN", {"channels": [4, 4]})]
    (chosen,) = override(suite, cases=["waves/tcn"]).select()
    assert (chosen.label, chosen.model) == ("TCN", suite.select()[1].model)
    (tmp_path / "own.toml").write_text(
        'name = "own"\nseeds = [1]\ncases = [{ name = "a", dataset = "x", models = [{ name = "gru", label = 3 }] }]\n'
    )
    with pytest.raises(BenchError, match="a label is text of 1 to 300 characters"):
        read_suite(str(tmp_path / "own.toml"))


BAD = {
    "unknown model 'gruu'; did you mean gru": {"names": ["gruu"]},
    "unknown model 'iterated*'": {"names": ["iterated*"]},
    "dataset 'table' has no parameter 'horizn'; did you mean horizon?": {"names": ["gru"], "horizn": 3},
    "case 'sales/gru' is defined twice": {
        "names": ["gru"],
        "more": "[[cases]]\nname = 'sales/gru'\ndataset = 'waves_next_step'\nmodel = 'gru'\n",
    },
}


@pytest.mark.parametrize("line", BAD)
def test_what_is_wrong_is_a_line(tmp_path, line):
    given = dict(BAD[line])
    with pytest.raises(BenchError) as error:
        suite_of(tmp_path, *given.pop("names"), **given).select()
    assert line in str(error.value)


def test_a_misspelt_key_names_those_of_a_crossed_table(tmp_path):
    (tmp_path / "own.toml").write_text(
        'name = "own"\nseeds = [1]\n[[cases]]\nname = "a"\nmodels = ["*"]\ndataset = "x"\nrecipes = {}\n'
    )
    with pytest.raises(BenchError, match=r"unknown key 'cases\.0\.recipes'; did you mean recipe"):
        read_suite(str(tmp_path / "own.toml"))


def test_each_fold_is_drawn_once_and_n_is_their_number(tmp_path):
    specs = make_plan(suite_of(tmp_path, "gru", "naive", seeds=[5, 6, 7], data_seeds="seeds", folds=3), []).specs
    drawn = {name: [(s.data_seed, s.model_seed) for s in specs if s.model.name == name] for name in ("gru", "naive")}
    assert drawn == {"gru": [(5, 5), (6, 6), (7, 7)], "naive": [(5, None), (6, None), (7, None)]}
    with pytest.raises(BenchError, match=r'write data_seeds = "seeds" and seeds = \[1, 2, 3\]'):
        make_plan(suite_of(tmp_path, "gru", seeds=[1, 2, 3, 4], data_seeds="seeds", folds=3), [])
    with pytest.raises(BenchError, match="has 3 draws of its data, and n is their number"):
        make_plan(suite_of(tmp_path, "gru", seeds=[1, 2, 3], folds=3), [])
