"""Two noises at once: known answers by plain loops, and what the intervals cover where the truth is known."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from bench.stats.crossed import RESAMPLES, HeldOut, difference, sampled

RNG = np.random.default_rng(3)
SERIES = np.array([7, 7, 2, 2, 2, 9, 4, 4])
COUNTS = np.array([3, 1, 0, 2, 2, 3, 3, 1.0])
ERRORS = RNG.gamma(2, 0.01, (3, 8))


def same(values):
    return values


def test_series_are_drawn_whole_and_windows_weigh_what_is_scored_of_them():
    test = HeldOut("t", COUNTS, SERIES)
    assert test.n_series == 4
    model = sampled(ERRORS, [test] * 3, [42] * 3)
    labels = sorted(set(SERIES.tolist()))
    for run, errors in enumerate(ERRORS):
        mean = sum(c * e for c, e in zip(COUNTS, errors, strict=True)) / sum(COUNTS)
        assert model.scores[run] == pytest.approx(np.log(mean))
        for number in (0, 1, 17, RESAMPLES - 1):
            total = weight = 0.0
            assert test.drawn[number].sum() == 3, "one less than there are"
            for label, times in zip(labels, test.drawn[number], strict=True):
                for window in range(8):
                    if SERIES[window] == label:
                        total += times * COUNTS[window] * errors[window]
                        weight += times * COUNTS[window]
            assert model.resampled[run, number] == pytest.approx(np.log(total / weight))


def test_a_window_may_be_a_series_and_the_scale_may_be_plain():
    test = HeldOut("t", np.ones(8))
    model = sampled(ERRORS, [test] * 3, [42] * 3, working=same)
    assert model.scores == pytest.approx(ERRORS.mean(axis=1))
    assert model.resampled[1, 5] == pytest.approx((test.drawn[5] * ERRORS[1]).sum() / 7)
    # The variance of a mean over series, in closed form.
    one = sampled(ERRORS[:1], [test], [42], working=same, exact=True)
    assert one.over_series == pytest.approx(np.var(ERRORS[0], ddof=1) / 8, rel=0.15)
    assert one.over_seeds == 0.0


def components(errors):
    """Variance over seeds, over series and of both together of the mean, by the analysis of variance of two ways."""
    n, windows = errors.shape
    rows, columns, mean = errors.mean(axis=1), errors.mean(axis=0), errors.mean()
    both = sum((errors[s, w] - rows[s] - columns[w] + mean) ** 2 for s in range(n) for w in range(windows)) / (
        (n - 1) * (windows - 1)
    )
    series = (n * sum((c - mean) ** 2 for c in columns) / (windows - 1) - both) / n
    return np.var(rows, ddof=1) / n, max(series, 0) / windows, both / (n * windows)


def made(rng, n, windows, seeds, series, both, shared=None):
    """Errors of one model: of its seeds, of the series, and of each seed on each of them."""
    of_series = rng.normal(size=windows) if shared is None else shared
    own = seeds * rng.normal(size=(n, 1)) + both * rng.normal(size=(n, windows))
    return 5 + own + series * of_series


def test_variances_are_those_of_two_crossed_ways():
    test = HeldOut("t", np.ones(300))
    errors = made(np.random.default_rng(8), 6, 300, 0.1, 1.0, 1.0)
    model = sampled(errors, [test] * 6, [42] * 6, working=same)
    over_seeds, over_series, both = components(errors)
    assert model.over_seeds == pytest.approx(over_seeds)
    assert model.alone == pytest.approx(both, rel=0.1)
    assert model.over_series == pytest.approx(over_series, rel=0.15)


def test_an_error_has_seeds_and_series_once_and_freedom_of_its_slower_part():
    test = HeldOut("t", np.ones(300))
    rng = np.random.default_rng(5)
    shared = rng.normal(size=300)
    errors = [made(rng, n, 300, 0.05, 1.0, 0.3, shared) for n in (5, 9)]
    a, b = (sampled(e, [test] * len(e), [42] * len(e), working=same) for e in errors)
    found = difference(a, b)
    assert found.value == pytest.approx(errors[0].mean() - errors[1].mean())
    gap = errors[0].mean(axis=0) - errors[1].mean(axis=0)
    parts = [np.var(e.mean(axis=1), ddof=1) / len(e) for e in errors]
    parts.append(max(np.var(gap, ddof=1) / 300 - sum(components(e)[2] for e in errors), 0))
    assert found.error == pytest.approx(np.sqrt(sum(parts)), rel=0.03)
    freedom = sum(parts) ** 2 / sum(v**2 / f for v, f in zip(parts, (4, 8, 299), strict=True) if v)
    assert found.freedom == pytest.approx(freedom, rel=0.1)
    assert found.n_series == 300
    assert difference(b, a).value == -found.value
    unpaired = sampled(errors[1], [HeldOut("u", np.ones(300))] * 9, [42] * 9, working=same)
    assert difference(a, unpaired).error > 1.5 * found.error, "what is hard for both cancels only where it is shared"


def test_two_exact_models_differ_by_series_alone_and_one_run_has_no_spread():
    test = HeldOut("t", np.ones(8))
    a, b = (sampled(ERRORS[i : i + 1], [test], [42], working=same, exact=True) for i in (0, 1))
    found = difference(a, b)
    assert found.error == pytest.approx(np.std(ERRORS[0] - ERRORS[1], ddof=1) / np.sqrt(8), rel=0.1)
    assert found.freedom == pytest.approx(7)
    again = difference(a, a)
    assert (again.value, again.error, again.freedom) == (0.0, 0.0, 7.0)
    trained = sampled(ERRORS[:1], [test], [42], working=same)
    assert trained.over_seeds is None
    assert difference(a, trained) is None
    with pytest.raises(ValueError, match="one series says nothing"):
        sampled(ERRORS[:1], [HeldOut("t", np.ones(8), np.zeros(8))], [42])


def test_where_each_run_draws_its_data_runs_are_paired_by_draw():
    tests = [HeldOut(f"t{i}", np.ones(8)) for i in range(4)]
    errors = RNG.gamma(2, 0.01, (4, 8))
    a = sampled(errors, tests, [1, 2, 3, 4])
    b = sampled(2 * errors[1:] + 0.001, tests[1:], [2, 3, 4], exact=True)
    gaps = [np.log(errors[i].mean()) - np.log((2 * errors[i] + 0.001).mean()) for i in (1, 2, 3)]
    found = difference(a, b)
    assert found.value == pytest.approx(np.mean(gaps))
    assert found.error == pytest.approx(np.std(gaps, ddof=1) / np.sqrt(3))
    assert found.freedom == 2
    one_run = [np.var([np.log((t.drawn[k] * e).sum() / 7) for k in range(RESAMPLES)], ddof=1)
               for t, e in zip(tests, errors, strict=True)]  # fmt: skip
    assert a.over_series == pytest.approx(np.mean(one_run)), "of one run's own test set"
    assert difference(a, sampled(errors[:2], tests[:1] * 2, [1, 1])) is None
    assert difference(sampled(errors[:1], tests[:1], [1]), b) is None


@pytest.mark.parametrize(
    ("seeds", "series", "both", "unpaired_covers"),
    [
        (0.03, 1.0, 0.3, (0.99, 1.0)),
        pytest.param(0.0, 1.0, 1.0, (0.97, 1.0), marks=pytest.mark.variant),
        (0.3, 0.1, 0.1, (0.90, 0.99)),
    ],
)
def test_paired_intervals_cover_and_unpaired_ones_cover_too_much(seeds, series, both, unpaired_covers):
    """Two models of one true error, six seeds each, on 150 series that are as hard for one as for the other.

    The paired interval holds the true difference in 94 to 95 % of them, whichever noise is the larger,
    and the unpaired one in nearly all where series matter.
    """
    rng, test, other = np.random.default_rng(11), HeldOut("t", np.ones(150)), HeldOut("u", np.ones(150))
    held = np.zeros((250, 2), bool)
    for draw in range(len(held)):
        shared = rng.normal(size=150)
        errors = [made(rng, 6, 150, seeds, series, both, shared) for _ in range(2)]
        a, b, apart = (sampled(e, [t] * 6, [42] * 6, working=same)
                       for e, t in ((errors[0], test), (errors[1], test), (errors[1], other)))  # fmt: skip
        for way, found in enumerate((difference(a, b), difference(a, apart))):
            held[draw, way] = abs(found.value) <= scipy_stats.t.isf(0.025, found.freedom) * found.error
    paired, unpaired = held.mean(axis=0)
    assert 0.92 <= paired <= 0.985
    assert unpaired_covers[0] <= unpaired <= unpaired_covers[1]
