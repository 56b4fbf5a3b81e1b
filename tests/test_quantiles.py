"""Quantiles of a task: what a network puts out, its loss, what is scored of it, and what other metrics read."""

from dataclasses import replace

import numpy as np
import pytest

from bench.engines.keras_recipe import batch_loss
from bench.errors import BenchError
from bench.metrics.base import evaluate, metrics, monitor, scored
from bench.models.base import Network, models
from bench.models.forecasters import Ridge
from bench.models.linear import Linear
from bench.recipe import Recipe
from bench.record import ForecastSample
from bench.task import Rescaling, Split, TargetKind, Task
from bench.training import make_program, train
from tests.conftest import BACKEND
from tests.tables import made
from tests.views import LAST, splits_of_views

LEVELS = (0.1, 0.5, 0.8)
TASK = replace(LAST, quantiles=LEVELS, monitor="pinball", metrics=("pinball", "coverage", "interval_width"))
SPLITS = splits_of_views(TASK)
RAW = np.random.default_rng(2).normal(size=(4, 4, 2, 3))


def pinball_by_hand(y, quantiles):
    losses = [
        level * (truth - quantile) if truth >= quantile else (1 - level) * (quantile - truth)
        for truth, row in zip(y.ravel(), quantiles.reshape(-1, len(LEVELS)), strict=True)
        for level, quantile in zip(LEVELS, row, strict=True)
    ]
    return np.mean(losses)


def values(forecast, **changes):
    pair = scored(replace(SPLITS.test, **changes), forecast, slice(None))
    return {name: value for name, axis, _, value in evaluate(pair, TASK.metrics) if not axis}


def test_quantiles_are_put_in_order_and_scored_in_units():
    spread, centre = np.array([3.0, 5.0]), np.array([1.0, 2.0])
    found = values(RAW, rescaling=Rescaling(spread, centre))
    y = np.asarray(SPLITS.test.y, np.float64) * spread + centre
    quantiles = np.sort(RAW, axis=-1) * spread[:, None] + centre[:, None]
    assert found["pinball"] == pytest.approx(pinball_by_hand(y, quantiles))
    inside = (y >= quantiles[..., 0]) & (y <= quantiles[..., 2])
    assert 0 < inside.mean() < 1
    assert found["coverage"] == pytest.approx(inside.mean())
    assert found["interval_width"] == pytest.approx(np.mean(quantiles[..., 2] - quantiles[..., 0]))
    assert found["mse"] == pytest.approx(np.mean((y - quantiles[..., 1]) ** 2)), "of the median"


def test_one_number_stands_for_every_level_and_covers_nothing():
    point = RAW[..., 0]
    found = values(point)
    assert found["pinball"] == pytest.approx(
        pinball_by_hand(np.asarray(SPLITS.test.y), np.repeat(point[..., None], 3, -1))
    )
    assert not {"coverage", "interval_width"} & {*found}
    pair = scored(SPLITS.test, RAW, slice(None))
    kept = metrics.get("pinball").windows(pair)
    assert np.average(kept.values, weights=kept.counts) == pytest.approx(values(RAW)["pinball"])
    assert metrics.get("pinball").compute(scored(splits_of_views(LAST).test, point, slice(None))) is None


@pytest.mark.parametrize("kind", [TargetKind.LAST_STEP, TargetKind.EVERY_STEP])
def test_as_many_windows_and_steps_as_levels_are_no_quantiles(kind):
    task = Task("cube", kind, 3, horizon=3, quantiles=LEVELS)
    point = np.arange(27.0)[: np.prod(task.target_shape(3))].reshape(task.target_shape(3))
    assert task.in_order(point) is None
    assert task.medians(point) is point
    quantiles = point[..., np.newaxis] + [1.0, 0.0, 2.0]
    np.testing.assert_array_equal(task.in_order(quantiles), point[..., np.newaxis] + [0.0, 1.0, 2.0])
    np.testing.assert_array_equal(task.medians(quantiles), point + 1)
    split = Split(task, np.zeros((3, 3, 1), np.float32), point.astype(np.float32))
    assert scored(split, point, slice(None)).given_quantiles is None
    assert scored(split, quantiles, slice(None)).given_quantiles.shape == (
        3,
        3 if task.target.every_position else 1,
        3,
        1,
        3,
    )


def test_the_loss_is_the_mean_over_levels_under_a_mask_too():
    y, forecast = (np.asarray(each, np.float32) for each in (SPLITS.test.y, RAW))
    loss = batch_loss(Recipe(loss="quantile"), LEVELS)
    assert float(loss(y, forecast, None)) == pytest.approx(pinball_by_hand(y, forecast), rel=1e-5)
    mask = np.array([True, False, True, False])
    assert float(loss(y, forecast, mask)) == pytest.approx(pinball_by_hand(y[mask], forecast[mask]), rel=1e-5)


