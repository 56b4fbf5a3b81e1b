"""What `bench speed` measured, as its report holds it: a row a point, and the points of a network as a curve."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import combinations
from math import exp, log, sqrt
from statistics import median
from typing import Any

import pandas as pd

from bench import stats
from bench.frames.schemas import FLAG, INTEGER, NUMBER, TEXT, Kind, Schema
from bench.lengths import LengthPoint, Status
from bench.measurement import Kind as Work
from bench.report.markdown import listed, score, thousands

MIB = 2**20
BETWEEN_PROCESSES = 0.14
"""Standard deviation of a log speed between processes of one network: the median over those of `reports/chapter15`,
each of which ran in five (``rounds.csv``). A point has one process, so its rounds alone say too little."""
NORMAL = 1.96
"""Standard deviations on each side that hold 95 %."""


@dataclass(frozen=True)
class Quantity:
    """Something that was measured.

    Attributes:
        key: In CSVs.
        title: Of its table and its figure.
        of: Its spread at a point, least, median and largest; None where it is not known.
        show: A value in a table.
        unit: Of that value in a sentence.
        power_of: What grows with a power of the length, in words.
        more_is_better: Of a speed; else it is a cost.
        fewest: The adjective of the network that costs least.
    """

    key: str
    title: str
    of: Callable[[LengthPoint], stats.Span | None]
    show: Callable[[float], str]
    unit: str
    power_of: str
    more_is_better: bool = False
    fewest: str = "quickest"

    def as_cost(self, span: stats.Span) -> stats.Span:
        """Return what grows with the length: of a speed seconds a window."""
        return stats.Span(1 / span.high, 1 / span.middle, 1 / span.low) if self.more_is_better else span


def _speeds(kind: Work) -> Callable[[LengthPoint], stats.Span | None]:
    def spread(point: LengthPoint) -> stats.Span | None:
        found = point.windows_per_s(kind)
        return stats.Span(min(found), median(found), max(found)) if found else None

    return spread


def _latency(point: LengthPoint) -> stats.Span | None:
    if not point.latency_s:
        return None
    calls = pd.Series(point.latency_s) * 1000
    return stats.Span(float(calls.quantile(0.25)), float(calls.median()), float(calls.quantile(0.75)))


def _memory(point: LengthPoint) -> stats.Span | None:
    held = None if point.memory_bytes is None else point.memory_bytes / MIB
    return None if held is None else stats.Span(held, held, held)


def _three_digits(value: float) -> str:
    return score(value, 3)


QUANTITIES = (
    Quantity(
        "train_windows_per_s", "training, windows/s", _speeds("train"), thousands, "windows/s", "training",
        more_is_better=True,
    ),
    Quantity(
        "infer_windows_per_s", "inference, windows/s", _speeds("infer"), thousands, "windows/s", "inference",
        more_is_better=True,
    ),
    Quantity("latency_ms", "latency of one window, ms", _latency, _three_digits, "ms", "latency"),
    Quantity("memory_mib", "peak memory above base, MiB", _memory, _three_digits, "MiB", "memory", fewest="smallest"),
)  # fmt: skip
ENDS = ("low", "middle", "high")


def _columns(kind: Kind, *names: str) -> dict[str, Kind]:
    return dict.fromkeys(names, kind)


POINTS: Schema = {
    **_columns(TEXT, "case", "label", "growth", "forecasts", "backend", "device"),
    **_columns(INTEGER, "length", "batch"),
    **_columns(TEXT, "status", "reason"),
    **_columns(NUMBER, *(f"{quantity.key}_{end}" for quantity in QUANTITIES for end in ENDS)),
    **_columns(NUMBER, "train_time_steps_per_s", "train_steps_per_s"),
    **_columns(INTEGER, "train_rounds", "train_contended", "infer_rounds", "infer_contended", "latency_contended"),
    "parameters": INTEGER,
    **_columns(NUMBER, "build_s", "compile_s"),
    **_columns(INTEGER, "peak_memory_bytes", "base_memory_bytes", "room_bytes"),
    **_columns(NUMBER, "budget_s", "load_1min"),
    **_columns(TEXT, "environment", "measure_id", "started_at", "ended_at", "git_commit"),
}
"""A network at a length and a batch; ``growth`` is what its model says of its cost against the length, ``forecasts``
after which steps of a window its task asks for a forecast, ``room_bytes`` what its process was allowed to hold,
``load_1min`` the machine's load as it ended, the process itself included."""

