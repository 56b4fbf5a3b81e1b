"""What is run, and what a run leaves: frozen, versioned data.

Schema history:
    1: first version.
    2: scores in long form, the whole task, the positions that the scores cover, noise floors by metric; components tell
       what was set from what was left at its default, and an id digests what was set alone.
    3: the digest of the file of errors a window beside the record.
"""

import traceback
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal, NamedTuple, Self

from pydantic import SerializerFunctionWrapHandler, model_serializer, model_validator

from bench.digest import digest
from bench.provenance import Environment, Frozen, Provenance
from bench.recipe import Recipe
from bench.task import Task

SCHEMA_VERSION = 3

Status = Literal["done", "diverged", "failed", "crashed", "timed_out"]
FINISHED: frozenset[str] = frozenset({"done", "diverged"})
"""Statuses that are a result; the others are tried again by the next command."""
LEAST_CPU_SHARE = 0.98
"""Work with less process time than this, over its wall time, shared its core."""


class Component(Frozen):
    """A registered dataset or model, with the version of its numbers.

    Attributes:
        params: Parameters that were set to another value than their default.
        defaults: The others, as they were.
        contents: Digests of the files that parameters name; an id holds these in place of the paths.
    """

    name: str
    params: dict[str, Any] = {}
    version: str = "1"
    defaults: dict[str, Any] = {}
    contents: dict[str, str] = {}

    @property
    def all_params(self) -> dict[str, Any]:
        """Every parameter."""
        return self.defaults | self.params

    @property
    def identity(self) -> dict[str, Any]:
        """What an id digests: a parameter that came later, with a default, is not in it."""
        return {"name": self.name, "version": self.version, "params": self.params | self.contents}


class PlacedCase(Frozen):
    """A case on one device and backend, with the versions of all that can change its numbers.

    Attributes:
        recipe: None for a predictor.
        metrics: Names of metrics that are computed besides those of the task.
    """

    case: str
    dataset: Component
    model: Component
    recipe: Recipe | None
    device: str
    backend: str
    versions: dict[str, str]
    metrics: tuple[str, ...] = ()

    @property
    def identity(self) -> dict[str, Any]:
        """What an id digests: what was set, and the versions."""
        dumped = self.model_dump(mode="json", exclude={"dataset", "model", "recipe", "metrics"})
        recipe = None if self.recipe is None else self.recipe.model_dump(mode="json", exclude_defaults=True)
        named = {"metrics": list(self.metrics)} if self.metrics else {}
        return {**dumped, "dataset": self.dataset.identity, "model": self.model.identity, "recipe": recipe, **named}


class RunSpec(PlacedCase):
    """A case on one device and backend, and one seed: all that a run's numbers depend on.

    Attributes:
        data_seed: 0 where the data do not depend on it.
        model_seed: None for a predictor, which has none.
    """

    data_seed: int
    model_seed: int | None

    @cached_property
    def run_id(self) -> str:
        """Digest of what was set, versions included."""
        return digest(self.identity)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy, changed; its id is its own."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("run_id", None)
        return copied


class LearningCurve(Frozen):
    """One value an epoch. ``valid`` holds each per-epoch metric's values under its name."""

    train_loss: list[float] = []
    valid: dict[str, list[float]] = {}


class Timing(Frozen):
    """A run's own account, in seconds of wall clock.

    Attributes:
        import_s: Importing the backend; counted in a worker's first run, else 0.
        data_s: Making the data set; counted in the first run that uses it, else 0.
        build_s: Building the network; 0 where the worker reuses it.
        compile_s: Tracing and compiling its programs; 0 where reused.
        epoch_s: Each epoch's training, evaluation apart.
        train_s: Their sum and the drawing of their orders; a predictor's fit.
        evaluate_s: Forecasts and metrics, after every epoch and at the end, and keeping the best weights.
        other_s: All the rest of the run inside the worker: initial weights, progress, the record.
        total_s: All of it.
        cpu_over_wall: Process time over wall time while training; under `LEAST_CPU_SHARE` the run shared its core.
    """

    import_s: float = 0.0
    data_s: float = 0.0
    build_s: float = 0.0
    compile_s: float = 0.0
    epoch_s: list[float] = []
    train_s: float = 0.0
    evaluate_s: float = 0.0
    other_s: float = 0.0
    total_s: float = 0.0
    cpu_over_wall: float | None = None


class Failure(Frozen):
    """Why a run has no scores: one line, and the last lines of its traceback or log."""

    reason: str
    details: str = ""

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """Return what an error that was just caught says, in its first line, and the end of its traceback."""
        text = str(error).splitlines()[0] if str(error) else ""
        details = "".join("".join(traceback.format_exception(error)).splitlines(keepends=True)[-15:])
        reason, details = (each.encode("utf-8", "replace").decode() for each in (text, details))  # of any path
        return cls(reason=f"{type(error).__name__}: {reason}"[:300], details=details)


class ForecastSample(Frozen):
    """A few validation windows with their truth and the last epoch's forecast, for plotting.

    Attributes:
        window: Index in the validation split, ``[n]``.
        x: First feature of each window, ``[n][input_length]``.
        truth: The steps after the window, ``[n][horizon]``.
        forecast: The same steps as forecast at the last position, ``[n][horizon]``.
        low: The lowest quantile of these steps, where quantiles were forecast; else empty, and left out.
        high: The highest, likewise.
    """

    window: list[int]
    x: list[list[float]]
    truth: list[list[float]]
    forecast: list[list[float]]
    low: list[list[float]] = []
    high: list[list[float]] = []

    @model_serializer(mode="wrap")
    def _set(self, fields: SerializerFunctionWrapHandler) -> dict[str, Any]:
        dumped: dict[str, Any] = fields(self)
        return {name: value for name, value in dumped.items() if name not in ("low", "high") or value}

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        n = len(self.window)
        if not (n and len(self.x) == len(self.truth) == len(self.forecast) == n):
            raise ValueError("a sample has as many windows as inputs, truths and forecasts, and at least one")
        if [len(v) for v in self.truth] != [len(v) for v in self.forecast] or not all(self.truth):
            raise ValueError("a sample has a forecast of every step of a window's truth, and at least one")
        ends = [[len(v) for v in each] for each in (self.low, self.high)]
        if ends not in ([[], []], [[len(v) for v in self.truth]] * 2):
            raise ValueError("a sample has both ends of an interval at every step, or none")
        return self


