"""Intervals of one model's mean."""

from collections.abc import Iterator

import numpy as np

from bench import stats
from tests.simulate.base import COVER, Floats, Found, Rng, share, simulation

STUCK = float(np.log(5))
SHAPES = {
    "normal": lambda rng, shape: 0.2 * rng.standard_normal(shape),
    "skewed (exponential tail)": lambda rng, shape: 0.2 * (rng.exponential(size=shape) - 1),
    "one seed in ten five times worse": lambda rng, shape: (
        0.1 * rng.standard_normal(shape) + STUCK * ((rng.random(shape) < 0.1) - 0.1)
    ),
}
"""Log scores whose mean is 0."""


def covered(logs: Floats) -> Floats:
    """Return whether the interval over each row of log scores holds 1, the true geometric mean."""
    made = [stats.interval(row) for row in np.exp(logs)]
    return np.array([i is not None and i.low is not None and i.high is not None and i.low <= 1 <= i.high for i in made])


@simulation("The interval of a model's mean over seeds")
def seed_intervals(draws: int, rng: Rng) -> Iterator[Found]:
    """Count how often the 95 % interval of a geometric mean holds the true one.

    It is exact for log-normal scores. Where one seed in ten is stuck it fails at few seeds, whatever is computed from
    them: many tables hold no such seed.
    """
    for shape, made in SHAPES.items():
        for n in (3, 5, 10, 20):
            promised = COVER if shape == "normal" else None
            yield share(f"{shape}, {n} seeds", "interval holds the mean", covered(made(rng, (draws, n))), promised)
