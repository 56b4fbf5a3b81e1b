"""Shares of a score's variance by where it comes from."""

from collections.abc import Iterator

import numpy as np

from bench import stats
from tests.simulate.base import Floats, Found, Rng, share, simulation
from tests.simulate.intervals import SHAPES

EPOCHS, SERIES = 8, 500
PARTS = {
    "epochs most": {"epochs": 0.7, "seeds": 0.2, "test_set": 0.1},
    "seeds most": {"epochs": 0.1, "seeds": 0.8, "test_set": 0.1},
    "the test set most": {"epochs": 0.1, "seeds": 0.2, "test_set": 0.7},
    "all alike": {"epochs": 1 / 3, "seeds": 1 / 3, "test_set": 1 / 3},
}
"""True shares."""
COSTLY = 10
"""So many draws of the others is one of these."""


@simulation("Shares of a score's variance by where it comes from")
def shares(draws: int, rng: Rng) -> Iterator[Found]:
    """Count how often the 95 % interval of a share holds the true one, and tell how wide it is.

    A test set of 500 series, known as well as those say; noise of five epochs around their trend; seeds that are normal
    beside others. Intervals may hold more often than 95 %: a share has an end at 0 and at 1.
    """
    for shape, scattered in SHAPES.items():
        for n in (5, 10, 20):
            for setting, parts in PARTS.items() if shape == "normal" else [("all alike", PARTS["all alike"])]:
                held: dict[str, list[bool]] = {name: [] for name in parts}
                widths: list[float] = []
                for _ in range(max(draws // COSTLY, 20)):
                    unit = scattered(rng, n) / _spread(shape)
                    found = _intervals(unit, parts, rng)
                    for name, (low, high) in found.items():
                        held[name].append(low <= parts[name] <= high)
                    widths.append(found["seeds"][1] - found["seeds"][0])
                for name, hits in held.items():
                    promised = (0.93, 1.0) if shape == "normal" else None
                    yield share(
                        f"{shape}, {setting}, {n} runs", f"{name.replace('_', ' ')} held", np.array(hits), promised
                    )
                wide = np.array(widths) > 0.5
                yield share(f"{shape}, {setting}, {n} runs", "seeds known no better than to 50 points", wide)


def _spread(shape: str) -> float:
    """Return the standard deviation of one seed."""
    stuck = 0.3 * float(np.log(5))
    return {"normal": 0.2, "skewed (exponential tail)": 0.2}.get(shape, float(np.hypot(0.1, stuck)))


def _intervals(unit: Floats, parts: dict[str, float], rng: Rng) -> dict[str, tuple[float, float]]:
    """Return what is found of runs whose seeds scatter by ``unit`` times their part."""
    n = len(unit)
    level = np.sqrt(parts["seeds"]) * unit[:, None] - 0.05 * np.arange(EPOCHS)
    curves = np.exp(0.1 * (level + np.sqrt(parts["epochs"]) * rng.standard_normal((n, EPOCHS))))
    test_set = 0.01 * parts["test_set"] * rng.chisquare(SERIES - 1) / (SERIES - 1)
    noise = [stats.epoch_noise(curve) for curve in curves]
    found = stats.sources(curves[:, -1], noise, test_set=test_set)
    assert found is not None
    seen = float(np.var(np.log(curves[:, -1]), ddof=1))
    return stats.share_intervals(seen, n, epochs=found.epochs, test_set=test_set, series=SERIES)
