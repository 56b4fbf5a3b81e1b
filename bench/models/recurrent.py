"""Recurrent networks: a stack of one kind of recurrent layer, then a dense head."""

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, PositiveInt, model_validator

from bench.models.base import Model, Network, Support, model
from bench.models.targets import embedding, head, shaped, task_input
from bench.task import TargetKind, Task

if TYPE_CHECKING:
    import keras


class RecurrentNetwork(Network):
    """Recurrent layers and a dense head: on the last step's output, or on every step's.

    A subclass says what one layer is.

    Attributes:
        units: State sizes, first layer first.
        dropout: Share of a recurrent layer's outputs that training sets to zero before what comes next, a recurrent
            layer or the head (Srivastava et al., 2014); 0 adds no layer.
        noise: Standard deviation of the normal noise that training adds to the inputs; 0 adds no layer.
    """

    quantile_outputs: ClassVar[bool] = True
    units: tuple[PositiveInt, ...] = (20, 20)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    noise: float = Field(default=0.0, ge=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _has_a_layer(self) -> "RecurrentNetwork":
        if not self.units:
            raise ValueError("units is empty; name at least one layer")
        return self

    def build(self, task: Task) -> "keras.Model":
        """Return a network whose output is shaped like the task's."""
        import keras

        stack = self.stack(self.units, task.target.every_position)
        hidden = (part for layer in stack for part in (layer, *self.after()))
        return keras.Sequential([*self.before(task), *hidden, *head(task)])

    def receptive_field(self, task: Task) -> int | None:
        """As `Model.receptive_field`: a state carries what came before, so the whole window."""
        return task.input_length

    def depth(self, task: Task) -> int | None:
        """As `Model.depth`; a head, dense or recurrent, is one layer."""
        return len(self.units) + 1

    def before(self, task: Task) -> list[Any]:
        """Return the input and what comes between it and the first recurrent layer."""
        import keras

        return [
            task_input(task),
            *embedding(task),
            *([keras.layers.GaussianNoise(self.noise)] if self.noise else []),
        ]

    def stack(self, units: tuple[int, ...], every_step: bool) -> list[Any]:
        """Return the recurrent layers; the last one returns its last output unless ``every_step``."""
        hidden = [self.layer(width, return_sequences=True) for width in units[:-1]]
        return [*hidden, self.layer(units[-1], return_sequences=every_step)]

    def after(self) -> list[Any]:
        """Return the layers that follow each recurrent one."""
        import keras

        return [keras.layers.Dropout(self.dropout)] if self.dropout else []

    def layer(self, units: int, return_sequences: bool) -> Any:
        """Return one recurrent layer."""
        raise NotImplementedError


@model("simple_rnn")
class SimpleRNN(RecurrentNetwork):
    """A stack of simple recurrent layers.

    Attributes:
        units: State sizes, first layer first; may be empty under a recurrent head.
        head: ``"dense"`` ends in a dense layer; ``"recurrent"`` in one more recurrent layer, of a unit a number that is
            forecast.
        batch_norm: Put batch normalisation after each layer named in ``units``.
    """

    general: ClassVar[bool] = True
    weights: ClassVar[int] = 1470

    head: Literal["dense", "recurrent"] = "dense"
    batch_norm: bool = False

    @model_validator(mode="after")
    def _has_a_layer(self) -> "SimpleRNN":
        if not self.units and self.head == "dense":
            raise ValueError("units is empty; name at least one layer, or head = 'recurrent'")
        return self

    def supports(self, task: Task, train: Task | None = None) -> Support:
        """As `Network.supports`; a recurrent head forecasts real values."""
        if self.head == "recurrent" and task.target.is_class:
            return self.misfit(task, "with a recurrent head forecasts real values", "asks for classes")
        return super().supports(task, train)

    def build(self, task: Task) -> "keras.Model":
        """Return a network whose output is shaped like the task's."""
        if self.head == "dense":
            return super().build(task)
        import keras

        *stack, last = self.stack((*self.units, task.outputs), task.target.every_position)
        hidden = (part for layer in stack for part in (layer, *self.after()))
        return keras.Sequential([*self.before(task), *hidden, last, *shaped(task)])

    def after(self) -> list[Any]:
        """Return the layers that follow each recurrent one."""
        import keras

        return [*([keras.layers.BatchNormalization()] if self.batch_norm else []), *super().after()]

    def layer(self, units: int, return_sequences: bool) -> Any:
        """Return Keras's simple recurrent layer."""
        import keras

        return keras.layers.SimpleRNN(units, return_sequences=return_sequences)


@model("iterated_rnn")
class IteratedRNN(RecurrentNetwork):
    """A simple recurrent network for one step, which forecasts more by feeding its output back.

    ``build`` takes a task without an input length too: the forecast reads a growing window.
    """

    quantile_outputs: ClassVar[bool] = False
    iterates: ClassVar[bool] = True
    kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.LAST_STEP,)
    weights: ClassVar[int] = 1281

    def supports(self, task: Task, train: Task | None = None) -> Support:
        """As `Model.supports`: one step of one series is trained on, and any number of them forecast."""
        taught = train or task
        series = all(len(t.targets) == t.features == 1 and t.vocabulary is None for t in (taught, task))
        if taught.target is not TargetKind.LAST_STEP or taught.horizon != 1 or not series:
            return self.misfit(task, "is trained on the next step of one series", f"is trained on {taught.name!r}")
        return Model.supports(self, task, train)

    def layer(self, units: int, return_sequences: bool) -> Any:
        """Return Keras's simple recurrent layer."""
        import keras

        return keras.layers.SimpleRNN(units, return_sequences=return_sequences)


