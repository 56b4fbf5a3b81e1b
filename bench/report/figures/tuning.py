"""What tuning gives: the expected score of the best of so many recipes."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench import stats
from bench.record import IN_WORDS
from bench.report.amounts import ends_of
from bench.report.figures.base import Entry, Looks, axis_label, factor, figure, leads, legend_above
from bench.report.leaderboards import Leaderboard
from bench.report.results import Results
from bench.report.sections.grids import GridCase, grid_cases
from bench.report.style import drawable, new_figure, plain_log, set_scale

CAPTION = (
    "The expected score of the best of so many recipes, drawn from the grid: validation of half of the seeds chooses "
    "it, the other half score it, so that no luck of the choice is in it; bars are 95 % intervals over seeds. Where "
    "lines cross, who leads depends on how much each was tuned (Dodge et al. 2019)."
)
Curve = list[stats.Interval]


def wanted(results: Results, board: Leaderboard) -> bool:
    """Return whether a leaderboard that leads has models that a grid varies."""
    return leads(results, board) and any(len(case.variants) > 1 for case in grid_cases(board))


@figure("tuning", "expected score against the number of recipes tried", order=25, caption=CAPTION, wanted=wanted)
def tuning_figure(results: Results, board: Leaderboard, looks: Looks) -> Figure | None:
    """Draw each model's expected best score; None where no seeds choose."""
    drawn = [(case, curve) for case in grid_cases(board) if case.ranks and (curve := curve_of(case))]
    if not drawn:
        return None
    picture = new_figure(8.6, 4.6)
    tuning(picture.add_subplot(), board, drawn, looks)
    entries: list[Entry] = []
    for case, _ in drawn:
        look = looks[_label(case)]
        entries.append((case.name, {"color": look.colour, "linestyle": look.dashes, "marker": look.marker}))
    legend_above(picture, entries)
    return picture


def curve_of(case: GridCase) -> Curve:
    """Return the expected score of the best of 1, 2, ... recipes; empty where a budget has none."""
    metric = case.board.metric
    found = stats.tuning_curve(case.by_recipe, log=metric.log, lower=metric.sign > 0, chosen_by=case.choosing)
    known = [interval for interval in found if interval is not None]
    return known if len(known) == len(found) else []


def tuning(ax: Axes, board: Leaderboard, drawn: Sequence[tuple[GridCase, Curve]], looks: Looks) -> None:
    """Draw lines with bars, the models' bars side by side."""
    times = factor(board.metric)
    set_scale(ax.yaxis, times * drawable([i.centre for _, curve in drawn for i in curve]), board.metric.log)
    for number, (case, curve) in enumerate(drawn):
        look = looks[_label(case)]
        x = np.arange(1, len(curve) + 1) + 0.04 * (number - (len(drawn) - 1) / 2)
        y = times * drawable([interval.centre for interval in curve])
        ends = [[i.centre if end is None else end for end in ends_of(i, board.metric)] for i in curve]
        ax.plot(x, y, color=look.colour, linestyle=look.dashes, marker=look.marker, markersize=4, linewidth=1.3)
        low, high = (times * drawable(each) for each in zip(*ends, strict=True))
        ax.vlines(x, low, high, color=look.colour, linewidth=1.0, alpha=0.6)
    ax.set_xticks(range(1, max(len(curve) for _, curve in drawn) + 1))
    ax.set_xlabel("recipes tried")
    ax.set_ylabel(axis_label(board.metric, f" {IN_WORDS[board.score.weights]}", board.score.split))
    plain_log(ax.yaxis)


def _label(case: GridCase) -> str:
    return case.default.label if case.default is not None else case.best.label
