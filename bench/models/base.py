"""What a model is: a network that is trained, or a predictor that is not; and their registry."""

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from bench.registry import Registry
from bench.task import Array, Split, TargetKind, Task

if TYPE_CHECKING:
    import keras

Forecast = Callable[[Array], NDArray[np.floating]]
"""``x (windows, input_length, features)`` to forecasts shaped like the task's targets."""
PeekingForecast = Callable[[Split], NDArray[np.floating]]
"""As `Forecast`, from the whole split, answers included."""


class Model(BaseModel):
    """Something that forecasts. A subclass's fields are its parameters, checked and digested.

    Raise ``version`` when the numbers that it gives change.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str] = ""
    version: ClassVar[str] = "1"
    trained: ClassVar[bool]

    def positions(self, task: Task) -> slice:
        """Return which target positions of an EVERY_STEP task the outputs stand for."""
        return slice(None)

    def targets(self, split: Split) -> Array:
        """Return a split's targets at the positions that the outputs stand for."""
        if split.task.target is not TargetKind.EVERY_STEP:
            return split.y
        return np.ascontiguousarray(split.y[:, self.positions(split.task)])


class Predictor(Model):
    """A model that needs no gradient training; its numbers depend on the data alone."""

    trained: ClassVar[bool] = False
    peeks: ClassVar[bool] = False
    """True only for an as-printed variant whose fault is to look at the targets."""
    oracle: ClassVar[bool] = False
    """True for a reference that knows how its data were made; a report places models between naive and it."""

    def fit(self, train: Split, task: Task) -> Forecast:
        """Return a function that forecasts ``task`` from windows, fitted on ``train`` if need be.

        A predictor that ``peeks`` returns a `PeekingForecast` from `fit_peeking` instead.
        """
        raise NotImplementedError

    def fit_peeking(self, train: Split, task: Task) -> PeekingForecast:
        """As `fit`, for a predictor that ``peeks``."""
        raise NotImplementedError


class Network(Model):
    """A Keras network, trained by a recipe."""

    trained: ClassVar[bool] = True
    iterates: ClassVar[bool] = False
    """True where a network trained for one step forecasts more by feeding its output back."""

    @property
    def batch_dependent(self) -> bool:
        """True where a window's forecast depends on the windows that share its batch."""
        return False

    def build(self, task: Task) -> "keras.Model":
        """Return a new network for ``task``; import keras here, not at the top of the file.

        ``task.input_length`` is None where the network must take windows of any length.
        """
        raise NotImplementedError


models: Registry[type[Model]] = Registry("model", "bench.models")

M = TypeVar("M", bound=type[Model])


def model(name: str) -> Callable[[M], M]:
    """Register a `Model` subclass under ``name``."""

    def decorate(cls: M) -> M:
        cls.name = name
        models.add(name, cls)
        return cls

    return decorate