@model("layer_norm_rnn", paper="Ba et al. 2016, arXiv 1607.06450")
class LayerNormRNN(RecurrentNetwork):
    """A stack of simple recurrent cells that normalise their state, in Keras's own layer."""

    general: ClassVar[bool] = True
    weights: ClassVar[int] = 1550

    def layer(self, units: int, return_sequences: bool) -> Any:
        """Return `keras.layers.RNN` over our cell."""
        import keras

        from bench.layers.layer_norm_cell import LayerNormSimpleRNNCell

        return keras.layers.RNN(LayerNormSimpleRNNCell(units), return_sequences=return_sequences)


@model("while_loop_rnn")
class WhileLoopRNN(RecurrentNetwork):
    """The same cells in a while loop of our own.

    Attributes:
        time_major: Layers hand their outputs on time-major, as printed, so that every second layer
            recurs over the batch. An even number of layers gives back a batch-major forecast; for targets at every
            position only.
    """

    weights: ClassVar[int] = 1550
    time_major: bool = False

    @model_validator(mode="after")
    def _ends_batch_major(self) -> "WhileLoopRNN":
        if self.time_major and len(self.units) % 2:
            raise ValueError("time_major needs an even number of units, else the forecast is time-major")
        return self

    @property
    def batch_dependent(self) -> bool:
        """True where layers recur over the batch."""
        return self.time_major

    def supports(self, task: Task, train: Task | None = None) -> Support:
        """As `Network.supports`; a time-major stack has no last position."""
        if self.time_major and not task.target.every_position:
            return self.misfit(task, "with time_major forecasts at every position", f"asks for {task.target}")
        return super().supports(task, train)

    def layer(self, units: int, return_sequences: bool) -> Any:
        """Return our loop over our cell."""
        from bench.layers.layer_norm_cell import LayerNormSimpleRNNCell
        from bench.layers.while_loop_rnn import WhileLoopRNN as Loop

        return Loop(LayerNormSimpleRNNCell(units), return_sequences, time_major_output=self.time_major)


@model("lstm", paper="Hochreiter and Schmidhuber 1997, Neural Computation 9(8)")
class LSTM(RecurrentNetwork):
    """A stack of LSTM layers.

    Attributes:
        forget_bias: What the forget gates' biases start from; the larger, the longer a state is kept at the start.
    """

    general: ClassVar[bool] = True
    weights: ClassVar[int] = 5250

    forget_bias: float = Field(default=1.0, allow_inf_nan=False)

    def layer(self, units: int, return_sequences: bool) -> Any:
        """Return Keras's LSTM, kept off cuDNN so that XLA compiles it everywhere."""
        import keras

        layer = keras.layers.LSTM(units, return_sequences=return_sequences, use_cudnn=False)
        layer.cell.forget_bias = self.forget_bias  # what `bench.initial` starts it from
        return layer


@model("gru", paper="Cho et al. 2014, arXiv 1406.1078")
class GRU(RecurrentNetwork):
    """A stack of GRU layers."""

    general: ClassVar[bool] = True
    first_look: ClassVar[bool] = True
    weights: ClassVar[int] = 4110

    def layer(self, units: int, return_sequences: bool) -> Any:
        """Return Keras's GRU, kept off cuDNN so that XLA compiles it everywhere."""
        import keras

        return keras.layers.GRU(units, return_sequences=return_sequences, use_cudnn=False)
