"""The runs of several seeds, trained together in one program: a record's worth for each, as if it had been alone.

A function to call from Python, held to its contract by tests/test_jax_stack.py; no verb calls it, and a worker trains
one seed at a time.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.devices import usable_cores
from bench.initial import window_order
from bench.models.base import Inputs, Network
from bench.recipe import Recipe
from bench.record import Timing, Weights
from bench.schedules import learning_rates, varies
from bench.scoring import NotFinite, Scoring, score_all, score_epoch
from bench.task import Array, Splits
from bench.training import Budget, Clock, Course, Diverged, Outcome

LaneDone = Callable[[int, int, int], None]
"""Told a seed, its epoch and how many there are."""
T = TypeVar("T")


class Stack(Protocol):
    """Seeds that one program trains side by side, each in a lane; see `bench.engines.jax_stack.JaxStack`."""

    @property
    def compile_s(self) -> float:
        """Seconds spent compiling so far."""

    @property
    def parameters(self) -> int:
        """Numbers in one lane's weights."""

    def fresh_weights(self, model_seed: int) -> list[Array]:
        """As `Program.fresh_weights`."""

    def reset(self, weights: Sequence[Sequence[Array]], model_seeds: Sequence[int]) -> None:
        """As `Program.reset`, of as many lanes as there are seeds."""

    def weights(self) -> list[list[Array]]:
        """Return a copy of each lane's weights."""

    def load(self, weights: Sequence[Sequence[Array]]) -> None:
        """As `Program.load`."""

    def train(
        self,
        order: NDArray[np.int32],
        steps: int | None = None,
        rates: Array | None = None,
        active: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.float32]:
        """As `Program.train`, with a first axis of lanes; a lane that is not ``active`` keeps its state."""

    def forecast(self, x: Inputs) -> Array:
        """As `Program.forecast`, with a first axis of lanes."""


def train_together(
    model: Network,
    recipe: Recipe,
    splits: Splits,
    stack: Stack,
    model_seeds: Sequence[int],
    on_epoch: LaneDone = lambda seed, epoch, epochs: None,
    named: tuple[str, ...] = (),
) -> list[Outcome | Diverged]:
    """Train a network from each seed, as `bench.training.train` does from one; return what each gave, in their order.

    A seed that diverges or stops early is frozen, and the others go on. Seconds are a seed's share: those of the stack
    over the number of seeds.
    """
    with ThreadPoolExecutor(len(usable_cores())) as pool:
        together = _Together(model, recipe, splits, stack, model_seeds, named, pool)
        epochs = together.budget.epochs
        for epoch in range(epochs):
            for lane in together.epoch(epoch):
                on_epoch(model_seeds[lane], epoch + 1, epochs)
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
        splits: Splits,
        stack: Stack,
        model_seeds: Sequence[int],
        named: tuple[str, ...],
        pool: ThreadPoolExecutor,
    ):
        self._model, self._recipe, self._splits, self._stack, self._named = model, recipe, splits, stack, named
        self._seeds, self._pool, self._clock = model_seeds, pool, Clock()
        self.budget = Budget.of(recipe, len(splits.train.x))
        stack.reset([stack.fresh_weights(seed) for seed in model_seeds], model_seeds)
        self.courses = [Course(recipe, splits.valid.task, weights) for weights in stack.weights()]
        self.going = np.ones(len(model_seeds), bool)
        self.ended: dict[int, Diverged] = {}
        self._epoch_s: list[list[float]] = [[] for _ in model_seeds]

    def epoch(self, epoch: int) -> list[int]:
        """Train and validate an epoch; return the lanes that did both."""
        self._train(epoch)
        forecasts = self._timed("evaluate_s", partial(self._stack.forecast, self._splits.valid.x))

        def score(lane: int) -> dict[str, float]:
            return score_epoch(lambda _: forecasts[lane], self._model, self._splits.valid, self._named)

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
        last = self._scores("last", [lane for lane in range(len(self._seeds)) if lane not in self.ended])
        best = {lane: found.called("best") for lane, found in last.items()}
        if late := [lane for lane in last if not self.courses[lane].ends_best]:
            self._stack.load([course.best_weights for course in self.courses])
            best |= self._scores("best", late)
        share = {name: seconds / len(self._seeds) for name, seconds in self._clock.account().items()}
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
            )
            for lane, course in enumerate(self.courses)
        ]

    def _train(self, epoch: int) -> None:
        before, rates = self._clock.spent.get("train_s", 0.0), None
        batch, per_epoch = self._recipe.batch_size, self.budget.per_epoch
        draw = [partial(window_order, seed, epoch, self.budget.windows, batch) for seed in self._seeds]
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
        evaluated = self._splits.evaluated().values()
        forecasts = {id(s): self._timed("evaluate_s", partial(self._stack.forecast, s.x)) for s in evaluated}

        def score(lane: int) -> Scoring:
            return score_all(lambda s: forecasts[id(s)][lane], self._model, self._splits, weights, self._named)

        return self._each(lanes, score)

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
