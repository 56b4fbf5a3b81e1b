"""What a whole table says of models that are equal."""

from collections.abc import Iterator

import numpy as np
from scipy import special

from bench import stats
from bench.stats import Family
from bench.stats.pairs import critical
from tests.simulate.base import ERR, Floats, Found, Rng, share, simulation, welch

SIZES = ((13, 10), (36, 10), (19, 3), (36, 3), (19, 5))
SPREADS = {
    "equal spreads": lambda k: np.ones(k),
    "spreads up to sixfold": lambda k: np.exp(np.linspace(-0.9, 0.9, k)),
    "one model eight times as wide": lambda k: np.where(np.arange(k) == 0, 8.0, 1.0),
    "one model a tenth as wide": lambda k: np.where(np.arange(k) == 0, 0.1, 1.0),
}
TABLES = 4_000
"""At most so many: they are costly."""


def all_pairs(logs: Floats) -> tuple[Floats, Floats, Floats]:
    """Return each pair's distance in standard errors, its freedom, and whether it is one with the leader."""
    first, second = np.triu_indices(logs.shape[1], 1)
    gap, error, freedom = welch(logs[:, first], logs[:, second])
    leader = logs.mean(axis=2).argmin(axis=1)[:, None]
    return np.abs(gap) / error, freedom, (leader == first) | (leader == second)


def games_howell(freedom: Floats, k: int, n: int) -> Floats:
    """Return critical values, by interpolation over one over the freedom."""
    grid = np.linspace(1 / (2 * n - 2), 1 / (n - 1), 16)
    return np.interp(1 / freedom, grid, [critical(k, float(1 / x)) for x in grid])


@simulation("The simultaneous error of a table of equal models")
def simultaneous_error(draws: int, rng: Rng) -> Iterator[Found]:
    """Count tables of equal models that say that some two differ: one from the leader by mean, or any pair.

    Before: Games-Howell over all models. After: each pair at the level that `pair_level` finds for the table's own
    numbers of seeds, which is to keep 5 % where spreads are equal, and 7 % against the leader where they are not.
    """
    for k, n in SIZES:
        levels = {family: stats.pair_level((n,) * k, family) for family in Family}
        for name, spreads in SPREADS.items():
            hits: dict[str, list[Floats]] = {}
            for _ in range(max(min(draws, TABLES) // 100, 1)):
                logs = spreads(k)[:, None] * rng.standard_normal((100, k, n))
                distance, freedom, leader = all_pairs(logs)
                old = distance > games_howell(freedom, k, n)
                near = distance > 1.95
                p_values = np.ones_like(distance)
                p_values[near] = 2 * special.stdtr(freedom[near], -distance[near])
                for quantity, found in (
                    ("leader, Games-Howell", old & leader),
                    ("leader, calibrated", (p_values < 1 - levels[Family.LEADER]) & leader),
                    ("any pair, Games-Howell", old),
                    ("any pair, calibrated", p_values < 1 - levels[Family.PAIRS]),
                ):
                    hits.setdefault(quantity, []).append(found.any(axis=1))
            for quantity, found in hits.items():
                promised = None
                if quantity.endswith("calibrated"):
                    unequal = (0.0, 0.07) if quantity.startswith("leader") else None
                    promised = ERR if name == "equal spreads" else unequal
                yield share(f"{k} models, {n} seeds, {name}", quantity, np.concatenate(found), promised)
