"""The causal Transformer, normalised first."""

from typing import Any, ClassVar

from pydantic import PositiveInt, model_validator

from bench.models.base import Growth, model
from bench.models.blocks import BlockNetwork
from bench.task import Task


@model("transformer", paper="Vaswani et al. 2017, arXiv 1706.03762")
class CausalTransformer(BlockNetwork):
    """Blocks of causal self-attention and a perceptron, each normalised first, with learned positions.

    Vaswani et al. (2017), "Attention Is All You Need", arXiv 1706.03762, its decoder without the encoder; normalised
    before each part as in Radford et al. (2019), with GELU, but without their smaller start of residual maps.
    Attention's weights are not dropped. The paper's base network has 6 layers of width 512 with 8 heads (table 3), and
    a perceptron of 4 times the width, as here.

    Attributes:
        heads: Of each attention; they share out ``width``.
        expand: Numbers in the perceptron's hidden layer, by ``width``.
        ordered: Add a learned vector a position; without them the last forecast of one block knows no order.
    """

    version: ClassVar[str] = "2"
    growth: ClassVar[Growth] = "quadratic"
    weights: ClassVar[int] = 4546
    width: PositiveInt = 12
    heads: PositiveInt = 2
    expand: PositiveInt = 4
    ordered: bool = True

    @model_validator(mode="after")
    def _shares_out(self) -> "CausalTransformer":
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not shared out among {self.heads} heads; make it a multiple")
        return self

    def depth(self, task: Task) -> int | None:
        """As `Model.depth`: the entry, attention and two dense layers a block, and the head."""
        return 3 * self.layers + 2

    def entered(self, x: Any) -> Any:
        """As `BlockNetwork.entered`: with positions."""
        from bench.layers.positions import LearnedPositions

        return self.dropped(LearnedPositions()(x) if self.ordered else x)

    def block(self, x: Any, number: int) -> Any:
        """As `BlockNetwork.block`."""
        import keras

        from bench.layers.norms import layer_norm

        y = layer_norm()(x)
        attention = keras.layers.MultiHeadAttention(self.heads, self.width // self.heads, flash_attention=False)
        x = x + self.dropped(attention(y, y, use_causal_mask=True))
        y = layer_norm()(x)
        y = keras.layers.Dense(self.expand * self.width, activation="gelu")(y)
        return x + self.dropped(keras.layers.Dense(self.width)(y))

    def left(self, x: Any) -> Any:
        """As `BlockNetwork.left`: normalised once more."""
        from bench.layers.norms import layer_norm

        return layer_norm()(x)
