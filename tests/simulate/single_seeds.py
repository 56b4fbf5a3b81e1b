"""What is said of single seeds and single printed values."""

from collections.abc import Iterator

import numpy as np

from bench import stats
from bench.stats import Ending, Sample
from bench.stats.endings import FAR_TIMES
from tests.simulate.base import ERR, Found, Rng, share, simulation


@simulation("Endings of seeds that are healthy, and of some that are not")
def odd_endings(draws: int, rng: Rng) -> Iterator[Found]:
    """Count flagged seeds in rows of ten, twenty epochs each.

    Healthy curves fall and scatter from epoch to epoch; those of the committed reports scatter by 5 to 10 % in the
    middle and 41 % at most. Stuck seeds stay at five to twenty times the others' error; unstable ones jump to as much
    in their last five epochs. A row has three of each beside four healthy ones, or ten healthy ones.
    """
    fall = np.log(0.01) * (1 - np.exp(-np.arange(20) / 4))
    for noise in (0.1, 0.2, 0.3, 0.4, 0.5):
        found: dict[str, list[bool]] = {"healthy": [], "stuck": [], "unstable": []}
        for _ in range(max(draws // 40, 10)):
            curves = np.tile(fall, (10, 1)) + noise * rng.standard_normal((10, 20))
            found["healthy"] += [e is not Ending.USUAL for e in stats.endings(list(np.exp(curves)))]
            far = np.log(rng.uniform(5, 20, 6))
            curves[:3] += far[:3, None] * (1 - np.exp(-np.arange(20) / 4))
            curves[3:6, -5:] += far[3:, None]
            ends = stats.endings(list(np.exp(curves)))
            found["stuck"] += [e is Ending.STUCK for e in ends[:3]]
            found["unstable"] += [e is Ending.UNSTABLE for e in ends[3:6]]
        setting = f"epochs scatter {100 * noise:g} %"
        yield share(setting, "healthy seeds flagged", np.array(found["healthy"]), (0.0, 0.02))
        yield share(setting, "stuck seeds called stuck", np.array(found["stuck"]))
        yield share(setting, "unstable seeds called unstable", np.array(found["unstable"]))


@simulation("Healthy seeds that scatter, called stuck")
def stuck_by_chance(draws: int, rng: Rng) -> Iterator[Found]:
    """Count seeds called stuck in rows of healthy ones whose levels scatter from seed to seed.

    Before: a quarter of the siblings, of three or four seeds the best one alone, said what can be reached. After: two
    seeds at least do. A scatter of 50 % is that of the most unsteady models; from there on far seeds are no rarity.
    """
    for shape in ("normal", "skewed (exponential tail)"):
        for sd in (0.3, 0.5):
            for n in (3, 4, 5, 10):
                scatter = rng.standard_normal((draws, n)) if shape == "normal" else rng.exponential(size=(draws, n))
                levels = np.exp(sd * scatter)
                best = levels / FAR_TIMES > np.quantile(levels, 0.25, axis=1, method="lower", keepdims=True)
                found = [[e is Ending.STUCK for e in stats.endings(row[:, None])] for row in levels[: draws // 4]]
                setting = f"{shape}, seeds scatter {100 * sd:g} %, {n} seeds"
                yield share(setting, "called stuck before", best)
                yield share(setting, "called stuck", np.array(found), (0.0, 0.05))


@simulation("Printed values that are drawn as ours are")
def printed_values(draws: int, rng: Rng) -> Iterator[Found]:
    """Count values outside the prediction interval, sets of 16 with one outside after Holm's correction, and sets of 16
    that pooled are off at 5 %.
    """
    for n in (3, 5, 10):
        missed, outside, off = [], [], []
        for _ in range(max(draws // 20, 20)):
            logs = 0.15 * rng.standard_normal((16, n + 1))
            samples = {str(i): Sample(np.exp(row[1:])) for i, row in enumerate(logs)}
            printed = {str(i): float(np.exp(row[0])) for i, row in enumerate(logs)}
            judged = stats.judge_published(printed, samples).values()
            missed += [j.missed for j in judged]
            outside.append(any(j.outside for j in judged))
            whole = stats.pooled(printed, samples)
            assert whole is not None
            off.append(whole.p_value < 0.05)
        for quantity, hits in (("one value missed", missed), ("any of 16 outside", outside), ("16 pooled", off)):
            yield share(f"{n} seeds", quantity, np.array(hits), ERR)
