"""Which seeds solve a task whose dataset says when it counts as solved, and after how many steps of training."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from bench import stats
from bench.frames.solved import steps_after
from bench.metrics.traits import Traits
from bench.record import FINISHED
from bench.report.leaderboards import Leaderboard
from bench.report.results import Results
from bench.report.rows import Row
from bench.report.shortlist import entries


@dataclass(frozen=True)
class Solving:
    """How a network's seeds fare against the threshold of its task.

    Attributes:
        metric: That the threshold is of.
        threshold: Its value from which on a test score counts as solved.
        on_test: Whether each seed's test score, of the weights that rank, is there: False where it diverged.
        steps: At the end of which epoch each seed's validation score is there first, in steps of the optimizer; None
            for one that never is.
        budget: Steps of the longest of these runs.
    """

    row: Row
    metric: Traits
    threshold: float
    on_test: tuple[bool, ...]
    steps: tuple[float | None, ...]
    budget: float

    @property
    def solved(self) -> int:
        """Seeds that solve it on test."""
        return sum(self.on_test)

    @property
    def solved_by_some(self) -> bool:
        """Whether some seeds solve it and others do not, so that their mean describes none."""
        return 0 < self.solved < len(self.on_test)

    @property
    def reached(self) -> int:
        """Seeds that are there on validation after some epoch."""
        return sum(step is not None for step in self.steps)

    @property
    def threshold_in_words(self) -> str:
        """The threshold as a phrase, as plain text: ``MSE of 0.01 or less``, ``accuracy of 99 % or more``."""
        shown = f"{100 * self.threshold:.4g} %" if self.metric.share else f"{self.threshold:.4g}"
        return f"{self.metric.heading} of {shown} or {'less' if self.metric.sign > 0 else 'more'}"

    @cached_property
    def survival(self) -> stats.Survival:
        """The share of seeds that are not there yet on validation, by steps."""
        return stats.survival(self.steps)


def solving(results: Results, board: Leaderboard) -> list[Solving]:
    """Return every trained entry of a leaderboard on a task with a threshold; those that more seeds solve first.

    Of equal ones, those that validation finds there in more seeds, then sooner. Empty where no threshold is known.
    """
    found = [each for row in entries(board) if row.trained and (each := _solving(results, board, row)) is not None]

    def order(each: Solving) -> tuple[int, int, float]:
        known = [step for step in each.steps if step is not None]
        return -each.solved, -each.reached, float(np.median(known)) if known else 0.0

    return sorted(found, key=order)


def _solving(results: Results, board: Leaderboard, row: Row) -> Solving | None:
    name, threshold = results.solved.get(row.case, ("", np.nan))
    ended = row.runs[row.runs["status"].isin(FINISHED)]
    if name not in row.metrics or ended.empty:
        return None
    metric = row.metrics[name]
    curves, key = results.curves.get(("valid", name), {}), board.on_test._replace(metric=name)

    steps: list[float | None] = []
    on_test, longest = [], 0.0
    for run in ended.to_dict("records"):
        value = row.scores.get(run["run_id"], {}).get(key)
        on_test.append(value is not None and metric.reaches(value, threshold))
        curve = curves.get(run["run_id"])
        epochs = {epoch: metric.reaches(v, threshold) for epoch, v in zip(*curve, strict=True)} if curve else {}
        first = min((int(epoch) for epoch, holds in epochs.items() if holds), default=None)
        steps.append(None if first is None else steps_at(row, run["train_windows"], first))
        longest = max(longest, steps_at(row, run["train_windows"], int(max(epochs, default=0))))
    return Solving(row, metric, threshold, tuple(on_test), tuple(steps), longest)


def steps_at(row: Row, windows: int, epoch: int) -> float:
    """Return how many steps of the optimizer a run of ``row`` has taken after ``epoch`` epochs of ``windows``."""
    budget = row.info["steps"]
    return steps_after(epoch, windows, row.info["batch_size"], None if pd.isna(budget) else budget)
