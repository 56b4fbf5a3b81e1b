"""What holds of every report, tried on many generated ones, a process a core."""

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from bench.devices import usable_cores
from tests.generated import more_metrics
from tests.properties import PROPERTIES
from tests.torture.fuzz import collect


def properties(examples: int, number: int, most_s: float) -> dict[str, Any]:
    """Try every property on its share of some examples; return how many, and what was wrong.

    Each core has a process with examples of its own, all of them from ``number``; after ``most_s`` seconds no more is
    tried.
    """
    hands = len(usable_cores())
    until = time.monotonic() + most_s
    shares = [max(1, round(of.share * examples / hands)) for of in PROPERTIES]
    tried = dict.fromkeys((of.name for of in PROPERTIES), 0)
    wrong: list[str] = []
    with ProcessPoolExecutor(hands, mp_context=multiprocessing.get_context("spawn")) as pool:
        for place, (of, share) in enumerate(zip(PROPERTIES, shares, strict=True)):
            left = [until - time.monotonic()] * hands
            seeds = [number * 1_000_003 + hand for hand in range(hands)]
            for count, *said in pool.map(_try, [place] * hands, [share] * hands, seeds, left):
                tried[of.name] += int(count.split()[1])
                wrong += [f"{of.name}: {text}" for text in said]
    return {"properties": tried, "property_failures": len(wrong), "property_notes": wrong[:20]}


def _try(place: int, examples: int, number: int, most_s: float) -> list[str]:
    of = PROPERTIES[place]
    with more_metrics():
        return collect(of.inputs, of, examples, number, most_s)
