"""The temporal convolutional network."""

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, PositiveInt

from bench.models.base import Network, model
from bench.models.targets import embedding, head, task_input
from bench.task import Task

if TYPE_CHECKING:
    import keras

DEVIATION = 0.01
"""Of the normal distribution that weights start from, as printed (appendix A.1)."""


@model("tcn", paper="Bai et al. 2018, arXiv 1803.01271")
class TCN(Network):
    """Residual blocks of two dilated causal convolutions with weight norm, each followed by ReLU and dropout.

    Bai, Kolter and Koltun (2018), "An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence
    Modeling", arXiv 1803.01271, section 3. Where the paper and its code differ this follows the code, unless a field
    says else: dropout is of single numbers, not of channels, and convolutions start as PyTorch's do (see
    `bench.layers.weight_norm_conv`).

    Attributes:
        channels: Of each block; block i has dilation 2^i. The paper has 7 to 9 blocks of 10 to 27 where memory is
            asked for (table 2).
        kernel_size: Taps of each convolution. The paper has 6 to 8 there, and reports that 3 or fewer copy no better
            than a guess (appendix C).
        dropout: Share of each convolution's outputs that training sets to zero; 0 adds no layer.
        spatial_dropout: Whole channels are dropped, as the paper says and its code did before 2018-04-16.
        start: ``"dense"`` starts the head, and the layer across a block, as every dense layer here; ``"code"`` as the
            source's code, from N(0, 0.01) with PyTorch's biases; ``"paper"`` convolutions, too, which is what the paper
            says and its code means: there weight normalisation computes them anew from what they were before.
    """

    quantile_outputs: ClassVar[bool] = True
    general: ClassVar[bool] = True
    version: ClassVar[str] = "2"
    weights: ClassVar[int] = 5260
    channels: tuple[PositiveInt, ...] = Field(default=(10, 10, 10, 10), min_length=1)
    kernel_size: PositiveInt = 7
    dropout: float = Field(default=0.0, ge=0, lt=1)
    spatial_dropout: bool = False
    start: Literal["dense", "code", "paper"] = "dense"

    def receptive_field(self, task: Task) -> int | None:
        """As `Model.receptive_field`: ``1 + 2 (k - 1) (2^blocks - 1)``, within the window."""
        reach: int = 1 + 2 * (self.kernel_size - 1) * (2 ** len(self.channels) - 1)
        return reach if task.input_length is None else min(reach, task.input_length)

    def depth(self, task: Task) -> int | None:
        """As `Model.depth`: two convolutions a block, and the head."""
        return 2 * len(self.channels) + 1

    def build(self, task: Task) -> "keras.Model":
        """Return a network whose output is shaped like the task's."""
        import keras

        inputs = x = task_input(task)
        for layer in embedding(task):
            x = layer(x)
        for number, channels in enumerate(self.channels):
            x = self._block(x, channels, 2**number)
        if not task.target.every_position:
            x = x[:, -1]
        for layer in head(task, **self._starts(self.channels[-1])):
            x = layer(x)
        return keras.Model(inputs, x)

    def _block(self, x: Any, channels: int, dilation: int) -> Any:
        import keras

        from bench.layers.weight_norm_conv import WeightNormCausalConv1D

        y, deviation = x, DEVIATION if self.start == "paper" else None
        drop = keras.layers.SpatialDropout1D if self.spatial_dropout else keras.layers.Dropout
        for _ in range(2):
            convolution = WeightNormCausalConv1D(
                channels, self.kernel_size, dilation, activation="relu", deviation=deviation
            )
            y = convolution(y)
            y = drop(self.dropout)(y) if self.dropout else y
        fan_in = x.shape[-1]
        across = x if fan_in == channels else keras.layers.Dense(channels, **self._starts(fan_in))(x)
        return keras.layers.Activation("relu")(y + across)

    def _starts(self, fan_in: int) -> dict[str, Any]:
        """Return a dense layer's initialisers, where it has others than every one here."""
        if self.start == "dense":
            return {}
        import keras

        reach = fan_in**-0.5
        return {
            "kernel_initializer": keras.initializers.RandomNormal(stddev=DEVIATION),
            "bias_initializer": keras.initializers.RandomUniform(-reach, reach),
        }
