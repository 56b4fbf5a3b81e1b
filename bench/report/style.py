"""How figures look: one colour a model in all of them, one style, text as it stands, labels that do not overlap."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, NullFormatter, SymmetricalLogLocator
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import isotonic_regression

from bench.files import written_whole
from bench.text.figure import FONT
from bench.text.figure import as_text as as_text  # what every figure needs

Style = dict[str, Any]
"""How matplotlib is told to draw something."""
DPI = 110
INK = "#22262b"
MUTED = "#6b7280"
FAINT = "#c9ced6"

PALETTE = (
    "#1f77b4", "#d1495b", "#2a9d5c", "#e08a00", "#7b4fb5", "#0f9fa8", "#e0569b",
    "#7f9f1a", "#a0643c", "#4b6fd8", "#b89600", "#c77dd6", "#c44e12", "#b0418e",
    "#0b3c66", "#7d1128", "#0e5c34", "#8a5200", "#42207a", "#005f66", "#8f1d5b",
    "#4a5f00", "#59310f", "#2a3a8c", "#6e5c00", "#7a3e9d", "#f0735e", "#4fa9e0",
)  # fmt: skip
"""Fourteen hues, then fourteen of another lightness, which lines set apart by dashes too."""
HUES = 14
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.6)), (0, (1.2, 1.4)), (0, (5, 1.5, 1.2, 1.5)))
UNTRAINED = ("#4a5058", "#7a828d", "#5f5a52", "#8d8577")
"""Predictors are grey: what a trained model has to beat."""

NEAREST, FARTHEST = 1e-200, 1e200
"""Ends of what is drawn; past them the room around points leaves the numbers that there are."""
DEEPEST = 1e-100
"""Of the largest value, what is so near to 0 that nothing is seen between them on an axis with a 0."""
LETTERED = 1e15
"""From here on no letter for a power of a thousand is known to everybody."""

UNTRAINED_LINE: Style = {"color": MUTED, "linewidth": 1.0, "linestyle": (0, (1.2, 1.6))}
"""Of the best score that needs no training."""
FLOOR_LINE: Style = {"color": "#9aa1ab", "linewidth": 1.1, "linestyle": (0, (4, 3))}

RC: Style = {
    "font.family": FONT,
    "font.size": 9,
    "text.parse_math": False,  # text from data is no formula
    "text.usetex": False,
    "axes.formatter.use_mathtext": False,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.titlecolor": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e9ecf0",
    "grid.linewidth": 0.7,
    **{
        f"{axis}tick.{name}": value
        for axis in "xy"
        for name, value in (("color", MUTED), ("labelsize", 8), ("major.size", 3), ("minor.size", 0))
    },
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.hashsalt": "sequence-bench",
    "svg.fonttype": "path",
}


class Look(NamedTuple):
    """A model's colour, dashes and marker."""

    colour: str
    dashes: Any
    marker: str


def looks(labels: Iterable[tuple[str, bool]]) -> dict[str, Look]:
    """Return each label's look from its place among the suite's sorted labels, the same on every task.

    Args:
        labels: A model's label, and whether it is trained.
    """
    made: dict[str, Look] = {}
    counts = {True: 0, False: 0}
    for name, trained in sorted(set(labels)):
        place = counts[trained]
        counts[trained] += 1
        colours = PALETTE if trained else UNTRAINED
        turn = place // HUES if trained else place + place // len(UNTRAINED)
        made[name] = Look(colours[place % len(colours)], DASHES[turn % len(DASHES)], "o" if trained else "D")
    return made


@contextmanager
def styled() -> Iterator[None]:
    """Apply the style to figures made and saved inside, and to nothing else."""
    with mpl.rc_context(RC):  # type: ignore[arg-type]
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure, in inches, that no global state knows of."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def fix_layout(figure: Figure) -> None:
    """Lay a figure out for good, so that labels can be placed by pixels."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


def root(ax: Axes) -> Figure:
    """Return the figure that axes stand in."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure


def title(ax: Axes, name: str, marks: str, colour: str, inches: float) -> None:
    """Give axes a model's name with its marks as title, in its colour, smaller where it is wider than ``inches``."""
    written = ax.set_title(as_text(name, 44) + marks, color=colour, fontsize=9)
    written.set_fontsize(9 * min(1.0, inches * root(ax).dpi / written.get_window_extent().width))


def save(figure: Figure, path: Path) -> None:
    """Write an SVG, whole or not at all and the same for the same figure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as new:
        figure.savefig(new, format="svg", dpi=DPI, metadata={"Date": None, "Creator": None})


def drawable(values: ArrayLike) -> NDArray[np.float64]:
    """Return values as an axis has room for: NaN for what is infinite, and what is too near to 0 or too far, cut."""
    array = np.array(values, dtype=np.float64)
    array[~np.isfinite(array)] = np.nan
    return np.copysign(np.where(array == 0, 0.0, np.clip(np.abs(array), NEAREST, FARTHEST)), array)


def set_scale(axis: Axis, values: ArrayLike, log: bool) -> None:
    """Give an axis a metric's scale: linear, or logarithmic, which is linear near 0 where one of the values is 0."""
    known = drawable(values)
    positive = known[known > 0]
    set_to = axis.axes.set_xscale if axis is axis.axes.xaxis else axis.axes.set_yscale
    if not log or not len(positive) or np.any(known < 0):
        set_to("linear")
    elif np.any(known == 0):
        set_to("symlog", linthresh=max(float(positive.min()), DEEPEST * float(positive.max())), linscale=0.6)
    else:
        set_to("log")


