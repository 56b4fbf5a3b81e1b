"""Every seed's final score."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.record import IN_WORDS
from bench.report.figures.base import Entry, Looks, axis_label, factor, figure, legend_above, scored
from bench.report.leaderboards import Leaderboard
from bench.report.parts import overlays
from bench.report.results import Results
from bench.report.rows import Row
from bench.report.style import FLOOR_LINE, INK, Style, as_text, drawable, new_figure, plain_log, set_scale


def caption(results: Results, board: Leaderboard) -> str:
    """Say how final scores are drawn."""
    better = "left" if board.metric.sign > 0 else "right"
    last = " Rows marked †, ‡ or § do not rank and stand last." if len(board.ranked) < scored(board) else ""
    return (
        f"Best model on top, further {better} is better. A dot far from its siblings is a seed whose learning curve is "
        f"worth a look.{last}"
    )


@figure("scores", "final score of every seed", order=10, caption=caption)
def scores_figure(results: Results, board: Leaderboard, looks: Looks) -> Figure | None:
    """Draw every seed's final score, a line a model."""
    rows = [r for r in board.rows if len(r.values(board.score))]
    if not rows:
        return None
    picture = new_figure(8.6, 1.25 + 0.27 * len(rows))
    ax = picture.add_subplot()
    scores(ax, board, rows, looks)
    entries: list[Entry] = [("one seed", {"marker": "o"})]
    if any(r.trained and len(r.values(board.score)) > 1 for r in rows):
        mean = "geometric mean over seeds" if board.metric.log else "mean over seeds"
        entries.append((mean, {"marker": "|", "markersize": 10, "markeredgewidth": 2.2}))
    if not all(r.trained for r in rows):
        entries.append(("needs no training", {"marker": "D", "markerfacecolor": "white"}))
    for overlay, marker in zip(overlays.entries(), "x+1234", strict=False):
        told = {y: value for y, row in enumerate(rows) if (value := overlay.final(results, board, row)) is not None}
        if told:
            xs = factor(board.metric) * drawable([*told.values()])
            ax.scatter(xs, list(told), s=46, marker=marker, color=INK, linewidth=1.3, zorder=5)
            entries.append((overlay.label, {"marker": marker, "color": INK, "markeredgewidth": 1.3}))
    entries = [(label, {"linestyle": "none", "markersize": 5, **style}) for label, style in entries]
    legend_above(picture, entries + [("noise floor", FLOOR_LINE)] * bool(board.floor), "right")
    if ax.get_xscale() == "log":
        low, high = ax.get_xlim()
        ax.set_xlim(low * 0.9, high * 1.1)
    plain_log(ax.xaxis)
    return picture


def scores(ax: Axes, board: Leaderboard, rows: Sequence[Row], looks: Looks) -> None:
    """Draw every run's final score as a dot, a line a row, best on top, with the means and the floor."""
    times = factor(board.metric)
    drawn = [times * drawable(row.values(board.score)) for row in rows]
    set_scale(ax.xaxis, np.concatenate(drawn), board.metric.log)
    for y, (row, values) in enumerate(zip(rows, drawn, strict=True)):
        colour, _, marker = looks[row.label]
        ax.axhline(y, color="#eef0f3", linewidth=0.8, zorder=0)
        if row.trained and len(values) > 1:
            ax.plot([values.min(), values.max()], [y, y], color=colour, linewidth=1.4, alpha=0.5, zorder=2)
            mean = times * float(drawable(row.mean(board.score)))
            ax.plot([mean, mean], [y - 0.3, y + 0.3], color=colour, linewidth=2.2, zorder=3)
        look: Style = {"color": colour if row.trained else "white", "edgecolor": colour, "marker": marker}
        ax.scatter(values, [y] * len(values), s=26, alpha=0.85, zorder=4, **look)
    ax.set_yticks(range(len(rows)), [as_text(r.name) + board.marks(r) for r in rows], fontsize=8.5)
    for tick, row in zip(ax.get_yticklabels(), rows, strict=True):
        tick.set_color(looks[row.label].colour)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.grid(axis="y", visible=False)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel(axis_label(board.metric, f" {IN_WORDS[board.score.weights]}", board.score.split))
    if board.floor:
        ax.axvline(times * float(drawable(board.floor)), zorder=1, **FLOOR_LINE)
