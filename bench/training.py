"""One run: train epoch by epoch or fit, score, and account for the time. Imports no backend."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.engines.base import Program, engines
from bench.initial import window_order
from bench.kept import Kept
from bench.metrics.base import monitor
from bench.models.base import Network, Predictor
from bench.recipe import Recipe
from bench.record import ForecastSample, LearningCurve, Scores, Timing, Weights
from bench.schedules import learning_rates, total_steps, varies
from bench.scoring import NotFinite, Scoring, Truths, score_all, score_epoch
from bench.task import Array, Split, Splits, Task
from bench.windows import chunks

EpochDone = Callable[[int, int], None]


class Diverged(Exception):
    """The loss or a forecast is no longer a finite number; ``curve`` holds the epochs before."""

    curve = LearningCurve()


@dataclass(frozen=True)
class Outcome:
    """What a run gave, before it is put in a record and in a file beside it."""

    scores: Scores
    best_epoch: int | None
    curve: LearningCurve
    sample: ForecastSample | None
    parameters: int | None
    train_windows: int
    timing: Timing
    kept: Kept = field(default_factory=Kept)
    weights: Sequence[Array] = ()
    """Of the best epoch, in the order of a program's `weights`; none of a predictor."""


class Clock:
    """Adds up seconds under names, and keeps what is left of the whole as ``other_s``."""

    def __init__(self, now: Callable[[], float] = time.perf_counter):
        self._now = now
        self._started = now()
        self.spent: dict[str, float] = {}

    def time(self, name: str, call: Callable[[], Any]) -> Any:
        """Return ``call()`` and add its duration under ``name``."""
        started = self._now()
        try:
            return call()
        finally:
            self.spent[name] = self.spent.get(name, 0.0) + self._now() - started

    def move(self, source: str, target: str, seconds: float) -> None:
        """Count ``seconds`` of ``source`` under ``target`` instead."""
        self.spent[source] = self.spent.get(source, 0.0) - seconds
        self.spent[target] = self.spent.get(target, 0.0) + seconds

    def account(self) -> dict[str, float]:
        """Return the seconds under each name, the rest and the total."""
        total = self._now() - self._started
        return {**self.spent, "other_s": total - sum(self.spent.values()), "total_s": total}


def predict(model: Predictor, splits: Splits, named: tuple[str, ...] = ()) -> Outcome:
    """Fit a predictor on the training split and score it; ``named`` metrics besides those of the task.

    Raises:
        Diverged: A forecast, or the score that ranks, is not a finite number.
    """
    clock = Clock()
    task = splits.valid.task
    cpu = time.process_time()
    if model.leaks_target:
        forecast_split = clock.time("train_s", lambda: model.fit_leaking(splits.train, task))
    else:
        forecast_x = clock.time("train_s", lambda: model.fit_choosing(splits.train, splits.valid, task))

        def forecast_split(split: Split) -> NDArray[np.floating]:
            return np.concatenate([forecast_x(split.x[part]) for part in chunks(split.x)])

    try:
        last: Scoring = clock.time("evaluate_s", partial(score_all, forecast_split, model, splits, "last", named))
    except NotFinite as error:
        raise Diverged(str(error)) from None
    best = last.called("best")
    used = time.process_time() - cpu
    account = clock.account()
    timing = Timing(**account, cpu_over_wall=used / account["total_s"] if account["total_s"] > 0 else None)
    scores, kept = last.scores + best.scores, last.kept + best.kept
    return Outcome(scores, None, LearningCurve(), last.sample, None, 0, timing, kept)


class Course:
    """How far one seed's training has come: its curve, its best epoch, and whether it goes on.

    Attributes:
        losses: Mean training loss of each epoch.
        errors: The monitored metric after each epoch, less is better.
        best_epoch: The epoch with the least of them, counted from 0.
        best_weights: What it had.
    """

    def __init__(self, recipe: Recipe, task: Task, weights: list[Array]):
        self._patience, self._monitored = recipe.early_stopping_epochs, monitor(task)
        self._valid: list[dict[str, float]] = []
        self.losses: list[float] = []
        self.errors: list[float] = []
        self.best_epoch, self.best_weights = 0, weights

    def trained(self, loss: float) -> None:
        """Take an epoch's mean loss.

        Raises:
            Diverged: It is not finite.
        """
        if not math.isfinite(loss):
            raise self.diverged(f"the training loss is {loss} in epoch {len(self.losses) + 1}")
        self.losses.append(loss)

    def validated(self, scores: dict[str, float]) -> bool:
        """Take the scores after that epoch; return whether it is the best so far, whose weights are to be kept."""
        self._valid.append(scores)
        self.errors.append(self._monitored.sign * scores.get(self._monitored.name, math.nan))
        better = self.errors[-1] < min((e for e in self.errors[:-1] if not math.isnan(e)), default=math.inf)
        if better:
            self.best_epoch = len(self.losses) - 1
        return better

    @property
    def stops(self) -> bool:
        """Whether the recipe stops it early, here."""
        return self._patience is not None and len(self.losses) - 1 - self.best_epoch >= self._patience

    @property
    def ends_best(self) -> bool:
        """Whether the last weights are the best ones."""
        return self.best_epoch == len(self.losses) - 1

    @property
    def curve(self) -> LearningCurve:
        """The epochs that were trained and validated."""
        valid = self._valid
        names = valid[0] if valid else {}
        return LearningCurve(
            train_loss=self.losses[: len(valid)], valid={n: [v.get(n, math.nan) for v in valid] for n in names}
        )

    def diverged(self, reason: str) -> Diverged:
        """Return that it diverged, with its curve."""
        error = Diverged(reason)
        error.curve = self.curve
        return error


