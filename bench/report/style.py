"""How figures look: one colour a model in all of them, one style, files that do not change with the day."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 110
INK = "#22262b"
MUTED = "#6b7280"
FAINT = "#c9ced6"
FLOOR = "#9aa1ab"

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

RC: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
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
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.hashsalt": "sequence-bench",
    "svg.fonttype": "path",
}


@dataclass(frozen=True)
class Look:
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
    import matplotlib as mpl

    with mpl.rc_context(RC):  # type: ignore[arg-type]
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure, in inches, that no global state knows of."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def text_width(figure: Figure, texts: Iterable[str]) -> float:
    """Return the width in inches of the widest of some texts, in bold label size."""
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    widest = 0.0
    for text in texts:
        probe = figure.text(0, 0, text, fontsize=8, fontweight="bold")
        widest = max(widest, probe.get_window_extent(renderer).width / figure.dpi)
        probe.remove()
    return widest


def title(ax: Axes, text: str, colour: str, inches: float) -> None:
    """Give axes a title in a model's colour, made smaller where it is wider than ``inches``."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    width = text_width(figure, [text]) * 9 / 8
    ax.set_title(text, color=colour, fontsize=9 * min(1.0, inches / width))


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write ``name.svg`` and ``name.png``, each whole or not at all and the same for the same figure."""
    folder.mkdir(parents=True, exist_ok=True)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # Lay out once for both files.
    written = []
    for kind, draw in (("svg", _svg), ("png", _png)):
        path, new = folder / f"{name}.{kind}", folder / f".{name}.{kind}.new"
        try:
            new.write_bytes(draw(figure))
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
        written.append(path)
    return written


def _svg(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", dpi=DPI, metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def _png(figure: Figure) -> bytes:
    """Return a PNG of 256 colours, a third of the size; models' own and the commonest stay exact."""
    from PIL import Image
    from scipy.spatial import cKDTree

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    image = np.asarray(Image.open(buffer).convert("RGB")).astype(np.int32)
    packed = (image[..., 0] << 16) | (image[..., 1] << 8) | image[..., 2]
    values, places, counts = np.unique(packed, return_inverse=True, return_counts=True)
    colours = np.column_stack([values >> 16, (values >> 8) & 255, values & 255])
    own = [tuple(int(name[i : i + 2], 16) for i in (1, 3, 5)) for name in (*PALETTE, *UNTRAINED, INK, MUTED)]
    commonest = map(tuple, colours[np.argsort(-counts, kind="stable")].tolist())
    kept = np.array(list(dict.fromkeys([*own, *commonest]))[:256])
    nearest = cKDTree(kept).query(colours)[1].astype(np.uint8)
    small = Image.fromarray(nearest[places].reshape(packed.shape))
    small.putpalette(kept.astype(np.uint8).tobytes())
    out = io.BytesIO()
    small.save(out, format="PNG", optimize=True)
    return out.getvalue()


def plain_log(axis: Any) -> None:
    """Label a logarithmic axis with plain numbers, at 1, 2 and 5 of each decade where there are few decades."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axis.get_view_interval()
    decades = np.log10(high / low)
    choices = (
        (0.8, (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0)),
        (1.3, (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)),
        (2.2, (1.0, 2.0, 5.0)),
        (3.5, (1.0, 3.0)),
    )
    subs = next((subs for limit, subs in choices if decades < limit), (1.0,))
    axis.set_major_locator(LogLocator(base=10, subs=subs, numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
    axis.set_minor_formatter(NullFormatter())


def plain(value: float) -> str:
    """Return a number as people write it: 0.005, 20, 40k, 1M."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:.6f}".rstrip("0").rstrip(".") if value < 1 else f"{value:g}"


