"""What a model is: a network that is trained, or a predictor that is not; and their registry."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from bench.extras import CLASSICAL, is_there, version_of, without
from bench.registry import Registry
from bench.task import Split, TargetKind, Task, Values, Windows

if TYPE_CHECKING:
    import keras
    import torch

Inputs = Values
"""``(windows, input_length, features)``, or token ids ``(windows, input_length)``."""
Forecast = Callable[[Inputs], NDArray[np.floating]]
"""From inputs to forecasts shaped like the task's targets."""
LeakingForecast = Callable[[Split], NDArray[np.floating]]
"""As `Forecast`, from the whole split, answers included."""
Growth = Literal["linear", "quadratic"]

REAL = (TargetKind.LAST_STEP, TargetKind.EVERY_STEP)
"""Kinds of target that are real values."""


@dataclass(frozen=True)
class Support:
    """Whether a model fits a task: true where it does; else ``reason`` says in one line why not."""

    reason: str = ""

    def __bool__(self) -> bool:
        return not self.reason


class Model(BaseModel):
    """Something that forecasts. A subclass's fields are its parameters, checked and digested.

    Raise ``version`` when the numbers that it gives change.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str] = ""
    version: ClassVar[str] = "1"
    paper: ClassVar[str] = ""
    files: ClassVar[tuple[str, ...]] = ()
    trained: ClassVar[bool]
    kinds: ClassVar[tuple[TargetKind, ...]] = tuple(TargetKind)
    """Kinds of target that it can forecast."""
    leaks_target: ClassVar[bool] = False
    """True only for an as-printed variant whose fault is to see the targets."""
    general: ClassVar[bool] = False
    """True for an architecture for any task, at its default size, and for a baseline: what ``models = ["*"]`` takes."""
    quantile_outputs: ClassVar[bool] = False
    """True for a network that puts out as many numbers as `Task.outputs`, so that these may be quantiles."""
    oracle: ClassVar[bool] = False
    """True for a reference that knows how its data were made; a report places models between naive and it."""

    first_look: ClassVar[bool] = False
    """True for the few models that a first, quick answer on a user's own series tries."""
    baseline_of_seasons: ClassVar[bool] = False
    """True for the predictor that skill is measured against where a user's own series have a season."""

    module: ClassVar[str] = ""
    """A module of the extra ``classical`` that it needs: where that is not installed its cases are skipped."""
    libraries: ClassVar[tuple[str, ...]] = ()
    """Distributions, besides NumPy and a backend, whose code its numbers come from: a record tells their versions."""

    @classmethod
    def installed(cls) -> Support:
        """Return whether what it needs is installed here."""
        if cls.module and not is_there(cls.module):
            return Support(without(cls.module, CLASSICAL, f"model {cls.name!r}"))
        return Support()

    @classmethod
    def library_versions(cls) -> dict[str, str]:
        """Return the versions of its ``libraries``, as installed here; of one that is not, none."""
        return {name: found for name in cls.libraries if (found := version_of(name))}

    @property
    def batch_dependent(self) -> bool:
        """True where a window's forecast depends on the windows that share its batch."""
        return False

    def supports(self, task: Task, train: Task | None = None) -> Support:
        """Return whether it can forecast ``task``.

        Args:
            task: What is forecast.
            train: The task of the training windows; None where it is the same.
        """
        if task.target not in self.kinds:
            return self.misfit(task, f"forecasts {' or '.join(self.kinds)} targets", f"asks for {task.target}")
        if task.quantiles and self.trained and not self.quantile_outputs:
            return self.misfit(task, "forecasts one number a value", "asks for quantiles")
        return Support()

    def misfit(self, task: Task, can: str, asks: str) -> Support:
        """Return that it does not fit a task: what it does in words, and what the task asks or has."""
        return Support(f"model {self.name!r} {can}; task {task.name!r} {asks}")

    def positions(self, task: Task) -> slice:
        """Return which target positions of an EVERY_STEP task the outputs stand for."""
        return slice(None)

    def receptive_field(self, task: Task) -> int | None:
        """Return how many steps the last forecast depends on, back from its own position; None where not known."""
        return None

    def depth(self, task: Task) -> int | None:
        """Return how many layers that mix numbers lie one after another, the head among them; None where not known.

        Recurrent, convolutional and dense layers do; normalisation, dropout and an embedding do not.
        """
        return None

    def targets(self, split: Split) -> Values | Windows:
        """Return a split's targets at the positions that the outputs stand for."""
        if isinstance(split.y, Windows):
            return split.y.at(self.positions(split.task)) if split.task.target.every_position else split.y
        return self._at_positions(split.task, split.y)

    def mask(self, split: Split) -> NDArray[np.bool_]:
        """Return a masked split's mask at the positions that the outputs stand for."""
        assert split.mask is not None
        return self._at_positions(split.task, split.mask)

    def _at_positions(self, task: Task, values: NDArray[Any]) -> NDArray[Any]:
        return np.ascontiguousarray(values[:, self.positions(task)]) if task.target.every_position else values


