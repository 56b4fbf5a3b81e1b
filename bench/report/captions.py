"""What stands around every figure, and lines that several share."""

from dataclasses import dataclass

import pandas as pd

from bench.report.markdown import count
from bench.report.summary import ODD, Ground, Row

CUT = 6.0
"""Learning curves are cut at so many times the worst final mean, so that no first epoch sets the scale."""


@dataclass(frozen=True)
class Drawn:
    """A drawn figure: alternative text, path beside the README, and caption."""

    alt: str
    path: str
    caption: str


def scored(ground: Ground) -> int:
    """Return how many rows of a ground have a score."""
    return sum(len(r.seeds(ground.column)) > 0 for r in ground.rows)


def reference(row: Row, ground: Ground) -> float | None:
    """Return the best untrained score over the positions that a row is scored on; None where unknown."""
    best = ground.untrained
    if best is None or ground.is_label:
        return None
    column = ODD if row.partial and not ground.common else ground.column
    return best.mean(column) if len(best.seeds(column)) else None


def curve_top(frame: pd.DataFrame, rows: list[Row], column: str) -> float | None:
    """Return where the axis of learning curves is cut; None where nothing lies above, or for labels."""
    finals = [r.mean(column) for r in rows if len(r.seeds(column))]
    if column == "valid_accuracy" or not finals or column not in frame:
        return None
    shown = frame[frame["case"].isin([r.case for r in rows])][column]
    return CUT * max(finals) if bool((shown > CUT * max(finals)).any()) else None


def alt(ground: Ground, what: str) -> str:
    """Return the alternative text: the table's title, what is drawn and how many models there are."""
    return f"{ground.title}: {what}, {count(scored(ground), 'model')}"
