"""The figures of `bench speed`: quantities against the length, and the powers of it that they grow with."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.lengths import GROWS
from bench.report.style import FAINT, INK, MUTED, Style, as_text, looks, new_figure, plain_log, set_scale

if TYPE_CHECKING:
    from bench.report.lengths import Curve, Quantity

LOST = dict(zip(GROWS, ("x", ">"), strict=True))
"""Markers at the length from which on there is nothing."""
RING: Style = {"color": INK, "markersize": 5, "fillstyle": "none", "markeredgewidth": 0.6}
"""Where two curves cross."""


def draw(
    curves: Sequence["Curve"], quantities: Sequence["Quantity"], crossings: Sequence[Mapping[str, Any]] = ()
) -> Figure:
    """Return a row of panels a quantity, a column a batch, both axes logarithmic; a ring is where two curves cross.

    A mark near the lower edge shows where a curve ends for lack of memory or of time.

    Args:
        curves: What is drawn.
        quantities: A row each.
        crossings: As in ``crossings.csv``.
    """
    batches = sorted({curve.batch for curve in curves})
    drawn = looks((curve.name, True) for curve in curves)
    figure = new_figure(max(3.2 * len(batches), 5.0) + 2.4, 2.3 * len(quantities))
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
                for c in crossings:
                    if (c["quantity"], c["batch"], c["first"]) == (quantity.key, batch, curve.name):
                        height = np.exp(np.interp(np.log(c["at"]), np.log(list(spans)), np.log(middle)))
                        ax.plot([c["at"]], [height], "o", **RING)
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
    if crossings:
        lines.append(Line2D([], [], linestyle="none", marker="o", **RING))
        names.append("order of two turns")
    figure.legend(lines, names, loc="outside right upper", fontsize=8)
    return figure


def draw_powers(powers: Sequence[Mapping[str, Any]], quantities: Sequence["Quantity"]) -> Figure:
    """Return a panel a quantity, a line a network: the power of the length that its cost grows with.

    A dot and its interval are of all lengths, a ring is the slope between the two longest. Networks stand by that of
    the first quantity, the steepest at the foot.

    Args:
        powers: As in ``powers.csv``.
        quantities: A panel each.
    """
    batches = {row["batch"] for row in powers}
    drawn = looks((row["curve"], True) for row in powers)
    steep = {(row["curve"], row["batch"]): row["last"] for row in reversed(powers)}  # the first quantity comes last
    said = {(row["curve"], row["batch"]): row["growth"] for row in powers}
    order = {curve: place for place, curve in enumerate(sorted(steep, key=lambda curve: steep[curve], reverse=True))}
    figure = new_figure(2.3 * len(quantities) + 2.4, 0.8 + 0.2 * len(order))
    panels = figure.subplots(1, len(quantities), squeeze=False, sharex=True, sharey=True)[0]
    for ax, quantity in zip(panels, quantities, strict=True):
        for power in (1, 2):
            ax.axvline(power, color=FAINT, linewidth=1.2)
        for row in (row for row in powers if row["quantity"] == quantity.key):
            place, colour = order[row["curve"], row["batch"]], drawn[row["curve"]].colour
            if row["low"] is not None:
                ax.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=1.0, alpha=0.5)
            ax.plot([row["exponent"]], [place], "o", color=colour, markersize=4)
            ax.plot([row["last"]], [place], "o", color=colour, markersize=7, fillstyle="none")
        ax.set_title(quantity.power_of)
        ax.set_xlabel("power of the length")
    panels[0].set_xlim(-0.3, 2.6)
    names = []
    for name, batch in order:
        parts = [as_text(name), *([f"batch {batch}"] if len(batches) > 1 else [])]
        names.append(", ".join([*parts, *([f"says {said[name, batch]}"] if said[name, batch] else [])]))
    panels[0].set_yticks(range(len(order)), names)
    return figure
