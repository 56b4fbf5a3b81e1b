"""The report of `bench speed`: CSVs, tables and a figure of what networks cost against the length of windows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd

from bench import stats
from bench.files import written_whole
from bench.lengths import LengthPoint
from bench.measurement import Kind
from bench.report.length_figure import draw, draw_powers
from bench.report.markdown import NONE, count, escape, rendered, score, seconds, table, thousands
from bench.report.style import save, styled
from bench.text import markdown

README, FIGURE, POWERS = "README.md", "lengths.svg", "powers.svg"
MIB = 2**20


@dataclass(frozen=True)
class Quantity:
    """Something that was measured.

    Attributes:
        key: In CSVs.
        title: Of its table and its panels.
        of: Its spread at a point, least, median and largest; None where it is not known.
        show: A value in a table.
        power_of: What grows with a power of the length, in words.
        more_is_better: Of a speed; else it is a cost.
    """

    key: str
    title: str
    of: Callable[[LengthPoint], stats.Span | None]
    show: Callable[[float], str]
    power_of: str
    more_is_better: bool = False

    def cost(self, point: LengthPoint) -> stats.Span | None:
        """Return what grows with the length: of a speed seconds a window."""
        span = self.of(point)
        return stats.Span(1 / span.high, 1 / span.middle, 1 / span.low) if span and self.more_is_better else span


def _speeds(kind: Kind) -> Callable[[LengthPoint], stats.Span | None]:
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


QUANTITIES = (
    Quantity("train_windows_per_s", "training, windows/s", _speeds("train"), thousands, "training", True),
    Quantity("infer_windows_per_s", "inference, windows/s", _speeds("infer"), thousands, "inference", True),
    Quantity("latency_ms", "latency of one window, ms", _latency, lambda value: score(value, 3), "latency"),
    Quantity("memory_mib", "peak memory above base, MiB", _memory, lambda value: score(value, 3), "memory"),
)


@dataclass(frozen=True)
class Curve:
    """One network on one backend and device at one batch, by length; ``growth`` is what its model says of its cost."""

    name: str
    batch: int
    points: dict[int, LengthPoint]
    growth: str

    def costs(self, quantity: Quantity) -> dict[float, stats.Span]:
        """Return what is known of a quantity, as a cost by length."""
        found = {length: quantity.cost(point) for length, point in self.points.items()}
        return {length: span for length, span in found.items() if span is not None}


def curves_of(points: Sequence[LengthPoint], growths: Mapping[str, str]) -> list[Curve]:
    """Return points by what they share; named by what tells them apart; growths by case, where they are known."""
    backends, devices = ({getattr(p.spec, name) for p in points} for name in ("backend", "device"))
    names = {p.spec.case: p.label for p in points}
    twice = {label for label in names.values() if list(names.values()).count(label) > 1}
    made: dict[tuple[str, str, str, int], Curve] = {}
    for p in points:
        parts = [p.spec.case if p.label in twice else p.label]
        parts += [p.spec.backend] if len(backends) > 1 else []
        parts += [p.spec.device] if len(devices) > 1 else []
        growth = growths.get(p.spec.case, "")
        curve = made.setdefault(p.spec.curve, Curve(", ".join(parts), p.spec.batch, {}, growth))
        curve.points[p.spec.length] = p
    return list(made.values())


def write_lengths(
    points: Sequence[LengthPoint], growths: Mapping[str, str], skipped: Sequence[str], folder: Path, command: str
) -> Path:
    """Write the report of all points into a folder; return its README.

    Args:
        points: One or more.
        growths: What the model of each case says of how its cost grows.
        skipped: What is not measured, a line each, as data.
        folder: Made where it is missing.
        command: That measures and writes it again.

    Raises:
        OSError: It cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    curves = curves_of(points, growths)
    frames = {"points": list(map(_row, points)), "powers": _powers(curves), "crossings": _crossings(curves)}
    for name, rows in frames.items():
        with written_whole(folder / f"{name}.csv") as new:
            pd.DataFrame(rows).to_csv(new, index=False)
    with styled():
        save(draw(curves, QUANTITIES, frames["crossings"]), folder / FIGURE)
        if frames["powers"]:
            save(draw_powers(frames["powers"], QUANTITIES), folder / POWERS)
    environments = {p.environment.digest: p.environment for p in points if p.status == "done"}
    compiled = [p.compile_s for p in points if p.compile_s is not None]
    text = rendered(
        "lengths",
        picture=markdown.image("Throughput, latency and memory against the length of windows", FIGURE),
        environments=[f"`{d}`: {escape(_where(e))}" for d, e in environments.items()],
        tables=[_table(curves, quantity) for quantity in QUANTITIES],
        powers=_power_table(curves),
        slopes=markdown.image("Powers of the length that costs grow with", POWERS) if frames["powers"] else "",
        crossings=_crossing_table(frames["crossings"]),
        done=sum(p.status == "done" for p in points),
        points=count(len(points), "point"),
        lost=[f"{escape(_place(p))}: {p.status}, {escape(p.reason)}" for p in points if p.status != "done"],
        skipped=list(map(escape, skipped)),
        compiled=seconds(median(compiled)) if compiled else "",
        command=markdown.fenced(command),
    )
    with written_whole(folder / README) as new:
        new.write_text(text, encoding="utf-8")
    return folder / README


