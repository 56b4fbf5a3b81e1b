"""Runs that ended without a score, and runs that are not there."""

from bench.report.markdown import count, escape, seed_label, table
from bench.report.sections.base import section
from bench.report.summary import Results


@section("failures", "Runs without a result", order=90)
def failures_table(results: Results) -> tuple[str, list[str]]:
    """Return the runs that failed, diverged or crashed, with their reasons, and how many never ran."""
    runs = results.failures
    labels = dict(zip(results.frames["cases"]["case"], results.frames["cases"]["label"], strict=True))
    rows = [
        [
            escape(labels.get(r["case"], r["case"])),
            escape(r["case"]),
            seed_label(r),
            r["device"],
            r["status"],
            escape(r["reason"]),
        ]
        for _, r in runs.iterrows()
    ]
    absent = results.n_planned - len(results.frames["runs"])
    notes = [f"{count(absent, 'planned run')} not recorded yet in this environment."] if absent else []
    if not rows:
        return ("None." if not absent else "No recorded run failed."), notes
    return table(["model", "case", "seed", "device", "status", "reason"], rows, text_columns=6), notes
