"""A report's figures, each from the frames alone, written as SVG and PNG."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.report import captions, panels
from bench.report.captions import Drawn
from bench.report.groups import NO_GROUP, group_frames
from bench.report.style import INK, MUTED, Look, looks, new_figure, plain_log, save, styled, text_width, title
from bench.report.summary import Ground, Results, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Entry = tuple[str, dict[str, Any]]
"""A legend's label, and how its line is drawn."""
COLUMNS = 4
"""Small multiples in a line, or one more where that fills the last line better."""


Draw = Callable[[Results, Ground, panels.Looks], "Figure | None"]
Caption = Callable[[Results, Ground], str]


@dataclass(frozen=True)
class Planned:
    """A figure that a ground gets: its file's name, what it shows, how it is drawn and explained."""

    name: str
    what: str
    draw: Draw
    caption: Caption


def draw_all(results: Results, folder: Path) -> dict[str, list[Drawn]]:
    """Draw every figure into ``folder``, remove those of an earlier report; return them by section."""
    colours = label_looks(results)
    drawn: dict[str, list[Drawn]] = {}
    kept: set[Path] = set()
    with styled():
        for ground in results.grounds:
            for plan in planned(results, ground):
                figure = plan.draw(results, ground, colours)
                if figure is None:
                    continue
                name = f"{plan.name}_{ground.key}"
                kept.update(save(figure, folder, name))
                alt, caption = captions.alt(ground, plan.what), plan.caption(results, ground)
                drawn.setdefault(ground.key, []).append(Drawn(alt, f"{folder.name}/{name}.svg", caption))
    for path in [*folder.glob("*.svg"), *folder.glob("*.png")]:
        if path not in kept:
            path.unlink()
    return drawn


def planned(results: Results, ground: Ground) -> list[Planned]:
    """Return each figure that a ground gets, in reading order."""
    leading = any(g.key == ground.key for g in results.leading())
    wanted = [Planned("scores", "final score of every seed", scores_figure, captions.scores)]
    if ground.common:
        wanted.append(Planned("steps", "error of each forecast step", steps_figure, captions.steps))
    else:
        wanted.append(Planned("curves", "learning curves", curves_figure, captions.curves))
    if leading and not ground.is_label:
        wanted.append(Planned("forecasts", "forecasts beside the truth", forecasts_figure, captions.forecasts))
        wanted.append(Planned("speed", "error against training throughput", speed_figure, captions.speed))
    if ground.is_label:
        wanted.append(Planned("groups", "accuracy by group", groups_figure, captions.groups))
    return wanted


def label_looks(results: Results) -> Mapping[str, Look]:
    """Return the look of every label of the suite, whether it has run or not."""
    cases = results.frames["cases"]
    return looks((str(c), bool(t)) for c, t in zip(cases["label"], cases["trained"], strict=True))


def scores_figure(results: Results, ground: Ground, colours: panels.Looks) -> "Figure | None":
    """Draw every seed's final score, a line a model."""
    n = sum(len(r.seeds(ground.column)) > 0 for r in ground.rows)
    if not n:
        return None
    figure = new_figure(8.6, 1.25 + 0.27 * n)
    panels.scores(figure.add_subplot(), ground, colours)
    return figure


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
        line = captions.reference(row, ground)
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
        axes[0].set_ylim(low, captions.curve_top(curves, rows, ground.column) or high)
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
    _legend_above(figure, entries)
    return figure


def forecasts_figure(results: Results, ground: Ground, colours: panels.Looks) -> "Figure | None":
    """Draw a few windows with the forecasts of the leader, two below it, the best untrained and the baseline."""
    samples = results.frames["forecasts"]
    rows = chosen_forecasts(ground, set(samples["case"]))
    if not rows:
        return None
    windows = sorted(samples[samples["case"] == rows[0].case]["window"].unique())[:3]
    figure = new_figure(2.35 * len(rows) + 0.5, 1.55 * len(windows) + 1.0)
    axes = figure.subplots(len(windows), len(rows), sharex=True, sharey="row", squeeze=False)
    horizon = int(rows[0].info["horizon"])
    for column, row in enumerate(rows):
        own = samples[(samples["case"] == row.case) & (samples["device"] == row.device)]
        first = int(own[own["part"] == "truth"]["step"].min())
        start = 0 if horizon > 1 else first - 15
        for line, window in enumerate(windows):
            ax = axes[line, column]
            panels.forecast(ax, own[own["window"] == window], colours[row.label].colour, start)
            ax.set_xlim(start - 1, first + horizon - 0.5)
            if column == 0:
                ax.set_ylabel(f"window {window}\nvalue, no unit", fontsize=8)
        title(axes[0, column], row.name, colours[row.label].colour, 2.05)
        axes[-1, column].set_xlabel("time step")
    entries: list[Entry] = [
        ("input", {"color": "#9aa1ab", "marker": "."}),
        ("truth", {"color": INK, "marker": "o", "markersize": 3.5}),
        ("forecast", {"color": MUTED, "marker": "X", "markersize": 5, "linewidth": 1.6}),
    ]
    _legend_above(figure, entries)
    return figure


