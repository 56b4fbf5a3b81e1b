"""What a model costs, and how many runs its numbers come from."""

from collections.abc import Iterable
from math import sqrt

from bench.report.leaderboards import Leaderboard
from bench.report.markdown import NONE, thousands
from bench.report.parts import Cell, column
from bench.report.results import Results
from bench.report.rows import Row


@column("parameters", order=35, short=True)
def parameters(results: Results, board: Leaderboard) -> dict[str, Cell]:
    """Numbers in the network; none of a predictor."""
    return {"parameters": lambda row: NONE if row.parameters is None else f"{row.parameters:,.0f}"}


@column("runs", order=40)
def runs(results: Results, board: Leaderboard) -> dict[str, Cell]:
    """How many runs the numbers come from, of how many planned; one whose score is no finite number gives none."""

    def cell(row: Row) -> str:
        used = len(row.done) - len(row.unending(board.score))
        return f"{used} of {row.info['n_planned']}" + ("" if row.trained else ", exact")

    return {"runs": cell}


@column("throughput", order=80, short=True)
def throughput(results: Results, board: Leaderboard) -> dict[str, Cell]:
    """Training throughput, where some row's was measured alone."""
    return {"windows/s": windows_per_s} if any(row.speed is not None for row in board.rows) else {}


def windows_per_s(row: Row) -> str:
    """Return the row's training throughput, measured alone, and how far its interval reaches to either side."""
    if row.speed is None:
        return NONE
    ends = row.speed_ends
    return f"{thousands(row.speed)} ± " + ("?" if ends is None else f"{100 * (sqrt(ends[1] / ends[0]) - 1):.0f} %")


def speeds_in_words(rows: Iterable[Row]) -> str:
    """Return what their column of speeds shows; empty where there is none."""
    shown = [row for row in rows if row.speed is not None]
    few = "; ?: too few processes for one" if any(row.speed_ends is None for row in shown) else ""
    return f"*windows/s*: training, measured alone; ± half of the 95 % interval{few}." if shown else ""
