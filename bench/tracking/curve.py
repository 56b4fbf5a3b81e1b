"""A run's learning curve as a small picture, beside the charts that the MLflow UI draws of the same numbers."""

import io
import math
import threading
from functools import lru_cache
from typing import TYPE_CHECKING

from bench.record import LearningCurve
from bench.text.figure import FONT, as_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_drawing = threading.Lock()
"""A canvas is used again, so by one thread at a time."""


def draw_curve(curve: LearningCurve, title: str) -> bytes:
    """Return a learning curve as PNG: training loss and each validation metric, by epoch.

    The same curve and title give the same bytes, whatever was drawn before.
    """
    series = {"train loss": curve.train_loss}
    series |= {f"valid {name.replace('_', ' ')}": values for name, values in sorted(curve.valid.items())}
    finite = [v for values in series.values() for v in values if math.isfinite(v)]
    buffer = io.BytesIO()
    with _drawing:
        figure = _canvas(tuple(map(as_text, series)), bool(finite) and min(finite) > 0)
        (axes,) = figure.axes
        for line, values in zip(axes.lines, series.values(), strict=True):
            line.set_data(range(1, len(values) + 1), values)
        axes.relim()
        axes.autoscale_view()
        axes.set_title(
            as_text(title), y=1.02, parse_math=False, usetex=False, fontfamily=FONT
        )  # a place of its own: to find one costs as much as the lines
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


@lru_cache(maxsize=8)
def _canvas(labels: tuple[str, ...], logarithmic: bool) -> "Figure":
    """Return a figure with an empty line a label: axes, ticks and legend are a third of the work."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    figure = Figure(figsize=(6, 3.6), dpi=100)
    # Fixed margins and plain tick labels: a layout engine and mathtext cost three times the rest.
    axes = figure.add_axes((0.12, 0.14, 0.85, 0.76))
    for label in labels:
        axes.plot([1], [1], marker=".")[0].set_label(label)
    if logarithmic:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="epoch")
    axes.grid(alpha=0.3)
    for text in axes.legend(loc="upper right", prop={"family": FONT}).get_texts():
        text.set(parse_math=False, usetex=False)
    return figure
