"""Small multiples: a panel a model, on one pair of axes."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report.style import new_figure

COLUMNS = 4
"""Panels in a line, or one more where that fills the last line better."""


def panels(n: int) -> tuple[Figure, list[Axes]]:
    """Return a figure and its ``n`` panels, which share their axes."""
    columns = n if n <= COLUMNS else min((COLUMNS, COLUMNS + 1), key=lambda c: -n % c)
    lines = -(-n // columns)
    picture = new_figure(max(2.45 * columns, 5.2) + 0.5, 1.9 * lines + 0.85)
    axes = picture.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for ax in axes[n:]:
        ax.set_visible(False)
    for ax in axes[max(n - columns, 0) : n]:
        ax.tick_params(labelbottom=True)
    return picture, list(axes[:n])
