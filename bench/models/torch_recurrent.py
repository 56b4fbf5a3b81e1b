"""PyTorch's own LSTM and GRU, which run a whole stack over a whole window in one call."""

from typing import TYPE_CHECKING, ClassVar

from pydantic import PositiveInt

from bench.models.base import TorchNetwork, model
from bench.models.targets import EMBEDDING, activation
from bench.task import Task

if TYPE_CHECKING:
    import torch


class TorchRecurrent(TorchNetwork):
    """Layers of PyTorch's and a dense head: on the last step's output, or on every step's.

    Weights start as PyTorch's initialisers draw them, uniform within ``1 / sqrt(units)``, which are not Keras's.

    Attributes:
        units: State size of each layer.
        layers: How many there are.
    """

    quantile_outputs: ClassVar[bool] = True
    general: ClassVar[bool] = True

    kind: ClassVar[str]
    units: PositiveInt = 20
    layers: PositiveInt = 2

    def receptive_field(self, task: Task) -> int | None:
        """As `Model.receptive_field`: a state carries what came before, so the whole window."""
        return task.input_length

    def depth(self, task: Task) -> int | None:
        """As `Model.depth`: the recurrent layers and the head."""
        return self.layers + 1

    def build(self, task: Task) -> "torch.nn.Module":
        """Return a module whose output is shaped like the task's."""
        from bench.layers.torch_recurrent import RecurrentHead

        ids = task.vocabulary is not None
        return RecurrentHead(
            self.kind,
            task.vocabulary or task.features,
            EMBEDDING if ids else 0,
            self.units,
            self.layers,
            task.output_shape,
            task.target.every_position,
            activation(task),
        )


@model("torch_lstm")
class TorchLSTM(TorchRecurrent):
    """A stack of `torch.nn.LSTM`: Keras's LSTM, but with a second bias, and no forget gate that starts open."""

    kind: ClassVar[str] = "LSTM"
    weights: ClassVar[int] = 5410


@model("torch_gru")
class TorchGRU(TorchRecurrent):
    """A stack of `torch.nn.GRU`: Keras's GRU."""

    kind: ClassVar[str] = "GRU"
    weights: ClassVar[int] = 4110