def train(
    model: Network,
    recipe: Recipe,
    splits: Splits,
    program: Program,
    model_seed: int,
    on_epoch: EpochDone = lambda epoch, epochs: None,
    named: tuple[str, ...] = (),
) -> Outcome:
    """Train a network from a seed and score its last and its best-by-validation weights.

    Test splits are forecast once, at the end; ``named`` metrics are computed besides those of the task.

    Raises:
        Diverged: A loss, a forecast or the score that ranks stopped being finite.
    """
    clock = Clock()

    def compiling(name: str, call: Callable[[], Any]) -> Any:
        """Time a call of the program; what it spent compiling is counted as that."""
        before = program.compile_s
        result = clock.time(name, call)
        clock.move(name, "compile_s", program.compile_s - before)
        return result

    def forecast_split(split: Split) -> NDArray[np.floating]:
        return program.forecast(split.x)

    def scoring(weights: Weights) -> Scoring:
        score = partial(score_all, forecast_split, model, splits, weights, named, truths)
        made: Scoring = compiling("evaluate_s", score)
        return made

    program.reset(program.fresh_weights(model_seed), model_seed)
    budget = Budget.of(recipe, len(splits.train.x))
    course = Course(recipe, splits.valid.task, program.weights())
    truths = Truths()
    epoch_s: list[float] = []
    cpu_s = wall_s = 0.0
    try:
        for epoch in range(budget.epochs):
            order = clock.time("train_s", partial(window_order, model_seed, epoch, budget.windows, recipe.batch_size))
            step = partial(program.train, order, budget.steps_in(epoch))
            if varies(recipe):
                step = partial(step, rates=learning_rates(recipe, epoch, budget.per_epoch, course.errors))
            before, cpu, wall = clock.spent.get("train_s", 0.0), time.process_time(), time.perf_counter()
            loss = compiling("train_s", step)
            cpu_s, wall_s = cpu_s + time.process_time() - cpu, wall_s + time.perf_counter() - wall
            epoch_s.append(clock.spent["train_s"] - before)
            course.trained(loss)
            if course.validated(
                compiling("evaluate_s", partial(score_epoch, forecast_split, model, splits.valid, named))
            ):
                course.best_weights = clock.time("evaluate_s", program.weights)
            on_epoch(epoch + 1, budget.epochs)
            if course.stops:
                break
        last = scoring("last")
    except NotFinite as error:
        raise course.diverged(str(error)) from None
    best = last.called("best")
    if not course.ends_best:
        program.load(course.best_weights)
        best = scoring("best")
    timing = Timing(**clock.account(), epoch_s=epoch_s, cpu_over_wall=cpu_s / wall_s)
    return Outcome(
        last.scores + best.scores,
        course.best_epoch + 1,
        course.curve,
        last.sample,
        program.parameters,
        budget.used,
        timing,
        last.kept + best.kept,
        course.best_weights,
    )


@dataclass(frozen=True)
class Budget:
    """How long a recipe trains on so many windows.

    Attributes:
        windows: Of the training split.
        batch: Windows in a batch.
        per_epoch: Steps in a whole epoch.
        steps: Of all epochs.
    """

    windows: int
    batch: int
    per_epoch: int
    steps: int

    @classmethod
    def of(cls, recipe: Recipe, windows: int) -> "Budget":
        """Return the budget of a recipe."""
        per_epoch = max(1, windows // recipe.batch_size)  # window_order says where there is not one batch
        return cls(windows, recipe.batch_size, per_epoch, total_steps(recipe, per_epoch))

    @property
    def epochs(self) -> int:
        """Epochs, the last of which may be shorter."""
        return math.ceil(self.steps / self.per_epoch)

    @property
    def used(self) -> int:
        """Windows that an epoch trains on."""
        return min(self.steps, self.per_epoch) * self.batch

    def steps_in(self, epoch: int) -> int:
        """Return the steps of an epoch."""
        return min(self.steps - epoch * self.per_epoch, self.per_epoch)


def make_program(backend: str, model: Network, recipe: Recipe, splits: Splits) -> Program:
    """Return the program of a backend for a case.

    Raises:
        BenchError: The backend is unknown, or the training split is smaller than a batch.
    """
    return engines.get(backend).make_program(model, recipe, splits.train, splits.valid.task)