class Predictor(Model):
    """A model that needs no gradient training; its numbers depend on the data alone."""

    trained: ClassVar[bool] = False

    def fit(self, train: Split, task: Task) -> Forecast:
        """Return a function that forecasts ``task`` from windows, fitted on ``train`` if need be.

        A predictor that ``leaks_target`` returns a `LeakingForecast` from `fit_leaking` instead.
        """
        raise NotImplementedError

    def fit_choosing(self, train: Split, valid: Split, task: Task) -> Forecast:
        """As `fit`, for a predictor that chooses among fits by their error on ``valid``, as a network its epoch."""
        return self.fit(train, task)

    def fit_leaking(self, train: Split, task: Task) -> LeakingForecast:
        """As `fit`, for a predictor that ``leaks_target``."""
        raise NotImplementedError


class Network(Model):
    """A network that is trained by a recipe: of Keras's layers, or of what its ``backends`` alone have."""

    trained: ClassVar[bool] = True
    backends: ClassVar[tuple[str, ...]] = ()
    """Names of the backends that can run it; empty for every one. On others its cases are skipped."""
    growth: ClassVar[Growth] = "linear"
    """How the cost of a window, trained on or forecast, grows with its steps: to this power, logarithms aside."""
    weights: ClassVar[int] = 0
    """How many numbers training changes at its default size, to forecast ten steps from fifty of one series, as on the
    chapter's waves; where it can do no such thing, one step or one label. 0 where nobody has counted."""
    iterates: ClassVar[bool] = False
    """True where a network trained for one step forecasts more by feeding its output back."""

    def supports(self, task: Task, train: Task | None = None) -> Support:
        """As `Model.supports`; a network forecasts what it is trained on, so the training windows must ask the same."""
        if train is not None and _asked(train) != _asked(task):
            return self.misfit(task, "forecasts what it is trained on", f"is trained on {train.name!r}")
        return super().supports(task, train)

    def runs_on(self, backend: str) -> Support:
        """Return whether a backend can run it."""
        if self.backends and backend not in self.backends:
            return Support(f"model {self.name!r} runs on {' or '.join(self.backends)} alone, not on {backend}")
        return Support()

    def build(self, task: Task) -> "keras.Model":
        """Return a new network for ``task``, which it supports; import keras here, not at the top of the file.

        ``task.input_length`` is None where the network must take windows of any length.

        It is given no seed: initial weights are put into what it returns, and so is the state of every layer that draws
        random numbers of its own (dropout, noise), both made from the model seed alone. Such a layer holds a
        `keras.random.SeedGenerator`; Keras's global one is no part of a run.
        """
        raise NotImplementedError


class TorchNetwork(Network):
    """A plain `torch.nn.Module`, which the backend torch alone runs."""

    backends: ClassVar[tuple[str, ...]] = ("torch",)

    def build(self, task: Task) -> "torch.nn.Module":
        """Return a new module for ``task``; import torch here, not at the top of the file.

        It takes float32 ``(batch, input_length, features)``, or int32 token ids ``(batch, input_length)``, and gives
        float32 forecasts shaped as the targets, or probabilities with an axis of classes more where there are more than
        two. Its weights are float32. Its own initialisers draw them after ``torch.manual_seed(model_seed)``, and what
        it draws in training (dropout) comes from PyTorch's own generator, seeded from the model seed, too.

        On a GPU a training step is captured as a CUDA graph: no branch of ``forward`` may depend on a number.
        """
        raise NotImplementedError


def _asked(task: Task) -> tuple[object, ...]:
    """Return what a network's input and output follow from."""
    return task.target, task.input_length, task.features, task.vocabulary, task.output_shape


models: Registry[type[Model]] = Registry("model", "bench.models")

M = TypeVar("M", bound=type[Model])


def model(name: str, paper: str = "") -> Callable[[M], M]:
    """Register a `Model` subclass under ``name``; ``paper`` says whose it is, and where it is read."""

    def decorate(cls: M) -> M:
        cls.name, cls.paper = name, paper
        models.add(name, cls)
        return cls

    return decorate
