"""How two samples of one leaderboard are held against each other: the interval, the verdict, the seeds that decide."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench import stats

OPEN = (stats.Verdict.UNDECIDED, stats.Verdict.TOO_FEW)
"""Verdicts that more seeds may change."""
MOST = 1e6
"""How many times more series count than seeds at most, or seeds than series."""


@dataclass(frozen=True)
class Pair:
    """How far one row lies from another over seeds and series at once: a line of ``pairs.csv``.

    Attributes:
        value: Log of the ratio, or the difference.
        error: Its standard error.
        freedom: Of Student's t.
        beats: Probability that one more run of the first beats one more of the second; None if not known.
        series: Of the test set, that the error is over.
    """

    value: float
    error: float
    freedom: float
    beats: float | None
    series: int = 0

    def turned(self) -> "Pair":
        """Return it of the second against the first."""
        return replace(self, value=-self.value, beats=None if self.beats is None else 1 - self.beats)

    def ratio(self, *, log: bool, level: float) -> stats.Ratio:
        """Return it as a ratio or a difference with its interval."""
        reach = stats.critical(2, self.freedom, level) * self.error
        ends = (self.value, self.value - reach, self.value + reach)
        return stats.Ratio(*(map(float, np.exp(ends)) if log else ends))


@dataclass(frozen=True)
class Judge:
    """What all comparisons of a leaderboard share.

    Attributes:
        log: Differences are ratios.
        worse_is_higher: True for errors.
        region: Differences that make none in practice.
        level: That of each pair's interval, such that all against the leader hold at once with 95 %.
    """

    log: bool
    worse_is_higher: bool
    region: stats.Region
    level: float

    def ratio(self, own: stats.Sample, other: stats.Sample, pair: Pair | None = None) -> stats.Ratio | None:
        """Return one sample over another (for shares: less it) with its simultaneous interval; None of two zeros.

        With ``pair`` the interval is over seeds and series, without it over seeds alone.
        """
        if pair is not None:
            return pair.ratio(log=self.log, level=self.level)
        return stats.ratio(own, other, log=self.log, level=self.level)

    def verdict(self, own: stats.Sample, other: stats.Sample, pair: Pair | None = None) -> stats.Verdict:
        """Return what the interval shows of a sample against one with a better mean."""
        seeds = min((len(s.values) for s in (own, other) if not s.exact), default=stats.ENOUGH)
        ratio = self._decided(own, other, pair)
        return stats.judge(ratio, self.region, seeds, log=self.log, worse_is_higher=self.worse_is_higher)

    def contrast(self, own: stats.Sample, other: stats.Sample, pair: Pair | None = None) -> stats.Contrast:
        """Return all that is known of a sample against one with a better mean."""
        verdict = self.verdict(own, other, pair)
        beats = stats.chance_to_beat(own.values, other.values, worse_is_higher=self.worse_is_higher)
        found = self.seeds_to_decide(own, other, pair) if verdict in OPEN else None
        needed = found if isinstance(found, int) else None
        return stats.Contrast(self._decided(own, other, pair), pair.beats if pair else beats, verdict, needed)

    def seeds_to_decide(
        self, own: stats.Sample, other: stats.Sample, pair: Pair | None = None
    ) -> int | stats.Undecidable:
        """Return how many seeds of each would decide between these two, at this level, or why no number would."""
        error, series = (pair.error, pair.series) if pair else (None, 0)
        return stats.seeds_to_decide(
            own, other, self.region, log=self.log, error=error, series=series, level=self.level
        )

    def flip_chances(
        self,
        samples: Sequence[stats.Sample],
        shown: Sequence[stats.Verdict],
        pairs: Sequence[Sequence[Pair | None]],
        by_draw: stats.Float64 | None = None,
    ) -> stats.Float64:
        """Return each sample's chance that an equal replication gives it another verdict, see `stats.flip_chances`.

        Args:
            samples: Best first.
            shown: The verdict on each.
            pairs: What is known of each, over series too, against each.
            by_draw: Scores by draw of the data ``[draws, samples]`` where samples are paired by it.
        """
        known = zip(samples, pairs, strict=True)
        variance = [
            [beyond_seeds(own, other, p, self.log) if p else 0.0 for other, p in zip(samples, row, strict=True)]
            for own, row in known
        ]
        series = min((p.series for row in pairs for p in row if p), default=2)
        beyond = stats.Beyond(np.sqrt(variance), max(series, 2), by_draw)
        how = {"log": self.log, "worse_is_higher": self.worse_is_higher}
        return stats.flip_chances(samples, shown, region=self.region, level=self.level, beyond=beyond, **how)

    def _decided(self, own: stats.Sample, other: stats.Sample, pair: Pair | None) -> stats.Ratio:
        """Return the ratio; to a geometric mean of 0, which has none, with ends only where zeros say what is so."""
        ratio = self.ratio(own, other, pair)
        if ratio is not None and np.isfinite(ratio.value):
            return ratio
        if ratio is None:
            known, value = not (np.any(own.values) or np.any(other.values)), 1.0
        else:
            both = {"own": own, "other": other}
            known, value = bool(stats.significant_pairs(both, log=self.log, level=self.level)), ratio.value
        return stats.Ratio(value, value, value) if known else stats.Ratio(value, None, None)


def noise_of(
    samples: Sequence[stats.Sample],
    pairs: Sequence[tuple[stats.Sample, stats.Sample, Pair]],
    *,
    log: bool,
    by_draw: bool = False,
) -> stats.Noise:
    """Return what the errors of a leaderboard's differences are over, as far as its pairs know them.

    How much more series count than seeds is the median over pairs by that of models: one that scatters as no other does
    is to say nothing of the rest. It is told to a quarter of a power of ten: it is not known better.

    Args:
        samples: Scores of every model.
        pairs: Those of each and the leader, and what is known of the two over series, too.
        log: Differences are ratios.
        by_draw: Each run drew its own data.
    """
    if by_draw or not pairs:
        return stats.Noise(by_draw=by_draw)

    beyond = [beyond_seeds(a, b, p, log) / 2 for a, b, p in pairs]
    scattered = [_variance(sample, log) for sample in samples if not sample.exact and len(sample.values) > 1]
    over_seeds = float(np.median(scattered)) if scattered else 0.0
    share = float(np.median(beyond)) / over_seeds if over_seeds > 0 else MOST
    rounded = 10 ** (np.round(4 * np.log10(np.clip(share, 1 / MOST, MOST))) / 4)
    return stats.Noise(max(p.series for *_, p in pairs), float(rounded))


def beyond_seeds(own: stats.Sample, other: stats.Sample, pair: Pair, log: bool) -> float:
    """Return the variance of the difference of two samples that the finite test set adds to that over seeds."""
    return max(pair.error**2 - sum(_variance(s, log) / len(s.values) for s in (own, other)), 0.0)


def _variance(sample: stats.Sample, log: bool) -> float:
    values = stats.finite(sample.values)
    return float(np.var(np.log(values) if log else values, ddof=1)) if len(values) > 1 else 0.0
