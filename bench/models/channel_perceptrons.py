"""Perceptrons for long horizons."""

from typing import Any, ClassVar

from pydantic import PositiveInt

from bench.models.base import Growth, model
from bench.models.channel_blocks import ScaledChannelNetwork
from bench.task import Task


@model("ts_mixer", paper="Chen et al. 2023, arXiv 2303.06053")
class TSMixer(ScaledChannelNetwork):
    """Blocks of a dense map over time and a perceptron over channels, each normalised first and added to its input.

    Chen et al. (2023), "TSMixer: An All-MLP Architecture for Time Series Forecasting", arXiv 2303.06053, section 4, as
    in the authors' code: batch norm a step and channel, ReLU, and a dense map over time at the end. ``width`` is that
    of the perceptron; maps over time are as wide as the window. On all four data sets of the authors' script windows
    are ``scaled`` (their ``tsmixer_rev_in``, with a learned scale and shift a channel), and networks have 2 to 8 blocks
    and a ``width`` of 32 to 64.
    """

    growth: ClassVar[Growth] = "quadratic"
    mixes: ClassVar[bool] = True
    permutes: ClassVar[bool] = False
    weights: ClassVar[int] = 6108
    width: PositiveInt = 16
    scaled: bool = False

    def depth(self, task: Task) -> int | None:
        """As `Model.depth`: a map over time and two over channels a block, and the head."""
        return 3 * self.layers + 1

    def forecast_scaled(self, series: Any, horizon: int) -> Any:
        """As `ScaledChannelNetwork.forecast_scaled`."""
        import keras

        for _ in range(self.layers):
            y = keras.layers.Dense(series.shape[-1], activation="relu")(self._normalised(series))
            series = series + self.dropped(y)
            y = keras.layers.Permute((2, 1))(self._normalised(series))
            y = self.dropped(keras.layers.Dense(self.width, activation="relu")(y))
            y = self.dropped(keras.layers.Dense(series.shape[1])(y))
            series = series + keras.layers.Permute((2, 1))(y)
        return keras.layers.Dense(horizon)(series)

    def _normalised(self, x: Any) -> Any:
        import keras

        y = keras.layers.BatchNormalization()(keras.layers.Flatten()(x))
        return keras.layers.Reshape(x.shape[1:])(y)


@model("tide", paper="Das et al. 2023, arXiv 2304.08424")
class TiDE(ScaledChannelNetwork):
    """A dense encoder and decoder of residual blocks, then one for each step of the horizon, and a linear map beside.

    Das et al. (2023), "Long-term Forecasting with TiDE: Time-series Dense Encoder", arXiv 2304.08424, section 4,
    without covariates, and without the learned vector that the authors' code gives each series. Windows are ``scaled``
    in their scripts, with a learned scale and shift a channel. Layer norm ends each block, an option of theirs, but the
    one for each step: it has one output, and a single number less its mean is always 0. Their network for 96 hours of
    ETTh1 has a width of 512, and a vector of 32.

    Attributes:
        width: Numbers in hidden layers and between blocks; in the authors' code the block for each step has its own.
        layers: Blocks of the encoder, of which their ``num_layers = 2`` makes one.
        decoder: Blocks of the decoder.
        vector: Numbers that the decoder gives for each step of the horizon.
        step_norm: Layer norm ends the block for each step, too, a fault of the authors' code where it has any: what is
            left of the block is one learned number, and the forecast is the linear map.
    """

    weights: ClassVar[int] = 5108
    scaled: bool = False
    decoder: PositiveInt = 1
    vector: PositiveInt = 4
    step_norm: bool = False

    def depth(self, task: Task) -> int | None:
        """As `Model.depth`: two dense layers a block."""
        return 2 * (self.layers + self.decoder + 1)

    def forecast_scaled(self, series: Any, horizon: int) -> Any:
        """As `ScaledChannelNetwork.forecast_scaled`."""
        import keras

        x = series
        for _ in range(self.layers + self.decoder - 1):
            x = self._block(x, self.width)
        x = self._block(x, self.vector * horizon)
        steps = keras.layers.Reshape((series.shape[1], horizon, self.vector))(x)
        deep = keras.layers.Reshape((series.shape[1], horizon))(self._block(steps, 1))
        return deep + keras.layers.Dense(horizon)(series)

    def _block(self, x: Any, outputs: int) -> Any:
        import keras

        y = keras.layers.Dense(outputs)(keras.layers.Dense(self.width, activation="relu")(x))
        y = self.dropped(y) + keras.layers.Dense(outputs)(x)
        return keras.layers.LayerNormalization()(y) if outputs > 1 or self.step_norm else y
