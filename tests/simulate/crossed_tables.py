"""What a whole table says of equal models where a finite test set counts, and where each run draws its own data."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import stats as scipy_stats

from bench import stats
from bench.report.judging import Pair, noise_of
from bench.stats import Noise, Sample
from bench.stats.crossed import HeldOut, Sampled, difference, sampled
from tests.simulate.base import ERR, Found, Rng, share, simulation

SERIES = 200
SHARED = HeldOut("shared", np.ones(SERIES))
SIZES = {
    "19 models, 3 seeds": (3,) * 19,
    "13 models, 10 seeds": (10,) * 13,
    "15 models, 3 to 10 seeds": (3, 5, 10) * 5,
}
"""Seeds of each model."""
COSTLY = 10
"""So many draws of the others is one of these."""


@dataclass(frozen=True)
class Kind:
    """How far models scatter.

    Attributes:
        own: Standard deviation of a model's own error over series, as that of its mean over seeds of one run: 1.
        unequal: How many times the largest spread of either is the smallest.
    """

    own: float
    unequal: float = 1.0


KINDS = {
    "series hardly count": Kind(0.1),
    "series a third of a run's seeds": Kind(0.3),
    "series as a run's seeds": Kind(1.0),
    "series three times as much": Kind(3.0),
    "series a third, spreads up to sixfold": Kind(0.3, 6.0),
}


@simulation("The simultaneous error of a table over seeds and over series at once", dear=True)
def crossed_tables(draws: int, rng: Rng) -> Iterator[Found]:
    """Count tables of equal models, all scored on 200 series, that tell one from the leader.

    Before: each pair at the level for seeds alone. After: at that of `noise_of` the same table, as a report does, which
    is to keep 5 % to a point; where models have three seeds 8 %, since how much series count is estimated, too. Each
    model has its own error on each series, beside one that all have in common: in the mean over series its standard
    deviation is the named multiple of a run's over seeds.
    """
    for size, sizes in SIZES.items():
        before = stats.pair_level(sizes)
        for name, kind in KINDS.items():
            hits = []
            for _ in range(max(draws // COSTLY, 20)):
                pairs, level = _table(sizes, kind, rng)
                p_values = np.array([_p_value(pair) for pair in pairs])
                hits.append([(p_values < 1 - before).any(), (p_values < 1 - level).any()])
            found = np.array(hits)
            yield share(f"{size}, {name}", "seeds alone", found[:, 0])
            promised = (0.0, 0.07) if kind.unequal > 1 else (0.04, 0.08) if min(sizes) < 5 else (0.04, 0.06)
            yield share(f"{size}, {name}", "seeds and series", found[:, 1], promised)


@simulation("The simultaneous error of a table over draws of the data")
def drawn_tables(draws: int, rng: Rng) -> Iterator[Found]:
    """Count tables of equal models, each paired with the leader draw by draw, that tell one from the leader."""
    for size, sizes in SIZES.items():
        before, after = (stats.pair_level(sizes, noise=noise) for noise in (Noise(), Noise(by_draw=True)))
        hits = []
        for _ in range(draws):
            scores = [rng.standard_normal(n) for n in sizes]
            best = min(range(len(sizes)), key=lambda i: float(scores[i].mean()))
            p_values = []
            for i, own in enumerate(scores):
                common = min(len(own), sizes[best])
                gaps = own[:common] - scores[best][:common]
                if i != best:
                    error = gaps.std(ddof=1) / np.sqrt(common)
                    p_values.append(_p_value(Pair(float(gaps.mean()), float(error), common - 1.0, None)))
            hits.append([min(p_values) < 1 - before, min(p_values) < 1 - after])
        found = np.array(hits)
        yield share(size, "seeds alone", found[:, 0])
        yield share(size, "paired by draw", found[:, 1], ERR)


def _table(sizes: tuple[int, ...], kind: Kind, rng: Rng) -> tuple[list[Pair], float]:
    """Return the comparisons with the leader of a table of equal models, and the level of each."""
    alike = rng.standard_normal(SERIES)
    spreads = kind.unequal ** rng.permutation(np.linspace(-0.5, 0.5, len(sizes)))
    models = [_model(n, spread, kind.own * spread, alike, rng) for n, spread in zip(sizes, spreads, strict=True)]
    best = min(models, key=lambda model: float(model.scores.mean()))
    held = [(Sample(m.scores), Sample(best.scores), _pair(m, best)) for m in models if m is not best]
    noise = noise_of([Sample(model.scores) for model in models], held, log=False)
    return [pair for *_, pair in held], stats.pair_level(sizes, noise=noise)


def _model(runs: int, spread: float, own: float, alike: stats.Float64, rng: Rng) -> Sampled:
    """Return a model's runs; its mean over all series there are is 0."""
    errors = alike + np.sqrt(SERIES) * own * rng.standard_normal(SERIES) + spread * rng.standard_normal((runs, 1))
    return sampled(errors, [SHARED] * runs, [0] * runs, working=lambda mean: mean)


def _pair(a: Sampled, b: Sampled) -> Pair:
    found = difference(a, b)
    assert found is not None
    return Pair(found.value, found.error, found.freedom, None, SERIES)


def _p_value(pair: Pair) -> float:
    return 2 * float(scipy_stats.t.sf(abs(pair.value) / pair.error, pair.freedom))
