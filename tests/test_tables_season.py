"""The season of series with known answers, and none in noise, walks and short memory."""

import numpy as np
import pytest

from bench.tables.frequency import Frequency, Unit
from bench.tables.season import autocorrelation, find_season

SECOND = 1_000_000_000
HOUR, DAY = (Frequency(Unit.NANOSECOND, n * SECOND) for n in (3_600, 86_400))
MONTH = Frequency(Unit.MONTH, 1)


def sine(period, n, noise=0.0, seed=0):
    return np.sin(np.arange(n) * 2 * np.pi / period) + noise * np.random.default_rng(seed).normal(size=n)


@pytest.mark.parametrize(
    ("period", "n", "noise", "step"),
    [(7, 200, 0.0, DAY), (7, 400, 0.5, DAY), (24, 600, 0.7, HOUR), (7, 400, 0.3, HOUR), (10, 300, 0.3, None)],
)
def test_the_period_of_a_sine_is_found(period, n, noise, step):
    trend = np.linspace(0, 20, n)
    found = find_season([trend + sine(period, n, noise)], step)
    assert found.steps == period
    assert found.strength > found.band
    assert found.strength > found.rival
    assert f"{period} steps, " in found.words


def test_of_a_day_in_a_week_the_longer_one_is_taken_where_it_says_more():
    hours = np.arange(24 * 7 * 8)
    day, weekend = sine(24, len(hours)), (hours // 24 % 7 >= 5).astype(float)
    assert find_season([day + 0.01 * weekend], HOUR).steps == 24
    assert find_season([day * (1 - weekend)], HOUR).steps == 168


def test_a_season_on_a_random_walk_is_found():
    walk = np.random.default_rng(1).normal(size=240).cumsum()
    assert find_season([walk + 5 * sine(12, 240)], MONTH).steps == 12


@pytest.mark.parametrize("kind", ["noise", "walk", "memory", "alternating", "constant", "short", "nothing"])
@pytest.mark.parametrize("step", [None, DAY], ids=["unknown", "daily"])
def test_no_season_is_seen_where_there_is_none(kind, step):
    for seed in range(5):
        noise = np.random.default_rng(seed).normal(size=300)
        filtered = {"memory": 0.8, "alternating": -0.5}.get(kind, 0.0)
        values = noise.copy()
        for n in range(1, len(values)):
            values[n] += filtered * values[n - 1]
        values = {"walk": noise.cumsum(), "constant": np.ones(300), "short": noise[:5], "nothing": noise[:0]}.get(
            kind, values
        )
        found = find_season([values], step)
        assert found.steps == 1
        assert found.words.startswith("none found")


def test_missing_values_are_filled_in_and_series_are_looked_at_together():
    holes = sine(7, 300, 0.2)
    holes[[0, 50, 51, 299]] = np.nan
    assert find_season([holes], DAY).steps == 7
    assert find_season([sine(7, 300, 1.0, seed) for seed in range(4)], DAY).steps == 7


def test_an_autocorrelation_is_that_of_the_formula():
    values = np.array([1.0, 3.0, 2.0, 5.0])
    centred = values - 2.75
    expected = np.mean([centred[2] * centred[0], centred[3] * centred[1]]) / np.mean(centred**2)
    assert autocorrelation(values, 2) == pytest.approx(expected)
    assert autocorrelation(np.ones(5), 1) == 0.0
