"""Records of schema 1, as facts about what was: the names it used, and where it kept what."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter

from bench.record import Component, Score, Weights
from bench.task import TargetKind, Task

RENAMED = {"own_loop_rnn": "while_loop_rnn"}
"""Models that were called otherwise."""
VERSIONS = {"lane": "throughput"}
"""Versions that were called otherwise."""
NOISE_FLOORS = ("mse", "last_time_step_mse")
"""The metrics that the one noise floor was of."""
_TASK = TypeAdapter(Task)


def task_of(body: Mapping[str, Any]) -> Task | None:
    """Return the task that was recorded; None where none was."""
    return _TASK.validate_python(body["task"]) if body.get("task") else None


def long_scores(scores: Mapping[str, Mapping[str, Any]], weights: Weights) -> Iterator[Score]:
    """Yield the scores of one state of the weights, which stood nested: split, metric, then a number or several."""
    for split, by_metric in scores.items():
        for metric, value in by_metric.items():
            if isinstance(value, Mapping):
                for name, number in value.items():
                    group, _, at = name.partition("=")
                    yield Score(split, weights, metric, group, at, float(number))
            elif isinstance(value, list):
                for step, number in enumerate(value, start=1):
                    yield Score(split, weights, metric, "step", str(step), float(number))
            else:
                yield Score(split, weights, metric, "", "", float(value))


def covered(model: Component, body: Mapping[str, Any]) -> tuple[int, ...] | None:
    """Return the positions that the scores covered, which were not recorded.

    One model left some out: a strided convolution, whose outputs stand at every ``stride``-th position from the first
    that its kernel reaches.
    """
    task = task_of(body)
    if model.name != "conv_gru" or task is None or task.target is not TargetKind.EVERY_STEP:
        return None
    params = model.all_params
    return tuple(range(task.input_length or 0)[params["kernel_size"] - 1 :: params["stride"]])
