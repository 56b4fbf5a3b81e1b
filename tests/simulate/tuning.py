"""Scores of a recipe that was chosen from a grid."""

from collections.abc import Iterator

import numpy as np

from bench import stats
from tests.simulate.base import Found, Rng, mean, share, simulation

SD = 0.15
GRIDS = {"recipes that are alike": 0.0, "recipes 5 % apart": 0.05, "recipes 20 % apart": 0.2}


@simulation("A recipe chosen from a grid, scored on its own seeds and on fresh ones")
def tuned(draws: int, rng: Rng) -> Iterator[Found]:
    """Measure by how much the chosen recipe's score misses its truth, and how often the 95 % interval holds it.

    Seeds that spread 15 %, ten or fewer. The naive way takes the least of the recipes' means; the other lets each half
    of the seeds score what the other half chose, and where the halves choose unlike recipes the truth is their mean.
    Its interval holds a little less often than 95 %, since what one half scores helped to choose what the other scores.
    """
    for name, step in GRIDS.items():
        for k, n in ((4, 4), (4, 6), (4, 10), (12, 4), (12, 6), (12, 10)):
            centres = np.log1p(step) * np.arange(k)
            rows: dict[str, list[float]] = {"naive": [], "fresh": [], "naive holds": [], "fresh holds": []}
            for _ in range(max(draws // 5, 20)):
                scores = np.exp(centres[:, None] + SD * rng.standard_normal((k, n)))
                chosen = int(np.log(scores).mean(axis=1).argmin())
                fresh = stats.winner_on_fresh(scores)
                assert fresh is not None
                for way, values, truth in (
                    ("naive", scores[chosen], centres[chosen]),
                    ("fresh", fresh.values, centres[list(fresh.picks)].mean()),
                ):
                    made = stats.interval(values)
                    assert made is not None
                    assert made.low is not None
                    assert made.high is not None
                    rows[way].append(float(np.log(made.centre) - truth))
                    rows[f"{way} holds"].append(made.low <= np.exp(truth) <= made.high)
            setting = f"{k} {name}, {n} seeds"
            for way, promised in (("naive", None), ("fresh", (-0.001, 0.001))):
                yield mean(setting, f"log of score over truth, {way}", np.array(rows[way]), promised)
            for way, promised in (("naive", None), ("fresh", (0.90, 0.96))):
                yield share(setting, f"interval holds the truth, {way}", np.array(rows[f"{way} holds"]), promised)
