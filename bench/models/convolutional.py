"""Networks that convolve over time: a strided convolution under GRUs, and two WaveNets."""

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PositiveInt

from bench.models.base import Network, Support, model
from bench.models.targets import activation, embedding, head, shaped, task_input
from bench.task import TargetKind, Task

if TYPE_CHECKING:
    import keras


@model("conv_gru")
class ConvGRU(Network):
    """A strided convolution that shortens the time axis, GRU layers, and a dense layer a step.

    The output at index i has seen the window up to position ``kernel_size - 1 + stride * i``.

    Attributes:
        filters: The convolution's channels.
        kernel_size: Its taps.
        stride: Steps between two of its outputs.
        units: State sizes of the GRU layers.
    """

    quantile_outputs: ClassVar[bool] = True
    general: ClassVar[bool] = True
    kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.EVERY_STEP, TargetKind.LABEL_EVERY_STEP)
    weights: ClassVar[int] = 5350

    filters: PositiveInt = 20
    kernel_size: PositiveInt = 4
    stride: PositiveInt = 2
    units: tuple[PositiveInt, ...] = (20, 20)

    def supports(self, task: Task, train: Task | None = None) -> Support:
        """As `Network.supports`; a window has a whole kernel in it."""
        if task.input_length is not None and task.input_length < self.kernel_size:
            return self.misfit(task, f"needs windows of {self.kernel_size} steps", f"has {task.input_length}")
        return super().supports(task, train)

    def positions(self, task: Task) -> slice:
        """Return the target positions that the outputs stand for."""
        return slice(self.kernel_size - 1, None, self.stride)

    def receptive_field(self, task: Task) -> int | None:
        """As `Model.receptive_field`: all up to the position of the last output, which the states carry."""
        if task.input_length is None:
            return None
        return self.kernel_size + (task.input_length - self.kernel_size) // self.stride * self.stride

    def depth(self, task: Task) -> int | None:
        """As `Model.depth`: the convolution, the recurrent layers and the head."""
        return len(self.units) + 2

    def build(self, task: Task) -> "keras.Model":
        """Return a network of output ``(windows, positions, *task.output_shape)``."""
        import keras

        return keras.Sequential(
            [
                task_input(task),
                *embedding(task),
                keras.layers.Conv1D(self.filters, self.kernel_size, strides=self.stride, padding="valid"),
                *(keras.layers.GRU(width, return_sequences=True, use_cudnn=False) for width in self.units),
                *head(task),
            ]
        )


@model("wavenet", paper="van den Oord et al. 2016, arXiv 1609.03499")
class WaveNet(Network):
    """Causal convolutions of two taps with growing dilation, without gates or skips.

    Van den Oord et al. (2016), section 2.1, as simplified in Géron (2019), chapter 15.

    Attributes:
        filters: Channels of each convolution.
        dilations: One convolution each.
    """

    quantile_outputs: ClassVar[bool] = True
    general: ClassVar[bool] = True
    weights: ClassVar[int] = 6010

    filters: PositiveInt = 20
    dilations: tuple[PositiveInt, ...] = (1, 2, 4, 8, 1, 2, 4, 8)

    def receptive_field(self, task: Task) -> int | None:
        """As `Model.receptive_field`: a convolution of two taps adds its dilation, up to the window."""
        return _seen(task, 1 + sum(self.dilations))

    def depth(self, task: Task) -> int | None:
        """As `Model.depth`: the convolutions and the head."""
        return len(self.dilations) + 1

    def build(self, task: Task) -> "keras.Model":
        """Return a network whose output is shaped like the task's."""
        from bench.layers.causal_conv import CausalConv1D

        convolutions = [CausalConv1D(self.filters, 2, rate, activation="relu") for rate in self.dilations]
        inputs = task_input(task)
        return _answering(task, inputs, _through([*embedding(task), *convolutions], inputs), activation(task))


@model("gated_wavenet", paper="van den Oord et al. 2016, arXiv 1609.03499")
class GatedWaveNet(Network):
    """Residual blocks of gated causal convolutions; their skips are added up and mixed twice.

    Van den Oord et al. (2016), sections 2.3 and 2.4, in the size of Géron (2019), chapter 15.

    Attributes:
        filters: Channels between the blocks.
        dilations: One residual block each.
        activate_twice: The printed gated unit's fault.
        softmax_head: The printed head, whose forecasts are positive and sum to 1; linear otherwise.
    """

    quantile_outputs: ClassVar[bool] = True
    general: ClassVar[bool] = True
    weights: ClassVar[int] = 17_130

    filters: PositiveInt = 32
    dilations: tuple[PositiveInt, ...] = Field(default=(1, 2, 4), min_length=1)
    activate_twice: bool = False
    softmax_head: bool = False

    def supports(self, task: Task, train: Task | None = None) -> Support:
        """As `Network.supports`; the printed head is one for real values."""
        if self.softmax_head and task.target.is_class:
            return self.misfit(task, "with the printed head forecasts real values", "asks for classes")
        return super().supports(task, train)

    def receptive_field(self, task: Task) -> int | None:
        """As `Model.receptive_field`: the first convolution adds a step, each block its dilation, up to the window."""
        return _seen(task, 2 + sum(self.dilations))

    def depth(self, task: Task) -> int | None:
        """As `Model.depth`: the first convolution, two layers a block, the mixing one and the head."""
        return 1 + 2 * len(self.dilations) + 2

    def build(self, task: Task) -> "keras.Model":
        """Return a network whose output is shaped like the task's."""
        import keras

        from bench.layers.causal_conv import CausalConv1D
        from bench.layers.residual_block import WaveNetResidualBlock

        inputs = task_input(task)
        z = _through([*embedding(task), CausalConv1D(self.filters, 2)], inputs)
        skips = []
        for rate in self.dilations:
            z, skip = WaveNetResidualBlock(self.filters, rate, self.activate_twice)(z)
            skips.append(skip)
        z = keras.layers.ReLU()(keras.layers.Add()(skips))
        z = CausalConv1D(self.filters, 1, activation="relu")(z)
        return _answering(task, inputs, z, "softmax" if self.softmax_head else activation(task))


def _seen(task: Task, steps: int) -> int:
    """Return so many steps, or a window's where it has fewer."""
    return steps if task.input_length is None else min(steps, task.input_length)


def _through(layers: list[Any], z: Any) -> Any:
    for layer in layers:
        z = layer(z)
    return z


def _answering(task: Task, inputs: Any, z: Any, activation: str | None) -> "keras.Model":
    """Return the network whose head reads ``z (windows, input_length, filters)``, at the last position or at each."""
    import keras

    from bench.layers.causal_conv import CausalConv1D

    if not task.target.every_position:
        z = z[:, -1:]
    z = CausalConv1D(task.outputs, 1, activation=activation)(z)
    if not task.target.every_position:
        z = keras.layers.Flatten()(z)
    return keras.Model(inputs, _through(shaped(task), z))
