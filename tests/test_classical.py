"""Forecasts by statsforecast and scikit-learn, held to these libraries called directly and to recursions by hand."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from bench.cases.base import make_dataset, make_model
from bench.datasets.loaded import load
from bench.errors import BenchError
from bench.models.base import models
from bench.models.boosted import BoostedLags
from bench.models.classical import AutoARIMA, AutoETS, AutoTheta, Classical, smoothing_maps
from bench.models.series import stretches
from bench.plan import make_plan
from bench.task import Split, Splits, TargetKind, Task
from tests.fakes import fake_record
from tests.tables import dates, three_series, usual, write
from tests.test_crossed import suite_of
from tests.views import LAST, ROWS, copied, splits_of_views

NEEDY = [name for name in models.names() if models.get(name).module]
STATSFORECAST = pytest.mark.skipif(not AutoETS.installed(), reason=AutoETS.installed().reason)
SKLEARN = pytest.mark.skipif(not BoostedLags.installed(), reason=BoostedLags.installed().reason)
FLAT = Task("flat", TargetKind.LAST_STEP, 12, horizon=3)


def walk(steps=200, seed=3, level=40.0):
    """A level that wanders, seen through noise: what simple exponential smoothing is for."""
    rng = np.random.default_rng(seed)
    return level + np.cumsum(rng.normal(0, 0.4, steps)) + rng.normal(0, 1, steps)


def one_window(values, task=FLAT):
    """A split whose one window is a whole series."""
    return Split(task, values.astype(np.float32)[np.newaxis, :, np.newaxis], np.zeros((1, task.horizon), np.float32))


def cut(values, starts, task=FLAT):
    steps = np.arange(task.input_length + task.horizon)
    rows = values.astype(np.float32)[np.asarray(starts)[:, np.newaxis] + steps]
    return Split(task, rows[:, : task.input_length, np.newaxis], rows[:, task.input_length :])


def test_series_are_put_together_again_from_training_windows():
    train = splits_of_views(LAST).train
    task = replace(LAST, feature_names=("b", "a", "c"))
    first, second = stretches(train, task, 5, 1000)
    np.testing.assert_array_equal(first, ROWS[0:29][:, [1, 0]])
    np.testing.assert_array_equal(second, ROWS[45:74][:, [1, 0]])
    (only,) = stretches(train, task, 1, 4)
    np.testing.assert_array_equal(only, ROWS[25:29][:, [1, 0]])
    apart = stretches(copied(train), task, 3, 5)
    np.testing.assert_array_equal(apart, np.stack([ROWS[at + 1 : at + 6][:, [1, 0]] for at in range(3)]))


@pytest.mark.parametrize("name", NEEDY)
def test_without_its_library_a_case_is_skipped_with_the_command_that_brings_it(name, tmp_path, monkeypatch):
    suite = suite_of(tmp_path, name, "naive")
    monkeypatch.setattr("bench.models.base.is_there", lambda module: True)
    (spec,) = [spec for spec in make_plan(suite, []).specs if spec.model.name == name]
    monkeypatch.setattr("bench.models.base.is_there", lambda module: False)
    monkeypatch.setattr("sys.version_info", (3, 12, 0, "final", 0))
    plan = make_plan(suite, [])
    assert [case.model.name for case in plan.cases] == ["naive"]
    (skip,) = plan.skips
    assert skip.case.name == f"sales/{name}"
    assert f"model '{name}' needs {models.get(name).module}, which is not installed; install it: " in skip.reason
    assert "classical" in skip.reason
    recorded = fake_record("fake/naive", 0).model_copy(update={"spec": spec, "run_id": spec.run_id})
    assert {case.model.name for case in make_plan(suite, [recorded]).cases} == {"naive", name}
    model = make_model(name, {})
    with pytest.raises(BenchError, match=r"needs \w+, which is not installed"):
        model.fit(cut(walk(), range(9)), FLAT)


@pytest.mark.parametrize("name", NEEDY)
def test_the_library_that_it_needs_is_among_those_that_its_record_tells(name):
    plugin = models.get(name)
    assert {"sklearn": "scikit-learn"}.get(plugin.module, plugin.module) in plugin.libraries
    if plugin.installed():
        assert list(plugin.library_versions()) == list(plugin.libraries)


def test_a_python_without_wheels_is_told_so(monkeypatch):
    monkeypatch.setattr("bench.models.base.is_there", lambda module: False)
    monkeypatch.setattr("sys.version_info", (3, 13, 0, "final", 0))
    assert "not to be had for Python 3.13 beside this pandas and scipy" in AutoETS.installed().reason
    monkeypatch.setattr("sys.version_info", (3, 12, 9, "final", 0))
    assert "install it: " in AutoETS.installed().reason


def test_windows_that_tell_no_season_are_refused():
    class Some(Classical):
        pass

    assert "two seasons, 14 steps or more; task 'flat' has 12" in Some().supports(replace(FLAT, season=7)).reason
    assert "6 steps or more; task 'flat' has 5" in Some().supports(replace(FLAT, input_length=5)).reason
    assert (
        "has none called 'd'"
        in BoostedLags()
        .supports(replace(FLAT, features=2, feature_names=("a", "b"), targets=tuple(map(replace_name, "ad"))))
        .reason
    )


def replace_name(name):
    return replace(FLAT.targets[0], name=name)


def test_simple_exponential_smoothing_is_its_recursion_from_the_best_level():
    """The first level by hand: the errors are those from 0 plus a share of it that falls by 1 - alpha a step."""
    alpha, window = 0.3, walk(12)
    errors, level = [], 0.0
    for value in window:
        errors.append(value - level)
        level += alpha * errors[-1]
    falls = 0.7 ** np.arange(13)
    first = np.dot(errors, falls[:12]) / np.dot(falls[:12], falls[:12])
    nan = np.nan
    made = window @ smoothing_maps("ANNN", np.array([alpha, nan, nan, nan]), 1, 12, 3)[1]
    np.testing.assert_allclose(made, np.full(3, level + first * falls[12]), rtol=1e-12)


@pytest.mark.parametrize(("form", "phi"), [("AANN", 1.0), ("AAND", 0.9)])
def test_a_line_is_continued_and_a_damped_one_bends(form, phi):
    """What the model itself makes without errors is forecast without any."""
    level, slope, steps = 5.0, 2.0, []
    for _ in range(15):
        slope *= phi
        level += slope
        steps.append(level)
    made = np.array(steps[:12]) @ smoothing_maps(form, np.array([0.4, 0.2, np.nan, phi]), 1, 12, 3)[1]
    np.testing.assert_allclose(made, steps[12:], rtol=1e-9)


@STATSFORECAST
@pytest.mark.parametrize("form", ["ANAN", "AAAN", "AAAD"])
def test_exponential_smoothing_is_the_library_s_and_its_first_states_the_best(form):
    """The library forecasts the same from these states, and from none beside them with less error in the window."""
    from statsforecast.ets import ets_f, forecast_ets

    window = 3 * np.sin(np.arange(40) * 2 * np.pi / 5) + walk(40) - 40
    phi = 0.9 if form[3] == "D" else np.nan
    parameters = np.array([0.3, 0.05 if form[1] == "A" else np.nan, 0.1, phi])
    states, made = (window @ each for each in smoothing_maps(form, parameters, 5, 40, 7))
    fitted = ets_f(window, 5, model=form[:3], damped=form[3] == "D")

    def begun(at):
        return ets_f(window, 5, model=fitted | {"par": np.concatenate([parameters, at])})

    alike = 1 if form[3] == "D" else 7  # the library's damping counts phi twice at the second step; see the line above
    np.testing.assert_allclose(made[:alike], forecast_ets(begun(states), h=7)["mean"][:alike], rtol=1e-9)
    least = np.sum(begun(states)["residuals"] ** 2)
    for seed in range(5):
        aside = np.random.default_rng(seed).normal(0, 0.01, len(states))
        assert least <= np.sum(begun(states + aside)["residuals"] ** 2) + 1e-9


@STATSFORECAST
def test_form_and_parameters_are_those_of_a_fit_to_training():
    from statsforecast.models import AutoETS as Fitting

    values = walk().astype(np.float32).astype(np.float64)
    mean = values[:150].mean()
    fitted = Fitting(season_length=1).fit(values[:150] - mean).model_
    test = cut(values, range(150, 180, 7))
    matrix = smoothing_maps(fitted["components"], fitted["par"], 1, 12, 3)[1]
    wanted = (test.x[:, :, 0].astype(np.float64) - mean) @ matrix + mean
    np.testing.assert_allclose(AutoETS().fit(one_window(values[:150]), FLAT)(test.x), wanted, rtol=1e-9)


@STATSFORECAST
def test_theta_without_a_season_is_that_of_the_library_with_the_parameters_of_training():
    from statsforecast.models import AutoTheta as Fitting
    from statsforecast.theta import auto_theta, forecast_theta

    values = walk().astype(np.float32).astype(np.float64)
    mean = values[:150].mean()
    fitted = Fitting(season_length=1).fit(values[:150] - mean).model_
    test, kind = cut(values, range(150, 180, 7)), fitted["modeltype"]
    parameters = {"alpha": fitted["par"]["alpha"], "theta": fitted["par"]["theta"]}
    past = test.x[:, :, 0].astype(np.float64) - mean
    wanted = [forecast_theta(auto_theta(each, 1, model=kind, **parameters), 3)["mean"] + mean for each in past]
    np.testing.assert_allclose(AutoTheta().fit(one_window(values[:150]), FLAT)(test.x), wanted, rtol=1e-9)


@STATSFORECAST
def test_a_season_alone_is_continued_and_so_is_a_constant():
    """The decomposition takes all of a pure season, wherever in it a window begins."""
    task = replace(FLAT, season=5, horizon=7)
    season = np.tile([0.0, 3.0, -1.0, 2.0, -4.0], 30)
    train = one_window(season[:100] + np.random.default_rng(0).normal(0, 0.01, 100), task)
    test = cut(season + 20, range(100, 110), task)
    np.testing.assert_allclose(AutoTheta().fit(train, task)(test.x), test.y, atol=1e-5)
    level = cut(np.full(40, 8.0), [0, 5], task)
    np.testing.assert_array_equal(AutoETS().fit(level, task)(level.x), level.y)
    np.testing.assert_array_equal(AutoTheta().fit(train, task)(level.x), level.y)


@STATSFORECAST
def test_arima_goes_on_from_a_window_with_the_coefficients_of_training():
    from statsforecast.models import AutoARIMA as Fitting

    rng, values = np.random.default_rng(4), [0.0]
    for noise in rng.normal(0, 1, 160):
        values.append(0.8 * values[-1] + noise)
    values = np.array(values, np.float32).astype(np.float64)
    bounded = {"max_p": 1, "max_q": 1, "max_P": 1, "max_Q": 1, "approximation": True}
    mean = values[:120].mean()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        direct = Fitting(season_length=1, **bounded).fit(values[:120] - mean)
    test = cut(values, range(120, 140, 7))
    wanted = [direct.forward(each - mean, 3)["mean"] + mean for each in test.x[:, :, 0].astype(np.float64)]
    made = AutoARIMA(most_order=1).fit(one_window(values[:120]), FLAT)(test.x)
    np.testing.assert_allclose(made, wanted, rtol=1e-9)
    assert not np.allclose(made[:, 0], made[:, 1]), "it goes back to the mean"


@STATSFORECAST
def test_of_the_fits_to_several_series_validation_chooses():
    """One series rises, the other jumps about a level: windows of either are best continued by its own fit."""
    calm = np.random.default_rng(1).normal(0, 1, 200)
    wild = np.arange(200) + calm / 10
    path = write("two", day=np.tile(dates(200), 2), shop=np.repeat(["a", "b"], 200), units=np.append(calm, wild))
    given = {"path": path, "id": "shop", "season": 1, "scale": "none"}
    whole = load(make_dataset("table", usual(**given)), 0).splits
    alone = {}
    for shop, values in (("a", calm), ("b", wild)):
        one = write(f"two_{shop}", day=dates(200), units=values)
        alone[shop] = load(make_dataset("table", usual(path=one, season=1, scale="none")), 0).splits
        fits = AutoETS().fit(alone[shop].train, whole.valid.task)
        chosen = AutoETS().fit_choosing(whole.train, alone[shop].valid, whole.valid.task)
        np.testing.assert_allclose(chosen(alone[shop].test.x[:]), fits(alone[shop].test.x[:]), rtol=1e-6)


@SKLEARN
def test_boosted_lags_are_trees_on_differences_from_the_last_value_and_the_step():
    from sklearn.ensemble import HistGradientBoostingRegressor

    values = walk(120)
    train, valid, test = (cut(values, range(*span)) for span in ((0, 60), (65, 80), (85, 100)))

    def rows(split):
        x, y = split.x[:, :, 0].astype(np.float64), split.y.astype(np.float64)
        made = [(*(x[w] - x[w, -1]), step, y[w, step - 1] - x[w, -1]) for w in range(len(x)) for step in (1, 2, 3)]
        return np.array(made)[:, :-1], np.array(made)[:, -1]

    trees = HistGradientBoostingRegressor(max_iter=8, early_stopping=True, random_state=0)
    trees.fit(*rows(train), X_val=rows(valid)[0], y_val=rows(valid)[1])
    wanted = trees.predict(rows(test)[0]).reshape(-1, 3) + test.x[:, -1]
    model = BoostedLags(rounds=8)
    np.testing.assert_allclose(model.fit_choosing(train, valid, FLAT)(test.x), wanted, rtol=1e-9)
    assert not np.allclose(BoostedLags(rounds=8, most_windows=10).fit(train, FLAT)(test.x), wanted, rtol=1e-3)


@pytest.mark.parametrize("name", NEEDY)
def test_what_stands_in_the_test_part_changes_no_fit(name):
    """The leak test of predictors: three series, whose test part is made another; the fits forecast as before."""
    model = make_model(name, {"boosted_lags": {"rounds": 5}}.get(name, {"most_steps": 60}))
    if not model.installed():
        pytest.skip(model.installed().reason)
    data = make_dataset("table", usual(path=three_series(), id="shop", scale="series"))
    known = load(data, 0).splits
    rows = known.train.x.rows.copy()
    seen = known.train.x.marks | known.train.y.marks | known.valid.x.marks | known.valid.y.marks
    rows[~seen] = 1e3 * np.random.default_rng(0).normal(size=rows[~seen].shape)
    assert (~seen).sum() > 20
    other = Splits(
        *(
            replace(s, x=replace(s.x, rows=rows), y=replace(s.y, rows=rows[:, 0]))
            for s in (known.train, known.valid, known.test)
        )
    )
    task, x = known.valid.task, known.valid.x[:5]
    one, two = (model.fit_choosing(splits.train, splits.valid, task) for splits in (known, other))
    np.testing.assert_array_equal(one(x), two(x))
    np.testing.assert_array_equal(one(x)[2], one(x[2:3])[0], "a forecast follows from its own window")