def _place(point: LengthPoint) -> str:
    spec = point.spec
    return f"{point.label} ({spec.backend}, {spec.device}), {spec.length} steps, batch {spec.batch}"


def _where(environment: Any) -> str:
    device = environment.device_name or f"{environment.cpu}, {environment.threads} thread"
    return f"{environment.backend} {environment.backend_version}, Python {environment.python}, {device}"


def _row(point: LengthPoint) -> dict[str, Any]:
    spec = point.spec
    row: dict[str, Any] = {"case": spec.case, "label": point.label, "backend": spec.backend, "device": spec.device}
    row |= {"length": spec.length, "batch": spec.batch, "status": point.status, "reason": point.reason}
    for quantity in QUANTITIES:
        span = quantity.of(point)
        row |= {f"{quantity.key}_{end}": span and getattr(span, end) for end in ("low", "middle", "high")}
    speeds = row["train_windows_per_s_middle"]
    row |= {
        "train_time_steps_per_s": speeds and speeds * spec.length,
        "train_steps_per_s": speeds and speeds / spec.batch,
    }
    for kind in ("train", "infer"):
        ours = [r for r in point.rounds if r.kind == kind]
        row |= {f"{kind}_rounds": sum(r.counts for r in ours), f"{kind}_contended": sum(r.contended for r in ours)}
    facts = ("latency_contended", "parameters", "build_s", "compile_s", "peak_memory_bytes", "base_memory_bytes")
    row |= {name: getattr(point, name) for name in facts}
    return row | {"budget_s": point.budget_s, "environment": point.environment.digest, "measure_id": spec.measure_id}


def _power(curve: Curve, quantity: Quantity) -> stats.Power | None:
    costs = curve.costs(quantity)
    return stats.power(list(costs), [span.middle for span in costs.values()])


def _powers(curves: Sequence[Curve]) -> list[dict[str, Any]]:
    return [
        {"curve": curve.name, "batch": curve.batch, "growth": curve.growth, "quantity": quantity.key, **asdict(found)}
        for curve in curves
        for quantity in QUANTITIES
        if (found := _power(curve, quantity)) is not None
    ]


def _crossings(curves: Sequence[Curve]) -> list[dict[str, Any]]:
    return [
        {"quantity": quantity.key, "batch": a.batch, "first": a.name, "second": b.name, **asdict(found)}
        for quantity in QUANTITIES
        for a, b in combinations(curves, 2)
        if a.batch == b.batch
        for found in stats.crossings(a.costs(quantity), b.costs(quantity))
    ]


def _table(curves: Sequence[Curve], quantity: Quantity) -> tuple[str, str]:
    """Return a quantity's title, and its table: a line a curve, a column a length."""
    lengths = sorted({length for curve in curves for length in curve.points})

    def cell(point: LengthPoint | None) -> str:
        if point is None:
            return NONE
        span = quantity.of(point)
        return quantity.show(span.middle) if span else NONE if point.status == "done" else point.status

    rows = [
        [escape(c.name), str(c.batch), *(cell(c.points.get(length)) for length in lengths)]
        for c in sorted(curves, key=lambda c: c.batch)
    ]
    return quantity.title, table(["network", "batch", *(f"{n:,} steps" for n in lengths)], rows)


def _power_table(curves: Sequence[Curve]) -> str:
    def cell(found: stats.Power | None) -> str:
        if found is None:
            return NONE
        ends = "" if found.low is None else f" [{found.low:.2f}, {found.high:.2f}]"
        return f"{found.exponent:.2f}{ends}; {found.last:.2f}"

    ordered = sorted(curves, key=lambda c: c.batch)
    rows = [
        [escape(c.name), str(c.batch), c.growth or NONE, *(cell(_power(c, q)) for q in QUANTITIES)] for c in ordered
    ]
    return table(["network", "batch", "says", *(quantity.power_of for quantity in QUANTITIES)], rows)


def _crossing_table(found: Sequence[dict[str, Any]]) -> str:
    """Return where curves cross, or nothing where none do."""
    titles = {quantity.key: quantity.title for quantity in QUANTITIES}
    rows = []
    for c in found:
        short, long = (c["first"], c["second"]) if c["first_is_less"] else (c["second"], c["first"])
        at = f"{c['at']:,.0f} ({c['after']:,.0f} to {c['before']:,.0f})"
        rows.append([titles[c["quantity"]], str(c["batch"]), escape(short), escape(long), at])
    heads = ["what", "batch", "better on shorter windows", "better on longer ones", "steps at the crossing (between)"]
    return table(heads, rows) if rows else ""
