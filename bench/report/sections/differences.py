"""What else differs between the networks: what they see, how deep they are, and what a run of theirs costs."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from bench.report.leaderboards import Leaderboard
from bench.report.markdown import NONE, escape, paragraphs, seconds, table
from bench.report.parts import section
from bench.report.results import Results
from bench.report.rows import Row
from bench.report.shortlist import entries


@section("differences", "What else differs", order=8)
def differences_table(results: Results) -> tuple[str, list[str]] | None:
    """Return a line for each network that leads or is compared with a leader; None without two on one table."""
    boards = [board for board in results.leading() if len(board.trained) > 1]
    lines = [[escape(board.title), *_line(row)] for board in boards for row in trained(board)]
    if not lines:
        return None
    return table(["table", *COLUMNS], lines, text_columns=2), paragraphs("differences")


def trained(board: Leaderboard) -> list[Row]:
    """Return the networks among a leaderboard's entries, best first."""
    return [row for row in entries(board) if row.trained]


def core_seconds(row: Row) -> float | None:
    """Return the median over runs of the processor seconds that training took; None where that is not known."""
    done = row.done
    spent = (done["train_s"] * done["cpu_over_wall"]).to_numpy(dtype=np.float64, na_value=np.nan)
    known = spent[np.isfinite(spent)]
    return float(np.median(known)) if len(known) else None


def _line(row: Row) -> list[str]:
    return [cell(row) for cell in COLUMNS.values()]


def _trait(name: str) -> Callable[[Row], str]:
    return lambda row: NONE if pd.isna(row.info[name]) else f"{row.info[name]:,.0f}"


def _epochs(row: Row) -> str:
    """Return the fewest and the most epochs of the runs."""
    run = row.numbers("epochs_run")
    return " to ".join(dict.fromkeys(f"{n:,.0f}" for n in (run.min(), run.max()))) if len(run) else NONE


COLUMNS: dict[str, Callable[[Row], str]] = {
    "model": lambda row: escape(row.name),
    "receptive field, steps": _trait("receptive_field"),
    "depth, layers": _trait("depth"),
    "parameters": lambda row: NONE if row.parameters is None else f"{row.parameters:,.0f}",
    "epochs": _epochs,
    "training a run, core-seconds": lambda row: NONE if (s := core_seconds(row)) is None else seconds(s),
}
