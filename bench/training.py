"""One run: build or reuse, train epoch by epoch, evaluate, account for the time. Imports no backend."""

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
from bench.metrics.base import Value, evaluate, scored
from bench.models.base import Model, Network, Predictor
from bench.recipe import Recipe
from bench.record import ForecastSample, LearningCurve, Scores, Timing
from bench.task import Split, Splits, TargetKind

SAMPLE_WINDOWS = 4
EpochDone = Callable[[int, int], None]


class Diverged(Exception):
    """The loss or a forecast is no longer a finite number; ``curve`` holds the epochs before."""

    curve = LearningCurve()


@dataclass(frozen=True)
class Outcome:
    """What a run gave, before it is put in a record."""

    scores_last: Scores
    scores_best: Scores
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


def predict(model: Predictor, splits: Splits) -> Outcome:
    """Fit a predictor on the training split and score it."""
    clock = Clock()
    task = splits.valid.task
    cpu = time.process_time()
    if model.peeks:
        forecast_split = clock.time("train_s", lambda: model.fit_peeking(splits.train, task))
    else:
        forecast_x = clock.time("train_s", lambda: model.fit(splits.train, task))

        def forecast_split(split: Split) -> NDArray[np.floating]:
            values: NDArray[np.floating] = forecast_x(split.x)
            return values

    scores, sample = clock.time("evaluate_s", lambda: _score_all(forecast_split, model, splits))
    used = time.process_time() - cpu
    account = clock.account()
    timing = Timing(**account, cpu_over_wall=used / account["total_s"] if account["total_s"] > 0 else None)
    return Outcome(scores, scores, None, LearningCurve(), sample, None, 0, timing)


def train(
    model: Network,
    recipe: Recipe,
    splits: Splits,
    program: Program,
    model_seed: int,
    on_epoch: EpochDone = lambda epoch, epochs: None,
) -> Outcome:
    """Train a network from a seed and score its last and its best-by-validation weights.

    Test splits are forecast once, at the end.

    Raises:
        Diverged: A loss or a forecast stopped being finite.
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
        return LearningCurve(train_loss=losses[: len(valid)], valid={n: [_number(v[n]) for v in valid] for n in names})

    program.reset(program.fresh_weights(model_seed))
    windows = len(splits.train.x)
    losses: list[float] = []
    valid: list[dict[str, Value]] = []
    epoch_s: list[float] = []
    best_epoch, best_weights = 0, program.weights()
    cpu_s = wall_s = 0.0
    try:
        for epoch in range(recipe.epochs):
            order = clock.time("train_s", partial(window_order, model_seed, epoch, windows, recipe.batch_size))
            before, cpu, wall = clock.spent.get("train_s", 0.0), time.process_time(), time.perf_counter()
            loss = compiling("train_s", partial(program.train, order))
            cpu_s, wall_s = cpu_s + time.process_time() - cpu, wall_s + time.perf_counter() - wall
            epoch_s.append(clock.spent["train_s"] - before)
            if not math.isfinite(loss):
                raise Diverged(f"the training loss is {loss} in epoch {epoch + 1}")
            losses.append(loss)
            valid.append(
                compiling("evaluate_s", partial(_score, forecast_split, model, splits.valid, per_epoch=True))[0]
            )
            if _watched(valid[-1]) < min((_watched(v) for v in valid[:-1]), default=math.inf):
                best_epoch, best_weights = epoch, clock.time("evaluate_s", program.weights)
            on_epoch(epoch + 1, recipe.epochs)
            if recipe.early_stopping_epochs and epoch - best_epoch >= recipe.early_stopping_epochs:
                break
        last, sample = compiling("evaluate_s", partial(_score_all, forecast_split, model, splits))
    except Diverged as error:
        error.curve = curve()
        raise
    best = last
    if best_epoch != len(losses) - 1:
        program.load(best_weights)
        best, _ = compiling("evaluate_s", partial(_score_all, forecast_split, model, splits))
    timing = Timing(**clock.account(), epoch_s=epoch_s, cpu_over_wall=cpu_s / wall_s)
    used = windows // recipe.batch_size * recipe.batch_size
    return Outcome(last, best, best_epoch + 1, curve(), sample, program.parameters, used, timing)


def make_program(backend: str, model: Network, recipe: Recipe, splits: Splits) -> Program:
    """Return the program of a backend for a case.

    Raises:
        BenchError: The backend is unknown, or the training split is smaller than a batch.
    """
    return engines.get(backend)(model, recipe, splits.train, splits.valid.task)


def _watched(values: dict[str, Value]) -> float:
    """The validation number that the best epoch is chosen by: MSE, or cross entropy for labels."""
    return _number(values["mse"] if "mse" in values else values["cross_entropy"])


def _number(value: Value) -> float:
    assert isinstance(value, float)
    return value


def _score(
    forecast: Callable[[Split], NDArray[np.floating]], model: Model, split: Split, *, per_epoch: bool = False
) -> tuple[dict[str, Value], NDArray[np.floating]]:
    values = forecast(split)
    if not np.all(np.isfinite(values)):
        raise Diverged("a forecast is not a finite number")
    return evaluate(scored(split, values, model.positions(split.task)), per_epoch=per_epoch), values


def _score_all(
    forecast: Callable[[Split], NDArray[np.floating]], model: Model, splits: Splits
) -> tuple[Scores, ForecastSample | None]:
    scores: Scores = {}
    sample = None
    for name, split in splits.evaluated().items():
        scores[name], values = _score(forecast, model, split)
        if name == "valid" and split.task.target is not TargetKind.LABEL:
            sample = _sample(split, values)
    return scores, sample


def _sample(split: Split, values: NDArray[np.floating]) -> ForecastSample:
    every_step = split.task.target is TargetKind.EVERY_STEP
    truth, forecast = (split.y[:, -1], values[:, -1]) if every_step else (split.y, values)
    n = min(SAMPLE_WINDOWS, len(split.x))
    return ForecastSample(
        window=list(range(n)),
        x=_rows(split.x[:n, :, 0]),
        truth=_rows(truth[:n]),
        forecast=_rows(forecast[:n]),
    )


def _rows(array: NDArray[np.floating]) -> list[list[float]]:
    return [[float(f"{v:.6g}") for v in row] for row in array]
