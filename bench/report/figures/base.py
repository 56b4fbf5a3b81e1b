"""What a figure is: drawn for a ground from the frames alone; the registry, and drawing all of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.registry import Registry
from bench.report import captions, panels
from bench.report.captions import Drawn
from bench.report.style import INK, MUTED, Look, looks, save, styled
from bench.report.summary import Ground, Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Draw = Callable[[Results, Ground, panels.Looks], "Figure | None"]
Caption = Callable[[Results, Ground], str]
Entry = tuple[str, dict[str, Any]]
"""A legend's label, and how its line is drawn."""


@dataclass(frozen=True)
class Planned:
    """A figure that grounds get, written as SVG and PNG.

    Attributes:
        name: Its file's name, before that of the ground.
        order: Figures of a ground stand in this order.
        what: What it shows, for the alternative text.
        wanted: Whether a ground gets it.
        draw: None where there is nothing to draw.
        caption: What to see in it.
    """

    name: str
    order: int
    what: str
    wanted: Callable[[Results, Ground], bool]
    draw: Draw
    caption: Caption


figures: Registry[Planned] = Registry("figure", "bench.report.figures")


def figure(
    name: str, what: str, *, order: int, caption: Caption, wanted: Callable[[Results, Ground], bool] = lambda r, g: True
) -> Callable[[Draw], Draw]:
    """Register the decorated function, which draws a figure of a ground."""

    def decorate(draw: Draw) -> Draw:
        figures.add(name, Planned(name, order, what, wanted, draw, caption), source=draw)
        return draw

    return decorate


def draw_all(results: Results, folder: Path | None, name: str = "figures") -> dict[str, list[Drawn]]:
    """Draw every figure into ``folder``, remove those of an earlier report; return them by ground.

    Without a folder nothing is written, which halves the time: what there is to see is known by drawing it.
    ``name`` is what the folder is called beside the README.
    """
    colours = label_looks(results)
    drawn: dict[str, list[Drawn]] = {}
    kept: set[Path] = set()
    plans = sorted(map(figures.get, figures.names()), key=lambda plan: plan.order)
    with styled():
        for ground in results.grounds:
            for plan in plans:
                figure = plan.draw(results, ground, colours) if plan.wanted(results, ground) else None
                if figure is None:
                    continue
                file = f"{plan.name}_{ground.key}"
                if folder is not None:
                    kept.update(save(figure, folder, file))
                alt, caption = captions.alt(ground, plan.what), plan.caption(results, ground)
                drawn.setdefault(ground.key, []).append(Drawn(alt, f"{name}/{file}.svg", caption))
    if folder is not None:
        for path in [*folder.glob("*.svg"), *folder.glob("*.png")]:
            if path not in kept:
                path.unlink()
    return drawn


def leads(results: Results, ground: Ground) -> bool:
    """Return whether a ground of errors is one that a finding names a leader on."""
    return not ground.is_label and any(g.key == ground.key for g in results.leading())


def label_looks(results: Results) -> Mapping[str, Look]:
    """Return the look of every label of the suite, whether it has run or not."""
    cases = results.frames["cases"]
    return looks((str(c), bool(t)) for c, t in zip(cases["label"], cases["trained"], strict=True))


def legend_above(figure: "Figure", entries: list[Entry]) -> None:
    """Explain lines above the axes, in as many rows as they need."""
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], label=label, **{"color": MUTED, **style}) for label, style in entries]
    for columns in range(len(handles), 0, -1):
        legend = figure.legend(
            handles=handles, loc="outside upper left", ncols=columns, fontsize=8, labelcolor=INK, columnspacing=1.4
        )
        if columns == 1 or legend.get_window_extent().width <= figure.bbox.width:
            return
        legend.remove()
