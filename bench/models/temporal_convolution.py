"""The temporal convolutional network."""

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PositiveInt

from bench.models.base import Network, model
from bench.models.targets import embedding, head, task_input
from bench.task import Task

if TYPE_CHECKING:
    import keras


@model("tcn", paper="Bai et al. 2018, arXiv 1803.01271")
class TCN(Network):
    """Residual blocks of two dilated causal convolutions with weight norm, each followed by ReLU and dropout.

    Bai, Kolter and Koltun (2018), "An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence
    Modeling", arXiv 1803.01271, section 3. Where the paper and its code differ this follows the code: dropout is of
    single numbers, not of channels, and weights start as PyTorch's do (see `bench.layers.weight_norm_conv`). The head
    is that of every network here, not one that starts from N(0, 0.01).

    Attributes:
        channels: Of each block; block i has dilation 2^i.
        kernel_size: Taps of each convolution.
        dropout: Share of each convolution's outputs that training sets to zero; 0 adds no layer.
    """

    quantile_outputs: ClassVar[bool] = True
    general: ClassVar[bool] = True
    channels: tuple[PositiveInt, ...] = Field(default=(16, 16, 16, 16), min_length=1)
    kernel_size: PositiveInt = 3
    dropout: float = Field(default=0.0, ge=0, lt=1)

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
        for layer in head(task):
            x = layer(x)
        return keras.Model(inputs, x)

    def _block(self, x: Any, channels: int, dilation: int) -> Any:
        import keras

        from bench.layers.weight_norm_conv import WeightNormCausalConv1D

        y = x
        for _ in range(2):
            y = WeightNormCausalConv1D(channels, self.kernel_size, dilation, activation="relu")(y)
            y = keras.layers.Dropout(self.dropout)(y) if self.dropout else y
        across = x if x.shape[-1] == channels else keras.layers.Dense(channels)(x)
        return keras.layers.Activation("relu")(y + across)
