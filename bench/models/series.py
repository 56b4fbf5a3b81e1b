"""The series that training windows are cut from, put together again: what is fitted to series needs them whole."""

import numpy as np
from numpy.typing import NDArray

from bench.models.targets import past_of_targets
from bench.task import Split, Task
from bench.windows import Windows

Float64 = NDArray[np.float64]


def stretches(train: Split, task: Task, most: int, steps: int) -> list[Float64]:
    """Return the past of the targets without a gap, ``(steps, targets)`` each, from the training windows alone.

    Windows into series that begin a step apart are one stretch, with the targets of its last window; windows that are
    arrays of their own are a stretch each.

    Args:
        train: The training split.
        task: What is forecast: it says which features are the past of its targets.
        most: So many of them at most: the longest, of equals the first.
        steps: So many steps at most: the last ones.
    """
    features = past_of_targets(task)
    found: list[Float64]
    if isinstance(train.x, Windows):
        rows, starts = train.x.rows, np.sort(train.x.starts)
        after = train.y if isinstance(train.y, Windows) else train.x
        ends = int(max(train.x.offsets.max(), after.offsets.max())) + 1
        runs = np.split(starts, np.flatnonzero(np.diff(starts) > 1) + 1)
        longest = sorted(runs, key=len, reverse=True)[:most]
        found = [rows[run[0] : run[-1] + ends, features].astype(np.float64) for run in longest]
    else:
        found = [window[:, features].astype(np.float64) for window in train.x[:most]]
    return [stretch[-steps:] for stretch in found]
