"""The figure of `bench speed`: a row a quantity, a column a batch, both axes logarithmic."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.lengths import GROWS
from bench.report.style import MUTED, as_text, looks, new_figure, plain_log, set_scale

if TYPE_CHECKING:
    from bench.report.lengths import Curve, Quantity

LOST = dict(zip(GROWS, ("x", ">"), strict=True))
"""Markers at the length from which on there is nothing."""


def draw(curves: Sequence["Curve"], quantities: Sequence["Quantity"]) -> Figure:
    """Return the figure; a mark near the lower edge shows where a curve ends for lack of memory or of time."""
    batches = sorted({curve.batch for curve in curves})
    drawn = looks((curve.name, True) for curve in curves)
    figure = new_figure(3.2 * len(batches) + 2.4, 2.3 * len(quantities))
    panels = figure.subplots(len(quantities), len(batches), squeeze=False, sharex=True, sharey="row")
    lengths = [length for curve in curves for length in curve.points]
    ends: set[str] = set()
    for number, (row, quantity) in enumerate(zip(panels, quantities, strict=True)):
        for ax, batch in zip(row, batches, strict=True):
            marks: Counter[int] = Counter()
            for curve in (each for each in curves if each.batch == batch):
                look = drawn[curve.name]
                spans = {n: s for n, p in sorted(curve.points.items()) if (s := quantity.of(p)) is not None}
                middle = [s.middle for s in spans.values()]
                ax.plot(list(spans), middle, color=look.colour, linestyle=look.dashes, marker=look.marker, markersize=3)
                ax.fill_between(
                    list(spans), [s.low for s in spans.values()], [s.high for s in spans.values()],
                    color=look.colour, alpha=0.15, linewidth=0,
                )  # fmt: skip
                lost = min((n for n, p in curve.points.items() if p.status in GROWS), default=None)
                if lost is not None:
                    status = curve.points[lost].status
                    ends.add(status)
                    height, at = 0.03 + 0.06 * marks[lost], ax.get_xaxis_transform()
                    ax.plot([lost], [height], LOST[status], color=look.colour, markersize=5, transform=at)
                    marks[lost] += 1
            ax.set_xscale("log")
            ax.set_xlim(min(lengths) / 1.2, max(lengths) * 1.2)
            set_scale(ax.yaxis, [s.middle for curve in curves for s in curve.costs(quantity).values()], log=True)
            if ax is row[0]:
                ax.set_ylabel(quantity.title)
            if number == 0:
                ax.set_title(f"batch {batch}")
            if number == len(panels) - 1:
                ax.set_xlabel("steps in a window")
    for ax in panels.flat:  # limits are known once all panels that share them are drawn
        plain_log(ax.xaxis)
        plain_log(ax.yaxis)
    lines = [Line2D([], [], color=x.colour, linestyle=x.dashes, marker=x.marker, markersize=3) for x in drawn.values()]
    lines += [Line2D([], [], color=MUTED, linestyle="none", marker=LOST[each]) for each in GROWS if each in ends]
    names = [*map(as_text, drawn), *(each for each in GROWS if each in ends)]
    figure.legend(lines, names, loc="outside right upper", fontsize=8)
    return figure
