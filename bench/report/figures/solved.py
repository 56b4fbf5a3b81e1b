"""How many seeds have solved a task, by steps of training."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench import stats
from bench.report.figures.base import Entry, Looks, figure, leads, legend_above
from bench.report.figures.panels import panels
from bench.report.leaderboards import Leaderboard
from bench.report.results import Results
from bench.report.solved import Solving, solving
from bench.report.style import INK, title


def caption(results: Results, board: Leaderboard) -> str:
    """Say what counts as solved, and how many seeds do on test."""
    told = " or ".join(dict.fromkeys(each.threshold_in_words for each in solving(results, board)))
    return (
        f"Share of seeds whose validation score has been at the threshold ({told}) after so many steps, with Wilson's "
        "95 % interval: what is below 100 % at the end was never there. In brackets, seeds that solve it on test."
    )


def wanted(results: Results, board: Leaderboard) -> bool:
    """Return whether a leaderboard that leads has a network on a task with a threshold."""
    return leads(results, board) and bool(solving(results, board))


@figure("solved", "share of seeds that have solved it, by steps", order=5, caption=caption, wanted=wanted)
def solved_figure(results: Results, board: Leaderboard, looks: Looks) -> Figure | None:
    """Draw each network's curve in its own panel, the others grey behind it."""
    found = solving(results, board)
    picture, axes = panels(len(found))
    for ax, each in zip(axes, found, strict=True):
        colour = looks[each.row.label].colour
        for other in found:
            if other is not each:
                ax.step(*_points(other), where="post", color="#dfe3e8", linewidth=0.9, zorder=1)
        reached(ax, each, colour)
        title(ax, f"{each.row.name} ({each.solved} of {len(each.on_test)})", board.marks(each.row), colour, 2.15)
        ax.set_ylim(-4, 104)
    axes[0].set_xlim(0, max(each.budget for each in found) * 1.02)
    picture.supylabel("seeds at the threshold, %", fontsize=9, color=INK)
    picture.supxlabel("steps of the optimizer", fontsize=9, color=INK)
    entries: list[Entry] = [("share of seeds, 95 % interval", {"linewidth": 2.0})]
    legend_above(picture, entries + [("other models", {"color": "#d3d8de", "linewidth": 1.2})] * (len(found) > 1))
    return picture


def reached(ax: Axes, each: Solving, colour: str) -> None:
    """Draw the share of seeds that have been at the threshold against steps, a stair with its band."""
    steps, share = _points(each)
    curve = each.survival
    ax.step(steps, share, where="post", color=colour, linewidth=1.9, zorder=4)
    low, high = (100 * (1 - np.array([*end, *end[-1:]])) for end in (curve.high, curve.low))
    if not len(curve.times):  # of none at any step
        steps = [0.0, *steps]
        low, high = (100 * np.full(2, end) for end in stats.wilson(0.0, len(each.steps)))
    ax.fill_between(steps[1:], low, high, step="post", color=colour, alpha=0.16, linewidth=0, zorder=2)


def _points(each: Solving) -> tuple[list[float], list[float]]:
    """Return steps and shares in per cent, from none at 0 to the end of training."""
    share = [100 * (1 - left) for left in each.survival.left]
    return [0.0, *each.survival.times, each.budget], [0.0, *share, *(share[-1:] or [0.0])]
