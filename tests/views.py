"""Splits whose windows are views into two series, and the same with every window copied."""

from dataclasses import replace

import numpy as np

from bench.task import Split, Splits, Target, TargetKind, Task
from bench.windows import Windows

ROWS = np.random.default_rng(5).normal(size=(90, 3)).astype(np.float32)
LAST = Task("last", TargetKind.LAST_STEP, 6, features=3, horizon=4, targets=(Target("a"), Target("b")))
EVERY = Task("every", TargetKind.EVERY_STEP, 6, features=3, horizon=4)


def views(task, starts):
    """Windows of six steps that start at these rows, and the targets after them: the first columns."""
    targets = len(task.targets)
    answers = np.ascontiguousarray(ROWS[:, :targets] if targets > 1 else ROWS[:, 0])
    ahead = np.arange(1, task.horizon + 1)
    after = np.arange(6)[:, None] + ahead if task.target.every_position else 5 + ahead
    starts = np.asarray(starts, np.int32)
    return Split(
        task, Windows(ROWS, starts, np.arange(6, dtype=np.int32)), Windows(answers, starts, after.astype(np.int32))
    )


def splits_of_views(task):
    """Train on 40 windows of two series of 45 rows; none holds rows of both."""
    train = [*range(0, 20), *range(45, 65)]
    return Splits(views(task, train), views(task, [24, 25, 69]), views(task, [29, 74, 75, 35]))


def copied(split):
    return replace(split, x=np.asarray(split.x), y=np.asarray(split.y))
