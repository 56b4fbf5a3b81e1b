"""The last window of each series and its forecast, drawn."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter
from numpy.typing import NDArray

from bench.report.style import MUTED, PALETTE, as_text, new_figure, save, styled
from bench.task import Ahead

PANELS = 12
"""Series and targets that are drawn."""


def write_forecast_figure(
    ahead: Ahead,
    columns: Mapping[str, NDArray[np.float64]],
    bands: Sequence[tuple[str, str]],
    targets: tuple[str, ...],
    path: Path,
) -> None:
    """Draw and save a forecast, a panel a series and target.

    Args:
        ahead: The last windows.
        columns: The forecast ``(series, horizon, targets)``, then what bands are drawn between.
        bands: Names of two columns each, the widest first.
        targets: Names.
        path: An SVG.

    Raises:
        OSError: It cannot be written.
    """
    with styled():
        save(forecast_figure(ahead, columns, bands, targets), path)


def forecast_figure(
    ahead: Ahead,
    columns: Mapping[str, NDArray[np.float64]],
    bands: Sequence[tuple[str, str]],
    targets: tuple[str, ...],
) -> Figure:
    """Return the figure of a forecast; see `write_forecast_figure`."""
    panels = [(s, t) for s in range(len(ahead.series)) for t in range(len(targets))][:PANELS]
    figure = new_figure(9.4, 1.9 * len(panels) + 0.6)
    axes = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
    said, mean = next(iter(columns.items()))
    horizon = mean.shape[1]
    for ax, (series, target) in zip(axes, panels, strict=True):
        x, past, then = ahead.times[series], ahead.past[series, :, target], mean[series, :, target]
        seen, coming = x[:-horizon], x[-horizon - 1 :]
        ax.plot(seen, past, color=MUTED, linewidth=1.1, label="last window")
        ax.plot(coming, [past[-1], *then], color=PALETTE[0], linewidth=1.5, label=said)
        for band in bands:
            low, high = (columns[name][series, :, target] for name in band)
            ax.fill_between(x[-horizon:], low, high, color=PALETTE[0], alpha=0.25, linewidth=0, label=" to ".join(band))
        ax.set_title(as_text(", ".join(filter(None, (ahead.series[series], targets[target])))))
        ax.yaxis.set_major_formatter(EngFormatter(sep=""))
        if isinstance(x[0], np.datetime64):
            locator = AutoDateLocator(maxticks=10)  # type: ignore[no-untyped-call]
            ax.xaxis.set_major_locator(locator)
            ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", fontsize=8, ncols=3)
    return figure
