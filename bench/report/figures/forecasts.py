"""Forecasts beside the truth."""

from typing import TYPE_CHECKING

from bench.report import panels
from bench.report.figures.base import Entry, figure, leads, legend_above
from bench.report.style import INK, MUTED, new_figure, title
from bench.report.summary import Ground, Results, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def caption(results: Results, ground: Ground) -> str:
    """Say which seed, split and models the forecasts are of."""
    frame = results.frames["forecasts"]
    seeds = sorted({int(s) for s in frame[frame["case"].isin([r.case for r in ground.rows])]["seed"].dropna()})
    seed = f"seed {seeds[0]}" if seeds else "exact predictors"
    return (
        f"The first windows of the validation split, {seed}, after the last epoch; not chosen by score. Columns: the "
        "leading trained model, the one in the middle of the ranking, the best that needs no training, the baseline. "
        "They stand in order of rank. A good forecast lies on the truth up to its last step."
    )


@figure("forecasts", "forecasts beside the truth", order=30, caption=caption, wanted=leads)
def forecasts_figure(results: Results, ground: Ground, colours: panels.Looks) -> "Figure | None":
    """Draw a few windows with the forecasts of the leader, the middle one, the best untrained and the baseline."""
    samples = results.frames["forecasts"]
    rows = chosen_forecasts(ground, set(samples["case"]))
    if not rows:
        return None
    windows = sorted(samples[samples["case"] == rows[0].case]["window"].unique())[:3]
    figure = new_figure(2.35 * len(rows) + 0.5, 1.55 * len(windows) + 1.0)
    axes = figure.subplots(len(windows), len(rows), sharex=True, sharey="row", squeeze=False)
    horizon = int(rows[0].info["horizon"])
    for column, row in enumerate(rows):
        own = row.of(samples)
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
    legend_above(figure, entries)
    return figure


def chosen_forecasts(ground: Ground, sampled: set[str]) -> list[Row]:
    """Return the rows whose forecasts are shown: best and middle trained, best untrained, baseline."""
    rows = [r for r in ground.ranked if r.case in sampled]
    trained = [r for r in rows if r.trained]
    picked = [trained[0], trained[len(trained) // 2]] if trained else []
    untrained = [r for r in rows if not r.trained]
    picked += untrained[:1] + [r for r in [ground.baseline] if r in rows and r is not None]
    return sorted({r.name: r for r in picked}.values(), key=rows.index)
