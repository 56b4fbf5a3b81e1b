"""Score against a cost or a speed: a scatter with the front that no model beats in both."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from bench import stats
from bench.report.panels import METRIC_NAMES, Looks
from bench.report.style import FAINT, MUTED, place_labels, plain_log
from bench.report.summary import Ground, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def speed(ax: "Axes", ground: Ground, rows: Sequence[Row], looks: Looks) -> None:
    """Scatter score against training throughput; a line joins the rows that none beats in both."""
    scatter(
        ax,
        ground,
        rows,
        looks,
        [float(np.median(r.speeds)) for r in rows],
        "training throughput, windows/s (median; further right is faster)",
        spans=[(float(r.speeds.min()), float(r.speeds.max())) for r in rows],
        more=True,
    )


def scatter(
    ax: "Axes",
    ground: Ground,
    rows: Sequence[Row],
    looks: Looks,
    xs: Sequence[float],
    label: str,
    *,
    spans: Sequence[tuple[float, float]] = (),
    more: bool = False,
) -> None:
    """Scatter score against something else; a line joins the rows that none beats in both, bars span the seeds.

    Args:
        ax: Where to draw.
        ground: Whose score.
        rows: A point each.
        looks: Their colours.
        xs: What each row is placed at.
        label: Of that axis.
        spans: Bars along it, one a row.
        more: More is better there, and a row whose only clock was shared is hollow.
    """
    ys = [stats.geometric_mean(r.values(ground.column)) or np.nan for r in rows]
    ax.set_xscale("log")
    ax.set_yscale("log")
    best = front([-x for x in xs] if more else xs, ys)
    ax.plot([xs[i] for i in best], [ys[i] for i in best], color=FAINT, linewidth=2.5, alpha=0.6, zorder=1)
    bars = []
    for place, (row, x, y) in enumerate(zip(rows, xs, ys, strict=True)):
        values, colour = row.seeds(ground.column), looks[row.label].colour
        drawn = [([x, x], [values.min(), values.max()]), *([(list(spans[place]), [y, y])] if spans else [])]
        for across, up in drawn:
            ax.plot(across, up, color=colour, linewidth=1.2, alpha=0.6, zorder=3)
        bars += drawn
        face = "white" if more and row.contended else colour
        ax.scatter([x], [y], s=38, color=face, edgecolor=colour, linewidth=1.4, zorder=4)
    ax.margins(x=0.1, y=0.12)
    low, high = ax.get_xlim()
    ax.set_xlim(low / 1.15, high * 1.5)
    low, high = ax.get_ylim()
    if high < 1.1 * low:  # one score alone has no span of its own
        ax.set_ylim(low / 1.3, high * 1.3)
    avoid = _reference(ax, ground)
    plain_log(ax.xaxis)
    plain_log(ax.yaxis)
    ax.set_xlabel(label)
    ax.set_ylabel(f"{METRIC_NAMES[ground.column]} (lower is better)")
    corners = [ax.transData.transform(np.column_stack(bar)) for bar in bars]
    avoid += [(a[0] - 2, a[1] - 2, b[0] + 2, b[1] + 2) for a, b in corners]
    for a, b in pairwise([ax.transData.transform((xs[i], ys[i])) for i in best]):
        dots = np.linspace(a, b, max(2, int(np.hypot(*(b - a)) // 12)))
        avoid += [(x - 0.7, y - 0.7, x + 0.7, y + 0.7) for x, y in dots]
    colours = [looks[r.label].colour for r in rows]
    place_labels(ax, list(zip(xs, ys, strict=True)), [r.name for r in rows], colours, avoid)


def front(xs: Sequence[float], ys: Sequence[float]) -> list[int]:
    """Return the places of the points that none beats in both, from the least x on; less is better in both."""

    def beaten(x: float, y: float) -> bool:
        return any(a <= x and b <= y and (a, b) != (x, y) for a, b in zip(xs, ys, strict=True))

    kept = [i for i, (x, y) in enumerate(zip(xs, ys, strict=True)) if not beaten(x, y)]
    return sorted(kept, key=lambda i: (xs[i], ys[i]))


def _reference(ax: "Axes", ground: Ground) -> list[tuple[float, float, float, float]]:
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
