"""How many runs have a result, which have none, how many seeds ended oddly, and what was skipped."""

from collections import Counter
from collections.abc import Mapping

import pandas as pd

from bench.report.endings import odd_endings
from bench.report.markdown import Table, escape, paragraphs, score
from bench.report.parts import finding
from bench.report.results import Results

NAMED = 2
"""Runs of a kind that the sentence names before it counts them."""


@finding("runs", order=90)
def runs(results: Results, tables: Mapping[str, Table]) -> list[str]:
    """Return the last finding, which is always there: failed, missing and odd runs, odd scores, skipped cases."""
    labels = results.frames["cases"].set_index("case")["label"]
    failed = []
    for _, run in results.failures.iterrows():
        seed = "" if pd.isna(run["seed"]) else f" seed {run['seed']}"
        status, reason = run["status"].replace("_", " "), escape(run["reason"]) or "no reason recorded"
        failed.append(f"{escape(labels.get(run['case'], run['case']))}{seed} {status} ({reason})")
    absent = results.n_planned - len(results.frames["runs"])
    return paragraphs(
        "runs",
        planned=results.n_planned,
        done=results.n_planned - len(failed) - absent,
        failed=failed,
        absent=absent,
        odd=_counts(results),
        unending=[" ".join(filter(None, (escape(r.name), seed, f"({score(v)})"))) for r, seed, v in results.unending()],
        skipped=len(results.frames["skips"]),
        most=NAMED,
        tables=tables,
    )


def _counts(results: Results) -> list[str]:
    """Return how many seeds ended in each odd way."""
    found = Counter(odd.what for odd in odd_endings(results) if not odd.split)  # what fails elsewhere is its leader's
    return [f"{number} {escape(what)}" for what, number in found.items()]
