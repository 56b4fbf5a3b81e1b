"""Error of each forecast step."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.frames.scores import shown_steps
from bench.report.figures.base import Looks, axis_label, captioned, factor, figure
from bench.report.leaderboards import Leaderboard
from bench.report.results import Results
from bench.report.rows import Row
from bench.report.shortlist import passed_over
from bench.report.style import (
    FLOOR_LINE,
    MUTED,
    Style,
    as_text,
    drawable,
    fix_layout,
    new_figure,
    plain_log,
    root,
    set_scale,
    spread_out,
)

MARKED = 20
"""Steps that have a mark and a number of their own, at most."""
CAPTION = (
    "Geometric mean over seeds; bold: the leader and those that do not differ from it significantly. The further a "
    "step, the harder; a line that is flat from the start has learnt little of the window."
)


@figure("steps", "error of each forecast step", order=20, caption=captioned(CAPTION),
        wanted=lambda results, board: board.common and board.by_step is not None)  # fmt: skip
def steps_figure(results: Results, board: Leaderboard, looks: Looks) -> Figure | None:
    """Draw the error by forecast step for every model that answers the question, each under its best recipe."""
    # A predictor that sees its targets has no error at the step that it copies: off any logarithmic axis.
    left = passed_over(board)
    known = [r for r in board.rows if r.place not in left and not r.leaks_target]
    rows = [r for r in known if np.isfinite(r.mean(board.step(1)))]
    if not rows:
        return None
    picture = new_figure(9.4, max(4.6, 0.235 * len(rows) + 1.0))
    steps(picture.add_subplot(), board, rows, looks)
    return picture


def steps(ax: Axes, board: Leaderboard, rows: Sequence[Row], looks: Looks) -> None:
    """Draw the error against the forecast step, each line named at its right end; the leaders' in bold."""
    assert board.by_step is not None
    x = shown_steps(int(rows[0].info["horizon"]))
    named, leaders = [], board.leaders()
    drawn = [factor(board.by_step) * drawable([row.mean(board.step(h)) for h in x]) for row in rows]
    set_scale(ax.yaxis, np.concatenate(drawn), board.by_step.log)
    for row, y in zip(rows, drawn, strict=True):
        look, bold = looks[row.label], row in leaders
        line: Style = {"color": look.colour, "linestyle": look.dashes, "marker": look.marker, "zorder": 3 + bold}
        line["markevery"] = -(-len(x) // MARKED)
        ax.plot(x, y, linewidth=2.0 if bold else 1.1, markersize=3.5 if bold else 2.2, **line)
        arrow: Style = {"arrowstyle": "-", "color": look.colour, "linewidth": 0.6, "shrinkB": 0, "relpos": (0, 0.5)}
        font: Style = {"color": look.colour, "fontsize": 8, "fontweight": "bold" if bold else "normal", "va": "center"}
        end = (x[-1], y[-1])
        named.append(ax.annotate(as_text(row.name), end, (1.04, 0.5), "data", "axes fraction", arrow, **font))
    ax.set_xlim(0.6, x[-1] + 0.2)
    if len(x) <= MARKED:
        ax.set_xticks(x)
    plain_log(ax.yaxis)
    if board.floor:
        floor = float(drawable(board.floor))
        ax.axhline(floor, zorder=1, **FLOOR_LINE)
        ax.text(0.75, floor * 1.06, "noise floor", color=MUTED, fontsize=8)
    ax.set_xlabel("forecast step (1 is the step right after the window)")
    ax.set_ylabel(axis_label(board.by_step, " at the last position", board.score.split))
    fix_layout(root(ax))
    frame = ax.get_window_extent()
    ends = [float(ax.transData.transform(name.xy)[1]) for name in named]
    for name, at in zip(named, spread_out(ends, 11.5 * root(ax).dpi / 72, frame.y0, frame.y1), strict=True):
        name.xyann = (1.04, (at - frame.y0) / frame.height)
