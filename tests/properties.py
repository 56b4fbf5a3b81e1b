"""What holds of every report, comparison and export, whatever the scores: each property says what is wrong, or nothing.

`tests/test_report_property.py` tries a few examples of each, `python -m tests.torture --properties N` many.
"""

import contextlib
import io
import json
import math
import re
import tempfile
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
from hypothesis import strategies as st

from bench.cli import call
from bench.frames import Frames, make_frames, means, select, tidy, write_frames
from bench.frames.scores import Key
from bench.metrics.traits import Scale
from bench.plan import Plan
from bench.report.build import build_report, check_report, render_text
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import NONE
from bench.report.results import Results
from bench.report.rows import Row
from bench.report.tables import leaderboard_table
from bench.report.under import answer, parse_bounds
from tests import names
from tests.generated import frames_of, plans
from tests.names import named_plans

UNREADABLE = {
    "no number in words": r"\b(nan|inf|NaT|None(?!\.))\b|<NA>|&lt;NA&gt;",
    "a zero below zero": r"(?<![\w.,])-0(\.0+)?(?![\w.])",
    "a number too long to read": r"\d{12,}",
}
"""Patterns that no text for people holds, outside of code and links."""


@dataclass(frozen=True)
class Property:
    """Something that holds of every input of a kind.

    Attributes:
        name: What it is called.
        inputs: Where inputs come from.
        fault: Says of an input what is wrong, or an empty text; a traceback where anything was raised or warned of.
        share: How many examples it gets, of those asked for: less where one takes long.
    """

    name: str
    inputs: st.SearchStrategy[Any]
    fault: Callable[[Any], str]
    share: float = 1.0

    def __call__(self, example: Any) -> str:
        """Return what is wrong with an input."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                return self.fault(example)
        except Exception:
            return traceback.format_exc()


def text_fault(plan: Plan) -> str:
    """Return what is wrong with the text of a plan's report: the best leads, and numbers are right and readable."""
    frames = frames_of(plan)
    results = Results(frames)
    text = render_text(results, {})
    faults = (fault for board in results.leaderboards for fault in board_faults(results, frames, board))
    bounded = answer(results, parse_bounds("parameters=2000"))
    return unreadable(text) or unreadable(bounded) or next(faults, "")


def figures_fault(plan: Plan) -> str:
    """Return what is wrong with a plan's report on the disk, with its figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = build_report(plan, folder).read_text(encoding="utf-8")
        return unreadable(text) or "\n".join(check_report(folder))


def exports_fault(plan: Plan) -> str:
    """Return what is wrong with the tables of numbers that a plan's records are exported and mirrored as."""
    table, summary = tidy("generated", plan.records), means(plan.records)
    table.to_csv(index=False)
    summary.to_csv(index=False)
    return ""


def comparison_fault(plan: Plan) -> str:
    """Return what is wrong with a comparison of a plan's results with others of the same runs."""
    by_task: dict[str, list[Any]] = {}
    for record in plan.records:
        if record.status == "done" and record.task:
            by_task.setdefault(record.task.name, []).append(record.scores)
    turned = [
        record.model_copy(update={"scores": by_task[record.task.name][number % len(by_task[record.task.name])]})
        if record.status == "done" and record.task
        else record
        for number, record in enumerate(plan.records)
    ]
    out, err = io.StringIO(), io.StringIO()
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / side for side in "ab"]
        for folder, records in zip(folders, (plan.records, turned), strict=True):
            write_frames(folder, make_frames(select(replace(plan, records=records))))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = call(["compare", *map(str, folders)])
            shown = out.getvalue()
            again = call(["compare", *map(str, folders), "--json"])
    if err.getvalue() or code not in (0, 1) or again != code:
        return f"code {code}, then {again}, stderr {err.getvalue()!r}"
    json.loads(out.getvalue()[len(shown) :])
    return unreadable(shown.partition("\n")[2])  # the first line holds paths


PROPERTIES = [
    Property("exports", plans(), exports_fault, share=0.03),
    Property("comparison", plans(), comparison_fault, share=0.06),
    Property("names in texts", named_plans(), names.text_fault, share=0.35),
    Property("text", plans(), text_fault, share=0.5),
    Property("figures", plans(), figures_fault, share=0.03),
    Property("names in figures", named_plans(), names.figures_fault, share=0.03),
]
"""All that is tried, here and in the torture, which has time for the last ones last."""


def unreadable(text: str) -> str:
    """Return what is not readable in a text for people: the kind, and the line; empty where all is."""
    for line in text.splitlines():
        plain = re.sub(r"`[^`]*`|\]\([^)]*\)", "", line)
        for kind, pattern in UNREADABLE.items():
            if re.search(pattern, plain):
                return f"{kind}: {line}"
        if plain.startswith("|") and not all(cells_of(line)):
            return f"an empty cell: {line}"
    return ""


