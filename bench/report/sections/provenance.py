"""Provenance: every commit, environment and day that runs and measurements come from."""

from bench.report.markdown import escape, table
from bench.report.parts import section
from bench.report.provenance import CHANGED, origins
from bench.report.results import Results
from bench.text.markdown import code


@section("provenance", "Provenance", order=95)
def provenance_table(results: Results) -> tuple[str, list[str]]:
    """Return a line for each commit, environment and day, with how many runs or measurements are of it."""
    found = origins(results)
    lines = [
        [escape(o.what), code(o.git_commit, cell=True), code(o.environment, cell=True), escape(o.day), f"{o.n:,}"]
        for o in found.itertuples()
    ]
    changed = found["git_commit"].str.endswith(CHANGED).any()
    note = f"A commit that ends in {CHANGED} was changed, or had files that no commit has." if changed else ""
    body = table(["what", "commit", "environment", "day (UTC)", "number"], lines, text_columns=4)
    return body, [note] if note else []
