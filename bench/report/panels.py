"""What is drawn inside one pair of axes: functions of axes and rows."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bench import stats
from bench.report.style import FLOOR, INK, MUTED, Look, plain_log, spread_out, title
from bench.report.summary import Ground, Row, marks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Looks = Mapping[str, Look]
METRIC_NAMES = {
    "valid_mse": "validation MSE",
    "valid_last_time_step_mse": "validation MSE of the last time step",
    "valid_accuracy": "validation accuracy",
}


def scores(ax: "Axes", ground: Ground, looks: Looks) -> None:
    """Draw every run's final score as a dot, a line a row, best on top, with printed values and the floor."""
    rows = [r for r in ground.rows if len(r.seeds(ground.column))]
    scale = 100.0 if ground.is_label else 1.0
    has_printed = has_several = False
    for y, row in enumerate(rows):
        look, values = looks[row.label], row.seeds(ground.column) * scale
        ax.axhline(y, color="#eef0f3", linewidth=0.8, zorder=0)
        if row.trained and len(values) > 1:
            has_several = True
            centre = (None if ground.is_label else stats.geometric_mean(values)) or float(np.mean(values))
            ax.plot([values.min(), values.max()], [y, y], color=look.colour, linewidth=1.4, alpha=0.5, zorder=2)
            ax.plot([centre, centre], [y - 0.3, y + 0.3], color=look.colour, linewidth=2.2, zorder=3)
        face = look.colour if row.trained else "white"
        ax.scatter(
            values, [y] * len(values), s=26, color=face, edgecolor=look.colour, marker=look.marker, alpha=0.85, zorder=4
        )
        value = row.published(last=ground.common)
        if value is not None and not ground.is_label:
            has_printed = True
            ax.scatter([value], [y], s=46, marker="x", color=INK, linewidth=1.3, zorder=5)
    ax.set_yticks(range(len(rows)), [r.name + marks(r, ground) for r in rows])
    for tick, row in zip(ax.get_yticklabels(), rows, strict=True):
        tick.set_color(looks[row.label].colour)
        tick.set_fontsize(8.5)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.grid(axis="y", visible=False)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel(f"{METRIC_NAMES[ground.column]} after the last epoch{', %' if ground.is_label else ''}")
    _legend(ax, ground, has_printed, has_several, any(not r.trained for r in rows))
    if not ground.is_label:
        ax.set_xscale("log")
        if ground.floor:
            ax.axvline(ground.floor, color=FLOOR, linewidth=1.1, linestyle=(0, (4, 3)), zorder=1)
        low, high = ax.get_xlim()
        ax.set_xlim(low * 0.9, high * 1.1)
        plain_log(ax.xaxis)


def _legend(ax: "Axes", ground: Ground, printed: bool, several: bool, exact: bool) -> None:
    from matplotlib.lines import Line2D

    def mark(label: str, **style: Any) -> Line2D:
        return Line2D([], [], label=label, **{"color": MUTED, "linestyle": "none", "markersize": 5, **style})

    entries = [mark("one seed", marker="o")]
    if several:
        mean = "mean over seeds" if ground.is_label else "geometric mean over seeds"
        entries.append(mark(mean, marker="|", markersize=10, markeredgewidth=2.2))
    if exact:
        entries.append(mark("needs no training", marker="D", markerfacecolor="white"))
    if printed:
        entries.append(mark("printed in the source", marker="x", color=INK, markeredgewidth=1.3))
    if ground.floor:
        entries.append(mark("noise floor", linestyle=(0, (4, 3)), color=FLOOR))
    ax.get_figure().legend(  # type: ignore[union-attr]
        handles=entries,
        loc="outside upper right",
        ncols=len(entries),
        fontsize=8,
        handletextpad=0.5,
        columnspacing=1.4,
        borderaxespad=0.2,
        labelcolor=INK,
    )


def curve(
    ax: "Axes",
    ground: Ground,
    row: Row,
    curves: pd.DataFrame,
    looks: Looks,
    others: Sequence[Row],
    printed: pd.DataFrame,
) -> None:
    """Draw a row's validation curves: a thin line a seed, their band, the bold mean; other rows in grey."""
    column, scale = ground.column, 100.0 if ground.is_label else 1.0
    for other in others:
        table = seed_curves(curves, other, column) * scale
        if len(table.columns) and other.case != row.case and other.partial == row.partial:
            ax.plot(table.index, _centre(table, column), color="#dfe3e8", linewidth=0.9, zorder=1)
    table = seed_curves(curves, row, column) * scale
    colour = looks[row.label].colour
    if len(table.columns) > 1:
        ax.fill_between(
            table.index, table.min(axis=1), table.max(axis=1), color=colour, alpha=0.16, linewidth=0, zorder=2
        )
    for seed in table.columns:
        ax.plot(table.index, table[seed], color=colour, linewidth=0.6, alpha=0.6, zorder=3)
    single = len(table) == 1
    ax.plot(table.index, _centre(table, column), color=colour, linewidth=1.9, zorder=4, marker="o" if single else "")
    if len(printed):
        shown = printed.dropna(subset=[column]) if column in printed else printed.iloc[:0]
        ax.plot(shown["epoch"], shown[column] * scale, color=INK, linewidth=1.1, linestyle=(0, (3, 2)), zorder=5)
    title(ax, row.name + marks(row, ground), colour, 2.15)


