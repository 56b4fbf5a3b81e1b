"""Variances of a score by where they come from, on made runs whose sources are known."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from bench import stats


def test_epoch_noise_worked_by_hand() -> None:
    # Logs 0, 0, 5, 0, 0 around a line of slope 0 at 1: residuals -1, -1, 4, -1, -1, squares 20, freedom 3.
    values = np.exp([9.0, 9.0, 0.0, 0.0, 5.0, 0.0, 0.0])
    assert stats.epoch_noise(values) == pytest.approx(20 / 3)
    assert stats.epoch_noise(np.log(values), log=False) == pytest.approx(20 / 3)


def test_a_trend_is_no_noise() -> None:
    assert stats.epoch_noise(np.exp(-0.3 * np.arange(8.0))) == pytest.approx(0, abs=1e-20)


@pytest.mark.parametrize("values", [[1.0] * 4, [1.0, 1.0, np.nan, 1.0, 1.0], [1.0, 1.0, 0.0, 1.0, 1.0], []])
def test_epoch_noise_that_is_not_known(values: list[float]) -> None:
    assert stats.epoch_noise(values) is None


def runs(n: int, *, epochs: float, seeds: float, data: float = 0.0) -> list[np.ndarray]:
    """Return curves that still fall, with these standard deviations of their logs."""
    rng = np.random.default_rng(0)
    level = seeds * rng.standard_normal(n) + data * rng.standard_normal(n)
    trend = -0.05 * np.arange(8.0)
    return [np.exp(centre + trend + epochs * rng.standard_normal(8)) for centre in level]


def split(curves: list[np.ndarray], **options):
    noise = [stats.epoch_noise(curve) for curve in curves]
    found = stats.sources([curve[-1] for curve in curves], noise, **options)
    assert found is not None
    return found


def test_seeds_and_epochs_are_told_apart() -> None:
    found = split(runs(4_000, epochs=0.1, seeds=0.2), test_set=0.05**2)
    assert found.epochs == pytest.approx(0.1**2, rel=0.05)
    assert found.seeds == pytest.approx(0.2**2, rel=0.08)
    assert (found.data, found.joint) == (None, False)
    total = 0.1**2 + 0.2**2 + 0.05**2
    expected = {"epochs": 0.1**2 / total, "seeds": 0.2**2 / total, "test_set": 0.05**2 / total}
    assert found.shares == pytest.approx(expected, rel=0.08)
    assert sum(found.shares.values()) == pytest.approx(1)


def test_the_draw_of_the_data_is_what_is_beyond_the_others() -> None:
    curves = runs(6_000, epochs=0.1, seeds=0.2, data=0.3)
    alone = split(curves, data_vary=True, seeds_alone=0.2**2)
    assert alone.data == pytest.approx(0.3**2, rel=0.1)
    less = split(curves, data_vary=True, seeds_alone=0.2**2, test_set=0.05)
    assert less.data == pytest.approx(alone.data - 0.05)
    joint = split(curves, data_vary=True)
    assert joint.joint
    assert joint.data is None
    assert joint.seeds == pytest.approx(0.2**2 + 0.3**2, rel=0.08)


def test_what_is_below_zero_counts_as_zero() -> None:
    found = stats.sources([1.0, 1.01, 0.99, 1.0, 1.0], [0.5, None, 0.7])
    assert found == stats.Sources(pytest.approx(0.6), 0.0, None, None)
    assert found.shares == {"epochs": 1.0, "seeds": 0.0}
    assert stats.sources([1.0] * 5, [0.0] * 5).shares == {}


def test_shares_of_a_plain_score_are_on_its_own_scale() -> None:
    values = np.array([0.5, 0.52, 0.6, 0.55, 0.61])
    found = stats.sources(values, [0.0001], log=False)
    assert found.seeds == pytest.approx(np.var(values, ddof=1) - 0.0001)


@pytest.mark.parametrize(
    ("scores", "noise"), [([1.0] * 4, [0.1]), ([1.0] * 4 + [0.0], [0.1]), ([1.0] * 5, [None, None])]
)
def test_sources_that_are_not_known(scores: list[float], noise: list[float | None]) -> None:
    assert stats.sources(scores, noise) is None


def test_the_interval_of_the_epochs_share_is_that_of_an_analysis_of_variance() -> None:
    """Of two sources: the ratio of what is seen to the epochs' noise is F, with 9 and 30 degrees of freedom."""
    found = stats.share_intervals(0.05, 10, epochs=0.01)
    expected = [0.01 / 0.05 * scipy_stats.f.ppf(q, 9, 30) for q in (0.025, 0.975)]
    assert found["epochs"] == pytest.approx(expected, rel=0.05)
    assert found["seeds"] == pytest.approx([1 - end for end in expected[::-1]], rel=0.05)


def test_the_interval_of_a_known_test_sets_share_is_that_of_a_variance() -> None:
    found = stats.share_intervals(0.04, 8, test_set=0.01, series=10**6)
    seen = [0.04 * 7 / scipy_stats.chi2.ppf(q, 7) for q in (0.025, 0.975)]
    assert found["test_set"] == pytest.approx([0.01 / (0.01 + each) for each in seen], rel=0.05)


def test_a_share_may_be_none_or_all_of_what_is_seen() -> None:
    found = stats.share_intervals(0.01, 10, epochs=0.012)
    assert found["seeds"][0] == 0
    assert found["epochs"][1] == 1
    joint, apart = (stats.share_intervals(0.01, 10, test_set=0.009, series=100, joint=j) for j in (True, False))
    assert joint["test_set"][1] == 1 > apart["test_set"][1]


@pytest.mark.parametrize(
    ("runs", "known"), [(4, {"epochs": 0.01}), (10, {}), (10, {"epochs": 0.0}), (10, {"test_set": 0.0, "series": 9})]
)
def test_shares_that_have_no_interval(runs: int, known: dict[str, float]) -> None:
    assert stats.share_intervals(0.0, runs, **known) == {}