def test_the_loss_on_pytorch_is_the_same():
    torch = pytest.importorskip("torch")
    from bench.engines.torch_recipe import batch_loss as torch_loss

    y, forecast = (torch.tensor(np.asarray(each, np.float32)) for each in (SPLITS.test.y, RAW))
    loss = torch_loss(Recipe(loss="quantile"), LEVELS)
    assert float(loss(y, forecast, None)) == pytest.approx(pinball_by_hand(y.numpy(), RAW), rel=1e-5)
    with pytest.raises(BenchError, match="one axis of classes or quantiles more"):
        loss(y, forecast[..., 0], None)


def test_a_linear_network_learns_quantiles_of_noise():
    """Targets that inputs say nothing of: the bias alone comes near the levels of a normal distribution."""
    rng = np.random.default_rng(0)
    task = Task("noise", TargetKind.LAST_STEP, 2, quantiles=(0.1, 0.5, 0.9), monitor="pinball", metrics=TASK.metrics)
    x = np.zeros((640, 2, 1), np.float32)
    part = replace(SPLITS.train, task=task, x=x, y=rng.normal(size=(640, 1)).astype(np.float32))
    splits = replace(SPLITS, train=part, valid=part, test=part)
    recipe = Recipe(loss="quantile", learning_rate=0.03, epochs=12)
    program = make_program(BACKEND, Linear(), recipe, splits)
    outcome = train(Linear(), recipe, splits, program, 1)
    assert monitor(task).name == "pinball"
    assert min(outcome.curve.valid["pinball"]) == outcome.curve.valid["pinball"][outcome.best_epoch - 1]
    (low, middle, high), *_ = program.forecast(x[:1])[0]
    np.testing.assert_allclose([low, middle, high], np.quantile(part.y, [0.1, 0.5, 0.9]), atol=0.25)
    (covered,) = [s.value for s in outcome.scores if s[:3] == ("test", "best", "coverage")]
    assert abs(covered - 0.8) < 0.08
    assert outcome.kept.forecasts[0].values.shape == (640, 1), "medians are kept"
    sample = outcome.sample
    assert sample.low[0][0] < sample.forecast[0][0] < sample.high[0][0]
    assert "low" not in sample.model_copy(update={"low": [], "high": []}).model_dump()
    with pytest.raises(ValueError, match="both ends of an interval"):
        ForecastSample(**sample.model_dump() | {"low": []})


def test_who_fits_a_task_of_quantiles():
    task = made(quantiles=[0.1, 0.5, 0.9]).task()
    plain = made().task()
    assert (plain.quantiles, plain.monitor) == ((), "")
    assert task.name == f"{plain.name}_quantiles"
    assert task.question == plain.question
    assert task.output_shape == (7, 3)
    assert Ridge().supports(task)
    general = {n: models.get(n)() for n in models.names() if models.get(n).general}
    fits = {n: m.supports(task) for n, m in general.items() if isinstance(m, Network) and m.supports(plain)}
    assert {"gru", "linear", "lstm"} <= {n for n, fit in fits.items() if fit}
    assert "forecasts one number a value" in fits["d_linear"].reason
    assert "which loss quantile without a level" in Recipe(loss="mae").unfit(task)
    assert "which loss quantile without a level" in Recipe(loss="quantile", quantile=0.9).unfit(task)
    assert Recipe(loss="quantile").unfit(task) == Recipe(loss="quantile").unfit(plain) == ""


@pytest.mark.parametrize("levels", [[0.1, 0.9], [0.9, 0.5], [0.5, 0.5]])
def test_levels_rise_and_hold_the_median(levels):
    with pytest.raises(ValueError, match=r"rising levels with 0\.5 among them"):
        made(quantiles=levels)
    with pytest.raises(ValueError, match=r"rising, with 0\.5 among them"):
        replace(LAST, quantiles=tuple(levels))


@pytest.mark.parametrize("name", sorted(n for n in models.names() if getattr(models.get(n), "quantile_outputs", False)))
def test_what_says_that_it_forecasts_quantiles_puts_out_an_axis_of_them(name):
    model = models.get(name)
    if model.backends:
        pytest.skip("built by its own backend's tests")
    every = replace(TASK, target=TargetKind.EVERY_STEP, targets=LAST.targets[:1])
    task = next((t for t in (TASK, every) if model().supports(t)), None)
    if task is None:
        pytest.skip("forecasts classes")
    shape = model().build(task).output_shape
    assert shape[-len(task.output_shape) :] == task.output_shape
