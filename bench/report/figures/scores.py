"""Every seed's final score."""

from typing import TYPE_CHECKING

from bench.report import panels
from bench.report.captions import scored
from bench.report.figures.base import figure
from bench.report.style import new_figure
from bench.report.summary import Ground, Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def caption(results: Results, ground: Ground) -> str:
    """Say how final scores are drawn, and what dots that interleave mean."""
    better = "right" if ground.is_label else "left"
    last = " Rows marked †, ‡ or § do not rank and stand last." if len(ground.ranked) < scored(ground) else ""
    return (
        f"Best model on top, further {better} is better. Dots that overlap do not mean that two "
        "means cannot be told apart: the letters of the table say that. A dot far from its siblings is a seed whose "
        f"learning curve is worth a look.{last}"
    )


@figure("scores", "final score of every seed", order=10, caption=caption)
def scores_figure(results: Results, ground: Ground, colours: panels.Looks) -> "Figure | None":
    """Draw every seed's final score, a line a model."""
    n = sum(len(r.seeds(ground.column)) > 0 for r in ground.rows)
    if not n:
        return None
    figure = new_figure(8.6, 1.25 + 0.27 * n)
    panels.scores(figure.add_subplot(), ground, colours)
    return figure
