"""The runs of several seeds, trained together in one program: a record's worth for each, as if it had been alone."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np

from bench.devices import usable_cores
from bench.engines.base import Stack
from bench.initial import window_order
from bench.models.base import Network
from bench.recipe import Recipe
from bench.record import Timing, Weights
from bench.schedules import learning_rates, varies
from bench.scoring import NotFinite, Scoring, Truths, score_all, score_epoch
from bench.task import Array, Splits
from bench.training import Budget, Clock, Course, Diverged, Outcome

LaneDone = Callable[[int, int, int], None]
"""Told the number of a lane, its epoch and how many there are."""
T = TypeVar("T")


class Lane(NamedTuple):
    """One seed of a stack, and the data that it trains on: the same object as a neighbour's where they share them."""

    model_seed: int
    splits: Splits


def train_together(
    model: Network,
    recipe: Recipe,
    lanes: Sequence[Lane],
    stack: Stack,
    on_epoch: LaneDone = lambda lane, epoch, epochs: None,
    named: tuple[str, ...] = (),
) -> list[Outcome | Diverged]:
    """Train a network from each seed, as `bench.training.train` does from one; return what each gave, in their order.

    The data of all lanes have one shape.

    A seed that diverges or stops early is frozen, and the others go on. Seconds are a seed's share: those of the stack
    over the number of seeds.
    """
    with ThreadPoolExecutor(len(usable_cores())) as pool:
        together = _Together(model, recipe, lanes, stack, named, pool)
        epochs = together.budget.epochs
        for epoch in range(epochs):
            for lane in together.epoch(epoch):
                on_epoch(lane, epoch + 1, epochs)
            if not together.going.any():
                break
        return together.outcomes()


class _Together:
    """Seeds on their way.

    Attributes:
        courses: One a lane.
        going: Which lanes still train.
        ended: Why a lane has no outcome.
    """

    def __init__(
        self,
        model: Network,
        recipe: Recipe,
        lanes: Sequence[Lane],
        stack: Stack,
        named: tuple[str, ...],
        pool: ThreadPoolExecutor,
    ):
        self._model, self._recipe, self._lanes, self._stack, self._named = model, recipe, lanes, stack, named
        self._pool, self._clock, self._truths = pool, Clock(), Truths()
        self.budget = Budget.of(recipe, len(lanes[0].splits.train.x))
        seeds = [lane.model_seed for lane in lanes]
        stack.use([lane.splits.train for lane in lanes])
        stack.reset([stack.fresh_weights(seed) for seed in seeds], seeds)
        task = lanes[0].splits.valid.task
        self.courses = [Course(recipe, task, weights) for weights in stack.weights()]
        self.going = np.ones(len(lanes), bool)
        self.ended: dict[int, Diverged] = {}
        self._epoch_s: list[list[float]] = [[] for _ in lanes]

    def epoch(self, epoch: int) -> list[int]:
        """Train and validate an epoch; return the lanes that did both."""
        self._train(epoch)
        forecasts = self._forecast("valid")

        def score(lane: int) -> dict[str, float]:
            valid = self._lanes[lane].splits.valid
            return score_epoch(lambda _: forecasts[lane], self._model, valid, self._named)

        scored = self._each(np.flatnonzero(self.going).tolist(), score)
        better = [lane for lane, scores in scored.items() if self.courses[lane].validated(scores)]
        weights = self._timed("evaluate_s", self._stack.weights) if better else []
        for lane in better:
            self.courses[lane].best_weights = weights[lane]
        for lane in scored:
            self.going[lane] = not self.courses[lane].stops
        return list(scored)

    def outcomes(self) -> list[Outcome | Diverged]:
        """Score the last and the best weights of every lane that has not diverged; return what each gave."""
        last = self._scores("last", [lane for lane in range(len(self._lanes)) if lane not in self.ended])
        best = {lane: found.called("best") for lane, found in last.items()}
        if late := [lane for lane in last if not self.courses[lane].ends_best]:
            self._stack.load([course.best_weights for course in self.courses])
            best |= self._scores("best", late)
        share = {name: seconds / len(self._lanes) for name, seconds in self._clock.account().items()}
        return [
            self.ended.get(lane)
            or Outcome(
                last[lane].scores + best[lane].scores,
                course.best_epoch + 1,
                course.curve,
                last[lane].sample,
                self._stack.parameters,
                self.budget.used,
                Timing(**share, epoch_s=self._epoch_s[lane]),
                last[lane].kept + best[lane].kept,
                course.best_weights,
            )
            for lane, course in enumerate(self.courses)
        ]

    def _train(self, epoch: int) -> None:
        before, rates = self._clock.spent.get("train_s", 0.0), None
        batch, per_epoch = self._recipe.batch_size, self.budget.per_epoch
        draw = [partial(window_order, lane.model_seed, epoch, self.budget.windows, batch) for lane in self._lanes]
        orders = self._clock.time("train_s", lambda: np.stack([order() for order in draw]))
        if varies(self._recipe):
            rates = np.stack([learning_rates(self._recipe, epoch, per_epoch, c.errors) for c in self.courses])
        step = partial(self._stack.train, orders, self.budget.steps_in(epoch), rates, self.going.copy())
        losses = self._timed("train_s", step)
        lanes = np.flatnonzero(self.going).tolist()
        for lane in lanes:
            self._epoch_s[lane].append((self._clock.spent["train_s"] - before) / len(lanes))
            try:
                self.courses[lane].trained(float(losses[lane]))
            except Diverged as error:
                self._end(lane, error)

    def _scores(self, weights: Weights, lanes: Sequence[int]) -> dict[int, Scoring]:
        forecasts = {name: self._forecast(name) for name in self._lanes[0].splits.evaluated()}

        def score(lane: int) -> Scoring:
            splits = self._lanes[lane].splits
            names = {id(split): name for name, split in splits.evaluated().items()}
            return score_all(
                lambda s: forecasts[names[id(s)]][lane], self._model, splits, weights, self._named, self._truths
            )

        return self._each(lanes, score)

    def _forecast(self, name: str) -> Array:
        """Return every lane's forecasts of a split."""
        windows = [lane.splits.evaluated()[name].x for lane in self._lanes]
        values: Array = self._timed("evaluate_s", partial(self._stack.forecast, windows))
        return values

    def _each(self, lanes: Sequence[int], score: Callable[[int], T]) -> dict[int, T]:
        """Score lanes at once, which is NumPy's work; one whose forecasts are not finite ends and is left out."""

        def tried(lane: int) -> T | Diverged:
            try:
                return score(lane)
            except NotFinite as error:
                return self.courses[lane].diverged(str(error))

        scores = self._clock.time("evaluate_s", lambda: list(self._pool.map(tried, lanes)))
        found: dict[int, T] = {}
        for lane, result in zip(lanes, scores, strict=True):
            if isinstance(result, Diverged):
                self._end(lane, result)
            else:
                found[lane] = result
        return found

    def _end(self, lane: int, error: Diverged) -> None:
        self.ended[lane], self.going[lane] = error, False

    def _timed(self, name: str, call: Callable[[], T]) -> T:
        """Time a call of the stack; what it spent compiling is counted as that."""
        before = self._stack.compile_s
        result: T = self._clock.time(name, call)
        self._clock.move(name, "compile_s", self._stack.compile_s - before)
        return result
