"""State-space networks: linear recurrences in deep residual blocks."""

from typing import Any, ClassVar

from pydantic import Field, PositiveInt, model_validator

from bench.models.base import model
from bench.models.blocks import BlockNetwork
from bench.task import Task


class GatedBlocks(BlockNetwork):
    """Blocks of normalisation, a linear recurrence, GELU, and a gated linear unit, with a residual path around them.

    Where one label is asked for, minimal-LRU and S4's example average over steps; here the last is read.
    """

    version: ClassVar[str] = "2"

    def depth(self, task: Task) -> int | None:
        """As `Model.depth`: the entry, a recurrence and a gated unit a block, and the head."""
        return 2 * self.layers + 2

    def block(self, x: Any, number: int) -> Any:
        """As `BlockNetwork.block`."""
        import keras

        from bench.layers.norms import layer_norm

        y = layer_norm()(x)
        y = self.dropped(keras.layers.Activation("gelu")(self.recurrence()(y)))
        y = keras.layers.Dense(self.width)(y) * keras.layers.Dense(self.width, activation="sigmoid")(y)
        return x + self.dropped(y)

    def recurrence(self) -> Any:
        """Return the layer."""
        raise NotImplementedError


@model("lru", paper="Orvieto et al. 2023, arXiv 2303.06349")
class LRUNetwork(GatedBlocks):
    """Linear recurrent units in blocks (Orvieto et al., 2023, figure 1), layer norm for the paper's batch norm.

    All weights have the recipe's rate; minimal-LRU trains those of the recurrence, B included, at a lower one without
    weight decay. Its default size is 4 layers of width 256 with a state of 128.

    Attributes:
        state: Complex numbers in a unit's state.
        least: The least modulus that an eigenvalue starts from. The ring between it and ``most`` is ours: minimal-LRU's
            default is the whole disc, from 0 to 1, and so is the layer's.
        most: The largest.
    """

    version: ClassVar[str] = "3"
    weights: ClassVar[int] = 5370
    width: PositiveInt = 20
    state: PositiveInt = 20
    least: float = Field(default=0.5, ge=0, lt=1)
    most: float = Field(default=0.99, gt=0, lt=1)

    def recurrence(self) -> Any:
        """Return the layer."""
        from bench.layers.lru import LRU

        return LRU(self.state, self.least, self.most)

    @model_validator(mode="after")
    def _a_ring(self) -> "LRUNetwork":
        if self.least > self.most:
            raise ValueError(f"least {self.least:g} is above most {self.most:g}")
        return self


@model("s4d", paper="Gu et al. 2022, arXiv 2206.11893")
class S4DNetwork(GatedBlocks):
    """Diagonal structured state spaces in blocks (Gu et al., 2022), normalised first; the authors' example last.

    All weights have the recipe's rate; the authors train A and dt at 0.001 at most, without weight decay. Their example
    has 4 layers of width 128, each channel with a state as here.

    Attributes:
        state: Complex numbers in a channel's state, conjugates included.
    """

    weights: ClassVar[int] = 5514
    width: PositiveInt = 16
    state: int = Field(default=64, ge=2, multiple_of=2)

    def recurrence(self) -> Any:
        """Return the layer."""
        from bench.layers.s4d import S4D

        return S4D(self.state)


@model("mamba", paper="Gu and Dao 2023, arXiv 2312.00752")
class Mamba(BlockNetwork):
    """Selective state spaces, each with its gate and short convolution in one block (Gu and Dao, 2023, figure 3).

    A recipe's weight decay is of all weights; the authors leave out A and D. The paper's synthetic tasks have 2 layers
    of width 64; state, expand and taps are the paper's.

    Attributes:
        state: Numbers in a channel's state.
        expand: Channels of the scan, by ``width``.
        taps: Of the convolution before it.
    """

    version: ClassVar[str] = "2"
    weights: ClassVar[int] = 4654
    width: PositiveInt = 12
    state: PositiveInt = 16
    expand: PositiveInt = 2
    taps: PositiveInt = 4

    def depth(self, task: Task) -> int | None:
        """As `Model.depth`: the entry; in-projection, convolution, scan and out-projection a block; the head."""
        return 4 * self.layers + 2

    def block(self, x: Any, number: int) -> Any:
        """As `BlockNetwork.block`."""
        from bench.layers.norms import RootMeanSquareNorm
        from bench.layers.selective import SelectiveStateSpace

        mixed = SelectiveStateSpace(self.state, self.expand, self.taps)(RootMeanSquareNorm()(x))
        return x + self.dropped(mixed)

    def left(self, x: Any) -> Any:
        """As `BlockNetwork.left`: normalised once more."""
        from bench.layers.norms import RootMeanSquareNorm

        return RootMeanSquareNorm()(x)