Weights = Literal["last", "best"]
"""Of the last epoch, or of the epoch that was best on validation."""
IN_WORDS: Mapping[str, str] = {"valid": "validation", "last": "after the last epoch", "best": "of the best epoch"}
"""What a split or weights are called in a sentence; test and extra test sets by their own names."""
RANKED: Mapping[Weights, tuple[str, Weights]] = {"last": ("valid", "last"), "best": ("test", "best")}
"""Split and weights of the score that ranks, by the weights that a suite ranks by: those of the last epoch, which
nothing was chosen for, on validation; those of the epoch that validation chose on test, which chose nothing."""


class Score(NamedTuple):
    """One number that a metric gave.

    Attributes:
        split: valid, test or an extra test set.
        weights: Whose forecasts they are.
        metric: Its name.
        axis: What the metric keeps apart, or the name of the split's group; empty for one number over all.
        index: The forecast step from 1, the target's name or the group's value; empty for none.
        value: The number.
    """

    split: str
    weights: Weights
    metric: str
    axis: str
    index: str  # type: ignore[assignment]  # the field's word; nobody asks a score where a value stands in it
    value: float


Scores = tuple[Score, ...]


def score_of(scores: Scores, metric: str, split: str = "valid", weights: Weights = "last") -> float | None:
    """Return a metric's one number over a split; None where there is none."""
    wanted = (split, weights, metric, "", "")
    return next((score.value for score in scores if score[:-1] == wanted), None)


class RunRecord(Frozen):
    """Everything that a run left.

    Attributes:
        task: What the scores answer; None where the run ended before it was known.
        windows: How many windows each split holds.
        data_notes: What was found in the data that a run can use but which says little, a line each.
        noise_floors: Expected value of a metric that no forecast can get below, where theory gives one.
        positions: Of the window, counted from 0, that the model forecasts at; None where it does at each that the task
            asks for. A model that leaves some out is scored on fewer than its rivals, and ranks with none of them.
        parameters: Trainable and other numbers in the network; None for a predictor.
        train_windows: Windows trained on in each whole epoch (the incomplete last batch left out).
        scores: Of the weights after the last epoch, and of those of the epoch that was best on validation.
        best_epoch: That epoch, from 1; None for a predictor.
        kept: SHA-256 of the file beside it that holds a `bench.kept.Kept`; empty where there is none.
        libraries: Versions of what fitted it besides NumPy and a backend, as the model names it; left out where empty.
            In no id, nor in the environment, which is one for all models of a device and backend.
    """

    schema_version: int = SCHEMA_VERSION
    run_id: str
    attempt: int
    status: Status
    spec: RunSpec
    task: Task | None = None
    windows: dict[str, int] = {}
    data_notes: tuple[str, ...] = ()
    noise_floors: dict[str, float] = {}
    data_digest: str = ""
    positions: tuple[int, ...] | None = None
    parameters: int | None = None
    train_windows: int = 0
    scores: Scores = ()
    best_epoch: int | None = None
    curve: LearningCurve = LearningCurve()
    timing: Timing = Timing()
    sample: ForecastSample | None = None
    kept: str = ""
    libraries: dict[str, str] = {}
    failure: Failure | None = None
    environment: Environment
    provenance: Provenance

    @model_serializer(mode="wrap")
    def _set(self, fields: SerializerFunctionWrapHandler) -> dict[str, Any]:
        dumped: dict[str, Any] = fields(self)
        if not self.libraries:
            dumped.pop("libraries", None)
        return dumped

    @property
    def key(self) -> str:
        """Run id, environment digest and attempt: the record's file name, never used twice."""
        return f"{self.run_id}-{self.environment.digest}-{self.attempt}"

    def score(self, metric: str, split: str = "valid", weights: Weights = "last") -> float | None:
        """Return a metric's one number over a split; None where the run has none."""
        return score_of(self.scores, metric, split, weights)

    @property
    def windows_per_s(self) -> float | None:
        """Training throughput: windows per second, median over epochs after the first.

        An epoch that a budget of steps cut short is left out, unless there is no other. None where other seeds trained
        in the same program: a share of its time is no model's speed.
        """
        if self.environment.stack > 1:
            return None
        epochs = self.timing.epoch_s
        budget = self.spec.recipe.steps if self.spec.recipe else None
        per_epoch = self.train_windows // self.spec.recipe.batch_size if self.spec.recipe else 0
        if budget and per_epoch and len(epochs) * per_epoch > budget:
            epochs = epochs[:-1]
        epochs = sorted(epochs[1:] or epochs)
        if not epochs or not self.train_windows:
            return None
        middle = len(epochs) // 2
        median = epochs[middle] if len(epochs) % 2 else (epochs[middle - 1] + epochs[middle]) / 2
        return self.train_windows / median if median > 0 else None

    @property
    def contended(self) -> bool | None:
        """Whether the worker shared its core while it trained; None where that is not known, as on a GPU."""
        return None if self.timing.cpu_over_wall is None else self.timing.cpu_over_wall < LEAST_CPU_SHARE
