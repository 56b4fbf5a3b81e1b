"""What has no result: runs that failed, attempts that were tried again, runs not recorded yet, and skipped cases."""

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import pandas as pd

from bench.report.markdown import count, escape, lines_of, seed_label
from bench.report.parts import section
from bench.report.results import Results

Line = Mapping[Hashable, Any]


@section("skipped", "Cases that were skipped", order=85)
def skipped_table(results: Results) -> tuple[str, list[str]] | None:
    """Return each skipped case with its task, its model and the reason; None where every case was run."""
    skips = results.frames["skips"].rename(columns={"case": "key", "label": "case"})
    note = (
        "A case is skipped where its model cannot answer its task, and on a backend that cannot run its model: "
        "it has no runs there."
    )
    table = _table(skips, {name: _text(name) for name in ("case", "task", "model", "reason")})
    return (table, [note]) if table else None


@section("failures", "Runs without a result", order=90)
def failures_table(results: Results) -> tuple[str, list[str]]:
    """Return the runs that ended without a score and why, what was tried again, and how many never ran."""
    labels = results.cases.set_index("case")["label"]
    columns: dict[str, Callable[[Line], str]] = {
        "model": lambda run: escape(labels.get(run["case"], run["case"])),
        "case": _text("case"),
        "seed": seed_label,
        "device": _text("device"),
        "attempt": _text("attempt"),
        "status": lambda run: run["status"].replace("_", " "),
        "reason": _text("reason"),
        "run id": lambda run: f"`{run['run_id']}`",
    }
    failed, retried = (_table(runs, columns) for runs in (results.failures, results.frames["retries"]))
    absent = results.n_planned - len(results.frames["runs"])
    notes = [f"{count(absent, 'planned run')} not recorded yet in this environment."] if absent else []
    if retried:
        notes += ["Attempts that gave no result, of runs that were tried again:", retried]
    return failed or ("No recorded run failed." if absent else "None."), notes


def _text(column: str) -> Callable[[Line], str]:
    return lambda line: escape(line[column])


def _table(frame: pd.DataFrame, columns: Mapping[str, Callable[[Line], str]]) -> str:
    """Return a table of a frame's lines, all of it text; empty without any."""
    lines: list[Line] = [*frame.to_dict("records")]
    return lines_of(columns, lines, text=len(columns)) if lines else ""
