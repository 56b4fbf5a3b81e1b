"""Frame of who solves a task whose dataset says when it counts as solved, and after how many steps of training."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench import stats
from bench.frames.base import frame
from bench.frames.schemas import PLACE, SOLVED
from bench.frames.selection import Shown
from bench.metrics.base import metrics
from bench.record import FINISHED, RunRecord, Weights


@dataclass(frozen=True)
class SolvedRun:
    """How one run of a network fares against the threshold of its task.

    Attributes:
        on_test: Whether its test score, of the weights that rank, is there; False where it diverged.
        steps: Of the optimizer, at the end of the first epoch whose validation score is there; None for none.
        budget_steps: Those of the whole run.
    """

    on_test: bool
    steps: float | None
    budget_steps: float


@frame("solved", SOLVED, optional=True)
def solved_rows(shown: Shown) -> Iterator[dict[str, Any]]:
    """Yield one row for each network, and metric that its dataset states a threshold of."""
    known = {case.name: case.dataset.solved for case in shown.plan.cases if case.model.trained}
    places: dict[tuple[str, ...], list[RunRecord]] = {}
    for record in shown.records:
        if record.status in FINISHED and known.get(record.spec.case):
            places.setdefault((record.spec.case, record.spec.device, record.spec.backend), []).append(record)
    for place, records in places.items():
        for metric, threshold in known[place[0]].items():
            runs = [solved_run(record, metric, threshold, shown.plan.suite.rank) for record in records]
            n, solved = len(runs), sum(run.on_test for run in runs)
            low, high = stats.wilson(solved / n, n)
            median, *ends = stats.survival([run.steps for run in runs]).median()
            yield dict(zip(PLACE, place, strict=True)) | {
                "metric": metric,
                "threshold": threshold,
                "n": n,
                "solved": solved,
                "share_low": low,
                "share_high": high,
                "reached": sum(run.steps is not None for run in runs),
                "median_steps": median,
                "median_steps_low": ends[0],
                "median_steps_high": ends[1],
                "budget_steps": max(run.budget_steps for run in runs),
            }


def solved_run(record: RunRecord, metric: str, threshold: float, rank: Weights) -> SolvedRun:
    """Return how a finished run of a network fares against a threshold; ``rank`` says whose weights count on test."""
    traits = metrics.get(metric)

    def there(value: float | None) -> bool:
        return value is not None and traits.reaches(value, threshold)

    curve = record.curve.valid.get(metric, [])
    recipe = record.spec.recipe
    assert recipe is not None

    def steps(epoch: int) -> float:
        return steps_after(epoch, record.train_windows, recipe.batch_size, recipe.steps)

    first = next((epoch for epoch, value in enumerate(curve, start=1) if there(value)), None)
    on_test = there(record.score(metric, "test", rank))
    return SolvedRun(on_test, None if first is None else steps(first), steps(len(curve)))


def steps_after(epoch: int, windows: int, batch_size: int, budget: int | None) -> float:
    """Return how many steps of the optimizer so many epochs of ``windows`` are; at most ``budget``, if there is one."""
    steps = epoch * windows / batch_size
    return float(steps if budget is None else min(steps, budget))
