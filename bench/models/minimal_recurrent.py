"""Stacks of the minimal recurrent layers, in place of GRUs and LSTMs: nothing else of the network is another."""

from typing import Any, ClassVar

from pydantic import PositiveInt

from bench.models.base import Support, model
from bench.models.recurrent import RecurrentNetwork
from bench.task import Task


class MinimalNetwork(RecurrentNetwork):
    """A stack of minimal layers and a dense head, without the convolutions and perceptrons of the paper's networks.

    Its default sizes have about as many weights as two LSTM layers of 20 units. The paper's networks of selective
    copying have three layers.
    """

    version: ClassVar[str] = "2"

    def supports(self, task: Task, train: Task | None = None) -> Support:
        """As `Network.supports`; a scan is over a known number of steps."""
        if task.input_length is None:
            return self.misfit(task, "scans a known number of steps", "has windows of any length")
        return super().supports(task, train)


@model("min_gru", paper="Feng et al. 2024, arXiv 2410.01201")
class MinGRU(MinimalNetwork):
    """A stack of minGRU layers, whose gate sees the input alone (Feng et al., 2024, section 3.1)."""

    general: ClassVar[bool] = True
    weights: ClassVar[int] = 5386
    units: tuple[PositiveInt, ...] = (48, 48)

    def layer(self, units: int, return_sequences: bool) -> Any:
        """Return one layer."""
        from bench.layers.minimal_recurrent import MinGRU as Layer

        return Layer(units, return_sequences)


@model("min_lstm", paper="Feng et al. 2024, arXiv 2410.01201")
class MinLSTM(MinimalNetwork):
    """A stack of minLSTM layers, whose gates see the input alone (Feng et al., 2024, section 3.2)."""

    general: ClassVar[bool] = True
    weights: ClassVar[int] = 5570
    units: tuple[PositiveInt, ...] = (40, 40)

    def layer(self, units: int, return_sequences: bool) -> Any:
        """Return one layer."""
        from bench.layers.minimal_recurrent import MinLSTM as Layer

        return Layer(units, return_sequences)
