"""The report of `bench speed`: what networks cost against the length of windows, rendered from the CSVs beside it."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from bench import stats
from bench.errors import BenchError
from bench.files import written_whole
from bench.frames.base import read_frame, typed
from bench.frames.csvs import write_csv
from bench.frames.schemas import ABOUT, ENVIRONMENTS, Schema
from bench.lengths import GROWS, LengthPoint
from bench.measurement import ROUND_S
from bench.report.length_figure import LOST, draw, draw_powers
from bench.report.length_findings import findings, in_words
from bench.report.length_points import (
    BETWEEN_PROCESSES,
    CROSSINGS,
    POINTS,
    POWERS,
    QUANTITIES,
    Curve,
    Point,
    Quantity,
    crossing_rows,
    curves_of,
    last_slope,
    leaders,
    lengths_of,
    point_rows,
    power_rows,
    read_points,
)
from bench.report.markdown import NONE, count, escape, listed, rendered, seconds, table
from bench.report.style import save, styled
from bench.text import markdown
from bench.timing import ROUNDS, WARM_UP_ROUNDS

README, FIGURES = "README.md", "figures"
GIB = 2**30
SOURCES: Mapping[str, Schema] = {"points": POINTS, "environments": ENVIRONMENTS, "about": ABOUT}
"""The CSVs that all else in the folder is made of."""
COMMAND, SKIPPED, ASKED = "command", "skipped", "asked"
"""Keys of ``about.csv``: how to measure and write it again, what is not measured, and what was asked for."""


@dataclass(frozen=True)
class Made:
    """What the CSVs of a folder give: texts by file name, and what draws each figure, by its path."""

    texts: dict[str, str]
    figures: dict[str, Callable[[], Figure]]


def write_lengths(
    points: Sequence[LengthPoint],
    growths: Mapping[str, str],
    skipped: Sequence[str],
    folder: Path,
    command: str,
    asked: str = "",
    forecasts: Mapping[str, str] | None = None,
) -> Path:
    """Write the report of all points into a folder; return its README.

    Args:
        points: One or more.
        growths: What the model of each case says of how its cost grows.
        skipped: What is not measured, a line each, as data.
        folder: Made where it is missing.
        command: That measures and writes it again.
        asked: What a suite asks, as data; empty where cases were named.
        forecasts: After which steps of a window each case forecasts, where that is known.

    Raises:
        OSError: It cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    about = [(COMMAND, command), *((SKIPPED, line) for line in skipped), *([(ASKED, asked)] if asked else [])]
    rows: dict[str, Iterable[dict[str, Any]]] = {
        "points": point_rows(points, growths, forecasts or {}),
        "environments": _environment_rows(points),
        "about": [{"key": key, "text": text} for key, text in about],
    }
    for name, schema in SOURCES.items():
        write_csv(folder / f"{name}.csv", [typed(rows[name], schema)], packs=False)
    return render_lengths(folder)


def render_lengths(folder: Path) -> Path:
    """Write all that the CSVs in a folder give; return its README.

    Raises:
        BenchError: A CSV is missing or unreadable.
        OSError: The folder cannot be written.
    """
    made = _made(folder)
    with styled():
        for path, figure in made.figures.items():
            save(figure(), folder / path)
    for name, text in made.texts.items():
        with written_whole(folder / name) as new:
            new.write_text(text, encoding="utf-8", newline="\n")
    return folder / README


def check_lengths(folder: Path) -> list[str]:
    """Return how a folder differs from what its CSVs give, as `bench.report.build.check_report` does.

    Raises:
        BenchError: A CSV is missing or unreadable.
    """
    made = _made(folder)
    changed = [line for name, text in made.texts.items() for line in _differences(folder / name, text)]
    return [*changed, *(f"missing: {folder / path}" for path in made.figures if not (folder / path).exists())]


