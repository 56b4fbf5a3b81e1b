"""What stands around a figure: its alternative text, and what to see in it."""

from dataclasses import dataclass

import pandas as pd

from bench.report.groups import group_note, none_label
from bench.report.markdown import count, score
from bench.report.summary import ODD, Ground, Results, Row

CUT = 6.0
"""Learning curves are cut at so many times the worst final mean, so that no first epoch sets the scale."""


@dataclass(frozen=True)
class Drawn:
    """A drawn figure: alternative text, path beside the README, and caption."""

    alt: str
    path: str
    caption: str


def scores(results: Results, ground: Ground) -> str:
    """Say how final scores are drawn, and what dots that interleave mean."""
    better = "right" if ground.is_label else "left"
    last = " Rows marked † or ‡ do not rank and stand last." if len(ground.ranked) < _scored(ground) else ""
    return (
        f"Best model on top, further {better} is better. Where the dots of two models interleave, their seeds do not "
        f"separate them; a dot far from its siblings is a seed whose learning curve is worth a look.{last}"
    )


def _scored(ground: Ground) -> int:
    return sum(len(r.seeds(ground.column)) > 0 for r in ground.rows)


def curves(results: Results, ground: Ground) -> str:
    """Say how learning curves are drawn, where their axis is cut, and what the dotted line covers."""
    text = "A curve that still falls" if not ground.is_label else "A curve that still rises"
    text += " at the last epoch has not finished training; a wide band means that seeds disagree."
    rows = [r for r in ground.rows if r.trained]
    top = curve_top(results.frames["curves"], rows, ground.column)
    if top is not None:
        text += f" The axis is cut at {score(top, 2)}: first epochs above it are not shown."
    marked = [r for r in rows if r.partial]
    if marked and not ground.is_label:
        line = ", and so does the dotted line there" if _dotted(marked[0], ground) else ", without a dotted line"
        text += f" ‡ covers positions 3::2 alone{line}."
    return text


def _dotted(row: Row, ground: Ground) -> bool:
    return reference(row, ground) is not None


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


def forecasts(results: Results, ground: Ground) -> str:
    """Say which seed, split and models the forecasts are of."""
    frame = results.frames["forecasts"]
    seeds = sorted({int(s) for s in frame[frame["case"].isin([r.case for r in ground.rows])]["seed"].dropna()})
    seed = f"seed {seeds[0]}" if seeds else "exact predictors"
    return (
        f"The first windows of the validation split, {seed}, after the last epoch; not chosen by score. Columns: the "
        "leading trained model, the one in the middle of the ranking, the best that needs no training, the baseline. "
        "They stand in order of rank. A good forecast lies on the truth up to its last step."
    )


def steps(results: Results, ground: Ground) -> str:
    """Say how the error of each step is drawn."""
    return (
        "Geometric mean over seeds; bold: the leader and those that these seeds cannot tell from it. The further a "
        "step, the harder; a line that is flat from the start has learnt little of the window."
    )


def speed(results: Results, ground: Ground) -> str:
    """Say how error and throughput are drawn."""
    return (
        "Further down is more accurate, further right faster to train. Points are geometric means over seeds and "
        "median throughputs; bars span the runs. A model off the grey line is beaten in both by one on it."
    )


def groups(results: Results, ground: Ground) -> str:
    """Say what the groups mean, and which value is left out."""
    note = group_note(ground)
    return f"{note} Windows of no group ({none_label(ground)}) are left out; thin lines are seeds.".strip()


def alt(ground: Ground, what: str) -> str:
    """Return the alternative text: the table's title, what is drawn and how many models there are."""
    return f"{ground.title}: {what}, {count(_scored(ground), 'model')}"
