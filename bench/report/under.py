"""The best case within bounds on its costs, what does not differ significantly from it, and what the bounds cost."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter, methodcaller

from bench.errors import BenchError
from bench.registry import close_matches
from bench.report.amounts import difference, validated
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import NONE, paragraphs
from bench.report.results import Results
from bench.report.rows import LISTED, Row, names

SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
DURATIONS = {"": 1.0, "s": 1.0, "min": 60.0, "h": 3600.0}
BYTES = {"KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "KB": 1e3, "MB": 1e6, "GB": 1e9}
NUMBERS = {"": 1.0, "k": 1e3, "M": 1e6}


@dataclass(frozen=True)
class Quantity:
    """Something that a bound is put on.

    Attributes:
        units: What a value may be given in, and how much of the frames' own unit each is; ``""`` is no unit.
        value: A row's own; None where it is not known.
        lower: The bound is the least that will do; else the most.
    """

    units: Mapping[str, float]
    value: Callable[[Row], float | None]
    lower: bool = False


QUANTITIES: dict[str, Quantity] = {
    "latency_p50": Quantity(SECONDS, methodcaller("measured", "latency_p50_s")),
    "latency_p99": Quantity(SECONDS, methodcaller("measured", "latency_p99_s")),
    "parameters": Quantity(NUMBERS, attrgetter("parameters")),
    "peak_memory": Quantity(BYTES, methodcaller("measured", "peak_memory_bytes")),
    "model_size": Quantity(BYTES, methodcaller("measured", "model_bytes")),
    "train_s": Quantity(DURATIONS, lambda row: None if row.stacked else row.median("train_s")),
    "train_throughput": Quantity(NUMBERS, lambda row: row.speed if row.trained else math.inf, lower=True),
    "infer_throughput": Quantity(NUMBERS, methodcaller("measured", "infer_windows_per_s"), lower=True),
}
"""Costs have an upper bound, throughputs (windows per second) a lower one.

A predictor meets every lower bound on training throughput, since it needs no training.
"""


@dataclass(frozen=True)
class Bound:
    """A limit on one quantity, in the frames' own unit, and the unit that it was given in."""

    key: str
    limit: float
    unit: str

    @property
    def quantity(self) -> Quantity:
        """What it limits."""
        return QUANTITIES[self.key]

    def holds(self, row: Row) -> bool | None:
        """Return whether a row is within it; None where the row's own number is not known."""
        value = self.quantity.value(row)
        if value is None:
            return None
        return value >= self.limit if self.quantity.lower else value <= self.limit

    def shown(self, value: float) -> str:
        """Return a value in the bound's unit."""
        scaled = value / self.quantity.units[self.unit]
        text = f"{scaled:,.0f}" if scaled >= 1e4 or scaled == int(scaled) else f"{scaled:.3g}"
        return f"{text} {self.unit}".strip()

    def __str__(self) -> str:
        return f"{self.key} {'>=' if self.quantity.lower else '<='} {self.shown(self.limit)}"


def parse_bounds(text: str) -> list[Bound]:
    """Return the bounds of a text such as ``latency_p50=5ms,parameters=2000``.

    Raises:
        BenchError: It is no list of bounds, or a key, a number or a unit is not known.
    """
    bounds: list[Bound] = []
    for part in text.split(","):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not key or not value:
            raise BenchError(
                f"--under {text!r}: expected bounds separated by commas, as in latency_p50=5ms,parameters=2000"
            )
        if key not in QUANTITIES:
            raise BenchError(f"--under: unknown key {key!r}; {close_matches(key, list(QUANTITIES))}")
        if any(b.key == key for b in bounds):
            raise BenchError(f"--under names {key} twice; keep one")
        bounds.append(_bound(key, value))
    return bounds


