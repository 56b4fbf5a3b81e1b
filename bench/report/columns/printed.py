"""Printed values beside ours: columns of the leaderboards, and what figures draw over our seeds."""

from collections.abc import Sequence

from bench.frames.scores import Key
from bench.metrics.traits import Traits
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import NONE, escape
from bench.report.parts import Cell, Overlay, column, overlays
from bench.report.printed import printed_curve, printed_final, printed_finals, printed_text
from bench.report.results import Results
from bench.report.rows import Row
from bench.task import TargetKind


@column("printed", order=90)
def printed_columns(results: Results, board: Leaderboard) -> dict[str, Cell]:
    """Return columns of the printed error over all positions and at the last, where some row has one."""
    metrics = {"last-step" if board.common else escape(board.metric.heading): board.metric}
    last = board.rows[0].metrics.get(board.metric.at_last)
    if last and not board.common and any(TargetKind(r.info["target"]).every_position for r in board.rows):
        metrics["last-step"] = last
    made: dict[str, Cell] = {}
    for heading, metric in metrics.items():
        found = dict.fromkeys(key for row in board.rows for key in printed_finals(results, row, metric))
        for split in dict.fromkeys(key.split for key in found if key.split in ("valid", "test")):
            keys = [key for key in found if key.split == split]
            made[f"printed {_elsewhere(board, split)}{heading}"] = _cell(results, keys, metric)
    return {heading: of for heading, of in made.items() if any(of(row) != NONE for row in board.rows)}


def _cell(results: Results, keys: Sequence[Key], metric: Traits) -> Cell:
    """Return what shows a row's printed value, of whichever weights it is."""

    def cell(row: Row) -> str:
        known = (printed_final(results, row, key, metric) for key in keys)
        return _text(next((value for value in known if value is not None), None))

    return cell


def _elsewhere(board: Leaderboard, split: str) -> str:
    """Return the split of printed scores where it is not the one that ranks; empty where it is."""
    return "" if split == board.score.split else f"{split} "


def _text(value: float | None) -> str:
    return NONE if value is None else printed_text(value, 4 if abs(value) < 1 else 0, 6)


def _final(results: Results, board: Leaderboard, row: Row) -> float | None:
    return printed_final(results, row, board.score, board.metric)


overlays.add(
    "printed",
    Overlay("printed in the source", _final, lambda results, board, row: printed_curve(results, row, board.metric)),
    source=_final,
)
