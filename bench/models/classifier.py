"""A recurrent classifier of whole sequences."""

from typing import TYPE_CHECKING, ClassVar

from pydantic import PositiveInt

from bench.models.base import Network, Support, model
from bench.models.targets import head, task_input
from bench.task import TargetKind, Task

if TYPE_CHECKING:
    import keras


@model("gru_classifier")
class GRUClassifier(Network):
    """A masked GRU whose last state gives the probability of label 1, or of each class where there are more.

    Steps that are zero in every feature are padding and leave the state alone.

    Attributes:
        units: Size of the state.
    """

    kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.LABEL,)
    weights: ClassVar[int] = 3393

    units: PositiveInt = 32

    def supports(self, task: Task, train: Task | None = None) -> Support:
        """As `Network.supports`; padding is told by zeros, so inputs are real values."""
        if task.vocabulary is not None:
            return self.misfit(task, "reads real values", "has token ids")
        return super().supports(task, train)

    def receptive_field(self, task: Task) -> int | None:
        """As `Model.receptive_field`: the whole string."""
        return task.input_length

    def depth(self, task: Task) -> int | None:
        """As `Model.depth`: the recurrent layer and the head."""
        return 2

    def build(self, task: Task) -> "keras.Model":
        """Return a network of output ``(windows,)``, or ``(windows, classes)`` of more than two."""
        import keras

        gru = keras.layers.GRU(self.units, use_cudnn=False)
        return keras.Sequential([task_input(task), keras.layers.Masking(0.0), gru, *head(task)])
