"""Error against what a forecast costs: latency of one window, and parameters."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from bench.report import panels, trade
from bench.report.figures.base import figure, leads
from bench.report.style import new_figure
from bench.report.summary import Ground, Results, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Cost = Callable[[Row], float | None]
WIDTH = 11.0
LEFT, BETWEEN, RIGHT = 0.75, 0.7, 0.15
"""Inches beside and between the panels."""


def latency(row: Row) -> float | None:
    """Return the median latency of one window in milliseconds; None where it was not measured."""
    value = row.measured("latency_p50_s")
    return None if value is None else 1000 * value


COSTS: dict[str, Cost] = {
    "latency of one window, p50 in ms (further left is faster)": latency,
    "parameters (further left is smaller)": lambda row: row.parameters,
}


def caption(results: Results, ground: Ground) -> str:
    """Say how error and costs are drawn."""
    return (
        "Further down is more accurate, further left cheaper. Points are geometric means over seeds, bars span the "
        "seeds. A trained model off the grey line is worse in both means than one on it; on it, each step down costs "
        "something."
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
            trade.scatter(ax, ground, mine, colours, [cost(row) or np.nan for row in mine], label)
            name = f"{place}. Grey line: no other trained model is both better and cheaper" if at == 0 else ""
            ax.set_title(name, fontsize=8.5)
            if at:
                ax.set_ylabel("")
    return picture


def _height(points: int) -> float:
    return 3.6 if points <= 5 else 4.4 if points <= 10 else 5.6