POWERS: Schema = {
    "curve": TEXT,
    "batch": INTEGER,
    **_columns(TEXT, "growth", "quantity"),
    **_columns(NUMBER, "exponent", "low", "high", "last", "last_low", "last_high"),
    "n": INTEGER,
    **_columns(NUMBER, "smallest", "largest"),
}
"""The power of the length that a cost grows with, see `bench.stats.Power`; ``last_low`` and ``last_high`` are of the
slope between the two longest windows."""

CROSSINGS: Schema = {
    "quantity": TEXT,
    "batch": INTEGER,
    **_columns(TEXT, "first", "second"),
    **_columns(NUMBER, "at", "after", "before"),
    **_columns(FLAG, "first_is_less", "leads"),
}
"""Where the order of two networks turns, see `bench.stats.Crossing`; ``leads`` where one of them costs least at a
length that was measured, or cannot be told from the one that does."""


@dataclass(frozen=True)
class Point:
    """A row of ``points.csv``.

    Attributes:
        growth: What its model says of its cost against the length; empty where that is not known.
        forecasts: After which steps of a window it forecasts; empty where that is not known.
        spans: Of each quantity that is known, by its key, in the unit of its column.
        room_bytes: That its process was allowed to hold; None where that was not noted.
    """

    case: str
    label: str
    growth: str
    forecasts: str
    backend: str
    device: str
    length: int
    batch: int
    status: Status
    reason: str
    spans: Mapping[str, stats.Span]
    parameters: int | None
    compile_s: float | None
    room_bytes: int | None
    budget_s: float
    load_1min: float | None
    environment: str
    ended_at: str
    git_commit: str

    def cost(self, quantity: Quantity) -> stats.Span | None:
        """Return a quantity as a cost; None where it is not known."""
        span = self.spans.get(quantity.key)
        return None if span is None else quantity.as_cost(span)


@dataclass(frozen=True)
class Curve:
    """One network on one backend and device at one batch, by length; ``growth`` is what its model says of its cost."""

    name: str
    batch: int
    points: Mapping[int, Point]
    growth: str

    def costs(self, quantity: Quantity) -> dict[int, stats.Span]:
        """Return what is known of a quantity, as a cost by length, short ones first."""
        found = {length: point.cost(quantity) for length, point in sorted(self.points.items())}
        return {length: span for length, span in found.items() if span is not None}

    def power(self, quantity: Quantity) -> stats.Power | None:
        """Return the power of the length that a cost grows with; None of fewer than two lengths."""
        costs = self.costs(quantity)
        return stats.power(list(costs), [span.middle for span in costs.values()])


