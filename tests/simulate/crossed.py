"""Seeds and a finite test set at once: what an interval of a difference covers, paired by series and otherwise."""

from collections.abc import Iterator

import numpy as np
from scipy import stats as scipy_stats

from bench import stats
from bench.stats.crossed import Difference, HeldOut, Sampled, difference, sampled
from tests.simulate.base import COVER, Floats, Found, Rng, share, simulation

SEEDS, SERIES = 10, 500
NOISES = {
    "seeds scatter most": (0.2, 0.5, 0.1, 0.2),
    "series matter most, alike for both": (0.01, 1.0, 0.1, 0.2),
    "series matter most, for each its own": (0.01, 0.3, 1.0, 0.2),
    "a seed's luck on single series": (0.0, 0.5, 0.0, 1.0),
    "all alike": (0.03, 0.7, 0.7, 0.7),
}
"""Spreads over seeds, over series alike for both models, over series of each model, and of each seed on each series."""
SHARED, APART = HeldOut("shared", np.ones(SERIES)), HeldOut("apart", np.ones(SERIES))
COSTLY = 20
"""So many draws of the others is one of these."""


@simulation("Intervals over seeds and over series at once")
def crossed_intervals(draws: int, rng: Rng) -> Iterator[Found]:
    """Two trained models of one true error are scored on 500 series, ten seeds each.

    Counted is how often the 95 % interval of their difference holds the true one, 0: paired over the series that both
    forecast; as if each had its own; and over seeds alone, by Welch, which takes the test set for all there is.
    """
    for setting, spreads in NOISES.items():
        held = np.array([_held(spreads, rng) for _ in range(max(draws // COSTLY, 20))])
        yield share(setting, "paired", held[:, 0], COVER)
        yield share(setting, "unpaired", held[:, 1])
        yield share(setting, "seeds alone", held[:, 2])


@simulation("Intervals over draws of the data")
def crossed_draws(draws: int, rng: Rng) -> Iterator[Found]:
    """As above, but each of ten runs draws its own 500 series, the same for both models: runs are paired by draw."""
    sets = [HeldOut(f"draw {number}", np.ones(SERIES)) for number in range(SEEDS)]
    for setting, spreads in NOISES.items():
        held = np.array([_held_by_draw(spreads, sets, rng) for _ in range(max(draws // (10 * COSTLY), 20))])
        yield share(setting, "paired by draw", held, COVER)


def _held(spreads: tuple[float, ...], rng: Rng) -> list[bool]:
    series = rng.normal(size=SERIES)
    first, second = (_errors(spreads, series, SEEDS, rng) for _ in range(2))
    a, b, apart = _sampled(first, [SHARED]), _sampled(second, [SHARED]), _sampled(second, [APART])
    alone = stats.ratio(stats.Sample(a.scores), stats.Sample(b.scores), log=False)
    assert alone is not None
    assert alone.low is not None
    assert alone.high is not None
    return [_holds(difference(a, b)), _holds(difference(a, apart)), alone.low <= 0 <= alone.high]


def _held_by_draw(spreads: tuple[float, ...], sets: list[HeldOut], rng: Rng) -> bool:
    series = [rng.normal(size=SERIES) for _ in sets]
    models = [np.concatenate([_errors(spreads, each, 1, rng) for each in series]) for _ in range(2)]
    return _holds(difference(*(_sampled(errors, sets) for errors in models)))


def _errors(spreads: tuple[float, ...], series: Floats, runs: int, rng: Rng) -> Floats:
    """Return errors (runs, series) of a model whose true error is 5."""
    of_seeds, alike, own, luck = spreads
    rows, both = rng.normal(size=(runs, 1)), rng.normal(size=(runs, SERIES))
    return 5 + of_seeds * rows + alike * series + own * rng.normal(size=SERIES) + luck * both


def _sampled(errors: Floats, sets: list[HeldOut]) -> Sampled:
    runs = len(errors)
    tests = sets * (runs // len(sets))
    return sampled(errors, tests, range(runs) if len(sets) > 1 else [0] * runs, working=lambda mean: mean)


def _holds(found: Difference | None) -> bool:
    assert found is not None
    return abs(found.value) <= float(scipy_stats.t.isf(0.025, found.freedom)) * found.error