def _bound(key: str, value: str) -> Bound:
    units = QUANTITIES[key].units
    found = re.fullmatch(r"((?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?)\s*([A-Za-zµ]*)", value)
    number = float(found[1]) if found else math.nan
    if found is None or not math.isfinite(number) or number <= 0:
        example = f"{key}=5{next(iter(units))}"
        raise BenchError(f"--under: {key}={value!r} is no number above zero with its unit; write it as in {example}")
    if found[2] not in units:
        known = [unit for unit in units if unit]
        if not found[2]:
            raise BenchError(f"--under: {key}={value} has no unit; add one of {', '.join(known)}")
        raise BenchError(f"--under: {key} in unknown unit {found[2]!r}; {close_matches(found[2], known)}")
    return Bound(key, number * units[found[2]], found[2])


def answer(results: Results, bounds: Sequence[Bound], task: str | None = None) -> str:
    """Return a line for each leaderboard that a finding names a leader on, or for the one named.

    A line says which ranked row within the bounds is best by validation, which of the rows within them do not differ
    significantly from it, and its error over that of the leader without bounds, with the interval of
    `Leaderboard.ratio`.

    Args:
        results: A report's frames.
        bounds: All of them hold at once.
        task: Name of a task, or key of a common leaderboard.

    Raises:
        BenchError: There is no such leaderboard.
    """
    known = {str(board.rows[0].info["task"]): board for board in results.tasks}
    known |= {board.key: board for board in results.leaderboards if board.key not in known}
    if task is not None and task not in known:
        raise BenchError(f"--task {task!r} is not in this report; {close_matches(task, list(known))}")
    chosen = results.leading() if task is None else [known[task]]
    return "\n".join(_line(each, bounds) for each in chosen)


def _line(board: Leaderboard, bounds: Sequence[Bound]) -> str:
    ranked, metric = board.ranked, board.metric
    held = {row: [bound.holds(row) for bound in bounds] for row in ranked}
    # A row that one bound excludes is excluded, whatever else is not known of it.
    unknown = [r for r in ranked if None in held[r] and False not in held[r]]
    within = [r for r in ranked if all(held[r])]
    best = within[0] if within else None
    lacking = [bound.key for bound in bounds if any(bound.holds(r) is None for r in unknown)]
    cost = difference(board.ratio(best), metric) if best else ""
    against = f"{cost}{' points' * metric.share} of {metric.heading} against"
    if metric.log:
        against = "what no ratio to 0 can say against" if cost == NONE else f"× {cost} of the error of"
    text = paragraphs(
        "under",
        title=board.title,
        bounds=bounds,
        ranked=ranked,
        within=within,
        score=validated(best, board, interval=True) if best else "",
        # Of the whole table, as its letters say: bounds are chosen with the results in view.
        others=[row for row in within[1:] if best and not board.differ(best, row)],
        level=best is not None and board.standing(best) == board.standing(ranked[0]),
        price=against,
        excluding=[text for bound in bounds if (text := _excluding(board, bound))],
        alone={bound: sum(bound.holds(r) is True for r in ranked) for bound in bounds},
        unknown=unknown,
        lacking=lacking,
        shares=_shares(lacking, unknown),
        names=lambda rows: names(rows, LISTED),
    )
    return " ".join(text)


def _shares(keys: Sequence[str], rows: Sequence[Row]) -> bool:
    """Return whether seconds of training are among what is asked, and rows have but a share of a program's."""
    return "train_s" in keys and any(row.stacked for row in rows)


def _excluding(board: Leaderboard, bound: Bound) -> str:
    """Return that a bound excludes all rows, and the least that any of them needs; empty where it does not."""
    values = {r: v for r in board.ranked if (v := bound.quantity.value(r)) is not None}
    if not values:
        why = "all trained several seeds in one program" if _shares([bound.key], board.ranked) else "none was measured"
        return f"{bound.key} is known of no model, since {why}"
    if any(bound.holds(r) for r in values):
        return ""
    choose, word = (max, "most") if bound.quantity.lower else (min, "least")
    best = choose(values, key=lambda row: values[row])
    whom = "all" if len(values) == len(board.ranked) else f"the {len(values)} that it is known of"
    return f"{bound} excludes {whom}, the {word} is {bound.shown(values[best])} ({best.name})"
