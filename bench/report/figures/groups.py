"""Accuracy by group of test windows."""

from typing import TYPE_CHECKING

from bench.report import panels
from bench.report.figures.base import figure
from bench.report.groups import NO_GROUP, group_frames, group_note, none_label
from bench.report.style import new_figure
from bench.report.summary import Ground, Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def caption(results: Results, ground: Ground) -> str:
    """Say what the groups mean, and which value is left out."""
    note = group_note(ground)
    return f"{note} Windows of no group ({none_label(ground)}) are left out; thin lines are seeds.".strip()


@figure("groups", "accuracy by group", order=50, caption=caption, wanted=lambda r, g: g.is_label)
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
