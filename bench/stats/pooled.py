"""Printed values against ours all together, where each alone says little."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from bench.stats.intervals import Interval, interval
from bench.stats.samples import SAME, Sample, finite


@dataclass(frozen=True)
class Pooled:
    """Printed values held against ours all together.

    Attributes:
        z: Stouffer's: above 0 where what was printed lies above ours.
        p_value: That values drawn as ours are lie so far off on the whole, to either side.
        ratio: Geometric mean of printed over ours, with Student's t interval over the values.
    """

    z: float
    p_value: float
    ratio: Interval


def pooled(published: Mapping[str, float], samples: Mapping[str, Sample]) -> Pooled | None:
    """Return whether printed values differ from ours as a whole, where each alone may not.

    Each is taken for one more seed: its log distance from our mean over ``s sqrt(1 + 1/n)`` is Student's t, and its p
    value gives a normal z. Their sum over the root of their number is normal if they are independent, so give one value
    a model: two metrics of one run are not.

    Left out are exact scores, values without two seeds of ours that differ, and those with a score that has no log.
    None for fewer than two of what is left.

    Source: Stouffer et al., The American Soldier, volume 1 (1949), note to page 45.
    """
    z_values, gaps = [], []
    for name, printed in published.items():
        sample = samples.get(name)
        ours = finite(sample.values) if sample else np.array([])
        if sample is None or sample.exact or len(ours) < 2 or not (printed > 0 and np.all(ours > 0)):
            continue
        logs = np.log(ours)
        spread = float(np.std(logs, ddof=1)) * np.sqrt(1 + 1 / len(logs))
        if spread < SAME:
            continue
        gaps.append(float(np.log(printed) - np.mean(logs)))
        z_values.append(float(np.sign(gaps[-1]) * stats.norm.isf(stats.t.sf(abs(gaps[-1]) / spread, len(logs) - 1))))
    ratio = interval(np.exp(np.clip(gaps, -700, 700)))  # what has a number
    if ratio is None or len(gaps) < 2:
        return None
    z = float(np.sum(z_values) / np.sqrt(len(z_values)))
    return Pooled(z, float(2 * stats.norm.sf(abs(z))), ratio)
