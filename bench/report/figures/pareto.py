"""Error against what a forecast costs: latency of one window, and parameters."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from bench import stats
from bench.report import panels
from bench.report.figures.base import figure, leads
from bench.report.style import FAINT, MUTED, new_figure, place_labels, plain_log
from bench.report.summary import Ground, Results, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Cost = Callable[[Row], float | None]
WIDTH = 11.0
LEFT, BETWEEN, RIGHT = 0.75, 0.7, 0.15
"""Inches beside and between the panels."""


def latency(row: Row) -> float | None:
    """Return the median latency of one window in milliseconds; None where it was not measured."""
    value = row.measured("latency_p50_s")
    return None if value is None else 1000 * value


def parameters(row: Row) -> float | None:
    """Return the numbers in the network; None for a predictor."""
    values = row.seeds("parameters")
    return float(values[0]) if len(values) and values[0] > 0 else row.measured("parameters")


COSTS: dict[str, Cost] = {
    "latency of one window, p50 in ms (further left is faster)": latency,
    "parameters (further left is smaller)": parameters,
}


def caption(results: Results, ground: Ground) -> str:
    """Say how error and costs are drawn."""
    return (
        "Further down is more accurate, further left cheaper. Points are geometric means over seeds, bars span the "
        "seeds. A model off the grey line is worse in both means than one on it; on it, each step down costs something."
    )


@figure("pareto", "error against latency and parameters", order=45, caption=caption, wanted=leads)
def pareto_figure(results: Results, ground: Ground, colours: panels.Looks) -> "Figure | None":
    """Scatter score against latency and against parameters, side by side, a line of panels a device and backend."""
    lines = []
    for device, backend in dict.fromkeys((r.device, r.backend) for r in ground.ranked if r.trained):
        rows = [r for r in ground.ranked if r.trained and (r.device, r.backend) == (device, backend)]
        drawn = [(label, cost, [r for r in rows if cost(r)]) for label, cost in COSTS.items()]
        drawn = [(label, cost, mine) for label, cost, mine in drawn if len(mine) >= (1 if cost is latency else 2)]
        if drawn:
            lines.append((f"{device}, {backend}", drawn))
    if not lines:
        return None
    heights = [_height(max(len(mine) for _, _, mine in drawn)) for _, drawn in lines]
    total = sum(heights)
    picture = new_figure(WIDTH, total)
    picture.set_layout_engine("none")
    top = total
    for (place, drawn), height in zip(lines, heights, strict=True):
        top -= height
        wide = (WIDTH - LEFT - RIGHT - BETWEEN * (len(drawn) - 1)) / len(drawn)
        for at, (label, cost, mine) in enumerate(drawn):
            left = LEFT + at * (wide + BETWEEN)
            ax = picture.add_axes((left / WIDTH, (top + 0.5) / total, wide / WIDTH, (height - 0.85) / total))
            trade(ax, ground, mine, cost, label, colours)
            name = f"{place}. Grey line: no other model is both better and cheaper" if at == 0 else ""
            ax.set_title(name, fontsize=8.5)
            if at:
                ax.set_ylabel("")
    return picture


def _height(points: int) -> float:
    return 3.6 if points <= 5 else 4.4 if points <= 10 else 5.6


def trade(ax: "Axes", ground: Ground, rows: Sequence[Row], cost: Cost, label: str, looks: panels.Looks) -> None:
    """Scatter score against a cost; a line joins the rows that none beats in both."""
    xs = [cost(r) or np.nan for r in rows]
    ys = [stats.geometric_mean(r.values(ground.column)) or np.nan for r in rows]
    ax.set_xscale("log")
    ax.set_yscale("log")
    best = front(xs, ys)
    ax.plot([xs[i] for i in best], [ys[i] for i in best], color=FAINT, linewidth=2.5, alpha=0.6, zorder=1)
    bars = []
    for row, x, y in zip(rows, xs, ys, strict=True):
        values, colour = row.seeds(ground.column), looks[row.label].colour
        ax.plot([x, x], [values.min(), values.max()], color=colour, linewidth=1.2, alpha=0.6, zorder=3)
        bars.append(([x, x], [values.min(), values.max()]))
        ax.scatter([x], [y], s=38, color=colour, edgecolor=colour, linewidth=1.4, zorder=4)
    ax.margins(x=0.1, y=0.12)
    low, high = ax.get_xlim()
    ax.set_xlim(low / 1.15, high * 1.5)
    avoid = _untrained(ax, ground)
    plain_log(ax.xaxis)
    plain_log(ax.yaxis)
    ax.set_xlabel(label)
    ax.set_ylabel(f"{panels.METRIC_NAMES[ground.column]} (lower is better)")
    for bar in bars:
        a, b = ax.transData.transform(np.column_stack(bar))
        avoid.append((a[0] - 2, a[1] - 2, b[0] + 2, b[1] + 2))
    for a, b in pairwise([ax.transData.transform((xs[i], ys[i])) for i in best]):
        dots = np.linspace(a, b, max(2, int(np.hypot(*(b - a)) // 12)))
        avoid += [(x - 0.7, y - 0.7, x + 0.7, y + 0.7) for x, y in dots]
    colours = [looks[r.label].colour for r in rows]
    place_labels(ax, list(zip(xs, ys, strict=True)), [r.name for r in rows], colours, avoid)


def front(xs: Sequence[float], ys: Sequence[float]) -> list[int]:
    """Return the places of the points that none beats in both, from the cheapest on; less is better in both."""

    def beaten(x: float, y: float) -> bool:
        return any(a <= x and b <= y and (a, b) != (x, y) for a, b in zip(xs, ys, strict=True))

    kept = [i for i, (x, y) in enumerate(zip(xs, ys, strict=True)) if not beaten(x, y)]
    return sorted(kept, key=lambda i: (xs[i], ys[i]))


def _untrained(ax: "Axes", ground: Ground) -> list[tuple[float, float, float, float]]:
    """Draw the best untrained score as a named line; return the boxes that line and name fill, in pixels."""
    best = ground.untrained
    if best is None:
        return []
    value = best.mean(ground.column)
    low, high = ax.get_ylim()
    if not low * 0.5 < value < high * 2:
        return []  # Too far off: the line would squeeze the points.
    ax.set_ylim(min(low, value * 0.93), max(high, value * 1.07))
    ax.axhline(value, color=MUTED, linewidth=1.0, linestyle=(0, (1.2, 1.6)), zorder=1)
    name = ax.annotate(
        f"{best.name}, no training",
        (1, value),
        xycoords=("axes fraction", "data"),
        xytext=(-3, 3),
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=8,
        color=MUTED,
    )
    box = name.get_window_extent(ax.get_figure().canvas.get_renderer())  # type: ignore[union-attr]
    frame = ax.get_window_extent()
    y = float(ax.transData.transform((ax.get_xlim()[0], value))[1])
    return [(box.x0, box.y0, box.x1, box.y1), (frame.x0, y - 1, frame.x1, y + 1)]
