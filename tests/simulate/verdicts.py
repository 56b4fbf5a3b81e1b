"""Verdicts as functions of what is true, and the seeds that are named to decide."""

from collections.abc import Iterator

import numpy as np
from scipy import stats as scipy_stats

from bench import stats
from bench.stats import Ratio, Region, Sample, Verdict
from tests.simulate.base import Floats, Found, Rng, share, simulation, welch
from tests.simulate.intervals import SHAPES, STUCK

MODELS = 13
SPREADS = (0.03, 0.15)
RATIOS = (1.0, 1.02, 1.1, 1.2, 1.5)
GAPS = ((0.15, 0.15, 1.1), (0.15, 0.15, 1.3), (0.05, 0.3, 1.2), (0.15, 0.15, 1.0), (0.03, 0.03, 1.02))
REGION = Region()


def judged(gap: Floats, error: Floats, freedom: Floats, seeds: int, level: float) -> Floats:
    """Return a verdict a draw on log differences that may be of either sign: the better of the two is the leader."""
    reach = scipy_stats.t.isf((1 - level) / 2, freedom) * error
    ratios = np.exp(np.abs(gap)[:, None] + reach[:, None] * np.array([0, -1, 1]))
    made = [stats.judge(Ratio(*row), REGION, seeds, log=True, worse_is_higher=True) for row in ratios.tolist()]
    return np.array(made)


@simulation("Verdicts on a model whose true ratio to the best is known")
def verdicts(draws: int, rng: Rng) -> Iterator[Found]:
    """Count each verdict in a table of 13 models of which the other eleven lie far behind; the region is 5 %.

    Wrong: the better or an equal one is called worse; a model beyond the region is called equivalent. Intervals hold
    for all 13 at once, so for one rival each is wrong far less often than one time in twenty.
    """
    for sd in SPREADS:
        for n in (3, 4, 5, 10, 20):
            level = stats.pair_level((n,) * MODELS)
            for ratio in RATIOS:
                best, other = (sd * rng.standard_normal((draws, n)) + at for at in (0.0, np.log(ratio)))
                gap, error, freedom = welch(best, other)
                found = judged(gap, error, freedom, n, level)
                setting = f"seeds spread {100 * sd:g} %, ratio {ratio:g}, {n} seeds"
                worse = found == Verdict.WORSE
                right = worse & (gap > 0) & (ratio > 1)
                equivalent = found == Verdict.EQUIVALENT
                yield share(setting, "worse, rightly", right)
                yield share(setting, "equivalent", equivalent, (0.0, 0.05) if ratio > REGION.ratio else None)
                yield share(setting, "undecided or too few", ~worse & ~equivalent)
                yield share(setting, "worse, wrongly", worse & ~right, (0.0, 0.05))


ODD = {
    "both skewed": ("skewed (exponential tail)", "skewed (exponential tail)", 0.0),
    "the other skewed": ("normal", "skewed (exponential tail)", 0.0),
    "one seed in ten stuck, of both": ("stuck", "stuck", 0.0),
    "one seed in ten stuck, of the other": ("normal", "stuck", 0.0),
    "one seed in ten stuck, of the other, else as good": ("normal", "stuck", 0.1 * STUCK),
}
"""What is odd; how the first scatters, and the other; and by how much more the other's log mean lies above."""


def scattered(kind: str, sd: float, shape: tuple[int, int], rng: Rng) -> Floats:
    """Return log scores of mean 0; of stuck ones those that are not scatter by ``sd``."""
    if kind == "stuck":
        return sd * rng.standard_normal(shape) + STUCK * ((rng.random(shape) < 0.1) - 0.1)
    return sd / 0.2 * SHAPES[kind](rng, shape)


@simulation("Verdicts where seeds are not normal")
def odd_verdicts(draws: int, rng: Rng) -> Iterator[Found]:
    """As above, where seeds have an exponential tail, or one in ten ends five times worse.

    Misled: an equal or the better one is called worse, or one beyond the region equivalent. Nothing is promised where
    seeds are stuck: of ten, none is in a third of tables, and then nothing shows that any would be.
    """
    for name, (first, second, more) in ODD.items():
        for sd in SPREADS:
            for n in (3, 4, 5, 10):
                level = stats.pair_level((n,) * MODELS)
                for ratio in (1.0,) if more else (1.0, 1.1, 1.2):
                    at = float(np.log(ratio)) + more
                    best, other = scattered(first, sd, (draws, n), rng), at + scattered(second, sd, (draws, n), rng)
                    gap, error, freedom = welch(best, other)
                    found = judged(gap, error, freedom, n, level)
                    right = (found == Verdict.WORSE) & (gap > 0) & (at > 0)
                    beyond = at > REGION.reach(log=True)
                    promised = (0.0, 0.05) if "skewed" in name else None
                    setting = f"{name}, seeds spread {100 * sd:g} %, ratio {np.exp(at):.3g}, {n} seeds"
                    yield share(setting, "worse, rightly", right)
                    yield share(setting, "worse, wrongly", (found == Verdict.WORSE) & ~right, promised)
                    wrongly = beyond & (found == Verdict.EQUIVALENT)
                    yield share(setting, "equivalent, wrongly", wrongly, promised)


def decided(sd_a: float, sd_b: float, ratio: float, n: int, draws: int, rng: Rng) -> Floats:
    """Return in which draws a pair's own 95 % interval of ``n`` seeds decides, the right way round."""
    a, b = sd_a * rng.standard_normal((draws, n)), np.log(ratio) + sd_b * rng.standard_normal((draws, n))
    gap, error, freedom = welch(a, b)
    found = judged(gap, error, freedom, n, 0.95)
    return (found == Verdict.EQUIVALENT) | ((found == Verdict.WORSE) & (gap > 0))


@simulation("The seeds that are named to decide between two models")
def power_by_pair(draws: int, rng: Rng) -> Iterator[Found]:
    """See whether the named number of seeds decides four times in five, in one direction or as equivalent.

    From the true means and spreads it does, to within a seed. A report names it from ten seeds, whose luck it follows:
    so it is a guide for this difference as it was seen, and no promise.
    """
    unit = scipy_stats.zscore(np.arange(10.0), ddof=1)
    for sd_a, sd_b, ratio in GAPS:
        logs = (sd_a, 0.0), (sd_b, np.log(ratio))
        n = stats.seeds_to_decide(*(Sample(np.exp(sd * unit + at)) for sd, at in logs), REGION)
        assert isinstance(n, int)
        setting = f"ratio {ratio:g}, spreads {100 * sd_a:g} % and {100 * sd_b:g} %: {n} seeds"
        hits = decided(sd_a, sd_b, ratio, n, min(draws, 10_000), rng)
        yield share(setting, "they decide", hits, (0.78, 0.88))
        powers, more = [], []
        for _ in range(max(draws // 40, 20)):
            pilot = (Sample(np.exp(sd * rng.standard_normal(10) + at)) for sd, at in logs)
            guess = stats.seeds_to_decide(*pilot, REGION)
            guess = guess if isinstance(guess, int) else stats.power.MOST_SEEDS
            more.append(guess >= n)
            powers.append(float(decided(sd_a, sd_b, ratio, min(guess, 2 * n), 200, rng).mean()))
        yield share(setting, "ten seeds name as many or more", np.array(more))
        for least in (0.5, 0.8):
            quantity = f"what ten seeds name decides in {100 * least:g} % or more"
            yield share(setting, quantity, np.array(powers) >= least)