def _centre(table: pd.DataFrame, column: str) -> pd.Series:
    if column == "valid_accuracy":
        return table.mean(axis=1)
    return np.exp(np.log(table.where(table > 0)).mean(axis=1))  # type: ignore[no-any-return]


def seed_curves(curves: pd.DataFrame, row: Row, column: str) -> pd.DataFrame:
    """Return a row's per-epoch values of ``column``: a line an epoch, a column a run."""
    own = row.of(curves)
    if column not in own or own.empty:
        return pd.DataFrame()
    runs = own["data_seed"].astype(str) + " " + own["seed"].astype(str)
    return own.assign(run=runs).pivot(index="epoch", columns="run", values=column).dropna(axis=1, how="all")


def forecast(ax: "Axes", sample: pd.DataFrame, colour: str, first_step: int) -> None:
    """Draw one window: the input in grey, the truth after it in ink, the forecast in colour."""
    parts = {name: part.sort_values("step") for name, part in sample.groupby("part")}
    shown = parts["input"][parts["input"]["step"] >= first_step]
    truth, made = parts["truth"], parts["forecast"]
    last = shown.tail(1)
    ax.plot(shown["step"], shown["value"], color="#9aa1ab", linewidth=1.1, marker=".", markersize=2.5, zorder=2)
    styles: list[tuple[pd.DataFrame, str, dict[str, Any]]] = [
        (truth, INK, {"marker": "o", "markersize": 3.2, "linewidth": 1.0, "zorder": 3}),
        (made, colour, {"marker": "X", "markersize": 4.4, "linewidth": 1.6, "zorder": 4, "markeredgewidth": 0}),
    ]
    for part, line, style in styles:
        joined = pd.concat([last, part])
        ax.plot(joined["step"], joined["value"], color=line, markevery=slice(1, None), **style)
    ax.axvspan(float(truth["step"].min()) - 0.5, float(truth["step"].max()) + 0.5, color="#f4f6f8", zorder=0)


def steps(ax: "Axes", ground: Ground, rows: Sequence[Row], looks: Looks, strong: Sequence[Row]) -> None:
    """Draw MSE against the forecast step, each line named at its right end; ``strong`` rows in colour."""
    horizon = int(rows[0].info["horizon"])
    x = np.arange(1, horizon + 1)
    lines = [np.array([stats.geometric_mean(row.values(f"valid_mse_step_{h}")) or np.nan for h in x]) for row in rows]
    for row, line in zip(rows, lines, strict=True):
        look, bold = looks[row.label], row in strong
        ax.plot(
            x,
            line,
            color=look.colour,
            linestyle=look.dashes,
            linewidth=2.0 if bold else 1.1,
            marker=look.marker,
            markersize=3.5 if bold else 2.2,
            zorder=4 if bold else 3,
        )
    ax.set_yscale("log")
    ax.set_xlim(0.6, horizon + 0.2)
    ax.set_xticks(x)
    if ground.floor:
        ax.axhline(ground.floor, color=FLOOR, linewidth=1.1, linestyle=(0, (4, 3)), zorder=1)
        ax.text(0.75, ground.floor * 1.06, "noise floor", color=MUTED, fontsize=8)
    low, high = (float(np.log10(v)) for v in ax.get_ylim())
    ends = [float(np.log10(line[-1])) for line in lines]
    points_high = ax.get_window_extent().height / ax.get_figure().dpi * 72  # type: ignore[union-attr]
    gap = (high - low) * 11.5 / points_high
    right = horizon + 0.2
    for row, end, at in zip(rows, ends, spread_out(ends, gap, low, high), strict=True):
        colour = looks[row.label].colour
        xs, ys = [right - 0.1, right + 0.25, right + 0.4], [10**end, 10**at, 10**at]
        ax.plot(xs, ys, color=colour, linewidth=0.6, clip_on=False, alpha=0.8)
        weight = "bold" if row in strong else "normal"
        ax.text(right + 0.5, 10**at, row.name, color=colour, fontsize=8, va="center", fontweight=weight)
    plain_log(ax.yaxis)
    ax.set_xlabel("forecast step (1 is the step right after the window)")
    ax.set_ylabel("validation MSE at the last position")


def groups(ax: "Axes", frame: pd.DataFrame, rows: Sequence[Row], looks: Looks) -> None:
    """Draw accuracy against a group's value, a line a row with a thin one for each run."""
    for place, row in enumerate(rows):
        own = row.of(frame)
        if own.empty:
            continue
        look = looks[row.label]
        runs = own["data_seed"].astype(str) + " " + own["seed"].astype(str)
        for _, part in own.groupby(runs):
            part = part.sort_values("group_value")
            if row.trained:
                ax.plot(part["group_value"], 100 * part["accuracy"], color=look.colour, linewidth=0.6, alpha=0.5)
        mean = own.groupby("group_value")["accuracy"].mean()
        # Every other line is dashed, thinner, with hollow marks, and predictors leave out every other mark: two lines
        # that coincide are both seen.
        odd = place % 2
        ax.plot(
            mean.index,
            100 * mean,
            color=look.colour,
            linestyle=(0, (4, 4)) if odd else "-",
            marker=look.marker,
            markersize=4.0,
            markerfacecolor="white" if odd else look.colour,
            markevery=1 if row.trained else (odd, 2),
            linewidth=1.2 if odd else 2.2,
            zorder=3 + odd + 0.01 * place,
            label=row.name,
        )
    ax.set_ylim(-4, 104)
