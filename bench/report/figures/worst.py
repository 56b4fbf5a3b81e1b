"""The windows that the leader forecasts worst."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report.amounts import amount
from bench.report.figures.base import Looks, figure, legend_above
from bench.report.figures.forecasts import STYLES
from bench.report.leaderboards import Leaderboard
from bench.report.results import Results
from bench.report.rows import Row
from bench.report.style import Look, Style, as_text, drawable, new_figure


def caption(results: Results, board: Leaderboard) -> str:
    """Say which windows, and what the lines are."""
    first, *others = _rows(board)
    rival = f" and of its runner-up ({others[0].name})" if others else ""
    return (
        f"The test windows with the largest error of the leader ({first.name}), no two of which forecast a step in "
        f"common, chosen by that error: forecasts of the leader{rival}, mean over seeds; shaded: from the least to the "
        "most of them. Of several targets, the one that is off most for its spread."
    )


def _own(results: Results, board: Leaderboard) -> pd.DataFrame:
    frame = results.frames["worst"]
    own: pd.DataFrame = frame[frame["task"] == board.rows[0].info["task"]]
    return own


def _rows(board: Leaderboard) -> list[Row]:
    return board.ranked[:2]


@figure("worst", "the leader's worst test windows", order=70, caption=caption,
        wanted=lambda results, board: not board.common and len(_own(results, board)) > 0)  # fmt: skip
def worst_figure(results: Results, board: Leaderboard, looks: Looks) -> Figure | None:
    """Draw each of the leader's worst windows with its forecast and that of the runner-up."""
    frame, rows = _own(results, board), _rows(board)
    windows = [*frame.groupby("order", sort=True)]
    picture = new_figure(8.6, 1.55 * len(windows) + 0.6)
    axes = picture.subplots(len(windows), 1, squeeze=False).ravel()
    for ax, (_, lines) in zip(axes, windows, strict=True):
        window(ax, lines, {row: looks[row.label] for row in rows})
        ax.set_title(_title(lines, rows, board), fontsize=8, loc="left")
    axes[-1].set_xlabel("step (1 is the first that is forecast)")
    told: list[tuple[str, Style]] = [(name, STYLES[name]) for name in ("input", "truth")]
    legend_above(picture, [*told, *((row.name, _line(looks[row.label])) for row in rows)])
    return picture


def window(ax: Axes, lines: pd.DataFrame, looks: dict[Row, Look]) -> None:
    """Draw one window: input and truth once, a forecast a row with the range of its runs."""
    for part in ("input", "truth"):
        own = lines[lines["part"] == part]
        ax.plot(own["step"], drawable(own["value"]), **STYLES[part])
    for row, look in looks.items():
        own = _of(lines, row)
        parts = {part: drawable(group["value"]) for part, group in own.groupby("part")}
        steps = own.loc[own["part"] == "forecast", "step"]
        if "least" in parts:
            ax.fill_between(
                steps.astype(float), parts["least"], parts["most"], color=look.colour, alpha=0.2, linewidth=0
            )
        ax.plot(steps, parts["forecast"], **_line(look))
    ax.axvline(0.5, color="#c9ced6", linewidth=0.8, zorder=0)
    ax.margins(x=0.01)


def _of(lines: pd.DataFrame, row: Row) -> pd.DataFrame:
    return lines[(lines["case"] == row.case) & (lines["device"] == row.device) & (lines["backend"] == row.backend)]


def _title(lines: pd.DataFrame, rows: list[Row], board: Leaderboard) -> str:
    first = lines.iloc[0]
    metric = board.rows[0].metrics[str(first["metric"])]
    when = f"from {first['first']}" if first["first"] else f"window {first['window']}"
    unit = f", {as_text(str(first['unit']), 16)}" if first["unit"] else ""
    errors = []
    for row in rows:
        own = _of(lines, row)
        error = own.loc[own["part"] == "error", "value"]
        errors.append(f"{as_text(row.name, 24)} {amount(float(error.iloc[0]), metric)}")
    return f"{when}, {as_text(str(first['target']), 24)}{unit}; {as_text(metric.heading)}: {', '.join(errors)}"


def _line(look: Look) -> Style:
    return {"color": look.colour, "linestyle": look.dashes, "marker": "X", "markersize": 3.4, "linewidth": 1.5}
