"""The figures of `bench speed`: a quantity against the length, and the powers of it that costs grow with."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.lengths import GROWS
from bench.report.length_points import Curve, Quantity, height
from bench.report.style import (
    FAINT,
    INK,
    Look,
    Style,
    as_text,
    fix_layout,
    looks,
    new_figure,
    plain_log,
    set_scale,
    spread_out,
)

LOST = dict(zip(GROWS, ("×", ">"), strict=True))
"""What stands behind the name of a curve that ends for lack of memory or of time."""
RING: Style = {"color": INK, "markersize": 6, "fillstyle": "none", "markeredgewidth": 0.7}
"""Where two curves cross."""
WIDTH, LINE, LEAST = 8.4, 0.165, 3.0
"""Inches of a figure, of a label's line, and of a panel at least."""
NAMES_AT = 1.07
"""Where names begin, in widths of a panel."""
FONT_SIZE = 8
MARGIN = 0.15
"""Between a power and the edge of its panel, at least, in powers."""


def draw(curves: Sequence[Curve], quantity: Quantity, crossings: Sequence[Mapping[str, Any]] = ()) -> Figure:
    """Return a panel a batch, one below the other, both axes logarithmic; each curve has its name at its end.

    Args:
        curves: What is drawn; those that lack the quantity are left out.
        quantity: That stands up.
        crossings: As in ``crossings.csv``: a ring is where two curves cross of which one leads somewhere.
    """
    shown = [curve for curve in curves if curve.costs(quantity)]
    batches = sorted({curve.batch for curve in shown})
    drawn = looks((curve.name, True) for curve in curves)
    most = max(sum(curve.batch == batch for curve in shown) for batch in batches)
    figure = new_figure(WIDTH, 0.7 + max(LEAST, LINE * most) * len(batches))
    panels = figure.subplots(len(batches), 1, squeeze=False, sharex=True)[:, 0]
    lengths = [length for curve in shown for length in curve.costs(quantity)]
    labels = []
    for ax, batch in zip(panels, batches, strict=True):
        ours = [curve for curve in shown if curve.batch == batch]
        for curve in ours:
            _line(ax, curve, quantity, drawn[curve.name])
        for c in crossings:
            if (c["quantity"], c["batch"], c["leads"]) == (quantity.key, batch, True):
                first = next(curve for curve in ours if curve.name == c["first"])
                ax.plot([c["at"]], [height(first, quantity, c["at"])], "o", **RING)
        ax.set_xscale("log")
        ax.set_xlim(min(lengths) / 1.2, max(lengths) * 1.2)
        values = [point.spans[quantity.key].middle for curve in ours for point in curve.points.values()
                  if quantity.key in point.spans]  # fmt: skip
        set_scale(ax.yaxis, values, log=True)
        ax.set_ylabel(quantity.title)
        if len(batches) > 1:
            ax.set_title(f"batch {batch}")
        labels.append([_label(ax, curve, quantity, drawn[curve.name]) for curve in ours])
    panels[-1].set_xlabel("steps in a window")
    for ax in panels:
        ax.set_xticks(ticks := sorted(set(lengths)), [f"{length:,}" for length in ticks])
        ax.minorticks_off()
        plain_log(ax.yaxis)
    fix_layout(figure)
    for ax, texts in zip(panels, labels, strict=True):
        inches = ax.get_window_extent().height / figure.dpi
        ends = [ax.transAxes.inverted().transform(ax.transData.transform(text.xy))[1] for text in texts]
        for text, at in zip(texts, spread_out(ends, LINE / inches, 0.0, 1.0), strict=True):
            text.set_position((NAMES_AT, at))
    return figure


def _line(ax: Axes, curve: Curve, quantity: Quantity, look: Look) -> None:
    spans = {length: curve.points[length].spans[quantity.key] for length in curve.costs(quantity)}
    ax.plot(
        list(spans), [s.middle for s in spans.values()],
        color=look.colour, linestyle=look.dashes, marker=look.marker, markersize=3, linewidth=1.2,
    )  # fmt: skip
    ends = [s.low for s in spans.values()], [s.high for s in spans.values()]
    ax.fill_between(list(spans), *ends, color=look.colour, alpha=0.15, linewidth=0)


def _label(ax: Axes, curve: Curve, quantity: Quantity, look: Look) -> Any:
    """Write a curve's name, joined to its end by a thin line; what stands behind it says why it ends early."""
    last = max(curve.costs(quantity))
    stop = "-" if last == max(curve.points) else ":"  # a line that goes on in place of a curve is no curve
    longer = [point.status for length, point in sorted(curve.points.items()) if length > last]
    why = next((f" {LOST[status]}" for status in longer if status in LOST), "")
    return ax.annotate(
        as_text(curve.name) + why, (last, curve.points[last].spans[quantity.key].middle), xycoords="data",
        xytext=(NAMES_AT, 0.5), textcoords="axes fraction", annotation_clip=False, va="center", fontsize=FONT_SIZE,
        color=look.colour, arrowprops={"arrowstyle": "-", "color": look.colour, "linestyle": stop, "linewidth": 0.6,
                                       "alpha": 0.6, "shrinkA": 0, "shrinkB": 2, "relpos": (0, 0.5)},
    )  # fmt: skip


def draw_powers(powers: Sequence[Mapping[str, Any]], quantities: Sequence[Quantity]) -> Figure:
    """Return a panel a quantity, a line a network: the power of the length that its cost grows with.

    A dot and its interval are of all lengths, a ring is the slope between the two longest. Networks stand by that of
    the first quantity, the steepest at the foot.

    Args:
        powers: As in ``powers.csv``.
        quantities: A panel each.
    """
    batches, keys = {row["batch"] for row in powers}, [quantity.key for quantity in quantities]
    drawn = looks((row["curve"], True) for row in powers)
    steep = {(row["curve"], row["batch"]): row["last"] for row in reversed(powers)}  # the first quantity comes last
    said = {(row["curve"], row["batch"]): row["growth"] for row in powers}
    order = {curve: place for place, curve in enumerate(sorted(steep, key=lambda curve: steep[curve], reverse=True))}
    figure = new_figure(WIDTH, 0.8 + 0.2 * len(order))
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
    figure.supxlabel("power of the length", fontsize=FONT_SIZE + 1, color=INK)
    seen = [row[key] for row in powers for key in ("exponent", "last")]
    least, most = min(-0.3, min(seen) - MARGIN), max(2.6, max(seen) + MARGIN)
    panels[0].set_xlim(least, most)
    for row in (row for row in powers if row["low"] is not None):
        ax, place = panels[keys.index(row["quantity"])], order[row["curve"], row["batch"]]
        for beyond, edge, arrow in ((row["low"] < least, least, "<"), (row["high"] > most, most, ">")):
            if beyond:
                colour = drawn[row["curve"]].colour
                ax.plot([edge], [place], arrow, color=colour, markersize=4, clip_on=False, alpha=0.5)
    names = []
    for name, batch in order:
        parts = [as_text(name), *([f"batch {batch}"] if len(batches) > 1 else [])]
        names.append(", ".join([*parts, *([f"says {said[name, batch]}"] if said[name, batch] else [])]))
    panels[0].set_yticks(range(len(order)), names)
    return figure
