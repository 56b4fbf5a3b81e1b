"""Is a training that was done again the same: its bits, its numbers within rounding, or neither?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

EPSILON = 1e-6
"""Relative difference up to which two trainings are called the same within rounding."""
Arrays = Sequence[NDArray[np.floating]]
Kind = Literal["bit-equal", "within 1e-6", "different", "not run"]


@dataclass(frozen=True)
class Trained:
    """What one training left: losses, weights and forecasts in that order, and its seconds an epoch.

    On a CPU these are the process's own seconds, on a GPU the wall clock's.
    """

    arrays: Arrays
    epoch_s: float


@dataclass(frozen=True)
class Repetition:
    """One way of doing it again, held against the first time.

    Attributes:
        how: ``again in one process``, ``in a fresh process``, ``on another core`` or ``deterministic mode``.
        kind: The worst of all networks.
        difference: The largest of `relative_difference` over all of them; None where it did not run.
        networks: Labels of those that are not bit-equal.
        reason: Why it did not run.
    """

    how: str
    kind: Kind
    difference: float | None = None
    networks: tuple[str, ...] = ()
    reason: str = ""


def relative_difference(a: Arrays, b: Arrays) -> float:
    """Return the largest difference of two lists of arrays, each array's relative to its largest number.

    Infinity where shapes differ, or where a number is finite in one alone.
    """
    if [x.shape for x in a] != [x.shape for x in b]:
        return float("inf")
    worst = 0.0
    for x, y in zip(a, b, strict=True):
        if x.tobytes() == y.tobytes():
            continue
        first, second = x.astype(np.float64), y.astype(np.float64)
        if not np.array_equal(np.isfinite(first), np.isfinite(second)):
            return float("inf")
        gap = np.max(np.abs(np.nan_to_num(first) - np.nan_to_num(second)), initial=0.0)
        scale = max(np.max(np.abs(np.nan_to_num(v)), initial=0.0) for v in (first, second))
        worst = max(worst, float(gap / scale) if scale else 0.0)
    return worst


def judge(a: Arrays, b: Arrays) -> tuple[Kind, float]:
    """Return whether two trainings left the same bits, the same within `EPSILON`, or other numbers; and by how much."""
    equal = len(a) == len(b) and all(
        x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True)
    )
    if equal:
        return "bit-equal", 0.0
    difference = relative_difference(a, b)
    return ("within 1e-6" if difference <= EPSILON else "different"), difference


def held_against(how: str, first: Mapping[str, Trained], again: Mapping[str, Trained]) -> Repetition:
    """Judge one way of doing it again, over all networks."""
    judged = {label: judge(trained.arrays, again[label].arrays) for label, trained in first.items()}
    differences = [difference for _, difference in judged.values()]
    kinds: tuple[Kind, ...] = ("different", "within 1e-6", "bit-equal")
    worst = next(kind for kind in kinds if any(k == kind for k, _ in judged.values()))
    unequal = tuple(label for label, (kind, _) in judged.items() if kind != "bit-equal")
    return Repetition(how, worst, max(differences), unequal)
