"""What becomes of a table's verdicts in an equal replication, marked fragile or not."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bench import stats
from bench.stats import Region, Sample, Verdict
from tests.simulate.base import Floats, Found, Rng, share, simulation
from tests.simulate.verdicts import scattered

MODELS = 6
SPREAD = 0.05
"""Standard deviation of log scores over seeds."""
FARTHEST = 6.0
"""How many times as far as one model's seeds the models of a table scatter at most."""
COSTLY = 20
"""So many draws of the others is one of these."""
OPEN = (Verdict.UNDECIDED, Verdict.TOO_FEW)
REGION = Region()


@dataclass(frozen=True)
class Kind:
    """What is replicated.

    Attributes:
        seeds: Of each model.
        shape: How seeds scatter, see `tests.simulate.verdicts.scattered`.
        alike: Correlation of a seed's two ends: 0 for other seeds, above it for the same ones on another processor.
        promised: Whether the mark promises anything of such seeds.
    """

    seeds: int
    shape: str = "normal"
    alike: float = 0.0
    promised: bool = True


KINDS = {
    "3 seeds": Kind(3),
    "5 seeds": Kind(5),
    "10 seeds": Kind(10),
    "10 seeds, half of their noise the same": Kind(10, alike=0.5),
    "10 seeds, nine tenths the same": Kind(10, alike=0.9),
    "10 seeds, skewed": Kind(10, "skewed (exponential tail)"),
    "10 seeds, one in ten stuck": Kind(10, "stuck", promised=False),
}


@simulation("Verdicts in an equal replication, marked fragile or not")
def replications(draws: int, rng: Rng) -> Iterator[Found]:
    """Judge tables of six models twice, and count verdicts that are another the second time.

    How far apart a table's models lie is drawn, from all alike to six times as far as seeds scatter, and how far each
    model's seeds scatter, from half to double. Of verdicts without a mark at most one in ten is to change, where seeds
    are normal or skewed, and of marked ones more than that where all noise is new. Where one seed in ten is stuck
    nothing is promised of those without a mark, since in a third of samples none is; and nothing where all six models
    are equal, since hardly a verdict has no mark there. Of all verdicts at most one in ten is to change without a mark,
    whatever seeds are like.
    """
    level = {n: stats.pair_level((n,) * MODELS) for n in (3, 5, 10)}
    for name, kind in KINDS.items():
        yield from _found(name, kind, FARTHEST, level[kind.seeds], draws, rng)
    yield from _found("10 seeds, all models equal", Kind(10, promised=False), 0.0, level[10], draws, rng)


def _found(name: str, kind: Kind, farthest: float, level: float, draws: int, rng: Rng) -> Iterator[Found]:
    marked, changed = [], []
    for _ in range(max(draws // COSTLY, 20)):
        at = rng.uniform(0, farthest) * SPREAD * rng.standard_normal((MODELS, 1))
        spread = 2 ** rng.uniform(-1, 1, (MODELS, 1))
        one, more = (scattered(kind.shape, SPREAD, (MODELS, kind.seeds), rng) for _ in range(2))
        other = kind.alike * one + np.sqrt(1 - kind.alike**2) * more
        first, second = at + spread * one, at + spread * other
        order = np.argsort(first.mean(axis=1))
        first, second = first[order], second[order]
        shown, again = judged(first, level), judged(second, level)
        chances = stats.flip_chances([Sample(np.exp(v)) for v in first], shown, region=REGION, level=level)
        marked += list(chances > stats.FRAGILE)
        changed += [a is not b and not (a in OPEN and b in OPEN) for a, b in zip(shown, again, strict=True)]
    has, did = np.array(marked), np.array(changed)
    bounds = (0.0, stats.FRAGILE) if kind.promised else None
    yield share(name, "marked", has)
    yield share(name, "changed of those without a mark", did[~has], bounds)
    yield share(name, "changed of the marked", did[has], None if kind.alike else (stats.FRAGILE, 1.0))
    yield share(name, "of all, changed without a mark", did & ~has, (0.0, stats.FRAGILE))


def judged(logs: Floats, level: float) -> list[Verdict]:
    """Return the verdict on each model's log scores ``[models, seeds]`` against the one with the least mean."""
    samples = [Sample(np.exp(values)) for values in logs]
    best = int(logs.mean(axis=1).argmin())
    ratios = [stats.ratio(sample, samples[best], level=level) for sample in samples]
    how = {"log": True, "worse_is_higher": True}
    return [
        Verdict.LEADS if i == best or ratio is None else stats.judge(ratio, REGION, logs.shape[1], **how)
        for i, ratio in enumerate(ratios)
    ]
