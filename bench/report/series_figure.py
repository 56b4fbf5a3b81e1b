"""A user's series and how they would be split, drawn."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter
from numpy.typing import NDArray

from bench.report.style import INK, MUTED, PALETTE, Style, as_text, new_figure
from bench.tables.facts import Facts
from bench.tables.files import row_of
from bench.tables.reading import numbers
from bench.tables.split import Proposal

COLUMNS, SERIES, POINTS = 6, 5, 1_500
"""Columns and series that are drawn, and points of one: of more, the least and the largest of each stretch."""
SHADES = ("none", "#fdf3dc", "#e3f1ea")
"""Of training, validation and test."""


def series_figure(facts: Facts, columns: Sequence[str], proposal: Proposal | None) -> Figure:
    """Draw columns over time, the longest series of each, with validation and test shaded.

    Args:
        facts: What is in the file.
        columns: Names of number columns; those past the first few are left out.
        proposal: The split; None for no shades.
    """
    drawn = list(columns)[:COLUMNS]
    figure = new_figure(9.4, 1.6 * len(drawn) + 1.0)
    axes: list[Axes] = list(figure.subplots(len(drawn), 1, sharex=True, squeeze=False)[:, 0])
    x = np.arange(facts.rows) + row_of(0) if facts.times is None else facts.times
    series = _rows_of_series(facts)
    for ax, name in zip(axes, drawn, strict=True):
        values = numbers(facts.frame[name])
        for number, rows in enumerate(series):
            colour, label = PALETTE[number], as_text(list(facts.series)[number])
            times, low, high = _thinned(x[rows], values[rows])
            ax.fill_between(times, low, high, color=colour, linewidth=0, alpha=0.35)
            ax.plot(times, (low + high) / 2, color=colour, linewidth=0.8, label=label)
        ax.set_title(as_text(name))
        ax.yaxis.set_major_formatter(EngFormatter(sep=""))
    if proposal is not None and facts.times is not None:
        _shade(axes, facts, proposal)
    if len(series) > 1:
        axes[0].legend(loc="upper left", fontsize=7, ncols=len(series))
    axes[-1].set_xlabel("row of the file" if facts.times is None else as_text(facts.time), color=INK)
    return figure


def _shade(axes: Sequence[Axes], facts: Facts, proposal: Proposal) -> None:
    edges = [np.datetime64(part.first) for part in proposal.parts] + [np.datetime64(facts.last)]
    for number, part in enumerate(proposal.parts):
        begin, end = edges[number], edges[number + 1]
        for ax in axes:
            ax.axvspan(begin, end, color=SHADES[number], zorder=0)  # type: ignore[arg-type]  # it takes dates
        above = axes[0].get_xaxis_transform()
        look: Style = {"ha": "center", "va": "top", "fontsize": 8, "color": MUTED, "transform": above}
        middle: Any = begin + (end - begin) / 2
        axes[0].text(middle, 0.98, part.name, **look)


def _rows_of_series(facts: Facts) -> list[NDArray[np.int64]]:
    """Return the rows of the longest series, in the order of time."""
    order = np.arange(facts.rows) if facts.times is None else np.argsort(facts.times, kind="stable")
    if not facts.id:
        return [order]
    names = facts.frame[facts.id].astype(str).to_numpy()[order]
    return [order[names == name] for name in list(facts.series)[:SERIES]]


def _thinned(
    x: NDArray[np.generic], y: NDArray[np.float64]
) -> tuple[NDArray[np.generic], NDArray[np.float64], NDArray[np.float64]]:
    """Return the start, the least and the largest value of each stretch of points; NaN where one has no value."""
    if len(x) <= POINTS:
        return x, y, y
    starts = np.unique(np.linspace(0, len(x), POINTS, endpoint=False).astype(np.int64))
    return x[starts], np.fmin.reduceat(y, starts), np.fmax.reduceat(y, starts)
