"""How far one seed ends apart on two backends, against plain NumPy."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from bench import stats


def test_distances_are_medians_over_one_seed_and_over_unlike_seeds():
    first = {42: 0.010, 43: 0.020, 44: 0.040}
    second = {42: 0.011, 43: 0.022, 45: 0.050}
    found = stats.ends(first, second)
    assert found.one_seed == pytest.approx(1.1)
    unlike = [abs(np.log(a / b)) for s, a in first.items() for t, b in second.items() if s != t]
    assert len(unlike) == 7
    assert found.two_seeds == pytest.approx(np.exp(np.median(unlike)))
    logs = [np.log(list(scores.values())) for scores in (first, second)]
    assert found.ratio.value == pytest.approx(np.exp(logs[1].mean() - logs[0].mean()))
    welch = scipy_stats.ttest_ind(*logs, equal_var=False)
    assert found.p_value == pytest.approx(welch.pvalue)


def test_plain_scores_have_differences():
    found = stats.ends({1: 0.90, 2: 0.94}, {1: 0.91, 2: 0.96}, log=False)
    assert found.one_seed == pytest.approx(0.015)
    assert found.two_seeds == pytest.approx((0.06 + 0.03) / 2)
    assert found.ratio.value == pytest.approx(0.015)


def test_what_cannot_be_compared_is_none_and_one_seed_has_no_spread():
    assert stats.ends({1: 0.1}, {2: 0.1}) is None
    assert stats.ends({1: 0.0, 2: 0.1}, {1: 0.1, 2: 0.1}) is None
    one = stats.ends({1: 0.1}, {1: 0.2})
    assert (one.one_seed, one.two_seeds, one.p_value) == (pytest.approx(2.0), None, 1.0)


def test_equal_backends_are_told_apart_in_one_report_of_twenty_at_most():
    """Fifteen networks with ten seeds a report, a seed's two runs half alike: the family errs in 5 % or less."""
    rng = np.random.default_rng(16)
    reports, wrong = 400, 0
    for _ in range(reports):
        start, own = rng.normal(size=(15, 10, 1)), rng.normal(size=(15, 10, 2))
        logs = 0.1 * (start + own)
        pairs = {k: stats.ends(*(dict(enumerate(np.exp(logs[k, :, b]))) for b in range(2))).p_value for k in range(15)}
        wrong += bool(stats.holm(pairs))
    low, _ = stats.wilson(wrong / reports, reports)
    assert low < 0.05
