"""A recurrent classifier of whole sequences."""

from typing import TYPE_CHECKING

from pydantic import PositiveInt

from bench.models.base import Network, model
from bench.models.targets import check_target, task_input
from bench.task import TargetKind, Task

if TYPE_CHECKING:
    import keras


@model("gru_classifier")
class GRUClassifier(Network):
    """A masked GRU whose last state gives the probability of label 1.

    Steps that are zero in every feature are padding and leave the state alone.

    Attributes:
        units: Size of the state.
    """

    units: PositiveInt = 32

    def build(self, task: Task) -> "keras.Model":
        """Return a network of output ``(windows,)``."""
        import keras

        check_target(self, task, TargetKind.LABEL)
        return keras.Sequential(
            [
                task_input(task),
                keras.layers.Masking(0.0),
                keras.layers.GRU(self.units, use_cudnn=False),
                keras.layers.Dense(1, activation="sigmoid"),
                keras.layers.Reshape(()),
            ]
        )
