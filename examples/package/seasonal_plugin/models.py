"""A model of the plug-in."""

from typing import TYPE_CHECKING

from pydantic import PositiveInt

from bench.models.base import Network, Support, model
from bench.task import TargetKind, Task

if TYPE_CHECKING:
    import keras


@model("seasonal_difference")
class SeasonalDifference(Network):
    """What was there a season ago, and a small perceptron's correction from all that the window holds.

    Attributes:
        season: Steps of a season.
        units: Of the hidden layer.
    """

    kinds = (TargetKind.LAST_STEP,)
    season: PositiveInt = 7
    units: PositiveInt = 16

    def supports(self, task: Task, train: Task | None = None) -> Support:
        """Return whether it fits: one step of one feature ahead, from a season at least."""
        if task.outputs != 1 or task.features != 1 or task.vocabulary is not None:
            return self.misfit(task, "forecasts one step of one feature", "asks for another")
        if task.input_length is None or task.input_length < self.season:
            return self.misfit(task, f"needs {self.season} steps", f"has {task.input_length}")
        return super().supports(task, train)

    def build(self, task: Task) -> "keras.Model":
        """Return the network."""
        import keras

        window = keras.Input((task.input_length, 1))
        flat = keras.layers.Flatten()(window)
        hidden = keras.layers.Dense(self.units, activation="relu")(flat)
        correction = keras.layers.Dense(1)(hidden)
        return keras.Model(window, correction + flat[:, -self.season, None])
