"""Forecasts in parts: each block forecasts, and leaves the next ones what it cannot explain of the window."""

from typing import Any, ClassVar

from pydantic import Field, PositiveInt, model_validator

from bench.models.base import model
from bench.models.decomposition import ChannelNetwork
from bench.task import Task


class BackcastNetwork(ChannelNetwork):
    """Blocks of a perceptron, a backcast that is taken from the block's window, and a forecast that is added up.

    As in the code of the papers, and not in their text, forecasts are added to the window's last value, and blocks see
    the window from its last step back. The last block has no backcast, since nothing would train it.

    Attributes:
        width: Numbers in each hidden layer.
    """

    version: ClassVar[str] = "2"
    width: PositiveInt = 12

    @property
    def blocks(self) -> int:
        """How many there are."""
        raise NotImplementedError

    def forecast(self, series: Any, horizon: int) -> Any:
        """As `ChannelNetwork.forecast`."""
        import keras

        left, total = keras.ops.flip(series, axis=-1), series[..., -1:]
        for number in range(self.blocks):
            hidden = self.hidden(left, number)
            total = total + self.part(hidden, horizon, number)
            if number < self.blocks - 1:
                left = left - keras.layers.Dense(series.shape[-1])(hidden)
        return total

    def hidden(self, x: Any, number: int) -> Any:
        """Return the last hidden layer ``(batch, channels, width)`` of a block; ``number`` from 0."""
        raise NotImplementedError

    def part(self, hidden: Any, horizon: int, number: int) -> Any:
        """Return a block's share of the forecast."""
        raise NotImplementedError

    def perceptron(self, x: Any, layers: int) -> Any:
        """Return the last of so many hidden layers."""
        import keras

        for _ in range(layers):
            x = keras.layers.Dense(self.width, activation="relu")(x)
        return x


@model("n_beats", paper="Oreshkin et al. 2020, arXiv 1905.10437")
class NBeats(BackcastNetwork):
    """N-BEATS with generic blocks: dense maps to backcast and forecast.

    Oreshkin et al. (2020), "N-BEATS: Neural basis expansion analysis for interpretable time series forecasting", arXiv
    1905.10437, section 3. Where the paper has a map to coefficients and one from them to a block's outputs, this has
    one map, as the authors' code. A block has weights of its own; one network, not an ensemble. The paper's generic
    networks have 30 blocks of width 512, with 4 hidden layers as here.

    Attributes:
        stack: Blocks.
        layers: Hidden layers of a block.
    """

    weights: ClassVar[int] = 4930
    stack: PositiveInt = 3
    layers: PositiveInt = 4

    @property
    def blocks(self) -> int:
        """How many there are."""
        return self.stack

    def depth(self, task: Task) -> int | None:
        """As `Model.depth`: the hidden layers of each block, and its backcast, or the last one's forecast."""
        return (self.layers + 1) * self.stack

    def hidden(self, x: Any, number: int) -> Any:
        """As `BackcastNetwork.hidden`."""
        return self.perceptron(x, self.layers)

    def part(self, hidden: Any, horizon: int, number: int) -> Any:
        """As `BackcastNetwork.part`."""
        import keras

        return keras.layers.Dense(horizon)(hidden)


@model("n_hits", paper="Challu et al. 2023, arXiv 2201.12886")
class NHits(BackcastNetwork):
    """N-HiTS: each block sees the largest values of stretches of the window, and forecasts knots of a line.

    Challu et al. (2023), "N-HiTS: Neural Hierarchical Interpolation for Time Series Forecasting", arXiv 2201.12886,
    section 3. Backcasts are not interpolated, as in the authors' code; in the paper they are. Stretches are counted
    from the window's end. The code's dropout, which its search leaves at 0, is left out. Its networks have three blocks
    of two hidden layers, as here, of width 512; pools and knots are searched, such as 8, 4, 1 and 24, 12, 1.

    Attributes:
        pools: Steps of a stretch, a block each.
        knots: Steps of the horizon a knot stands for, likewise; a block has one knot at least.
        layers: Hidden layers of a block.
    """

    weights: ClassVar[int] = 4887
    width: PositiveInt = 18
    pools: tuple[PositiveInt, ...] = Field(default=(4, 2, 1), min_length=1)
    knots: tuple[PositiveInt, ...] = Field(default=(4, 2, 1), min_length=1)
    layers: PositiveInt = 2

    @model_validator(mode="after")
    def _a_block_each(self) -> "NHits":
        if len(self.pools) != len(self.knots):
            raise ValueError(f"{len(self.pools)} pools and {len(self.knots)} knots; name one of each a block")
        return self

    @property
    def blocks(self) -> int:
        """How many there are."""
        return len(self.pools)

    def depth(self, task: Task) -> int | None:
        """As `Model.depth`: the hidden layers of each block, and its backcast, or the last one's forecast."""
        return (self.layers + 1) * self.blocks

    def hidden(self, x: Any, number: int) -> Any:
        """As `BackcastNetwork.hidden`."""
        from bench.layers.pooled_maximum import PooledMaximum

        return self.perceptron(PooledMaximum(self.pools[number])(x), self.layers)

    def part(self, hidden: Any, horizon: int, number: int) -> Any:
        """As `BackcastNetwork.part`."""
        import keras

        from bench.layers.interpolation import Interpolation

        return Interpolation(horizon)(keras.layers.Dense(max(1, horizon // self.knots[number]))(hidden))
