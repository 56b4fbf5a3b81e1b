"""Runs that ended without a score, attempts that were tried again, and runs that are not there."""

import pandas as pd

from bench.report.markdown import count, escape, seed_label, table
from bench.report.sections.base import section
from bench.report.summary import Results


@section("failures", "Runs without a result", order=90)
def failures_table(results: Results) -> tuple[str, list[str]]:
    """Return the runs that ended without a score and why, what was tried again, and how many never ran."""
    lines = _lines(results, results.failures)
    absent = results.n_planned - len(results.frames["runs"])
    notes = [f"{count(absent, 'planned run')} not recorded yet in this environment."] if absent else []
    retried = _lines(results, results.frames["retries"])
    if retried:
        notes.append("Attempts that gave no result, of runs that were tried again:")
        notes.append(table(HEADERS, retried, text_columns=len(HEADERS)))
    if not lines:
        return ("None." if not absent else "No recorded run failed."), notes
    return table(HEADERS, lines, text_columns=len(HEADERS)), notes


HEADERS = ["model", "case", "seed", "device", "attempt", "status", "reason", "run id"]


def _lines(results: Results, runs: pd.DataFrame) -> list[list[str]]:
    labels = dict(zip(results.frames["cases"]["case"], results.frames["cases"]["label"], strict=True))
    return [
        [
            escape(labels.get(r["case"], r["case"])),
            escape(r["case"]),
            seed_label(r),
            r["device"],
            str(r["attempt"]),
            r["status"].replace("_", " "),
            escape(r["reason"]),
            f"`{r['run_id']}`",
        ]
        for _, r in runs.iterrows()
    ]
