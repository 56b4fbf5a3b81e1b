"""Forecasts beside the truth."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report.figures.base import Looks, figure, leads, legend_above
from bench.report.leaderboards import Leaderboard
from bench.report.results import Results
from bench.report.rows import Row
from bench.report.style import INK, MUTED, Style, as_text, drawable, new_figure, title

STYLES: dict[str, Style] = {
    "input": {"color": "#9aa1ab", "marker": ".", "markersize": 2.5, "linewidth": 1.1, "zorder": 2},
    "truth": {"color": INK, "marker": "o", "markersize": 3.2, "linewidth": 1.0, "zorder": 3},
    "forecast": {"color": MUTED, "marker": "X", "markersize": 4.4, "linewidth": 1.6, "zorder": 4, "markeredgewidth": 0},
}


INTERVAL = " The shade reaches from the lowest quantile that was forecast to the highest."


def caption(results: Results, board: Leaderboard) -> str:
    """Say which seed, split and models the forecasts are of."""
    sampled = set(results.frames["forecasts"]["run_id"])
    runs = pd.concat([r.runs for r in board.rows])
    seeds = sorted({int(s) for s in runs[runs["run_id"].isin(sampled)]["seed"].dropna()})
    seed = f"seed {seeds[0]}" if seeds else "exact predictors"
    return (
        f"The first windows of the validation split, {seed}, after the last epoch; not chosen by score. Columns, of "
        "what there is: the leading trained model, the one in the middle of the ranking, the best that needs no "
        "training, the baseline. They stand in order of rank. A good forecast lies on the truth up to its last step."
        + INTERVAL
        * bool({"low", "high"} & set(results.frames["forecasts"]["part"]))
    )


@figure("forecasts", "forecasts beside the truth", order=30, caption=caption, wanted=leads)
def forecasts_figure(results: Results, board: Leaderboard, looks: Looks) -> Figure | None:
    """Draw a few windows with the forecasts of the leader, the middle one, the best untrained and the baseline."""
    found = {row: row.of(results.frames["forecasts"]) for row in board.ranked}
    samples = {row: sample for row, sample in found.items() if len(sample)}
    rows = chosen(board, list(samples))
    if not rows:
        return None
    windows = sorted(samples[rows[0]]["window"].unique())[:3]
    picture = new_figure(2.35 * len(rows) + 0.5, 1.55 * len(windows) + 1.0)
    axes = picture.subplots(len(windows), len(rows), sharex=True, sharey="row", squeeze=False)
    for column, row in enumerate(rows):
        for line, window in enumerate(windows):
            forecast(axes[line, column], samples[row][samples[row]["window"] == window], looks[row.label].colour)
        title(axes[0, column], row.name, "", looks[row.label].colour, 2.05)
        axes[-1, column].set_xlabel("time step")
    for line, window in enumerate(windows):
        axes[line, 0].set_ylabel(f"window {window}\n{value_label(rows[0])}", fontsize=8)
    legend_above(picture, STYLES.items())
    return picture


def forecast(ax: Axes, sample: pd.DataFrame, colour: str) -> None:
    """Draw one window: the input in grey, the truth after it in ink, the forecast in colour."""
    sample = sample.assign(value=drawable(sample["value"]))
    parts = {name: part.sort_values("step") for name, part in sample.groupby("part")}
    first, last = parts["truth"]["step"].iloc[[0, -1]]
    start = 0 if last > first else first - 15  # a single step would be lost after a long window
    shown = parts["input"][parts["input"]["step"] >= start]
    ax.plot(shown["step"], shown["value"], **STYLES["input"])
    for name, own in (("truth", {}), ("forecast", {"color": colour})):
        joined = pd.concat([shown.tail(1), parts[name]])
        ax.plot(joined["step"], joined["value"], markevery=slice(1, None), **(STYLES[name] | own))
    if {"low", "high"} <= {*parts}:
        ax.fill_between(
            parts["low"]["step"], parts["low"]["value"], parts["high"]["value"], color=colour, alpha=0.2, lw=0
        )
    ax.axvspan(first - 0.5, last + 0.5, color="#f4f6f8", zorder=0)
    ax.set_xlim(start - 1, last + 0.5)


def chosen(board: Leaderboard, rows: list[Row]) -> list[Row]:
    """Return the rows whose forecasts are shown: best and middle trained, best untrained, baseline."""
    trained, untrained = [r for r in rows if r.trained], [r for r in rows if not r.trained]
    picked = [*trained[:1], *trained[len(trained) // 2 :][:1], *untrained[:1], board.baseline]
    return [row for row in rows if row in picked]


def value_label(row: Row) -> str:
    """Return what is forecast, and its unit: a sample is of the first target."""
    target = row.info["targets"][0]
    return f"{as_text(target.name, 24)}, {as_text(target.unit, 16) or 'no unit'}"
