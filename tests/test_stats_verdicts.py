"""Verdicts against the leader: which side of what an interval lies on, and who wins the next pair of runs."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from bench import stats
from bench.stats import Ratio, Region, Verdict

ERRORS = {"log": True, "worse_is_higher": True}
SHARES = {"log": False, "worse_is_higher": False}


@pytest.mark.parametrize(
    ("low", "high", "seeds", "verdict"),
    [
        (1.01, 1.04, 10, Verdict.EQUIVALENT),  # surely worse, and by nothing that counts
        (0.96, 1.05, 10, Verdict.EQUIVALENT),
        (0.96, 1.04, 2, Verdict.EQUIVALENT),
        (1.01, 1.06, 10, Verdict.WORSE),
        (1.01, 1.06, 2, Verdict.WORSE),
        (1.0, 1.06, 10, Verdict.UNDECIDED),
        (0.94, 1.04, 10, Verdict.UNDECIDED),
        (0.94, 1.3, 5, Verdict.UNDECIDED),
        (0.94, 1.3, 4, Verdict.TOO_FEW),
        (0.5, 0.6, 10, Verdict.UNDECIDED),
        (None, None, 1, Verdict.TOO_FEW),
        (None, None, 10, Verdict.UNDECIDED),
    ],
)
def test_errors(low: float | None, high: float | None, seeds: int, verdict: Verdict) -> None:
    assert stats.judge(Ratio(1.02, low, high), Region(), seeds, **ERRORS) is verdict


@pytest.mark.parametrize(
    ("low", "high", "seeds", "verdict"),
    [
        (-0.009, -0.001, 10, Verdict.EQUIVALENT),
        (-0.02, -0.001, 10, Verdict.WORSE),
        (-0.02, 0.001, 10, Verdict.UNDECIDED),
        (-0.02, 0.001, 3, Verdict.TOO_FEW),
        (0.02, 0.03, 10, Verdict.UNDECIDED),
    ],
)
def test_shares(low: float, high: float, seeds: int, verdict: Verdict) -> None:
    assert stats.judge(Ratio(-0.005, low, high), Region(), seeds, **SHARES) is verdict


def test_two_exact_scores_are_worse_or_equivalent() -> None:
    for value, verdict in ((1.0, Verdict.EQUIVALENT), (1.04, Verdict.EQUIVALENT), (1.06, Verdict.WORSE)):
        assert stats.judge(Ratio(value, value, value), Region(), stats.ENOUGH, **ERRORS) is verdict
    assert stats.judge(Ratio(1.0001, 1.0001, 1.0001), Region(ratio=1.0), 9, **ERRORS) is Verdict.WORSE


@pytest.mark.parametrize(
    "bad", [{"ratio": 0.95}, {"ratio": float("nan")}, {"ratio": float("inf")}, {"difference": -0.01}]
)
def test_a_region_that_is_none_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="a region of equivalence has a finite"):
        Region(**bad)


def test_the_chance_to_beat_is_that_of_mann_and_whitney() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 6, 9).astype(float), rng.integers(0, 7, 12).astype(float)
    pairs = [1.0 if x < y else 0.5 if x == y else 0.0 for x in a for y in b]
    assert 0.5 in pairs
    assert stats.chance_to_beat(a, b) == pytest.approx(np.mean(pairs))
    assert stats.chance_to_beat(a, b, worse_is_higher=False) == pytest.approx(1 - np.mean(pairs))
    assert stats.chance_to_beat(b, a, worse_is_higher=False) == pytest.approx(
        scipy_stats.mannwhitneyu(b, a).statistic / (len(a) * len(b))
    )


def test_the_chance_to_beat_leaves_out_what_has_no_score() -> None:
    assert stats.chance_to_beat([1.0, np.nan], [2.0, np.inf]) == 1.0
    assert stats.chance_to_beat([np.nan], [2.0]) is None
    assert stats.chance_to_beat([2.0], []) is None