def chosen_forecasts(ground: Ground, sampled: set[str]) -> list[Row]:
    """Return the rows whose forecasts are shown: best, middle and last trained, best untrained, baseline."""
    rows = [r for r in ground.ranked if r.case in sampled]
    trained = [r for r in rows if r.trained]
    picked = [trained[0], trained[len(trained) // 2]] if trained else []
    untrained = [r for r in rows if not r.trained]
    picked += untrained[:1] + [r for r in [ground.baseline] if r in rows and r is not None]
    return sorted({r.name: r for r in picked}.values(), key=rows.index)


def steps_figure(results: Results, ground: Ground, colours: panels.Looks) -> "Figure | None":
    """Draw MSE by forecast step for every model that answers the question."""
    # A predictor that sees its targets has no error at the step that it copies: off any logarithmic axis.
    rows = [r for r in ground.rows if len(r.seeds("valid_mse_step_1")) and not r.peeks]
    if not rows:
        return None
    width, height = 9.4, max(4.6, 0.235 * len(rows) + 1.0)
    figure = new_figure(width, height)
    figure.set_layout_engine("none")
    names_wide = text_width(figure, [r.name for r in rows]) + 0.45
    ax = figure.add_axes((0.8 / width, 0.55 / height, (width - 0.8 - names_wide) / width, 1 - 0.7 / height))
    panels.steps(ax, ground, rows, colours, ground.leaders())
    return figure


def speed_figure(results: Results, ground: Ground, colours: panels.Looks) -> "Figure | None":
    """Scatter score against throughput, a panel an environment."""
    rows = [r for r in ground.ranked if len(r.speeds)]
    places = list(dict.fromkeys((r.device, r.backend) for r in rows))
    if not places:
        return None
    counts = [sum((r.device, r.backend) == place for r in rows) for place in places]
    heights = [3.5 if n <= 5 else 4.2 if n <= 10 else 5.6 for n in counts]
    width, total = 8.6, sum(heights)
    figure = new_figure(width, total)
    figure.set_layout_engine("none")
    top = total
    for (device, backend), height in zip(places, heights, strict=True):
        top -= height
        ax = figure.add_axes((0.8 / width, (top + 0.55) / total, (width - 1.0) / width, (height - 0.95) / total))
        mine = [r for r in rows if (r.device, r.backend) == (device, backend)]
        panels.speed(ax, ground, mine, colours)
        hollow = "; hollow: contended" if any(r.contended for r in mine) else ""
        ax.set_title(f"{device}, {backend}. Grey line: no other model is both better and faster{hollow}", fontsize=8.5)
    return figure


def groups_figure(results: Results, ground: Ground, colours: panels.Looks) -> "Figure | None":
    """Draw test accuracy by each group of strings."""
    kinds = group_frames(results, ground)
    if not kinds:
        return None
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(8.6, 3.4)
    axes = figure.subplots(1, len(kinds), sharey=True, squeeze=False).ravel()
    for ax, (kind, frame) in zip(axes, kinds.items(), strict=True):
        panels.groups(ax, frame[frame["group_value"] != NO_GROUP], ground.rows, colours)
        ax.xaxis.set_major_locator(MaxNLocator(9, integer=True))
        ax.set_xlabel(kind.replace("_", " "))
    axes[0].set_ylabel("test accuracy, %")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=min(5, len(labels)), fontsize=8)
    return figure


def _legend_above(figure: "Figure", entries: list[Entry]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], label=label, **{"color": MUTED, **style}) for label, style in entries]
    figure.legend(
        handles=handles, loc="outside upper left", ncols=len(handles), fontsize=8, labelcolor=INK, columnspacing=1.4
    )