def plain_log(axis: Axis) -> None:
    """Label a logarithmic axis as people write numbers, 0.005 or 40k, at more of each decade where there are few.

    On one with room for a 0 that is labelled, too, and nothing below it is. A linear one is left as it is.
    """
    low, high = axis.get_view_interval()
    transform: Any = axis.get_transform()
    near_zero = transform.linthresh if axis.get_scale() == "symlog" else None
    if near_zero:
        low, high = near_zero, max(high, 2 * near_zero)
        set_limits = axis.axes.set_xlim if axis is axis.axes.xaxis else axis.axes.set_ylim
        set_limits(-0.4 * near_zero, high)
    elif axis.get_scale() != "log":
        return
    choices = {0.8: (1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8), 1.3: (1, 1.5, 2, 3, 5, 7), 2.2: (1, 2, 5), 3.5: (1, 3)}
    decades = np.log10(high) - np.log10(low)
    subs = next((subs for limit, subs in choices.items() if decades < limit), (1,))
    if near_zero:
        locator = SymmetricalLogLocator(transform, subs if decades > 1.3 else (1, 2, 5))
        locator.set_params(numticks=8)
        axis.set_major_locator(locator)
    else:
        axis.set_major_locator(LogLocator(base=10, subs=subs, numticks=12))
    thousands = EngFormatter(sep="")
    axis.set_major_formatter(
        FuncFormatter(lambda value, _: thousands(value) if 1000 <= value < LETTERED else f"{value:g}")
    )
    axis.set_minor_formatter(NullFormatter())


def spread_out(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return positions near those wanted, in the same order, at least ``gap`` apart within the limits.

    With more labels than fit, they stand evenly and closer than ``gap``.
    """
    order = np.argsort(wanted, kind="stable")
    steps = min(gap, (high - low) / max(len(order) - 1, 1)) * np.arange(len(order))
    # Less a gap for each one below, they need only not fall: the nearest such positions are an isotonic regression.
    nearest = isotonic_regression(np.asarray(wanted, dtype=np.float64)[order] - steps).x
    made = np.empty(len(order))
    made[order] = np.clip(nearest, low, high - steps[-1]) + steps
    return [float(place) for place in made]


def place_labels(ax: Axes, points: Sequence[tuple[float, float]], texts: Sequence[str], colours: Sequence[str]) -> None:
    """Write a label beside each point, clear of other labels and points, and of lines where there is room.

    Tries places around the point, near ones first, and joins a far label to its point with a line. Call it when the
    layout is final and all else is drawn.
    """
    unit, frame, pixels = root(ax).dpi / 72, ax.get_window_extent().extents, ax.transData.transform(points)
    paths = [line.get_transform().transform(line.get_xydata()) for line in ax.lines]
    dots = [np.linspace(a, b, 2 + int(np.hypot(*(b - a)) // 6)) for path in paths for a, b in pairwise(path)]
    lines = _boxes(np.vstack(dots), 1.5 * unit)
    taken = np.vstack([_boxes(pixels, 5 * unit), *(text.get_window_extent().extents for text in ax.texts)])
    radius, angle = (each.ravel() * 1.0 for each in np.meshgrid((8, 16, 26, 38, 52, 68, 86), np.pi * np.arange(16) / 8))
    across, up = np.cos(angle), np.sin(angle)
    # Right of the point is best; the label's nearest edge, not its middle, keeps the distance.
    price = unit * radius * (1.08 + 0.08 * (across <= 0) - 0.08 * (angle == 0))
    edge = np.select([across > 0.3, across < -0.3], [0.0, -1.0], -0.5)
    for i in sorted(range(len(points)), key=lambda i: -pixels[i, 1]):
        label = ax.text(*points[i], texts[i], fontsize=8, color=colours[i], va="center", zorder=6)
        size = np.array(label.get_window_extent().size) + np.array([3.0, 1.5]) * unit
        corner = pixels[i] + unit * radius[:, None] * np.column_stack([across, up])
        corner += size * np.column_stack([edge, np.full(len(edge), -0.5)])
        spots = np.hstack([corner, corner + size])
        outside = np.any((corner < frame[:2]) | (corner + size > frame[2:]), axis=1)
        cost = price + 10 * _overlap(spots, np.delete(taken, i, axis=0)) + 3 * _overlap(spots, lines) + 1e9 * outside
        spot = spots[np.argmin(cost)]
        taken = np.vstack([taken, spot])
        back = ax.transData.inverted().transform
        label.set_position(tuple(back((spot[0] + 1.5 * unit, spot[1] + size[1] / 2))))
        end = np.clip(pixels[i], spot[:2], spot[2:])
        if np.hypot(*(end - pixels[i])) > 11 * unit:
            ax.plot(*back([pixels[i], end]).T, color=colours[i], linewidth=0.6, alpha=0.7, zorder=2)


def _boxes(centres: NDArray[np.float64], reach: float) -> NDArray[np.float64]:
    """Return squares ``[n, (left, bottom, right, top)]`` around points ``[n, (x, y)]``."""
    return np.hstack([centres - reach, centres + reach])


def _overlap(spots: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much area of each spot all the boxes cover."""
    sides = np.minimum(spots[:, None, 2:], boxes[None, :, 2:]) - np.maximum(spots[:, None, :2], boxes[None, :, :2])
    return np.asarray(np.prod(np.clip(sides, 0, None), axis=2).sum(axis=1))
