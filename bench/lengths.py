"""What `bench speed` measures: one network at one length of its windows and one batch, in a process of its own."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import product
from math import log
from statistics import median
from typing import Literal, get_args

from bench.cases.base import Case
from bench.measurement import Kind, MeasureSpec, Round
from bench.models.base import Support
from bench.provenance import Environment, Frozen, Provenance
from bench.timing import ROUNDS, WARM_UP_ROUNDS

Status = Literal["done", "contended", "out of memory", "too slow", "failed"]
GROWS: tuple[Status, ...] = ("out of memory", "too slow")
"""What longer windows meet as well, so that they are not tried."""


class LengthSpec(MeasureSpec):
    """As `MeasureSpec`, with windows of ``length`` steps; the batch is the recipe's."""

    length: int

    @property
    def batch(self) -> int:
        """Windows in a batch, in training and in inference."""
        assert self.recipe is not None
        return self.recipe.batch_size

    @property
    def curve(self) -> tuple[str, str, str, int]:
        """What it shares with the same network at other lengths."""
        return self.case, self.backend, self.device, self.batch


class LengthPoint(Frozen):
    """What one process left of a network at one length and batch.

    Attributes:
        status: ``done``; ``contended``, where every round shared its core or GPU; else why there are no numbers.
        reason: In one line, of what is not done.
        budget_s: Seconds that it might take.
        label: The case's, for tables and figures.
        rounds: All of them, in order.
        latency_s: Each timed call of one window that had the core or the GPU to itself.
        latency_contended: How many had not.
        peak_memory_bytes: Most memory that the process held, which built, trained one step and forecast a batch; on a
            GPU the most that the backend's allocator gave out.
        base_memory_bytes: What it held with the backend and the windows loaded, before it built anything.
        room_bytes: What the process might hold; None in points of before this was noted.
    """

    spec: LengthSpec
    status: Status
    reason: str = ""
    budget_s: float
    label: str
    rounds: tuple[Round, ...] = ()
    latency_s: tuple[float, ...] = ()
    latency_contended: int = 0
    parameters: int | None = None
    build_s: float | None = None
    compile_s: float | None = None
    peak_memory_bytes: int | None = None
    base_memory_bytes: int | None = None
    room_bytes: int | None = None
    environment: Environment
    provenance: Provenance

    @property
    def key(self) -> str:
        """What tells it from points of other specs and environments."""
        return f"{self.spec.measure_id}-{self.environment.digest}"

    def windows_per_s(self, kind: Kind) -> list[float]:
        """Return each counted round's windows per second."""
        return [r.windows / r.wall_s for r in self.rounds if r.kind == kind and r.counts]

    @property
    def latency_p50_s(self) -> float | None:
        """Seconds of the median call of one window."""
        return median(self.latency_s) if self.latency_s else None

    @property
    def memory_bytes(self) -> int | None:
        """Peak memory above the base; None where it is not known, or nothing."""
        if self.peak_memory_bytes is None or self.base_memory_bytes is None:
            return None
        above = self.peak_memory_bytes - self.base_memory_bytes
        return above if above > 0 else None


def rounds_s(shorter: Sequence[LengthPoint], length: int) -> float | None:
    """Return the seconds that the rounds of longer windows take at least, going on as the two longest measured did.

    A round is one step, of training and of inference; what it costs follows a straight line on logarithmic axes.

    Args:
        shorter: Points of one curve; those without numbers are left out.
        length: Steps in a window.

    Returns:
        None where fewer than two points have numbers.
    """
    found = 0.0
    for kind in get_args(Kind):
        known = {p.spec.length: median(p.windows_per_s(kind)) for p in shorter if p.windows_per_s(kind)}
        if len(known) < 2:
            return None
        (a, fast), (b, slow) = sorted(known.items())[-2:]
        power = log(fast / slow) / log(b / a)
        found += (ROUNDS + WARM_UP_ROUNDS) * shorter[0].spec.batch / slow * (length / b) ** power
    return found


def fits(case: Case, length: int) -> Support:
    """Return whether a case's network takes windows of so many steps; one that is not trained is not measured."""
    if not case.model.trained:
        return Support(f"model {case.model.name!r} is not trained: the throughput benchmark times its forecasts")
    asked, taught = (replace(task, input_length=length) for task in (case.dataset.task(), case.dataset.train_task()))
    return case.model.supports(asked, taught)


def at_lengths(specs: Iterable[MeasureSpec], lengths: Sequence[int], batches: Sequence[int]) -> list[LengthSpec]:
    """Return each spec at each length and batch: short ones first, what is compared side by side."""
    made = []
    for length, batch, spec in product(sorted(lengths), batches, list(specs)):
        assert spec.recipe is not None
        recipe = spec.recipe.model_copy(update={"batch_size": batch})
        made.append(LengthSpec(**dict(spec) | {"recipe": recipe, "length": length}))
    return made
