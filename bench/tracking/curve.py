"""A run's learning curve as a small picture, beside the charts that the MLflow UI draws of the same numbers."""

import io
import math
import threading
from functools import lru_cache
from typing import TYPE_CHECKING

from bench.record import LearningCurve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE_LENGTH = 60
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
        figure = _canvas(tuple(map(_plain, series)), bool(finite) and min(finite) > 0)
        (axes,) = figure.axes
        for line, values in zip(axes.lines, series.values(), strict=True):
            line.set_data(range(1, len(values) + 1), values)
        axes.relim()
        axes.autoscale_view()
        axes.set_title(_plain(title), y=1.02)  # a place of its own: to find one costs as much as the lines
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
        axes.plot([1], [1], marker=".", label=label)
    if logarithmic:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="epoch")
    axes.grid(alpha=0.3)
    axes.legend(loc="upper right")
    return figure


def _plain(text: str) -> str:
    """Return text that matplotlib draws as it stands: one line, no mathematics, only what its font may have."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    shown = "".join(c if ord(c) < 0x250 else "?" for c in line).replace("$", r"\$")
    return shown if len(shown) <= TITLE_LENGTH else shown[: TITLE_LENGTH - 1].rstrip("\\") + "…"