def _differences(path: Path, expected: str) -> Iterator[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        yield f"missing: {path}"
        return
    except (OSError, ValueError):
        raise BenchError(f"{path} cannot be read; write the report again from its CSVs") from None
    yield from difflib.unified_diff(lines, expected.splitlines(), path.name, "its CSVs", lineterm="", n=0)


def _environment_rows(points: Sequence[LengthPoint]) -> Iterator[dict[str, Any]]:
    """Yield the rows of ``environments.csv``: those of what was measured, or of all where nothing was."""
    known: dict[str, list[LengthPoint]] = {}
    for point in [p for p in points if p.status == "done"] or points:
        known.setdefault(point.environment.digest, []).append(point)
    for name, group in known.items():
        yield {
            "environment": name,
            "n_runs": len(group),
            **group[0].environment.model_dump(),
            "host": ", ".join(sorted({p.provenance.host for p in group})),
            "platform": ", ".join(sorted({p.provenance.platform for p in group})),
            "bench_version": ", ".join(sorted({p.provenance.bench_version for p in group})),
            "git_commit": ", ".join(sorted({p.provenance.commit_in_words for p in group})),
        }


def _made(folder: Path) -> Made:
    frames = {name: read_frame(folder / f"{name}.csv", schema) for name, schema in SOURCES.items()}
    try:
        points = read_points(frames["points"])
    except ValueError as error:
        raise BenchError(f"{folder / 'points.csv'} has {error}; measure and write it again") from None
    curves = curves_of(points)
    powers, crossings = list(power_rows(curves)), list(crossing_rows(curves))
    shown = [quantity for quantity in QUANTITIES if lengths_of(curves, quantity)]
    pictures = {quantity.key: f"{FIGURES}/{quantity.key}.svg" for quantity in shown}
    figures: dict[str, Callable[[], Figure]] = {
        pictures[quantity.key]: lambda quantity=quantity: draw(curves, quantity, crossings)  # type: ignore[misc]
        for quantity in shown
    }
    slopes = f"{FIGURES}/powers.svg"
    if powers:
        figures[slopes] = lambda: draw_powers(powers, QUANTITIES)
    about = frames["about"]
    said = {key: list(about[about["key"] == key]["text"]) for key in (COMMAND, SKIPPED, ASKED)}
    text = rendered(
        "lengths",
        asked=" ".join(map(escape, said[ASKED])),
        findings=findings(curves),
        facts=_facts(points, frames["environments"]),
        done=sum(p.status == "done" for p in points),
        points=count(len(points), "point"),
        ended=[f"{count(n, 'point')} {status}" for status in GROWS if (n := sum(p.status == status for p in points))],
        quantities=[
            (
                quantity.title,
                markdown.image(f"{quantity.title} against the length of windows", pictures[quantity.key]),
                _table(curves, quantity),
            )
            for quantity in shown
        ],
        marks=[f"{mark} {status}" for status, mark in LOST.items() if any(p.status == status for p in points)],
        rings=any(c["leads"] for c in crossings),
        powers=_power_table(curves),
        slopes=markdown.image("Powers of the length that costs grow with", slopes) if powers else "",
        leading=_leader_table(curves),
        sizes=_size_table(points),
        unlike=len({p.forecasts for p in points}) > 1,
        spread=f"{100 * BETWEEN_PROCESSES:.0f}",
        crossings=_crossing_table([c for c in crossings if c["leads"]]),
        others=_crossing_table([c for c in crossings if not c["leads"]]),
        n_others=count(sum(not c["leads"] for c in crossings), "further crossing"),
        lost=[f"{escape(_place(p))}: {p.status}, {escape(p.reason)}" for p in points if p.status != "done"],
        skipped=list(map(escape, said[SKIPPED])),
        rounds=ROUNDS,
        warm_up=WARM_UP_ROUNDS,
        round_s=f"{ROUND_S:g}",
        command=markdown.fenced("\n".join(said[COMMAND])),
    )
    texts = {
        README: text.rstrip() + "\n",
        "powers.csv": _csv(powers, POWERS),
        "crossings.csv": _csv(crossings, CROSSINGS),
    }
    return Made(texts, figures)


def _csv(rows: Sequence[dict[str, Any]], schema: Schema) -> str:
    text: str = typed(rows, schema).to_csv(index=False, float_format="%.6g", lineterminator="\n")
    return text


def _facts(points: Sequence[Point], environments: pd.DataFrame) -> list[str]:
    """Return what a stranger has to know of the machine and the conditions, a line each."""
    lines = []
    for e in environments.to_dict("records"):
        device = e["device_name"] or f"{e['cpu']}, {count(int(e['threads']), 'thread')}"
        versions = [f"{e['backend']} {e['backend_version']}", *([f"Keras {e['keras']}"] if e["keras"] else [])]
        versions += [f"NumPy {e['numpy']}", f"Python {e['python']}", e["precision"], e["platform"]]
        told = ", ".join(map(escape, versions))
        lines.append(f"Machine and environment {markdown.code(e['environment'])}: {escape(device)}; {told}.")
    days = sorted({p.ended_at[:10] for p in points})
    commits = sorted({p.git_commit for p in points})
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    lines.append(f"Measured on {when} (UTC) at commit {listed([markdown.code(commit) for commit in commits])}.")
    batches, lengths = (sorted({getattr(p, name) for p in points}) for name in ("batch", "length"))
    lines.append(
        f"Batch {listed([f'{n:,}' for n in batches])} in training and inference; windows of "
        f"{listed([f'{n:,}' for n in lengths])} steps."
    )
    budget = _range([p.budget_s for p in points], lambda value: f"{value:g}")
    rooms = [p.room_bytes / GIB for p in points if p.room_bytes]
    room = f", and may hold {_range(rooms, lambda value: f'{value:.1f}')} GiB" if rooms else ""
    lines.append(f"A point may take {budget} s, the start of its process and its compilation included{room}.")
    compiled = [p.compile_s for p in points if p.compile_s is not None]
    lines += [f"Compilation took {seconds(median(compiled))} s in the median."] if compiled else []
    loads = [p.load_1min for p in points if p.load_1min is not None]
    lines += (
        [f"The machine's load as points ended, with the point's own process: {max(loads):.1f} at most."]
        if loads
        else []
    )
    return lines


def _range(values: Sequence[float], show: Callable[[float], str]) -> str:
    ends = dict.fromkeys([show(min(values)), show(max(values))])
    return " to ".join(ends)


def _place(point: Point) -> str:
    return f"{point.label} ({point.backend}, {point.device}), {point.length} steps, batch {point.batch}"


def _table(curves: Sequence[Curve], quantity: Quantity) -> str:
    """Return a quantity's table: a line a curve, a column a length."""
    lengths = sorted({length for curve in curves for length in curve.points})

    def cell(point: Point | None) -> str:
        if point is None:
            return NONE
        span = point.spans.get(quantity.key)
        return quantity.show(span.middle) if span else NONE if point.status == "done" else point.status

    rows = [[escape(c.name), str(c.batch), *(cell(c.points.get(length)) for length in lengths)] for c in curves]
    return table(["network", "batch", *(f"{n:,} steps" for n in lengths)], rows)


def _size_table(points: Sequence[Point]) -> str:
    """Return what each network forecasts, and its number of weights at each length."""
    lengths = sorted({p.length for p in points})
    known: dict[tuple[str, str], dict[int, int]] = {}
    for p in points:
        weights = known.setdefault((p.label, p.forecasts), {})
        if p.parameters is not None:
            weights[p.length] = p.parameters
    rows = [
        [escape(label), forecasts or NONE, *(f"{own[n]:,}" if n in own else NONE for n in lengths)]
        for (label, forecasts), own in known.items()
    ]
    return table(["network", "forecasts", *(f"{n:,} steps" for n in lengths)], rows, text_columns=2)


def _power_table(curves: Sequence[Curve]) -> str:
    def cell(curve: Curve, quantity: Quantity) -> str:
        found: stats.Power | None = curve.power(quantity)
        if found is None:
            return NONE
        ends = last_slope(found, curve.costs(quantity), quantity)
        return f"{in_words(found)}; {found.last:.2f}" + (f" [{ends[0]:.2f}, {ends[1]:.2f}]" if ends else "")

    rows = [[escape(c.name), str(c.batch), c.growth or NONE, *(cell(c, q) for q in QUANTITIES)] for c in curves]
    return table(["network", "batch", "says", *(quantity.power_of for quantity in QUANTITIES)], rows)


def _leader_table(curves: Sequence[Curve]) -> str:
    """Return who costs least at each length, a line a quantity and batch."""
    lengths = sorted({length for curve in curves for length in curve.points})
    rows = []
    for quantity in QUANTITIES:
        for batch in sorted({curve.batch for curve in curves}):
            ours = [curve for curve in curves if curve.batch == batch]
            best = [", ".join(escape(c.name) for c in leaders(ours, quantity, length)) for length in lengths]
            rows.append([quantity.title, str(batch), *(names or NONE for names in best)])
    return table(["least cost", "batch", *(f"{n:,} steps" for n in lengths)], rows)


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
