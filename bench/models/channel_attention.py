"""Attention for long horizons: among channels, and among patches of one."""

from typing import Any, ClassVar

import numpy as np
from pydantic import PositiveInt, model_validator

from bench.models.base import Growth, Support, model
from bench.models.channel_blocks import EPSILON, ScaledChannelNetwork
from bench.task import Task


class AttentionForecaster(ScaledChannelNetwork):
    """Blocks of attention and a perceptron, each added to its input and normalised after that; weights a token alike.

    Attention's weights are not dropped, as they are in iTransformer's code; PatchTST's drops its outputs twice.

    Attributes:
        heads: Of each attention; they share out ``width``.
        expand: Numbers in the perceptron's hidden layer, by ``width``.
    """

    version: ClassVar[str] = "2"
    heads: PositiveInt = 2
    expand: PositiveInt = 1

    @model_validator(mode="after")
    def _shares_out(self) -> "AttentionForecaster":
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not shared out among {self.heads} heads; make it a multiple")
        return self

    def depth(self, task: Task) -> int | None:
        """As `Model.depth`: the entry, attention and two dense layers a block, and the head."""
        return 3 * self.layers + 2

    def block(self, x: Any, scores: Any = None) -> tuple[Any, Any]:
        """Return a block's output ``(batch, tokens, width)`` and its attention's scores, to those before it."""
        import keras

        from bench.layers.residual_attention import ResidualAttention

        y, scores = ResidualAttention(self.heads)(x, *([] if scores is None else [scores]))
        x = self.normalised(x + self.dropped(y))
        y = self.dropped(keras.layers.Dense(self.expand * self.width, activation="gelu")(x))
        return self.normalised(x + self.dropped(keras.layers.Dense(self.width)(y))), scores

    def normalised(self, x: Any) -> Any:
        """Return normalised tokens."""
        raise NotImplementedError


@model("i_transformer", paper="Liu et al. 2024, arXiv 2310.06625")
class ITransformer(AttentionForecaster):
    """The inverted Transformer: a token is a channel's whole window, and attention is among channels.

    Liu et al. (2024), "iTransformer: Inverted Transformers Are Effective for Time Series Forecasting", arXiv
    2310.06625, section 3, with the code's last layer norm before the head, and without the tokens of hour, weekday, day
    and year that the code adds, on ETTh1 too. Of one channel nothing is left of attention but its value and output
    maps. The code's network for 96 hours of ETTh1 has 2 blocks of width 256.
    """

    mixes: ClassVar[bool] = True
    weights: ClassVar[int] = 4790
    width: PositiveInt = 20

    def forecast_scaled(self, series: Any, horizon: int) -> Any:
        """As `ScaledChannelNetwork.forecast_scaled`."""
        import keras

        x = self.dropped(keras.layers.Dense(self.width)(series))
        for _ in range(self.layers):
            x, _scores = self.block(x)
        return keras.layers.Dense(horizon)(self.normalised(x))

    def normalised(self, x: Any) -> Any:
        """As `AttentionForecaster.normalised`: by layer norm."""
        from bench.layers.norms import layer_norm

        return layer_norm()(x)


@model("patch_tst", paper="Nie et al. 2023, arXiv 2211.14730")
class PatchTST(AttentionForecaster):
    """A token is a patch of a channel's window; channels share all weights and do not mix.

    Nie et al. (2023), "A Time Series is Worth 64 Words: Long-term Forecasting with Transformers", arXiv 2211.14730,
    section 3.1. As in the authors' code attention adds the scores of the block before, which the paper does not say.
    The window's last value is repeated for one more patch, batch norm takes the place of layer norm, and positions are
    learned; theirs start uniform, these as every learned position here. Their network for ETTh1 has 3 blocks of width
    16 with 4 heads and a perceptron of 128, over the same patches.

    Attributes:
        patch: Steps in a patch.
        stride: Steps from one patch to the next.
    """

    growth: ClassVar[Growth] = "quadratic"
    weights: ClassVar[int] = 4858
    width: PositiveInt = 12
    layers: PositiveInt = 3
    expand: PositiveInt = 2
    patch: PositiveInt = 16
    stride: PositiveInt = 8

    def supports(self, task: Task, train: Task | None = None) -> Support:
        """As `ChannelNetwork.supports`; a window has to hold a patch."""
        if task.input_length is not None and task.input_length + self.stride < self.patch:
            return self.misfit(task, f"needs {self.patch - self.stride} steps at least", f"has {task.input_length}")
        return super().supports(task, train)

    @model_validator(mode="after")
    def _leaves_out_nothing(self) -> "PatchTST":
        if self.stride > self.patch:
            raise ValueError(f"stride {self.stride} leaves out steps between patches of {self.patch}")
        return self

    def forecast_scaled(self, series: Any, horizon: int) -> Any:
        """As `ScaledChannelNetwork.forecast_scaled`."""
        import keras
        from keras import ops

        from bench.layers.positions import LearnedPositions

        _, channels, steps = series.shape
        starts = np.arange(0, steps + self.stride - self.patch + 1, self.stride)
        places = np.minimum(starts[:, None] + np.arange(self.patch), steps - 1)
        patches = ops.reshape(ops.take(series, places.astype("int32"), axis=-1), (-1, *places.shape))
        x, scores = self.dropped(LearnedPositions()(keras.layers.Dense(self.width)(patches))), None
        for _ in range(self.layers):
            x, scores = self.block(x, scores)
        return keras.layers.Dense(horizon)(ops.reshape(x, (-1, channels, len(starts) * self.width)))

    def normalised(self, x: Any) -> Any:
        """As `AttentionForecaster.normalised`: by batch norm, its epsilon and momentum PyTorch's."""
        import keras

        return keras.layers.BatchNormalization(epsilon=EPSILON, momentum=0.9)(x)
