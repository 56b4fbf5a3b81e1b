"""How far networks carry what they learnt: scores by a group that test has at other values than training."""

import math
from collections.abc import Iterable

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from bench.metrics.traits import Traits
from bench.report.figures.base import Entry, Looks, axis_label, centre, factor, figure, legend_above
from bench.report.figures.curves import curve
from bench.report.figures.panels import panels
from bench.report.groups import NO_GROUP, as_trained, by_group, group_note, grouped, parted
from bench.report.leaderboards import Leaderboard
from bench.report.results import Results
from bench.report.rows import Row
from bench.report.style import INK, UNTRAINED_LINE, Style, as_text, drawable, title

EDGE: Style = {"color": "#9aa1ab", "linewidth": 1.1, "linestyle": (0, (4, 3))}
"""The greatest value of training."""
LABEL = 0.11
"""Room for a label, as a share of the axis."""


def caption(results: Results, board: Leaderboard) -> str:
    """Say what lies on which side of the line."""
    return (
        "Left of the dashed line, values as in training; right of it, of test alone. Where a network stays high it has "
        f"learnt a rule, where it falls to chance a habit of its training windows. {group_note(board)}"
    ).strip()


def wanted(results: Results, board: Leaderboard) -> bool:
    """Return whether a leaderboard has scores by groups as in training, and by others."""
    return not board.common and bool(as_trained(board)) and bool(grouped(board))


@figure("carried", "test {heading} at values as in training and beyond", order=4, caption=caption, wanted=wanted)
def carried_figure(results: Results, board: Leaderboard, looks: Looks) -> Figure | None:
    """Draw each row's scores in its own panel, the others grey behind it; of several groups the first."""
    metric, group = grouped(board)[0]
    scored = {row: _scores(board, row, metric, group) for row in parted(board)}
    lines = {row: line for row, line in scored.items() if len(line)}
    if not lines:
        return None
    picture, axes = panels(len(lines))
    seen = [int(at) for row in lines for at in by_group(row, metric, group, board.rank, as_trained(board)).index]
    first, edge = min(seen), max(seen)
    chance = _chance(results, board, metric)
    for ax, (row, line) in zip(axes, lines.items(), strict=True):
        others = [centre(other, metric) for each, other in lines.items() if each is not row]
        curve(ax, line, centre(line, metric), looks[row.label].colour, others)
        ax.axvline(edge, zorder=1, **EDGE)
        if chance is not None:
            ax.axhline(chance, zorder=2, **UNTRAINED_LINE)
        title(ax, row.name, board.marks(row), looks[row.label].colour, 2.15)
    _axis(axes[0], first, edge, {int(at) for line in lines.values() for at in line.index if at > edge})
    if metric.share:
        axes[0].set_ylim(-4, 104)
    picture.supylabel(axis_label(metric, split="test"), fontsize=9, color=INK)
    picture.supxlabel(as_text(group.replace("_", " ")), fontsize=9, color=INK)
    mean = "mean over seeds, band from least to most"
    entries: list[Entry] = [("one seed", {"linewidth": 0.7}), (mean, {"linewidth": 2.0})]
    entries += [("other models", {"color": "#d3d8de", "linewidth": 1.2})] * (len(lines) > 1)
    entries += [("chance", UNTRAINED_LINE)] * (chance is not None) + [("greatest in training", EDGE)]
    legend_above(picture, entries)
    return picture


def _scores(board: Leaderboard, row: Row, metric: Traits, group: str) -> pd.DataFrame:
    """Return a row's scores by values as in training and, where these have none, by those of test; empty without both.

    A line a value, a column a run.
    """
    seen, new = (by_group(row, metric, group, board.rank, split) for split in (as_trained(board), "test"))
    if not len(seen) or not len(new):
        return pd.DataFrame()
    table = pd.concat([seen, new[~new.index.isin(seen.index)]]).sort_index().drop(index=NO_GROUP, errors="ignore")
    return factor(metric) * pd.DataFrame(drawable(table), table.index, table.columns)


def _chance(results: Results, board: Leaderboard, metric: Traits) -> float | None:
    """Return what chance gives by the metric that ranks, where the groups are scored by the same; None elsewhere."""
    level = results.chance_on(board)
    return None if level is None or board.metric.heading != metric.heading else factor(metric) * level


def _axis(ax: Axes, first: int, edge: int, beyond: Iterable[int]) -> None:
    """Label, of values that grow by factors, both ends of training and those beyond that have room for it."""
    ax.set_xscale("log")
    farther = sorted(beyond, reverse=True)
    shown = [*dict.fromkeys((first, edge))]
    place = {at: math.log(max(at, 1)) for at in (*shown, *farther)}
    room = LABEL * (max(place.values()) - place[first])
    for at in farther:
        if all(abs(place[at] - place[other]) >= room for other in shown):
            shown.append(at)
    ax.set_xticks(shown, [str(at) for at in shown])
    ax.xaxis.set_minor_locator(NullLocator())
