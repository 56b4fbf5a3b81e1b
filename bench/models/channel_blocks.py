"""What deep forecasters of channels share: width, layers, dropout, and a window's own scale."""

from typing import Any

from pydantic import Field, PositiveInt

from bench.models.decomposition import ChannelNetwork

EPSILON = 1e-5


class DeepChannelNetwork(ChannelNetwork):
    """A `ChannelNetwork` of equal blocks.

    Attributes:
        width: Numbers in a hidden layer.
        layers: Blocks.
        dropout: Share of a hidden layer's outputs that training sets to zero; 0 adds no layer.
    """

    width: PositiveInt = 16
    layers: PositiveInt = 2
    dropout: float = Field(default=0.0, ge=0, lt=1)

    def dropped(self, x: Any) -> Any:
        """Return x with dropout, where there is any."""
        import keras

        return keras.layers.Dropout(self.dropout)(x) if self.dropout else x


class ScaledChannelNetwork(DeepChannelNetwork):
    """One that can see each window of a channel less its mean, by its standard deviation, and scales the forecast back.

    Kim et al. (2022), "Reversible Instance Normalization for Accurate Time-Series Forecasting against Distribution
    Shift", without the learned scale and shift a channel.

    Attributes:
        scaled: It does.
    """

    scaled: bool = True

    def forecast(self, series: Any, horizon: int) -> Any:
        """As `ChannelNetwork.forecast`."""
        if not self.scaled:
            return self.forecast_scaled(series, horizon)
        from keras import ops

        mean = ops.mean(series, axis=-1, keepdims=True)
        spread = ops.sqrt(ops.var(series, axis=-1, keepdims=True) + EPSILON)
        return self.forecast_scaled((series - mean) / spread, horizon) * spread + mean

    def forecast_scaled(self, series: Any, horizon: int) -> Any:
        """As `ChannelNetwork.forecast`, of windows that are scaled or not."""
        raise NotImplementedError
