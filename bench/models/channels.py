"""Which channels a network of channels forecasts: those features that are the task's targets."""

from typing import Any

from bench.task import Task


def forecast_channels(task: Task) -> list[int] | None:
    """Return the feature that each target is, by name; None where a target is none of them.

    A task of one feature and one target forecasts that feature, whatever they are called.
    """
    if task.features == len(task.targets) == 1:
        return [0]
    names = list(task.feature_names)
    wanted = [target.name for target in task.targets]
    return [names.index(name) for name in wanted] if {*wanted} <= {*names} else None


def chosen(inputs: Any, task: Task) -> Any:
    """Return the targets' own channels ``(batch, steps, targets)`` of a window ``(batch, steps, features)``."""
    import keras

    places = forecast_channels(task)
    assert places is not None
    if places == list(range(task.features)):
        return inputs
    return keras.ops.take(inputs, keras.ops.convert_to_tensor(places, dtype="int32"), axis=-1)