def point_rows(
    points: Iterable[LengthPoint], growths: Mapping[str, str], forecasts: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of ``points.csv``; ``growths`` and ``forecasts`` by case, where they are known."""
    for point in points:
        spec, told = point.spec, point.provenance
        row: dict[str, Any] = {name: getattr(spec, name) for name in ("case", "backend", "device", "length", "batch")}
        row |= {"label": point.label, "growth": growths.get(spec.case, ""), "forecasts": forecasts.get(spec.case, "")}
        row |= {"status": point.status, "reason": point.reason}
        for quantity in QUANTITIES:
            span = quantity.of(point)
            row |= {f"{quantity.key}_{end}": span and getattr(span, end) for end in ENDS}
        speed = row["train_windows_per_s_middle"]
        row |= {
            "train_time_steps_per_s": speed and speed * spec.length,
            "train_steps_per_s": speed and speed / spec.batch,
        }
        for kind in ("train", "infer"):
            ours = [r for r in point.rounds if r.kind == kind]
            row |= {f"{kind}_rounds": sum(r.counts for r in ours), f"{kind}_contended": sum(r.contended for r in ours)}
        facts = ("latency_contended", "parameters", "build_s", "compile_s", "peak_memory_bytes", "base_memory_bytes")
        row |= {name: getattr(point, name) for name in (*facts, "room_bytes", "budget_s")}
        row |= {"environment": point.environment.digest, "measure_id": spec.measure_id}
        row |= {name: getattr(told, name) for name in ("load_1min", "started_at", "ended_at")}
        yield row | {"git_commit": told.commit_in_words}


def read_points(rows: pd.DataFrame) -> list[Point]:
    """Return the points of a frame of `POINTS`.

    Raises:
        ValueError: There is none, or one lacks what each has.
    """
    plain = [each.name for each in fields(Point) if each.name != "spans"]
    lacking = [name for name in ("length", "batch", "budget_s") if rows[name].isna().any()]
    if lacking or rows.empty:
        raise ValueError(f"a point without {listed(lacking)}" if lacking else "no point")
    found = []
    for row in rows.astype(object).where(rows.notna(), None).to_dict("records"):
        ends = {q.key: [row[f"{q.key}_{end}"] for end in ENDS] for q in QUANTITIES}
        spans = {key: stats.Span(*values) for key, values in ends.items() if None not in values}
        given = {name: row[name] for name in plain}
        found.append(Point(spans=spans, **given))
    return found


def curves_of(points: Sequence[Point]) -> list[Curve]:
    """Return points by what they share, of small batches first; named by what tells them apart."""
    backends, devices = ({getattr(p, name) for p in points} for name in ("backend", "device"))
    names = {p.case: p.label for p in points}
    twice = {label for label in names.values() if list(names.values()).count(label) > 1}
    found: dict[tuple[str, str, str, int], list[Point]] = {}
    for p in points:
        found.setdefault((p.case, p.backend, p.device, p.batch), []).append(p)
    curves = []
    for ours in found.values():
        p = ours[0]
        parts = [p.case if p.label in twice else p.label]
        parts += [p.backend] if len(backends) > 1 else []
        parts += [p.device] if len(devices) > 1 else []
        curves.append(Curve(", ".join(parts), p.batch, {each.length: each for each in ours}, p.growth))
    return sorted(curves, key=lambda curve: curve.batch)


def last_slope(power: stats.Power, costs: Mapping[int, stats.Span], quantity: Quantity) -> tuple[float, float] | None:
    """Return a 95 % interval of the slope between the two longest windows, each of which one process measured.

    The normal one of two log speeds that lie `BETWEEN_PROCESSES` apart from process to process; None of what is no
    speed, since its spread between processes is not known.
    """
    if not quantity.more_is_better:
        return None
    shorter, longer = sorted(costs)[-2:]
    reach = NORMAL * sqrt(2) * BETWEEN_PROCESSES / log(longer / shorter)
    return power.last - reach, power.last + reach


def power_rows(curves: Iterable[Curve]) -> Iterator[dict[str, Any]]:
    """Yield the rows of ``powers.csv``."""
    for curve in curves:
        for quantity in QUANTITIES:
            if (found := curve.power(quantity)) is not None:
                low, high = last_slope(found, curve.costs(quantity), quantity) or (None, None)
                row = {"curve": curve.name, "batch": curve.batch, "growth": curve.growth, "quantity": quantity.key}
                yield row | vars(found) | {"last_low": low, "last_high": high}


def leaders(curves: Iterable[Curve], quantity: Quantity, length: int) -> list[Curve]:
    """Return the curve that costs least at a length, and those whose rounds overlap with its, in order of cost."""
    costs = [(found, curve) for curve in curves if (found := curve.costs(quantity).get(length)) is not None]
    costs.sort(key=lambda pair: pair[0].middle)
    return [curve for cost, curve in costs if cost.low <= costs[0][0].high]


def lengths_of(curves: Iterable[Curve], quantity: Quantity) -> list[int]:
    """Return the lengths at which a quantity of some curve is known, short ones first."""
    return sorted({length for curve in curves for length in curve.costs(quantity)})


def crossing_rows(curves: Sequence[Curve]) -> Iterator[dict[str, Any]]:
    """Yield the rows of ``crossings.csv``."""
    for quantity in QUANTITIES:
        for batch in sorted({curve.batch for curve in curves}):
            ours = [curve for curve in curves if curve.batch == batch]
            first = {c.name for length in lengths_of(ours, quantity) for c in leaders(ours, quantity, length)}
            costs = [{float(n): cost for n, cost in curve.costs(quantity).items()} for curve in ours]
            for (a, cost), (b, other) in combinations(zip(ours, costs, strict=True), 2):
                for found in stats.crossings(cost, other):
                    leads = not first.isdisjoint((a.name, b.name))
                    row = {"quantity": quantity.key, "batch": batch, "first": a.name, "second": b.name}
                    yield row | vars(found) | {"leads": leads}


def height(curve: Curve, quantity: Quantity, at: float) -> float:
    """Return a quantity at a length between those measured, on a straight line on logarithmic axes."""
    known = {n: p.spans[quantity.key].middle for n, p in sorted(curve.points.items()) if quantity.key in p.spans}
    after, before = max(n for n in known if n <= at), min(n for n in known if n >= at)
    if after == before:
        return known[after]
    share = log(at / after) / log(before / after)
    return exp((1 - share) * log(known[after]) + share * log(known[before]))
