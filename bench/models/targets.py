"""What all networks share: how a task's inputs come in, and how an answer to it goes out."""

from typing import TYPE_CHECKING, Any

from bench.models.base import Model, Support
from bench.task import Target, Task

if TYPE_CHECKING:
    import keras

EMBEDDING = 32
"""Numbers that a token id becomes, in every network, so that they can be compared."""


def task_input(task: Task) -> "keras.KerasTensor":
    """Return a network's input: ``(batch, input_length, features)``, or token ids ``(batch, input_length)``."""
    import keras

    if task.vocabulary is None:
        return keras.Input((task.input_length, task.features))
    return keras.Input((task.input_length,), dtype="int32")


def embedding(task: Task) -> "list[keras.Layer]":
    """Return the layer that makes token ids ``(batch, input_length, EMBEDDING)``; none where inputs are real values."""
    import keras

    return [] if task.vocabulary is None else [keras.layers.Embedding(task.vocabulary, EMBEDDING)]


def past_of_targets(task: Task) -> list[int]:
    """Return which feature is the past of each target: that of its name; of a single one without such, the first."""
    names = task.feature_names
    return [names.index(target.name) if target.name in names else 0 for target in task.targets]


def lacking_past(task: Task) -> str:
    """Return the name of a target whose past is no feature; empty for none, and for one target without a name."""
    lacking = [target.name for target in task.targets if target.name not in task.feature_names]
    return lacking[0] if lacking and task.targets != (Target(),) else ""


def continues_features(model: Model, task: Task) -> Support:
    """Return whether a model of channels fits: windows of real values and of one length, each target a feature."""
    if task.input_length is None or task.vocabulary is not None:
        return model.misfit(task, "takes windows of real values and of one length", "has others")
    if lacking := lacking_past(task):
        return model.misfit(task, "forecasts its own features", f"has {lacking!r} as a target alone")
    return Support()


def head(task: Task, **start: Any) -> "list[keras.Layer]":
    """Return the layers from ``(batch, [positions], units)`` to forecasts ``(batch, [positions], *task.output_shape)``.

    One dense layer: of real values for real targets; a probability by sigmoid for two classes, and one a class by
    softmax for more. ``start`` holds initialisers, where it starts otherwise than every dense layer.
    """
    import keras

    return [keras.layers.Dense(task.outputs, activation=activation(task), **start), *shaped(task)]


def activation(task: Task) -> str | None:
    """Return what makes a task's outputs probabilities; None for real values."""
    if not task.target.is_class:
        return None
    return "softmax" if task.classes > 2 else "sigmoid"


def shaped(task: Task) -> "list[Any]":
    """Return the layer that gives ``task.outputs`` numbers the shape of an output; none where they have it."""
    import keras

    if task.output_shape == (task.outputs,):
        return []
    return [keras.layers.Reshape((-1, *task.output_shape) if task.target.every_position else task.output_shape)]
