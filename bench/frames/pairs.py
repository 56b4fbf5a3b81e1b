"""The frame of pairs: how far one place lies from another by a score, over seeds and over series at once."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from bench import stats
from bench.frames.base import frame
from bench.frames.schemas import PAIRS
from bench.frames.selection import Shown
from bench.frames.windows import Compared, Place, Placed, compared
from bench.stats.crossed import difference


@frame("pairs", PAIRS, long=True)
def pairs_rows(shown: Shown) -> Iterator[dict[str, Any]]:
    """Yield one row a pair of places and score."""
    for group in compared(shown):
        for one, other in combinations(group.placed, 2):
            found = difference(one.sampled, other.sampled)
            if found is not None:
                yield {
                    **_named("", one.place),
                    **_named("rival_", other.place),
                    **_score(group),
                    **vars(found),
                    "beats": _beats(one, other, group.metric.sign),
                }


def _named(start: str, place: Place) -> dict[str, str]:
    return {f"{start}{column}": name for column, name in zip(("case", "device", "backend"), place, strict=True)}


def _score(group: Compared) -> dict[str, str]:
    return {"split": group.key.split, "weights": group.key.weights, "metric": group.key.metric}


def _beats(one: Placed, other: Placed, sign: int) -> float | None:
    """Return the probability that one more run of the first beats one more run of the other, ties as half.

    Where each run draws its own data both run on one draw.
    """
    a, b = one.sampled, other.sampled
    if not a.own_data:
        return stats.chance_to_beat(a.scores, b.scores, worse_is_higher=sign > 0)
    by_draw = dict(zip(b.draws, b.scores, strict=True))
    gaps = np.array([sign * (by_draw[d] - score) for d, score in zip(a.draws, a.scores, strict=True) if d in by_draw])
    return float(np.mean(gaps > 0) + np.mean(gaps == 0) / 2)