def spread_out(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return positions near those wanted, in the same order, at least ``gap`` apart within the limits.

    With more labels than fit, they stand evenly and closer than ``gap``.
    """
    order = np.argsort(np.asarray(wanted, dtype=float), kind="stable")
    n = len(order)
    if not n:
        return []
    gap = min(gap, (high - low) / max(n - 1, 1))
    # Pool neighbours that collide and centre each pool on the mean of what its members want.
    pools: list[list[int]] = []
    places: list[float] = []
    for index in order:
        pools.append([int(index)])
        places.append(float(np.clip(wanted[index], low, high)))
        while True:
            width = (len(pools[-1]) - 1) * gap
            places[-1] = float(np.clip(places[-1], low, high - width))
            if len(pools) < 2 or places[-1] - (places[-2] + (len(pools[-2]) - 1) * gap) >= gap - 1e-9:
                break
            merged = pools.pop(-2) + pools.pop()
            places = [*places[:-2], 0.0]
            pools.append(merged)
            places[-1] = float(np.mean([wanted[i] - k * gap for k, i in enumerate(merged)]))
    result = [0.0] * n
    for pool, place in zip(pools, places, strict=True):
        for k, index in enumerate(pool):
            result[index] = place + k * gap
    return result


def place_labels(
    ax: Axes,
    points: Sequence[tuple[float, float]],
    texts: Sequence[str],
    colours: Sequence[str],
    avoid: Sequence[tuple[float, float, float, float]] = (),
) -> None:
    """Write a label beside each point so that no two labels, and no label and point, overlap.

    Tries places around the point, near ones first, and joins a far label to its point with a line.
    Call it when the axes' limits and place in the figure are final.

    Args:
        ax: Where the points are drawn.
        points: In data units.
        texts: One a point.
        colours: One a point.
        avoid: Boxes left, bottom, right, top in pixels that labels keep clear of too.
    """
    renderer = ax.get_figure().canvas.get_renderer()  # type: ignore[union-attr]
    frame = ax.get_window_extent(renderer)
    pixels = [tuple(ax.transData.transform(p)) for p in points]
    unit = ax.get_figure().dpi / 72  # type: ignore[union-attr]
    taken = [(x - 5 * unit, y - 5 * unit, x + 5 * unit, y + 5 * unit) for x, y in pixels]
    others = list(avoid)
    for i in sorted(range(len(pixels)), key=lambda i: -pixels[i][1]):
        x, y = pixels[i]
        label = ax.text(0, 0, texts[i], fontsize=8, color=colours[i], va="center", zorder=6)
        box = label.get_window_extent(renderer)
        width, height = box.width + 3 * unit, box.height + 1.5 * unit
        best, cost = (x, y), np.inf
        for left, bottom, price in _around(x, y, width, height, unit):
            spot = (left, bottom, left + width, bottom + height)
            if left < frame.x0 or spot[2] > frame.x1 or bottom < frame.y0 or spot[3] > frame.y1:
                continue
            crossed = sum(_overlap(spot, box) for j, box in enumerate(taken) if j != i)
            price += 10 * crossed + 3 * sum(_overlap(spot, box) for box in others)
            if price < cost:
                best, cost = (left, bottom), price
        left, bottom = best
        taken.append((left, bottom, left + width, bottom + height))
        inverse = ax.transData.inverted()
        tx, ty = inverse.transform((left + 1.5 * unit, bottom + height / 2))
        label.set_position((float(tx), float(ty)))
        end = (float(np.clip(x, left, left + width)), float(np.clip(y, bottom, bottom + height)))
        if np.hypot(end[0] - x, end[1] - y) > 11 * unit:
            (x0, y0), (x1, y1) = inverse.transform([(x, y), end])
            ax.plot([x0, x1], [y0, y1], color=colours[i], linewidth=0.6, alpha=0.7, zorder=2)


def _around(x: float, y: float, width: float, height: float, scale: float) -> Iterator[tuple[float, float, float]]:
    """Yield a label's left, bottom and distance for places in growing rings about a point."""
    for ring, radius in enumerate((8, 16, 26, 38, 52, 68, 86)):
        for step in range(16):
            angle = np.pi * step / 8
            cx, cy = x + np.cos(angle) * radius * scale, y + np.sin(angle) * radius * scale
            # The box's nearest edge, not its centre, keeps the distance.
            left = cx if np.cos(angle) > 0.3 else cx - width if np.cos(angle) < -0.3 else cx - width / 2
            side = 0 if step == 0 else 1 if np.cos(angle) > 0 else 2
            yield left, cy - height / 2, radius * scale * (1 + 0.08 * side) + ring


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return width * height if width > 0 and height > 0 else 0.0
