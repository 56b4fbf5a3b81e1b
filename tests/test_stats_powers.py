import numpy as np
import pytest
from scipy import stats as scipy_stats

from bench.stats import Crossing, Span, crossings, power


def test_an_exact_power_is_found_with_no_width():
    sizes = [50, 200, 1000, 4000]
    found = power(sizes, [3 * n**1.5 for n in sizes])
    assert (found.n, found.smallest, found.largest) == (4, pytest.approx(50), pytest.approx(4000))
    for value in (found.exponent, found.low, found.high, found.last):
        assert value == pytest.approx(1.5)


def test_a_fit_and_its_interval_are_those_of_scipy():
    rng = np.random.default_rng(0)
    sizes = np.array([10.0, 30, 100, 300, 1000, 3000])
    costs = sizes**0.8 * np.exp(0.1 * rng.normal(size=6))
    shuffled = rng.permutation(6)
    found = power(sizes[shuffled], costs[shuffled])
    line = scipy_stats.linregress(np.log(sizes), np.log(costs))
    reach = scipy_stats.t.ppf(0.975, 4) * line.stderr
    assert found.exponent == pytest.approx(line.slope)
    assert (found.low, found.high) == (pytest.approx(line.slope - reach), pytest.approx(line.slope + reach))
    assert found.last == pytest.approx(np.log(costs[5] / costs[4]) / np.log(sizes[5] / sizes[4]))


def test_a_bent_curve_has_a_wide_interval_and_a_last_slope_of_its_own():
    sizes = [10, 100, 1000]
    found = power(sizes, [n + n**2 / 100 for n in sizes])
    assert found.low < 1 < found.exponent < 2 < found.high
    assert found.last == pytest.approx(np.log10(11000 / 200))


def test_two_sizes_have_a_slope_alone_and_one_has_none():
    found = power([10, 1000], [1, 10])
    assert (found.exponent, found.low, found.high) == (pytest.approx(0.5), None, None)
    assert power([10], [1]) is None
    assert power([10, 10], [1, 2]) is None


def exact(**costs):
    return {float(size.strip("_")): Span(cost, cost, cost) for size, cost in costs.items()}


def test_curves_cross_where_straight_lines_on_logarithmic_axes_do():
    constant, linear = exact(_10=4, _100=4, _1000=4), exact(_10=1, _100=10, _1000=100)
    assert crossings(linear, constant) == [Crossing(pytest.approx(40), 10, 100, True)]
    assert crossings(constant, linear) == [Crossing(pytest.approx(40), 10, 100, False)]
    assert crossings(linear, linear) == []


def test_sizes_at_which_spans_overlap_say_nothing():
    first = {10: Span(1, 1, 1), 100: Span(2, 4, 6), 1000: Span(9, 9, 9)}
    second = {10: Span(2, 2, 2), 100: Span(3, 3, 3), 1000: Span(3, 3, 3), 10_000: Span(1, 1, 1)}
    (found,) = crossings(first, second)
    assert (found.after, found.before, found.first_is_less) == (10, 1000, True)
    share = np.log(2) / (np.log(2) + np.log(4 / 3))
    assert found.at == pytest.approx(10 * 10**share), "the middles have turned at 100"
    assert crossings({10: first[10]}, second) == []
