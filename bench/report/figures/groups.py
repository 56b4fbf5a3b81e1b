"""Scores by group of test windows."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bench.metrics.traits import Traits
from bench.report.figures.base import Looks, axis_label, centre, factor, figure, legend_above
from bench.report.groups import NO_GROUP, as_trained, by_group, group_note, grouped, none_label, parted
from bench.report.leaderboards import Leaderboard
from bench.report.results import Results
from bench.report.rows import Row
from bench.report.style import Look, Style, as_text, drawable, new_figure


def caption(results: Results, board: Leaderboard) -> str:
    """Say what the groups mean, and which value is left out."""
    note = group_note(board)
    return f"{note} Windows of no group ({none_label(board)}) are left out; thin lines are seeds.".strip()


def wanted(results: Results, board: Leaderboard) -> bool:
    """Return whether a leaderboard is of one task, and no figure of its own shows its groups beside training's."""
    return not board.common and not as_trained(board)


@figure("groups", "{heading} by group", order=50, caption=caption, wanted=wanted)
def groups_figure(results: Results, board: Leaderboard, looks: Looks) -> Figure | None:
    """Draw the test scores by each group of windows, a panel a metric and group; counts of windows are no scores."""
    panels = grouped(board)
    if not panels:
        return None
    styles = {row: _style(looks[row.label], place, row.trained) for place, row in enumerate(parted(board))}
    picture = new_figure(8.6, 3.4)
    axes = picture.subplots(1, len(panels), sharey=len({metric for metric, _ in panels}) == 1, squeeze=False).ravel()
    labels = [axis_label(metric, split="test") for metric, _ in panels]
    for place, (ax, (metric, group)) in enumerate(zip(axes, panels, strict=True)):
        known = {row: by_group(row, metric, group, board.rank) for row in styles}
        found = {r: factor(metric) * pd.DataFrame(drawable(t), t.index, t.columns) for r, t in known.items()}
        groups(ax, metric, {r: t.drop(index=NO_GROUP, errors="ignore") for r, t in found.items()}, styles)
        ax.xaxis.set_major_locator(MaxNLocator(9, integer=True))
        ax.set_xlabel(as_text(group.replace("_", " ")))
        ax.set_ylabel(labels[place] if labels.index(labels[place]) == place else "")
    legend_above(picture, [(row.name, style) for row, style in styles.items()], "center")
    return picture


def groups(ax: Axes, metric: Traits, tables: dict[Row, pd.DataFrame], styles: dict[Row, Style]) -> None:
    """Draw scores against a group's value, a line a row with a thin one for each run."""
    for row, table in tables.items():
        if row.trained:
            ax.plot(table.index, table, color=styles[row]["color"], linewidth=0.6, alpha=0.5)
        ax.plot(table.index, centre(table, metric), **styles[row])
    if metric.share:
        ax.set_ylim(-4, 104)


def _style(look: Look, place: int, trained: bool) -> Style:
    """Return how a row's line is drawn, so that two that coincide are both seen.

    Every other line is dashed, thinner, with hollow marks, and predictors leave out every other mark.
    """
    odd = place % 2
    line = {"linestyle": (0, (4, 4)), "linewidth": 1.2} if odd else {"linestyle": "-", "linewidth": 2.2}
    marks = {"marker": look.marker, "markersize": 4.0, "markerfacecolor": "white" if odd else look.colour}
    every = 1 if trained else (odd, 2)
    return {"color": look.colour, "zorder": 3 + odd + 0.01 * place, "markevery": every, **line, **marks}
