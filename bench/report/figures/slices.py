"""Test scores by slice."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.metrics.traits import Traits
from bench.report.figures.base import Looks, axis_label, factor, figure, legend_above
from bench.report.leaderboards import Leaderboard
from bench.report.results import Results
from bench.report.rows import Row
from bench.report.slices import metric_of, of_row, shown_rows, slices_of
from bench.report.style import Look, Style, as_text, drawable, new_figure, plain_log, set_scale
from bench.slices.base import in_words

MOST_LABELS = 12
"""Values of a slice whose names stand on the axis; of more, every second or third one's."""
CAPTION = (
    "Means over seeds, with their 95 % intervals. Where lines cross, the order of the models depends on the slice."
)


def known_slices(results: Results, board: Leaderboard) -> dict[str, pd.DataFrame]:
    """Return the slices of a leaderboard's task that have scores."""
    found = {name: rows[rows["reason"] == ""] for name, rows in slices_of(results, board).items()}
    return {name: rows for name, rows in found.items() if len(rows)}


@figure("slices", "test score by slice", order=60, caption=CAPTION,
        wanted=lambda results, board: not board.common and bool(known_slices(results, board)))  # fmt: skip
def slices_figure(results: Results, board: Leaderboard, looks: Looks) -> Figure | None:
    """Draw the test score of each model against a slice's values, a panel a slice."""
    found = known_slices(results, board)
    rows = shown_rows(board)
    picture = new_figure(8.6, 2.6 * len(found) + 0.4)
    axes = picture.subplots(len(found), 1, squeeze=False).ravel()
    for ax, (name, lines) in zip(axes, found.items(), strict=True):
        panel(ax, metric_of(board, lines), lines, {row: looks[row.label] for row in rows})
        ax.set_xlabel(as_text(in_words(name)))
    styles: list[tuple[str, Style]] = [(row.name, _line(looks[row.label])) for row in rows]
    legend_above(picture, styles, "center")
    return picture


def panel(ax: Axes, metric: Traits, lines: pd.DataFrame, looks: dict[Row, Look]) -> None:
    """Draw one slice: a line a model, with its interval at each value."""
    labels = lines.drop_duplicates("order").set_index("order")["label"].sort_index()
    place = {order: number for number, order in enumerate(labels.index)}
    drawn = []
    for number, (row, look) in enumerate(looks.items()):
        own = of_row(lines, row)
        x = np.array([place[order] for order in own.index], float) + 0.06 * (number - (len(looks) - 1) / 2)
        y, low, high = (factor(metric) * drawable(own[name].astype(float)) for name in ("value", "low", "high"))
        ax.plot(x, y, **_line(look))
        ax.vlines(x, low, high, color=look.colour, linewidth=0.9, alpha=0.7)
        drawn.append(y)
    set_scale(ax.yaxis, np.concatenate(drawn), metric.log)
    plain_log(ax.yaxis)
    every = -(-len(labels) // MOST_LABELS)
    ax.set_xticks(range(0, len(labels), every), [as_text(str(text), 14) for text in labels.iloc[::every]])
    ax.set_ylabel(axis_label(metric, split="test"))


def _line(look: Look) -> Style:
    return {"color": look.colour, "linestyle": look.dashes, "marker": look.marker, "markersize": 4.0, "linewidth": 1.3}
