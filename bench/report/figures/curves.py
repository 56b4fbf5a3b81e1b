"""Learning curves."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bench.report.figures.base import Entry, Looks, axis_label, centre, factor, figure, legend_above
from bench.report.figures.panels import panels
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import score
from bench.report.parts import overlays
from bench.report.results import Results
from bench.report.rows import Row
from bench.report.style import DASHES, INK, UNTRAINED_LINE, Style, drawable, plain_log, set_scale, title

CUT = 6.0
"""The axis is cut at so many times the worst final mean, so that no first epoch sets the scale."""
Tables = dict[Row, pd.DataFrame]
"""A row's curves: a line an epoch, a column a run."""


def caption(results: Results, board: Leaderboard) -> str:
    """Say how learning curves are drawn, where their axis is cut, and what the dotted line covers."""
    board, tables = watched(results, board)
    text = f"A curve that still {'falls' if board.metric.sign > 0 else 'rises'}"
    text += " at the last epoch has not finished training; a wide band means that seeds disagree."
    if any(table.isna().to_numpy().any() for table in tables.values()):
        text += " Where a seed has ended, the mean is of those that go on."
    top = curve_top(board, tables)
    if top is not None:
        text += f" The axis is cut at {score(top, 2)}: first epochs above it are not shown."
    for row in {r.positions: r for r in tables if board.partial(r)}.values():
        line = ", without a dotted line" if reference(row, board) is None else ", and so does the dotted line there"
        text += f" ‡ covers positions {row.positions} alone{line}."
    return text


@figure("curves", "learning curves", order=20, caption=caption, wanted=lambda results, board: not board.common)
def curves_figure(results: Results, board: Leaderboard, looks: Looks) -> Figure | None:
    """Draw each trained model's learning curves in its own panel, the others grey behind it."""
    board, tables = watched(results, board)
    n, metric, best = len(tables), board.metric, board.untrained
    if not n:
        return None
    picture, axes = panels(n)
    known = [value for row in tables if (value := reference(row, board)) is not None]
    seen = np.concatenate([known, *(table.to_numpy().ravel() for table in tables.values())])
    set_scale(axes[0].yaxis, seen, metric.log)
    beside = list(zip(overlays.entries(), DASHES[1:], strict=False))
    told: dict[str, Entry] = {}
    for ax, (row, table) in zip(axes, tables.items(), strict=True):
        others = [o for o in tables if o.case != row.case and board.partial(o) == board.partial(row)]
        curve(ax, table, centre(table, metric), looks[row.label].colour, [centre(tables[o], metric) for o in others])
        for overlay, dashes in beside:
            values = overlay.curve(results, board, row) * factor(metric)
            if len(values):
                style: Style = {"color": INK, "linewidth": 1.1, "linestyle": dashes}
                ax.plot(values.index, values, zorder=5, **style)
                told[overlay.label] = (overlay.label, style)
        line = reference(row, board)
        if line is not None:
            ax.axhline(line, zorder=2, **UNTRAINED_LINE)
        title(ax, row.name, board.marks(row), looks[row.label].colour, 2.15)
    axes[0].xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
    if (top := curve_top(board, tables)) is not None:
        axes[0].set_ylim(top=top)
    plain_log(axes[0].yaxis)
    picture.supylabel(axis_label(metric), fontsize=9, color=INK)
    picture.supxlabel("epoch", fontsize=9, color=INK)
    mean = f"{'geometric ' if metric.log else ''}mean over seeds, band from least to most"
    entries: list[Entry] = [("one seed", {"linewidth": 0.7}), (mean, {"linewidth": 2.0})]
    entries += [("other models", {"color": "#d3d8de", "linewidth": 1.2})] * (n > 1) + list(told.values())
    if best is not None and metric.log:
        entries.append((f"{best.name}, no training", UNTRAINED_LINE))
    legend_above(picture, entries)
    return picture


def curve(ax: Axes, table: pd.DataFrame, mean: pd.Series, colour: str, others: Iterable[pd.Series]) -> None:
    """Draw a row's curves: a thin line a seed, their band, the bold mean; the means of other rows in grey."""
    for other in others:
        ax.plot(other.index, other, color="#dfe3e8", linewidth=0.9, zorder=1)
    if len(table.columns) > 1:
        low, high = table.min(axis=1), table.max(axis=1)
        ax.fill_between(table.index, low, high, color=colour, alpha=0.16, linewidth=0, zorder=2)
    ax.plot(table.index, table, color=colour, linewidth=0.6, alpha=0.6, zorder=3)
    ax.plot(mean.index, mean, color=colour, linewidth=1.9, zorder=4, marker="o" if len(table) == 1 else "")


def watched(results: Results, board: Leaderboard) -> tuple[Leaderboard, Tables]:
    """Return the trained rows' curves of the metric that ranks, else of the one that chose the epoch, and its board."""
    if "watched" not in results.asked:
        every = results.frames["curves"]
        results.asked["watched"] = every[every["split"] == "valid"].astype({"run_id": "string", "metric": "string"})
    curves = results.asked["watched"]
    metric = board.metric if (curves["metric"] == board.metric.name).any() else board.monitor
    found = {row: row.of(curves[curves["metric"] == metric.name]) for row in board.rows if row.trained}
    tables = {r: t.pivot(index="epoch", columns="run_id", values="value") for r, t in found.items() if len(t)}
    drawn = {row: factor(metric) * pd.DataFrame(drawable(t), t.index, t.columns) for row, t in tables.items()}
    return replace(board, metric=metric), {row: t for row, t in drawn.items() if t.notna().any(axis=None)}


def curve_top(board: Leaderboard, tables: Tables) -> float | None:
    """Return where the axis is cut; None where nothing lies above, or where the metric is no error."""
    finals = [factor(board.metric) * row.mean(board.choosing) for row in tables]
    top = CUT * max(filter(np.isfinite, finals), default=np.inf)
    above = board.metric.log and top > 0 and any((table > top).any(axis=None) for table in tables.values())
    return top if above else None


def reference(row: Row, board: Leaderboard) -> float | None:
    """Return the best untrained score over the positions that a row is scored on; None where unknown."""
    best, keys = board.untrained, [board.choosing]
    if board.partial(row):
        # A metric of the same positions alone gives this row the score that ranks it: there the untrained is asked.
        own = row.by_seed(board.choosing)
        beside = [board.beside(m).on("valid") for m in board.shown]
        keys = [key for key in beside if np.allclose(row.by_seed(key), own, rtol=1e-5)]
    if best is None or not board.metric.log or not keys or not len(best.values(keys[0])):
        return None
    return factor(board.metric) * float(drawable(best.mean(keys[0])))
