"""How many runs have a result, which have none, which seeds are stuck, and what was skipped."""

from collections.abc import Mapping

import pandas as pd

from bench.report.amounts import amount
from bench.report.markdown import Table, escape, paragraphs, score
from bench.report.parts import finding
from bench.report.results import Results
from bench.report.rows import LISTED


@finding("runs", order=90)
def runs(results: Results, tables: Mapping[str, Table]) -> list[str]:
    """Return the last finding, which is always there: failed, missing and stuck runs, odd scores, skipped cases."""
    labels = results.frames["cases"].set_index("case")["label"]
    failed = []
    for _, run in results.failures.iterrows():
        seed = "" if pd.isna(run["seed"]) else f" seed {run['seed']}"
        status, reason = run["status"].replace("_", " "), escape(run["reason"]) or "no reason recorded"
        failed.append(f"{escape(labels.get(run['case'], run['case']))}{seed} {status} ({reason})")
    odd = [(escape(row.name), seed, f"({score(value)})") for row, seed, value in results.unending()]
    absent = results.n_planned - len(results.frames["runs"])
    return paragraphs(
        "runs",
        planned=results.n_planned,
        done=results.n_planned - len(failed) - absent,
        failed=failed,
        absent=absent,
        stuck=[f"{escape(row.name)} {seed} ({amount(value, metric)})" for row, seed, value, metric in results.stuck()],
        unending=[" ".join(filter(None, words)) for words in odd],
        skipped=len(results.frames["skips"]),
        most=LISTED,
        tables=tables,
    )
