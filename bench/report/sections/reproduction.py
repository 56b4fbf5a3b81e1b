"""Reproduction: each value that the source printed, beside what our seeds give."""

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import pandas as pd

from bench import stats
from bench.cases.base import AS_PRINTED, CORRECTED
from bench.metrics.traits import Traits
from bench.report.amounts import spread
from bench.report.markdown import NONE, escape, factor, fixed, lines_of, paragraphs, score
from bench.report.parts import section
from bench.report.printed import PrintedValue, curve_epochs, final_values, left_out, printed_text, printed_values
from bench.report.results import Results
from bench.text.markdown import code


@section("reproduction", "Reproduction: printed values beside ours", order=20)
def reproduction_table(results: Results) -> tuple[str, list[str]] | None:
    """Return every printed value with our mean, its prediction interval and a verdict."""
    values = sorted(printed_values(results), key=lambda v: int(v.row.info["order"]))
    if not values:
        return None
    off = {escape(v.note) for v in values if v.off}
    shared = off.pop() if len(off) == 1 else ""
    epochs = {v.key: curve_epochs(results, v) for v in values}
    reasons = {v.key: "; ".join(_reasons(results, v, shared)) for v in values}
    judged = {v.key: v.judgement for v in values if v.judgement is not None}
    finals = final_values(results)
    known = {(v.row.case, v.metric.name) for v in values}
    notes = paragraphs(
        "reproduction",
        seeded=sum(not j.exact for j in judged.values()),
        missed=sum(j.missed and not j.exact for j in judged.values()),
        expected=stats.expected_misses(judged),
        exact=any(j.exact for j in judged.values()),
        shares=any(v.metric.share and not v.sample.exact for v in values),
        curves=any(epochs.values()),
        unjudged=len(judged) < len(values),
        shared=shared,
        pooled=_pooled(values),
        p=_p,
        spread=spread,
        lacking=len(set(zip(finals["case"], finals["metric"], strict=True)) - known),
    )
    columns = COLUMNS | {"epochs outside": lambda v: "{} of {}".format(*found) if (found := epochs[v.key]) else NONE}
    if explained := any(reasons.values()):
        columns["what may explain it"] = lambda v: reasons[v.key] or NONE
    return lines_of(columns, values, text=3, last=explained), notes


@section("not_run", "Printed, and not run here", order=25)
def not_run_table(results: Results) -> tuple[str, list[str]] | None:
    """Return every printed value of the families that nothing here is held to, each with the reason."""
    lines = left_out(results).to_dict("records")
    if not lines:
        return None
    for line in lines:
        line["best"] = _best_untrained(results, line)
    columns: dict[str, Callable[[dict[Hashable, Any]], str]] = {
        "task": lambda line: escape(line["task"]),
        "model": lambda line: escape(line["model"]),
        "value": lambda line: escape(line["metric"].replace("_", " ")),
        "printed": lambda line: NONE if pd.isna(line["value"]) else printed_text(line["value"]),
        "best untrained here": lambda line: line["best"],
        "run it by": lambda line: code(line["case"], cell=True) if line["case"] else NONE,
        "why not here": lambda line: escape(line["why"]),
    }
    beside = any(line["best"] != NONE for line in lines)
    if not beside:
        del columns["best untrained here"]
    return lines_of(columns, lines, text=3, last=True), paragraphs("not_run", beside=beside)


def _best_untrained(results: Results, line: Mapping[Hashable, Any]) -> str:
    """Return the test score by the metric of a line of the best predictor on its task, with its name; none of none."""
    board = next((board for board in results.tasks if line["like"] in board.tasks), None)
    row = board.untrained if board else None
    if board is None or row is None:
        return NONE
    metric = next((m for m in row.metrics.values() if line["metric"] in (m.name, m.heading)), None)
    value = row.centre(board.on_test._replace(metric=metric.name)) if metric else None
    return NONE if value is None else f"{score(value)} ({escape(row.name)})"


def _pooled(values: list[PrintedValue]) -> tuple[stats.Pooled, Traits] | None:
    """Return all printed values of one metric, one a model, held to ours together; None of fewer than two."""
    ranking = [v for v in values if v.metric.name == v.board.metric.name and not v.elsewhere]
    found = stats.pooled({v.key: v.printed for v in ranking}, {v.key: v.sample for v in ranking})
    return (found, ranking[0].metric) if found else None


def _reasons(results: Results, value: PrintedValue, shared: str) -> list[str]:
    """Return what may explain a value that is off: its own note, and the faults that its case keeps or lacks."""
    if not value.off:
        return []
    own = escape(value.note)
    errata = results.frames["errata"]
    found = [own] if own and own != shared else []
    for _, erratum in errata[errata["case"] == value.row.case].sort_values("number", kind="stable").iterrows():
        variant = str(erratum["variant"])
        if verb := "lacks" if variant == CORRECTED else "keeps" if variant.startswith(AS_PRINTED) else "":
            found.append(f"{verb} erratum no. {erratum['number']}: {escape(erratum['fault'])}")
    return found


def _heading(value: PrintedValue) -> str:
    if value.elsewhere:
        return escape(value.score.in_words(value.metric.heading))
    ranks = value.metric.name == value.board.metric.name
    return f"valid {value.metric.heading}" if ranks else value.metric.heading


def _interval(judgement: stats.Judgement | None) -> str:
    return NONE if judgement is None or judgement.exact else f"{score(judgement.low)} to {score(judgement.high)}"


def _p(p_value: float | None) -> str:
    return "< 0.001" if p_value is not None and p_value < 0.001 else fixed(p_value, 3 if (p_value or 0) < 0.1 else 2)


COLUMNS: dict[str, Callable[[PrintedValue], str]] = {
    "model": lambda v: escape(v.row.name),
    "task": lambda v: escape(v.board.title),
    "value": lambda v: escape(_heading(v)),
    "printed": lambda v: printed_text(v.printed),
    "ours": lambda v: score(v.ours) + (", exact" if v.sample.exact else ""),
    "95 % prediction interval": lambda v: _interval(v.judgement),
    "p": lambda v: _p(v.judgement.p_value if v.judgement else None),
    "verdict": lambda v: v.verdict or NONE,
    "printed ÷ ours": lambda v: factor(v.printed / v.ours) if v.ours else NONE,
}
