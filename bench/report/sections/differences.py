"""An audit of each comparison: what is equal for all rows, and what else differs between the networks."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from bench.report.audit import NEAR, cells, own_recipes, unequal
from bench.report.markdown import NONE, escape, paragraphs, seconds, table
from bench.report.parts import section
from bench.report.results import Results
from bench.report.rows import Row
from bench.report.shortlist import entries


@section("differences", "Audit: what is equal for all rows, and what differs", order=8)
def differences_table(results: Results) -> tuple[str, list[str]] | None:
    """Return a line for each row that leads or is compared with a leader; None where nothing ranks."""
    lines: list[list[str]] = []
    differing: dict[str, list[str]] = {}
    headings: list[str] = []
    for board in results.leading():
        rows = entries(board)
        made = cells(board, rows)
        headings = headings or [*(made[0] if made else ())]
        for row, own in zip(rows, made, strict=True):
            described = [cell(row) for cell in COLUMNS.values()]
            lines.append([escape(board.title), escape(row.name), *own.values(), *described])
        if said := [*unequal(made), *["recipe"] * own_recipes(board, rows)]:
            differing[escape(board.title)] = said
    if not lines:
        return None
    body = table(["table", "model", *headings, *COLUMNS], lines, text_columns=2)
    return body, paragraphs("differences", differing=differing, near=f"{100 * NEAR:.0f}")


def core_seconds(row: Row) -> float | None:
    """Return the median over runs of the processor seconds that training took; None where that is not known."""
    done = row.done
    spent = (done["train_s"] * done["cpu_over_wall"]).to_numpy(dtype=np.float64, na_value=np.nan)
    known = spent[np.isfinite(spent)]
    return float(np.median(known)) if len(known) else None


def _trait(name: str) -> Callable[[Row], str]:
    return lambda row: NONE if pd.isna(row.info[name]) else f"{row.info[name]:,.0f}"


def _epochs(row: Row) -> str:
    """Return the fewest and the most epochs of the runs."""
    run = row.numbers("epochs_run")
    return " to ".join(dict.fromkeys(f"{n:,.0f}" for n in (run.min(), run.max()))) if len(run) else NONE


COLUMNS: dict[str, Callable[[Row], str]] = {
    "receptive field, steps": _trait("receptive_field"),
    "depth, layers": _trait("depth"),
    "epochs trained": _epochs,
    "training a run, core-seconds": lambda row: NONE if (s := core_seconds(row)) is None else seconds(s),
}
