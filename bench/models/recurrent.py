"""Recurrent networks: a stack of one kind of recurrent layer, then a dense head."""

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import PositiveInt, model_validator

from bench.models.base import Network, model
from bench.models.targets import check_target, task_input
from bench.task import TargetKind, Task

if TYPE_CHECKING:
    import keras


class RecurrentNetwork(Network):
    """Recurrent layers and ``Dense(horizon)``: on the last step's output, or on every step's.

    A subclass says what one layer is.

    Attributes:
        units: State sizes, first layer first.
    """

    units: tuple[PositiveInt, ...] = (20, 20)

    @model_validator(mode="after")
    def _has_a_layer(self) -> "RecurrentNetwork":
        if not self.units:
            raise ValueError("units is empty; name at least one layer")
        return self

    def build(self, task: Task) -> "keras.Model":
        """Return a network whose output is shaped like the task's targets."""
        import keras

        check_target(self, task, TargetKind.LAST_STEP, TargetKind.EVERY_STEP)
        layers = self.stack(self.units, task.target is TargetKind.EVERY_STEP)
        return keras.Sequential([task_input(task), *layers, keras.layers.Dense(task.horizon)])

    def stack(self, units: tuple[int, ...], every_step: bool) -> list[Any]:
        """Return the recurrent layers; the last one returns its last output unless ``every_step``."""
        hidden = [self.layer(width, return_sequences=True) for width in units[:-1]]
        return [*hidden, self.layer(units[-1], return_sequences=every_step)]

    def layer(self, units: int, return_sequences: bool) -> Any:
        """Return one recurrent layer."""
        raise NotImplementedError


@model("simple_rnn")
class SimpleRNN(RecurrentNetwork):
    """A stack of simple recurrent layers.

    Attributes:
        units: State sizes, first layer first; may be empty under a recurrent head.
        head: ``"dense"`` ends in ``Dense(horizon)``; ``"recurrent"`` in one more recurrent layer, of
            ``horizon`` units.
        batch_norm: Put batch normalisation after each layer named in ``units``.
    """

    head: Literal["dense", "recurrent"] = "dense"
    batch_norm: bool = False

    @model_validator(mode="after")
    def _has_a_layer(self) -> "SimpleRNN":
        if not self.units and self.head == "dense":
            raise ValueError("units is empty; name at least one layer, or head = 'recurrent'")
        return self

    def build(self, task: Task) -> "keras.Model":
        """Return a network whose output is shaped like the task's targets."""
        import keras

        check_target(self, task, TargetKind.LAST_STEP, TargetKind.EVERY_STEP)
        recurrent_head = self.head == "recurrent"
        units = (*self.units, task.horizon) if recurrent_head else self.units
        network = keras.Sequential([task_input(task)])
        for depth, layer in enumerate(self.stack(units, task.target is TargetKind.EVERY_STEP)):
            network.add(layer)
            if self.batch_norm and depth < len(self.units):
                network.add(keras.layers.BatchNormalization())
        if not recurrent_head:
            network.add(keras.layers.Dense(task.horizon))
        return network

    def layer(self, units: int, return_sequences: bool) -> Any:
        """Return Keras's simple recurrent layer."""
        import keras

        return keras.layers.SimpleRNN(units, return_sequences=return_sequences)


@model("iterated_rnn")
class IteratedRNN(RecurrentNetwork):
    """A simple recurrent network for one step, which forecasts more by feeding its output back.

    ``build`` takes a task without an input length too: the forecast reads a growing window.
    """

    iterates: ClassVar[bool] = True

    def layer(self, units: int, return_sequences: bool) -> Any:
        """Return Keras's simple recurrent layer."""
        import keras

        return keras.layers.SimpleRNN(units, return_sequences=return_sequences)


@model("layer_norm_rnn")
class LayerNormRNN(RecurrentNetwork):
    """A stack of simple recurrent cells that normalise their state, in Keras's own loop."""

    def layer(self, units: int, return_sequences: bool) -> Any:
        """Return `keras.layers.RNN` over our cell."""
        import keras

        from bench.layers.layer_norm_cell import LayerNormSimpleRNNCell

        return keras.layers.RNN(LayerNormSimpleRNNCell(units), return_sequences=return_sequences)


@model("own_loop_rnn")
class OwnLoopRNN(RecurrentNetwork):
    """The same cells in a loop of our own.

    Attributes:
        time_major: Layers hand their outputs on time-major, as printed, so that every second layer
            recurs over the batch. An even number of layers gives back a batch-major forecast; EVERY_STEP
            tasks only.
    """

    time_major: bool = False

    @model_validator(mode="after")
    def _ends_batch_major(self) -> "OwnLoopRNN":
        if self.time_major and len(self.units) % 2:
            raise ValueError("time_major needs an even number of units, else the forecast is time-major")
        return self

    @property
    def batch_dependent(self) -> bool:
        """True where layers recur over the batch."""
        return self.time_major

    def build(self, task: Task) -> "keras.Model":
        """Return a network whose output is shaped like the task's targets."""
        if self.time_major:
            check_target(self, task, TargetKind.EVERY_STEP)
        return super().build(task)

    def layer(self, units: int, return_sequences: bool) -> Any:
        """Return our loop over our cell."""
        from bench.layers.layer_norm_cell import LayerNormSimpleRNNCell
        from bench.layers.own_loop import OwnRNN

        return OwnRNN(LayerNormSimpleRNNCell(units), return_sequences, time_major_output=self.time_major)


@model("lstm")
class LSTM(RecurrentNetwork):
    """A stack of LSTM layers."""

    def layer(self, units: int, return_sequences: bool) -> Any:
        """Return Keras's LSTM, kept off cuDNN so that XLA compiles it everywhere."""
        import keras

        return keras.layers.LSTM(units, return_sequences=return_sequences, use_cudnn=False)


@model("gru")
class GRU(RecurrentNetwork):
    """A stack of GRU layers."""

    def layer(self, units: int, return_sequences: bool) -> Any:
        """Return Keras's GRU, kept off cuDNN so that XLA compiles it everywhere."""
        import keras

        return keras.layers.GRU(units, return_sequences=return_sequences, use_cudnn=False)
