"""One run: train epoch by epoch or fit, score, and account for the time. Imports no backend."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.engines.base import Program, engines
from bench.initial import window_order
from bench.metrics.base import monitor
from bench.models.base import Network, Predictor
from bench.recipe import Recipe
from bench.record import ForecastSample, LearningCurve, Score, Scores, Timing
from bench.schedules import learning_rates, total_steps, varies
from bench.scoring import NotFinite, score_all, score_epoch
from bench.task import Split, Splits

EpochDone = Callable[[int, int], None]


class Diverged(Exception):
    """The loss or a forecast is no longer a finite number; ``curve`` holds the epochs before."""

    curve = LearningCurve()


@dataclass(frozen=True)
class Outcome:
    """What a run gave, before it is put in a record."""

    scores: Scores
    best_epoch: int | None
    curve: LearningCurve
    sample: ForecastSample | None
    parameters: int | None
    train_windows: int
    timing: Timing


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
        forecast_x = clock.time("train_s", lambda: model.fit(splits.train, task))

        def forecast_split(split: Split) -> NDArray[np.floating]:
            values: NDArray[np.floating] = forecast_x(split.x)
            return values

    try:
        last, sample = clock.time("evaluate_s", partial(score_all, forecast_split, model, splits, "last", named))
    except NotFinite as error:
        raise Diverged(str(error)) from None
    best = tuple(score._replace(weights="best") for score in last)
    used = time.process_time() - cpu
    account = clock.account()
    timing = Timing(**account, cpu_over_wall=used / account["total_s"] if account["total_s"] > 0 else None)
    return Outcome((*last, *best), None, LearningCurve(), sample, None, 0, timing)


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

    def curve() -> LearningCurve:
        names = valid[0] if valid else {}
        return LearningCurve(
            train_loss=losses[: len(valid)], valid={n: [v.get(n, math.nan) for v in valid] for n in names}
        )

    program.reset(program.fresh_weights(model_seed), model_seed)
    windows = len(splits.train.x)
    per_epoch = max(1, windows // recipe.batch_size)  # window_order says where there is not one batch
    steps = total_steps(recipe, per_epoch)
    epochs = math.ceil(steps / per_epoch)
    losses: list[float] = []
    valid: list[dict[str, float]] = []
    monitored = monitor(splits.valid.task)
    errors: list[float] = []
    epoch_s: list[float] = []
    best_epoch, best_weights = 0, program.weights()
    cpu_s = wall_s = 0.0
    try:
        for epoch in range(epochs):
            order = clock.time("train_s", partial(window_order, model_seed, epoch, windows, recipe.batch_size))
            step = partial(program.train, order, min(steps - epoch * per_epoch, per_epoch))
            if varies(recipe):
                step = partial(step, rates=learning_rates(recipe, epoch, per_epoch, errors))
            before, cpu, wall = clock.spent.get("train_s", 0.0), time.process_time(), time.perf_counter()
            loss = compiling("train_s", step)
            cpu_s, wall_s = cpu_s + time.process_time() - cpu, wall_s + time.perf_counter() - wall
            epoch_s.append(clock.spent["train_s"] - before)
            if not math.isfinite(loss):
                raise Diverged(f"the training loss is {loss} in epoch {epoch + 1}")
            losses.append(loss)
            valid.append(compiling("evaluate_s", partial(score_epoch, forecast_split, model, splits.valid, named)))
            errors.append(monitored.sign * valid[-1].get(monitored.name, math.nan))
            if errors[-1] < min((error for error in errors[:-1] if not math.isnan(error)), default=math.inf):
                best_epoch, best_weights = epoch, clock.time("evaluate_s", program.weights)
            on_epoch(epoch + 1, epochs)
            if recipe.early_stopping_epochs and epoch - best_epoch >= recipe.early_stopping_epochs:
                break
        last, sample = compiling("evaluate_s", partial(score_all, forecast_split, model, splits, "last", named))
    except (Diverged, NotFinite) as error:
        diverged = error if isinstance(error, Diverged) else Diverged(str(error))
        diverged.curve = curve()
        raise diverged from None
    best: tuple[Score, ...] = tuple(score._replace(weights="best") for score in last)
    if best_epoch != len(losses) - 1:
        program.load(best_weights)
        best, _ = compiling("evaluate_s", partial(score_all, forecast_split, model, splits, "best", named))
    timing = Timing(**clock.account(), epoch_s=epoch_s, cpu_over_wall=cpu_s / wall_s)
    used = min(steps, per_epoch) * recipe.batch_size
    return Outcome((*last, *best), best_epoch + 1, curve(), sample, program.parameters, used, timing)


def make_program(backend: str, model: Network, recipe: Recipe, splits: Splits) -> Program:
    """Return the program of a backend for a case.

    Raises:
        BenchError: The backend is unknown, or the training split is smaller than a batch.
    """
    return engines.get(backend).make_program(model, recipe, splits.train, splits.valid.task)
