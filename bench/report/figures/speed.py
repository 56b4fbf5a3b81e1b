"""Error against training throughput."""

from typing import TYPE_CHECKING

from bench.report import panels, trade
from bench.report.figures.base import figure, leads
from bench.report.style import new_figure
from bench.report.summary import Ground, Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def caption(results: Results, ground: Ground) -> str:
    """Say how error and throughput are drawn."""
    return (
        "Further down is more accurate, further right faster to train. Points are geometric means over seeds and "
        "median throughputs; bars span the seeds, and the interval of the throughput where it was measured alone, else "
        "the runs. A trained model off the grey line is worse in both means than one on it."
    )


@figure("speed", "error against training throughput", order=40, caption=caption, wanted=leads)
def speed_figure(results: Results, ground: Ground, colours: panels.Looks) -> "Figure | None":
    """Scatter score against throughput, a panel an environment."""
    rows = [r for r in ground.ranked if len(r.speeds)]
    places = list(dict.fromkeys((r.device, r.backend) for r in rows))
    if not places:
        return None
    counts = [sum((r.device, r.backend) == place for r in rows) for place in places]
    heights = [3.5 if n <= 5 else 4.2 if n <= 10 else 5.6 for n in counts]
    width, total = 8.6, sum(heights)
    figure = new_figure(width, total)
    figure.set_layout_engine("none")
    top = total
    for (device, backend), height in zip(places, heights, strict=True):
        top -= height
        ax = figure.add_axes((0.8 / width, (top + 0.55) / total, (width - 1.0) / width, (height - 0.95) / total))
        mine = [r for r in rows if (r.device, r.backend) == (device, backend)]
        trade.speed(ax, ground, mine, colours)
        hollow = "; hollow: contended" if any(r.contended for r in mine) else ""
        ax.set_title(
            f"{device}, {backend}. Grey line: no other trained model is both better and faster{hollow}", fontsize=8.5
        )
    return figure
