"""The linear network: one dense layer over the whole window."""

from typing import TYPE_CHECKING, ClassVar

from bench.models.base import Network, model
from bench.models.targets import embedding, head, task_input
from bench.task import TargetKind, Task

if TYPE_CHECKING:
    import keras


@model("linear")
class Linear(Network):
    """Forecasts are a weighted sum of the whole window's numbers; of classes, the logits are."""

    quantile_outputs: ClassVar[bool] = True
    general: ClassVar[bool] = True
    first_look: ClassVar[bool] = True
    kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.LAST_STEP, TargetKind.LABEL)
    weights: ClassVar[int] = 510

    def receptive_field(self, task: Task) -> int | None:
        """As `Model.receptive_field`: the whole window."""
        return task.input_length

    def depth(self, task: Task) -> int | None:
        """As `Model.depth`: the head alone."""
        return 1

    def build(self, task: Task) -> "keras.Model":
        """Return flatten and dense, shaped as the task's outputs."""
        import keras

        return keras.Sequential([task_input(task), *embedding(task), keras.layers.Flatten(), *head(task)])
