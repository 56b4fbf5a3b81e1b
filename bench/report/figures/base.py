"""What a figure is: drawn for a leaderboard from the frames alone; their registry, and what many share."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.files import discard, remove_leftovers
from bench.metrics.traits import Traits
from bench.record import IN_WORDS
from bench.registry import Registry
from bench.report.leaderboards import Leaderboard
from bench.report.results import Results
from bench.report.shortlist import passed_over
from bench.report.style import INK, MUTED, Look, Style, as_text, looks, save, styled
from bench.text.files import file_key

Looks = Mapping[str, Look]
Draw = Callable[[Results, Leaderboard, Looks], Figure | None]
Wanted = Callable[[Results, Leaderboard], bool]
Caption = str | Callable[[Results, Leaderboard], str]
Entry = tuple[str, Style]
"""A legend's label, and how its line is drawn."""


@dataclass(frozen=True)
class Drawn:
    """A drawn figure: alternative text, path beside the README, and caption."""

    alt: str
    path: str
    caption: str


@dataclass(frozen=True)
class Planned:
    """A figure that leaderboards get, written as SVG.

    Attributes:
        name: Its file's name, before that of the leaderboard.
        order: Figures of a leaderboard stand in this order.
        what: What it shows, for the alternative text; ``{heading}`` stands for the metric's.
        wanted: Whether a leaderboard gets it.
        draw: None where there is nothing to draw.
        caption: What to see in it.
    """

    name: str
    order: int
    what: str
    wanted: Wanted
    draw: Draw
    caption: Caption


figures: Registry[Planned] = Registry("figure", "bench.report.figures", part="report")


def figure(
    name: str, what: str, *, order: int, caption: Caption, wanted: Wanted = lambda results, board: True
) -> Callable[[Draw], Draw]:
    """Register the decorated function, which draws a figure of a leaderboard."""

    def decorate(draw: Draw) -> Draw:
        figures.add(name, Planned(name, order, what, wanted, draw, caption), source=draw)
        return draw

    return decorate


def draw_all(results: Results, folder: Path | None, name: str = "figures") -> dict[str, list[Drawn]]:
    """Draw every figure into ``folder``, remove those of an earlier report; return them by leaderboard.

    Without a folder nothing is written, which halves the time: what there is to see is known by drawing it.
    ``name`` is what the folder is called beside the README.
    """
    colours = label_looks(results)
    drawn: dict[str, list[Drawn]] = {}
    files: list[str] = []
    plans = sorted(figures.entries(), key=lambda plan: plan.order)
    with styled():
        for board in results.leaderboards:
            for plan in plans:
                picture = plan.draw(results, board, colours) if plan.wanted(results, board) else None
                if picture is None:
                    continue
                file = f"{file_key(f'{plan.name}_{board.key}', files)}.svg"
                files.append(file.removesuffix(".svg"))
                if folder is not None:
                    save(picture, folder / file)
                what = plan.what.replace("{heading}", board.metric.heading)
                alt = f"{board.title}: {what}"
                caption = plan.caption if isinstance(plan.caption, str) else plan.caption(results, board)
                own = Drawn(alt, f"{name}/{file}", caption)
                drawn.setdefault(board.key, []).append(own)
    if folder is not None:
        kept = {Path(each.path).name for own in drawn.values() for each in own}
        remove_leftovers(folder)
        for path in [*folder.glob("*.svg"), *folder.glob("*.png")]:
            if path.name not in kept:
                discard(path)
    return drawn


def scored(board: Leaderboard) -> int:
    """Return how many rows of a leaderboard have a score."""
    return sum(len(r.values(board.score)) > 0 for r in board.rows)


def leads(results: Results, board: Leaderboard) -> bool:
    """Return whether it is a leaderboard that a finding names a leader on."""
    return any(each.key == board.key for each in results.leading())


def chosen_note(board: Leaderboard) -> str:
    """Return a sentence on a figure without the recipes that validation did not choose; empty where there are none."""
    return " Of each model, the recipe that validation chose." if passed_over(board) else ""


def captioned(text: str) -> Caption:
    """Return a caption of this text, with `chosen_note`."""
    return lambda results, board: text + chosen_note(board)


def label_looks(results: Results) -> Looks:
    """Return the look of every label of the suite, whether it has run or not."""
    cases = results.frames["cases"]
    return looks((str(c), bool(t)) for c, t in zip(cases["label"], cases["trained"], strict=True))


def factor(metric: Traits) -> float:
    """Return what a metric's values are shown times."""
    return 100.0 if metric.share else 1.0


def axis_label(metric: Traits, after: str = "", split: str = "valid") -> str:
    """Return what an axis of a metric's values on a split is called, ``after`` before its unit."""
    words = f"{IN_WORDS.get(split, split)} {metric.heading}{after}"
    return as_text(words) + (f", {as_text(metric.unit)}" if metric.unit else "")


def centre(table: pd.DataFrame, metric: Traits) -> pd.Series:
    """Return the mean of each line over the columns, geometric where the metric is worked on in logs.

    A line with a 0 has the geometric mean 0, and one without a value NaN.
    """
    if not metric.log:
        return table.mean(axis=1)
    means: pd.Series = np.exp(np.log(table.where(table > 0)).mean(axis=1)).clip(table.min(axis=1), table.max(axis=1))
    return means.mask((table == 0).any(axis=1), 0.0)


def legend_above(figure: Figure, entries: Iterable[Entry], side: str = "left") -> None:
    """Explain lines above the axes, in as many rows as they need, in smaller print where one is still too wide."""
    handles = [Line2D([], [], label=as_text(label), **{"color": MUTED, **style}) for label, style in entries]
    where: Style = {"loc": f"outside upper {side}", "labelcolor": INK, "columnspacing": 1.4}
    for columns, size in [*((n, 8.0) for n in range(len(handles), 0, -1)), (1, 6.0), (1, 4.5)]:
        legend = figure.legend(handles=handles, ncols=columns, fontsize=size, **where)
        if legend.get_window_extent().width <= figure.bbox.width or size == 4.5:
            return
        legend.remove()
