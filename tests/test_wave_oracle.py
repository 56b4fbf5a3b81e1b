"""The fit of the family of curves that the waves come from."""

import numpy as np
import pytest

from bench.cases.base import make_model
from bench.datasets.waves import NOISE_WIDTH, WavesNextStep, WavesTenSteps
from bench.errors import BenchError
from bench.models.base import models
from bench.models.least_squares import LeastSquares
from bench.models.wave_oracle import WaveOracle
from bench.task import TargetKind, Task

WINDOW = 50


def clean_waves(seed, n, points, slow=(10, 20), fast=(20, 40)):
    """Waves without noise, in plain NumPy: ``(n, points)`` in float64."""
    rng = np.random.default_rng(seed)
    f, g = rng.uniform(*slow, (n, 1)), rng.uniform(*fast, (n, 1))
    p, q = rng.uniform(0, 2 * np.pi, (2, n, 1))
    time = np.linspace(0, 1, points)
    return 0.5 * np.sin(f * time + p) + 0.2 * np.sin(g * time + q)


@pytest.mark.parametrize(("points", "horizon"), [(51, 1), (60, 10)])
def test_without_noise_it_recovers_what_comes_after_the_window(points, horizon):
    series = clean_waves(3, 400, points)
    steps, error = WaveOracle(points=points).extension(WINDOW, horizon)(series[:, :WINDOW])
    np.testing.assert_allclose(steps, series[:, WINDOW : WINDOW + horizon], atol=1e-6)
    assert error.max() < 1e-12


@pytest.mark.parametrize(
    ("points", "horizon", "bands"),
    [
        (51, 1, {}),
        (60, 10, {}),
        (51, 1, {"slow": (19.5, 20), "fast": (20, 20.5)}),  # two waves of nearly one frequency
        (60, 10, {"slow": (10, 11), "fast": (39, 40)}),
    ],
)
def test_with_noise_every_fit_is_at_least_as_close_as_the_truth(points, horizon, bands):
    """A local minimum that is none of the best would leave more than the noise itself."""
    series = clean_waves(4, 600, points, **bands)
    noise = NOISE_WIDTH * (np.random.default_rng(5).random(series.shape) - 0.5)
    steps, error = WaveOracle(points=points).extension(WINDOW, horizon)((series + noise)[:, :WINDOW])
    of_truth = np.mean(noise[:, :WINDOW] ** 2, axis=1)
    assert np.all(error <= of_truth * (1 + 1e-9))
    assert np.mean((steps - series[:, WINDOW : WINDOW + horizon]) ** 2) < 0.5 * NOISE_WIDTH**2 / 12


@pytest.mark.parametrize(("dataset", "points", "ceiling"), [(WavesNextStep(), 51, 1.25), (WavesTenSteps(), 60, 1.35)])
def test_on_the_chapters_data_it_is_near_the_floor_and_far_under_least_squares(dataset, points, ceiling):
    splits = dataset.load(42)
    task, valid = splits.valid.task, splits.valid

    def mse(predictor):
        return np.mean((predictor.fit(splits.train, task)(valid.x) - valid.y) ** 2)

    assert dataset.points == points
    ours = mse(WaveOracle(points=points))
    assert dataset.noise_floors["mse"] < ours < ceiling * dataset.noise_floors["mse"]
    assert ours < 0.4 * mse(LeastSquares())


def test_a_window_is_fitted_by_itself_and_alike_each_time():
    splits = WavesNextStep(n_series=3000).load(1)
    forecast = WaveOracle().fit(splits.train, splits.valid.task)
    whole = forecast(splits.valid.x)
    assert whole.shape == (600, 1)
    assert whole.tobytes() == forecast(splits.valid.x).tobytes()
    np.testing.assert_allclose(forecast(splits.valid.x[495:505]), whole[495:505], atol=1e-9)
    np.testing.assert_array_equal(WaveOracle().fit(splits.test, splits.valid.task)(splits.valid.x), whole)
    assert forecast(splits.valid.x[:0]).shape == (0, 1)


def test_it_knows_the_amplitudes_and_the_bands_and_no_more():
    series = clean_waves(6, 50, 51, slow=(23, 29), fast=(33, 39))[:, :WINDOW]
    _, outside = WaveOracle().extension(WINDOW, 1)(series)
    _, inside = WaveOracle(slow=(20, 30), fast=(30, 40)).extension(WINDOW, 1)(series)
    _, louder = WaveOracle(slow=(20, 30), fast=(30, 40), amplitudes=(0.6, 0.2)).extension(WINDOW, 1)(series)
    assert inside.max() < 1e-10
    assert outside.min() > 1e-3
    assert louder.min() > 1e-3


def test_a_task_past_its_grid_or_of_another_kind_is_one_line():
    past = WaveOracle().supports(WavesTenSteps().task())
    assert "give points = 60 or more" in past.reason
    assert "reaches step 59" in past.reason
    assert WaveOracle(points=60).supports(WavesTenSteps().task())
    every, two = Task("every", TargetKind.EVERY_STEP, WINDOW), Task("two", TargetKind.LAST_STEP, WINDOW, features=2)
    assert "asks other" in WaveOracle().supports(two).reason
    assert "asks for every_step" in WaveOracle().supports(every).reason


@pytest.mark.parametrize("params", [{"points": 1}, {"amplitudes": [0.5, 0]}, {"slow": [20, 10]}, {"fast": [0, 10]}])
def test_parameters_that_make_no_waves_are_refused(params):
    with pytest.raises(BenchError, match="model 'wave_oracle'"):
        make_model("wave_oracle", params)


def test_it_alone_says_that_it_knows_how_its_data_were_made():
    assert [name for name in models.names() if models.get(name).oracle] == ["wave_oracle"]
