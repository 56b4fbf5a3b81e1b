"""Linear networks of long-horizon forecasting: one map from window to horizon, shared by all channels."""

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import PositiveInt

from bench.models.base import Network, Support, model
from bench.models.targets import continues_features, past_of_targets, shaped
from bench.task import TargetKind, Task

if TYPE_CHECKING:
    import keras


class ChannelNetwork(Network):
    """Forecasts the horizon of each channel from its window; a subclass says how.

    Dense maps start as Keras's do, whatever the code of a paper has.
    """

    general: ClassVar[bool] = True
    kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.LAST_STEP,)
    mixes: ClassVar[bool] = False
    """True where a channel's forecast depends on other channels, so that all of them are forecast."""
    permutes: ClassVar[bool] = True
    """True where other places of the channels are other places of the forecasts and nothing else."""

    def supports(self, task: Task, train: Task | None = None) -> Support:
        """As `Network.supports`; it forecasts what it is given, so each target is one of the features."""
        return continues_features(self, task) and super().supports(task, train)

    def receptive_field(self, task: Task) -> int | None:
        """As `Model.receptive_field`: the whole window."""
        return task.input_length

    def build(self, task: Task) -> "keras.Model":
        """Return a network whose output is shaped like the task's."""
        import keras

        inputs = keras.Input((task.input_length, task.features))
        series = keras.layers.Permute((2, 1))(inputs if self.mixes else _past(inputs, task))
        x = keras.layers.Permute((2, 1))(self.forecast(series, task.horizon))
        x = keras.layers.Flatten()(_past(x, task) if self.mixes else x)
        for layer in shaped(task):
            x = layer(x)
        return keras.Model(inputs, x)

    def forecast(self, series: Any, horizon: int) -> Any:
        """Return the horizons ``(batch, channels, horizon)`` of windows ``(batch, channels, steps)``."""
        raise NotImplementedError


def _past(channels: Any, task: Task) -> Any:
    """Return those of all channels ``(batch, steps, features)`` that are the targets' own."""
    import keras

    places = past_of_targets(task)
    if places == list(range(task.features)):
        return channels
    return keras.ops.take(channels, keras.ops.convert_to_tensor(places, dtype="int32"), axis=-1)


@model("d_linear", paper="Zeng et al. 2023, arXiv 2205.13504")
class DLinear(ChannelNetwork):
    """A linear map of the trend, a moving average, and one of what it leaves, added up.

    Zeng et al. (2023), "Are Transformers Effective for Time Series Forecasting?", arXiv 2205.13504, section 3. The
    average repeats the window's ends. Maps start as every dense layer here; in the code as PyTorch's linear layers
    (from 1 / steps before 2022-08-15, and in TSLib's copy).

    Attributes:
        average: Steps of the moving average, as many as in the code.
    """

    weights: ClassVar[int] = 1020
    average: PositiveInt = 25

    def depth(self, task: Task) -> int | None:
        """As `Model.depth`: one map."""
        return 1

    def forecast(self, series: Any, horizon: int) -> Any:
        """As `ChannelNetwork.forecast`."""
        import keras

        from bench.layers.moving_average import MovingAverage

        trend = MovingAverage(self.average)(series)
        return keras.layers.Dense(horizon)(trend) + keras.layers.Dense(horizon)(series - trend)


@model("n_linear", paper="Zeng et al. 2023, arXiv 2205.13504")
class NLinear(ChannelNetwork):
    """A linear map of the window less its last value, which is added again.

    Zeng et al. (2023), arXiv 2205.13504, section 3.
    """

    weights: ClassVar[int] = 510

    def depth(self, task: Task) -> int | None:
        """As `Model.depth`: one map."""
        return 1

    def forecast(self, series: Any, horizon: int) -> Any:
        """As `ChannelNetwork.forecast`."""
        import keras

        last = series[:, :, -1:]
        return keras.layers.Dense(horizon)(series - last) + last
