"""Learning curves."""

from typing import TYPE_CHECKING

from bench.report import panels
from bench.report.captions import curve_top, reference
from bench.report.figures.base import Entry, figure, legend_above
from bench.report.markdown import score
from bench.report.style import INK, MUTED, new_figure, plain_log
from bench.report.summary import Ground, Results, Row

COLUMNS = 4
"""Small multiples in a line, or one more where that fills the last line better."""

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def caption(results: Results, ground: Ground) -> str:
    """Say how learning curves are drawn, where their axis is cut, and what the dotted line covers."""
    text = "A curve that still falls" if not ground.is_label else "A curve that still rises"
    text += " at the last epoch has not finished training; a wide band means that seeds disagree."
    rows = [r for r in ground.rows if r.trained]
    top = curve_top(results.frames["curves"], rows, ground.column)
    if top is not None:
        text += f" The axis is cut at {score(top, 2)}: first epochs above it are not shown."
    marked = [r for r in rows if r.partial]
    if marked and not ground.is_label:
        line = ", and so does the dotted line there" if _dotted(marked[0], ground) else ", without a dotted line"
        text += f" ‡ covers positions 3::2 alone{line}."
    return text


def _dotted(row: Row, ground: Ground) -> bool:
    return reference(row, ground) is not None


@figure("curves", "learning curves", order=20, caption=caption, wanted=lambda r, g: not g.common)
def curves_figure(results: Results, ground: Ground, colours: panels.Looks) -> "Figure | None":
    """Draw each trained model's learning curves in its own panel, the others grey behind it."""
    curves, published = results.frames["curves"], results.frames["published"]
    rows = [r for r in ground.rows if r.trained and len(panels.seed_curves(curves, r, ground.column))]
    if not rows:
        return None
    columns = len(rows) if len(rows) <= COLUMNS else min((COLUMNS, COLUMNS + 1), key=lambda c: -len(rows) % c)
    lines = -(-len(rows) // columns)
    figure = new_figure(max(2.45 * columns, 5.2) + 0.5, 1.9 * lines + 0.85)
    axes = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    best = ground.untrained
    for ax, row in zip(axes, rows, strict=False):
        printed = published[published["curve"] == row.info["curve"]] if row.info["curve"] else published.iloc[:0]
        panels.curve(ax, ground, row, curves, colours, rows, printed)
        line = reference(row, ground)
        if line is not None:
            ax.axhline(line, color=MUTED, linewidth=0.9, linestyle=(0, (1.2, 1.6)), zorder=2)
        if not ground.is_label:
            ax.set_yscale("log")
    for ax in axes[len(rows) :]:
        ax.set_visible(False)
    for ax in axes[max(len(rows) - columns, 0) : len(rows)]:
        ax.tick_params(labelbottom=True)
    from matplotlib.ticker import MaxNLocator

    axes[0].xaxis.set_major_locator(MaxNLocator(5, integer=True))
    if not ground.is_label:
        low, high = axes[0].get_ylim()
        axes[0].set_ylim(low, curve_top(curves, rows, ground.column) or high)
        plain_log(axes[0].yaxis)
    unit = ", %" if ground.is_label else ""
    figure.supylabel(panels.METRIC_NAMES[ground.column] + unit, fontsize=9, color=INK)
    figure.supxlabel("epoch", fontsize=9, color=INK)
    entries: list[Entry] = [
        ("one seed", {"linewidth": 0.7}),
        (f"{'' if ground.is_label else 'geometric '}mean over seeds, band from least to most", {"linewidth": 2.0}),
    ]
    if len(rows) > 1:
        entries.append(("other models", {"color": "#d3d8de", "linewidth": 1.2}))
    if any(row.info["curve"] in set(published["curve"]) for row in rows):
        entries.append(("printed in the source", {"color": INK, "linestyle": (0, (3, 2)), "linewidth": 1.1}))
    if best is not None and not ground.is_label:
        entries.append((f"{best.name}, no training", {"linestyle": (0, (1.2, 1.6)), "linewidth": 1.0}))
    legend_above(figure, entries)
    return figure
