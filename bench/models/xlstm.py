"""Extended LSTMs: recurrences with exponential gates, in residual blocks."""

from typing import Any, ClassVar

from pydantic import PositiveInt, model_validator

from bench.models.base import model
from bench.models.blocks import BlockNetwork
from bench.task import Task


class ExponentialBlocks(BlockNetwork):
    """Blocks of one kind of extended LSTM, each normalised first, and the output once more.

    Layer norms have an offset, which the authors' code leaves out. Its networks of formal languages have 2 blocks of
    width 64, with one head.

    Attributes:
        heads: Of each block; they share out ``width``, or what a block makes of it.
    """

    version: ClassVar[str] = "2"
    heads: PositiveInt = 4

    def left(self, x: Any) -> Any:
        """As `BlockNetwork.left`: normalised once more."""
        from bench.layers.norms import layer_norm

        return layer_norm()(x)


@model("s_lstm", paper="Beck et al. 2024, arXiv 2405.04517")
class SLSTM(ExponentialBlocks):
    """Blocks of a recurrence with a scalar memory a unit, and a gated perceptron.

    Beck et al. (2024), "xLSTM: Extended Long Short-Term Memory", arXiv 2405.04517, figure 10, without the convolution
    that is optional there and on by default in the code, with all gates from the whole input in place of the code's
    blocks of it, and with a bias in the perceptron, where the code has none.
    """

    weights: ClassVar[int] = 5214
    width: PositiveInt = 16

    @model_validator(mode="after")
    def _shares_out(self) -> "SLSTM":
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not shared out among {self.heads} heads; make it a multiple")
        return self

    def depth(self, task: Task) -> int | None:
        """As `Model.depth`: the entry, a recurrence and two dense layers a block, and the head."""
        return 3 * self.layers + 2

    def block(self, x: Any, number: int) -> Any:
        """As `BlockNetwork.block`."""
        import keras

        from bench.layers.norms import HeadNorm, layer_norm
        from bench.layers.slstm import SLSTMCell

        cell = SLSTMCell(self.width, self.heads, number / max(1, self.layers - 1))
        y = keras.layers.RNN(cell, return_sequences=True)(layer_norm()(x))
        x = x + self.dropped(HeadNorm(self.heads)(y))
        y, hidden = layer_norm()(x), round(4 * self.width / 3)
        y = keras.layers.Dense(hidden, activation="gelu")(y) * keras.layers.Dense(hidden)(y)
        return x + self.dropped(keras.layers.Dense(self.width)(y))


@model("m_lstm", paper="Beck et al. 2024, arXiv 2405.04517")
class MLSTM(ExponentialBlocks):
    """Blocks of a matrix memory with its gate and short convolution, in the form of chunks.

    Beck et al. (2024), arXiv 2405.04517, figure 11.

    Attributes:
        expand: Channels of the memory, by ``width``.
        taps: Of the convolution before it.
    """

    version: ClassVar[str] = "3"
    weights: ClassVar[int] = 5038
    width: PositiveInt = 14
    expand: PositiveInt = 2
    taps: PositiveInt = 4

    @model_validator(mode="after")
    def _shares_out(self) -> "MLSTM":
        channels = self.expand * self.width
        if channels % self.heads or channels % 4:
            raise ValueError(f"{channels} channels (expand * width) are no multiple of 4 and of {self.heads} heads")
        return self

    def depth(self, task: Task) -> int | None:
        """As `Model.depth`: the entry; in-projection, convolution, memory and out-projection a block; the head."""
        return 4 * self.layers + 2

    def block(self, x: Any, number: int) -> Any:
        """As `BlockNetwork.block`."""
        from bench.layers.mlstm import MatrixLSTM
        from bench.layers.norms import layer_norm

        mixed = MatrixLSTM(self.heads, self.expand, self.taps)(layer_norm()(x))
        return x + self.dropped(mixed)
