"""Error against what it costs, in training or in a forecast: scatters with the front that no model beats in both."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report.figures.base import Looks, axis_label, captioned, factor, figure, leads
from bench.report.leaderboards import Leaderboard
from bench.report.results import Results
from bench.report.rows import Row
from bench.report.shortlist import entries
from bench.report.style import (
    FAINT,
    MUTED,
    UNTRAINED_LINE,
    as_text,
    drawable,
    fix_layout,
    new_figure,
    place_labels,
    plain_log,
    set_scale,
)


@dataclass(frozen=True)
class Cost:
    """What a score is drawn against.

    Attributes:
        label: Of its axis.
        of: A row's own; None where it is not known.
        span: The ends of a bar along it; None where there are none.
        more: More is better.
        least: Rows that a panel needs.
    """

    label: str
    of: Callable[[Row], float | None]
    span: Callable[[Row], tuple[float, float] | None] = lambda row: None
    more: bool = False
    least: int = 1


THROUGHPUT = Cost(
    "training throughput, windows/s (further right is faster)",
    attrgetter("speed"),
    span=attrgetter("speed_ends"),
    more=True,
)
SPEED = (
    "Further down is more accurate, further right faster to train. Points are geometric means over seeds and over the "
    "processes that the throughput was measured in; bars span the seeds, and the throughput's 95 % interval. "
    "A trained model off the grey line is worse in both means than one on it."
)
COSTS = (
    Cost(
        "latency of one window, p50 in ms (further left is faster)",
        lambda row: None if (value := row.measured("latency_p50_s")) is None else 1000 * value,
    ),
    Cost("parameters (further left is smaller)", attrgetter("parameters"), least=2),
)
PARETO = (
    "Further down is more accurate, further left cheaper. Points are geometric means over seeds, bars span the seeds. "
    "A trained model off the grey line is worse in both means than one on it; on it, each step down costs something."
)


def errors(results: Results, board: Leaderboard) -> bool:
    """Return whether it is a leaderboard of errors that a finding names a leader on."""
    return board.metric.log and leads(results, board)


@figure("speed", "error against training throughput", order=40, caption=captioned(SPEED),
        wanted=errors)  # fmt: skip
def speed_figure(results: Results, board: Leaderboard, looks: Looks) -> Figure | None:
    """Scatter score against throughput, a panel an environment."""
    return trade_offs(board, looks, [THROUGHPUT], "faster", 8.6)


@figure("pareto", "error against cost", order=45, caption=captioned(PARETO),
        wanted=errors)  # fmt: skip
def pareto_figure(results: Results, board: Leaderboard, looks: Looks) -> Figure | None:
    """Scatter score against latency and against parameters."""
    return trade_offs(board, looks, COSTS, "cheaper", 11.0)


def trade_offs(board: Leaderboard, looks: Looks, costs: Sequence[Cost], cheaper: str, width: float) -> Figure | None:
    """Draw score against costs side by side, a line of panels a device and backend.

    Args:
        board: Whose trained rows are drawn, each model under its best recipe.
        looks: Their colours.
        costs: A panel each, where enough rows have it.
        cheaper: The word for better in these costs.
        width: Of the figure in inches.
    """
    trained = [r for r in entries(board) if r.trained and np.isfinite(r.mean(board.score))]
    lines = []
    for place in dict.fromkeys((r.device, r.backend) for r in trained):
        known = [(cost, [r for r in trained if (r.device, r.backend) == place and cost.of(r)]) for cost in costs]
        panels = [(cost, rows) for cost, rows in known if len(rows) >= cost.least]
        if panels:
            lines.append((place, panels))
    if not lines:
        return None
    heights = [min(5.6, 3.0 + 0.16 * max(len(rows) for _, rows in panels)) for _, panels in lines]
    picture = new_figure(width, sum(heights))
    grid = picture.add_gridspec(len(lines), len(costs), height_ratios=heights)
    drawn = []
    for line, (place, panels) in enumerate(lines):
        for at, (cost, rows) in enumerate(panels):
            last = at == len(panels) - 1
            ax = picture.add_subplot(grid[line, at : None if last else at + 1])
            drawn.append((ax, rows, scatter(ax, board, rows, looks, cost)))
            if at == 0:
                words = f"Grey line: no other trained model is both better and {cheaper}"
                ax.set_title(f"{as_text(', '.join(place))}. {words}", fontsize=8.5)
                score = axis_label(board.metric, split=board.score.split)
                ax.set_ylabel(f"{score} ({board.metric.direction} is better)")
    fix_layout(picture)
    for ax, rows, points in drawn:
        place_labels(ax, points, [as_text(r.name) for r in rows], [looks[r.label].colour for r in rows])
    return picture


def scatter(ax: Axes, board: Leaderboard, rows: Sequence[Row], looks: Looks, cost: Cost) -> list[tuple[float, float]]:
    """Scatter score against a cost, bars over the seeds, a line through those that none beats in both; return where."""
    times = factor(board.metric)
    xs = [float(cost.of(r) or np.nan) for r in rows]
    ys = [times * float(drawable(r.mean(board.score))) for r in rows]
    seeds = [times * drawable(r.values(board.score)) for r in rows]
    ax.set_xscale("log")
    set_scale(ax.yaxis, np.concatenate([ys, *seeds]), board.metric.log)
    best = front([-x if cost.more else x for x in xs], [board.metric.sign * y for y in ys])
    ax.plot([xs[i] for i in best], [ys[i] for i in best], color=FAINT, linewidth=2.5, alpha=0.6, zorder=1)
    for row, x, y, values in zip(rows, xs, ys, seeds, strict=True):
        colour = looks[row.label].colour
        span = cost.span(row)
        bars = [([x, x], [values.min(), values.max()])] + ([(list(span), [y, y])] if span else [])
        for across, up in bars:
            ax.plot(across, up, color=colour, linewidth=1.2, alpha=0.6, zorder=3)
        ax.scatter([x], [y], s=38, color=colour, edgecolor=colour, linewidth=1.4, zorder=4)
    ax.margins(x=0.1, y=0.12)
    low, high = ax.get_xlim()
    ax.set_xlim(low / 1.15, high * 1.5)
    low, high = ax.get_ylim()
    if ax.get_yscale() == "log" and high < 1.1 * low:  # one score alone has no span of its own
        ax.set_ylim(low / 1.3, high * 1.3)
    _reference(ax, board)
    plain_log(ax.xaxis)
    plain_log(ax.yaxis)
    ax.set_xlabel(cost.label)
    return list(zip(xs, ys, strict=True))


def front(xs: Sequence[float], ys: Sequence[float]) -> list[int]:
    """Return the places of the points that none beats in both, from the least x on; less is better in both."""

    def beaten(x: float, y: float) -> bool:
        return any(a <= x and b <= y and (a, b) != (x, y) for a, b in zip(xs, ys, strict=True))

    kept = [i for i, (x, y) in enumerate(zip(xs, ys, strict=True)) if not beaten(x, y)]
    return sorted(kept, key=lambda i: (xs[i], ys[i]))


def _reference(ax: Axes, board: Leaderboard) -> None:
    """Draw the best untrained score as a named line, unless it is so far off that it would squeeze the points."""
    best = board.untrained
    value = factor(board.metric) * float(drawable(best.mean(board.score))) if best else np.nan
    low, high = ax.get_ylim()
    if best is None or not low * 0.5 < value < high * 2:
        return
    if ax.get_yscale() == "log":
        ax.set_ylim(min(low, value * 0.93), max(high, value * 1.07))
    ax.axhline(value, zorder=1, **UNTRAINED_LINE)
    name, where = f"{as_text(best.name)}, no training", ("axes fraction", "data")
    ax.annotate(name, (1, value), (-3, 3), where, "offset points", ha="right", va="bottom", fontsize=8, color=MUTED)