def cells_of(line: str) -> list[str]:
    """Return the cells of a line of a Markdown table."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def board_faults(results: Results, frames: Frames, board: Leaderboard) -> Any:
    """Yield what is wrong with a leaderboard, computed anew from the frames by the formulas that the report states."""
    log, sign = logged(frames, board.metric.name), board.metric.sign
    own = {row.name: centre(row, board.metric.name, "valid", log) for row in board.rows}
    test = {row.name: centre(row, board.metric.name, "test", log) for row in board.rows}
    finite = [row.name for row in board.rows if own[row.name] is not None and math.isfinite(own[row.name] or 0.0)]
    may_rank = [row.name for row in board.rows if board.ranks(row) and row.name in finite]
    ranked = [row.name for row in board.ranked]
    if sorted(may_rank) != sorted(ranked) or [row.name for row in board.rows][: len(ranked)] != ranked:
        yield f"ranked {ranked}, of {own}"
    order = [sign * (own[name] or 0.0) for name in ranked]
    if any(a > b and not near(a, b) for a, b in pairwise(order)):
        yield f"the best does not lead: {own}, in the order {ranked}"
    header, _, *lines = leaderboard_table(results, board)[0].splitlines()
    heading = board.metric.heading
    columns = {f"test {heading}": test, heading if board.common else f"valid {heading}": own}
    for row, line in zip(board.rows, lines, strict=True):
        cells = dict(zip(cells_of(header), cells_of(line), strict=True))
        placed = row.name in ranked and not cells["verdict"].startswith("too few seeds")
        if cells["rank"] != (str(ranked.index(row.name) + 1) if placed else NONE):
            yield f"rank {cells['rank']} of {row.name}"
        if fault := verdict_fault(results, board, row, cells["verdict"].removesuffix(r" \*")):
            yield fault
        for column, known in columns.items():
            value = known[row.name]
            if not says(cells[column], value, board.metric.share):
                yield f"{column} of {row.name} is shown as {cells[column]!r} and is {value}: {line}"
        if row.name in ranked and log and not says_ratio(cells["× leader"], own[row.name], own[ranked[0]]):
            yield f"× leader of {row.name} is shown as {cells['× leader']!r}, {own[row.name]} over {own[ranked[0]]}"


def verdict_fault(results: Results, board: Leaderboard, row: Row, verdict: str) -> str:
    """Return what is wrong with a row's verdict, by the interval beside it: nothing else may be said of a model."""
    if row not in board.ranked:
        return "" if verdict == NONE else f"{row.name} does not rank and is {verdict}"
    if row is board.ranked[0]:
        return "" if verdict in ("leads", "too few seeds") else f"the leader is {verdict}"
    ratio = board.contrasts[row.name].ratio
    low, high = (ratio.value if end is None else end for end in (ratio.low, ratio.high))
    none, reach = (1.0, results.region.ratio) if board.metric.log else (0.0, results.region.difference)
    within = (1 / reach <= low and high <= reach) if board.metric.log else (-reach <= low and high <= reach)
    worse = low > none if board.metric.sign > 0 else high < none
    trained = [
        len(r.values(board.score)) for r in (row, board.ranked[0]) if r.trained or len(r.values(board.score)) > 1
    ]
    known = ratio.low is not None
    expected = "equivalent" if known and within else "worse" if known and worse else ""
    expected = expected or ("too few seeds" if trained and min(trained) < 5 else "undecided")
    return "" if verdict == expected else f"{row.name} is {verdict}, and its interval {ratio} says {expected}"


def logged(frames: Frames, metric: str) -> bool:
    """Return whether a metric is worked on in logs: it asks for them, and no value of it lies below zero."""
    scales = frames["metrics"].set_index("metric")["scale"]
    values = [frame.loc[frame["metric"] == metric, "value"] for frame in (frames["scores"], frames["curves"])]
    declared = scales[scales.index == metric]
    return bool((declared == Scale.LOG.value).all()) and not bool((pd.concat(values) < 0).any())


def centre(row: Row, metric: str, split: str, log: bool) -> float | None:
    """Return a row's mean over its finished runs; NaN or infinite where it has no finite score, None without any."""
    found = [row.scores.get(run, {}).get(Key(metric, split)) for run in row.done["run_id"]]
    every = [value for value in found if value is not None]
    finite = [value for value in every if math.isfinite(value)]
    if not finite:
        return sum(every) if every else None
    return mean(finite, log)


def mean(values: list[float], log: bool) -> float:
    """Return the geometric mean, 0 where a value is, or the arithmetic one."""
    if not log:
        return float(sum(map(Fraction, values)) / len(values))  # a sum of floats may overflow
    return 0.0 if 0 in values else math.exp(math.fsum(map(math.log, values)) / len(values))


def says(cell: str, value: float | None, share: bool) -> bool:
    """Return whether a cell shows a value, as its first number; one that lists every seed says no mean."""
    if value is None:
        return cell == NONE
    if not math.isfinite(value):
        return cell == ("NaN" if math.isnan(value) else "∞" if value > 0 else "-∞")
    if share and ", " in cell.partition("[")[0]:
        return True
    if value == 0:
        return cell.split(" ")[0] == ("0.00" if share else "0")
    number = float(cell.split(" ")[0])
    return near(number, value * (100 if share else 1), 6e-3, 6e-3 if share else 6e-7)


def says_ratio(cell: str, value: float | None, leader: float | None) -> bool:
    """Return whether a cell shows how many times the leader's a value is."""
    assert value is not None
    assert leader is not None
    first = cell.split(" ")[0].replace(",", "")
    if leader == 0:
        return first in ("1.00", NONE) if value == 0 else first == "∞"
    ratio = value / leader
    return first == "∞" if math.isinf(ratio) else near(float(first), ratio, 6e-2)


def near(a: float, b: float, relative: float = 1e-9, absolute: float = 0.0) -> bool:
    """Return whether two numbers are one but for rounding."""
    return math.isclose(a, b, rel_tol=relative, abs_tol=absolute)
