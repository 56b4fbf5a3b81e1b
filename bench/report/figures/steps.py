"""Error of each forecast step."""

from typing import TYPE_CHECKING

from bench.report import panels
from bench.report.figures.base import figure
from bench.report.style import new_figure, text_width
from bench.report.summary import Ground, Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def caption(results: Results, ground: Ground) -> str:
    """Say how the error of each step is drawn."""
    return (
        "Geometric mean over seeds; bold: the leader and those that these seeds cannot tell from it. The further a "
        "step, the harder; a line that is flat from the start has learnt little of the window."
    )


@figure("steps", "error of each forecast step", order=20, caption=caption, wanted=lambda r, g: g.common)
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
