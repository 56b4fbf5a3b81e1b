"""What the network files share: a check that a network can answer a task, and its input."""

from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.models.base import Network
from bench.task import TargetKind, Task

if TYPE_CHECKING:
    import keras


def check_target(network: Network, task: Task, *kinds: TargetKind) -> None:
    """Hold a task's target to the kinds that a network can forecast.

    Raises:
        BenchError: It is none of them.
    """
    if task.target not in kinds:
        raise BenchError(
            f"model {network.name!r} forecasts {' or '.join(kinds)} targets, "
            f"but task {task.name!r} asks for {task.target}"
        )


def task_input(task: Task) -> "keras.KerasTensor":
    """Return the input of a network for ``task``: ``(batch, input_length, features)``."""
    import keras

    return keras.Input((task.input_length, task.features))
