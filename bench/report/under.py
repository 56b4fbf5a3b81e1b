"""The best case within bounds on its costs, what cannot be told apart from it, and what the bounds cost in error."""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.errors import BenchError
from bench.registry import close_matches
from bench.report.markdown import effect, ranged
from bench.report.rows import names
from bench.report.summary import Ground, Results, Row

LISTED = 4
"""Names that a line lists before it counts the rest."""

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


def _train_s(row: Row) -> float | None:
    values = row.seeds("train_s")
    return float(np.median(values)) if len(values) else None


def _train_throughput(row: Row) -> float | None:
    if not row.trained:
        return math.inf
    return float(np.median(row.speeds)) if len(row.speeds) else None


def _measured(column: str) -> Callable[[Row], float | None]:
    return lambda row: row.measured(column)


QUANTITIES: dict[str, Quantity] = {
    "latency_p50": Quantity(SECONDS, _measured("latency_p50_s")),
    "latency_p99": Quantity(SECONDS, _measured("latency_p99_s")),
    "parameters": Quantity(NUMBERS, lambda row: row.parameters),
    "peak_memory": Quantity(BYTES, _measured("peak_memory_bytes")),
    "model_size": Quantity(BYTES, _measured("model_bytes")),
    "train_s": Quantity(DURATIONS, _train_s),
    "train_throughput": Quantity(NUMBERS, _train_throughput, lower=True),
    "infer_throughput": Quantity(NUMBERS, _measured("infer_windows_per_s"), lower=True),
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
    found = re.fullmatch(r"([0-9.]+(?:e[+-]?[0-9]+)?)\s*([A-Za-zµ]*)", value)
    try:
        number = float(found[1]) if found else math.nan
    except ValueError:
        number = math.nan
    if found is None or not math.isfinite(number) or number <= 0:
        example = f"{key}=5{next(iter(units))}"
        raise BenchError(f"--under: {key}={value!r} is no number above zero with its unit; write it as in {example}")
    if found[2] not in units:
        known = [unit for unit in units if unit]
        if not found[2]:
            raise BenchError(f"--under: {key}={value} has no unit; add one of {', '.join(known)}")
        raise BenchError(f"--under: {key} in unknown unit {found[2]!r}; {close_matches(found[2], known)}")
    return Bound(key, number * units[found[2]], found[2])


def answer(results: Results, bounds: Sequence[Bound], ground: str | None = None) -> str:
    """Return a line for each ground that a finding names a leader on, or for the one named.

    A line says which ranked row within the bounds is best by validation, which of the rows within them these seeds
    cannot tell from it, and its error over that of the leader without bounds, with the interval of `Ground.ratio`.

    Args:
        results: A report's frames.
        bounds: All of them hold at once.
        ground: Name of a task, or key of a common table.

    Raises:
        BenchError: There is no such ground.
    """
    known = {g.key: g for g in results.grounds}
    if ground is not None and ground not in known:
        raise BenchError(f"--task {ground!r} is not in this report; {close_matches(ground, list(known))}")
    chosen = results.leading() if ground is None else [known[ground]]
    return "\n".join(_line(each, bounds) for each in chosen)


def _line(ground: Ground, bounds: Sequence[Bound]) -> str:
    text = f"{ground.title}, {', '.join(map(str, bounds))}: "
    if not ground.ranked:
        return text + "no model has a score yet."
    held = {row.name: [bound.holds(row) for bound in bounds] for row in ground.ranked}
    # A row that one bound excludes is excluded, whatever else is not known of it.
    unknown = [r for r in ground.ranked if None in held[r.name] and False not in held[r.name]]
    within = replace(ground, rows=[r for r in ground.ranked if all(held[r.name])])
    text += _best(ground, within, unknown) if within.rows else _none(ground, bounds, unknown)
    if unknown:
        text += f" Not known of {_names(unknown)}: {', '.join(_lacking(bounds, unknown))}."
    return text


def _best(ground: Ground, within: Ground, unknown: Sequence[Row]) -> str:
    """Return the best row within the bounds, what is not told from it, and what the bounds cost."""
    first, *rest = within.ranked
    # Of the whole table, as its letters say: bounds are chosen with the results in view.
    others = [row for row in rest if frozenset((first.name, row.name)) not in ground.apart]
    text = f"{_names([first])} is the best of {len(within.rows)} within the bounds, of {len(ground.ranked)}, "
    interval = first.interval(ground.column)
    if ground.is_label:
        text += f"with {100 * first.mean(ground.column):.2f} % validation accuracy"
    else:
        text += f"with a validation {'last-step ' if ground.common else ''}MSE of {ranged(interval)}"
    if others:
        text += f"; these seeds cannot tell {_names(others)} from it"
    elif len(within.rows) > 1:
        text += "; these seeds tell every other one from it"
    leader = ground.ranked[0]
    if first.name == leader.name:
        return f"{text}; the bounds cost nothing, since it leads without them too."
    if leader in unknown:
        return f"{text}; {_names([leader])} leads without them, and may be within them."
    ratio = effect(ground.ratio(first), points=ground.is_label)
    if ground.is_label:
        return (
            f"{text}; the bounds cost {ratio} points of accuracy against {_names([leader])}, which leads without them."
        )
    return f"{text}; the bounds cost × {ratio} of the error of {_names([leader])}, which leads without them."


def _none(ground: Ground, bounds: Sequence[Bound], unknown: Sequence[Row]) -> str:
    """Return which bound excludes all, or that they do together, and the least that any row needs."""
    parts = []
    for bound in bounds:
        values = {r.name: v for r in ground.ranked if (v := bound.quantity.value(r)) is not None}
        if not values:
            parts.append(f"{bound.key} is known of no model, since none was measured")
        elif not any(bound.holds(r) for r in ground.ranked):
            best = (max if bound.quantity.lower else min)(values, key=lambda name: values[name])
            word = "most" if bound.quantity.lower else "least"
            whom = "all" if len(values) == len(ground.ranked) else f"the {len(values)} that it is known of"
            parts.append(f"{bound} excludes {whom}, the {word} is {bound.shown(values[best])} ({_clean(best)})")
    if parts:
        return f"no model is known to fit: {'; '.join(parts)}."
    alone = [f"{bound} alone leaves {sum(bound.holds(r) is True for r in ground.ranked)}" for bound in bounds]
    return f"no model is known to meet all bounds at once: {', '.join(alone)}."


def _lacking(bounds: Sequence[Bound], rows: Iterable[Row]) -> list[str]:
    return [b.key for b in bounds if any(b.holds(r) is None for r in rows)]


def _names(rows: Sequence[Row]) -> str:
    return _clean(names(rows, LISTED))


def _clean(text: str) -> str:
    """Return a name from data as part of one line."""
    return " ".join(text.split())
