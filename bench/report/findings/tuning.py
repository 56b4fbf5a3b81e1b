"""Whether the order of the models survives when each has its best recipe of a grid."""

from collections.abc import Mapping

from bench.report.markdown import Table, count, escape
from bench.report.parts import finding
from bench.report.results import Results
from bench.report.sections.grids import GridCase, grid_cases
from bench.report.sections.recipes import kept, leads


@finding("tuning", order=20)
def tuning(results: Results, tables: Mapping[str, Table]) -> list[str]:
    """Return in a sentence whether the order survives the choice of recipes; nothing without a grid."""
    parts = []
    for board in results.leading():
        found = grid_cases(board)
        order = kept(found, board.score)
        if order is None:
            continue
        better = sum(c.gains for c in found)
        parts.append(
            f"on {escape(board.title)}, {better or 'none'} of {count(len(found), 'model')} "
            f"{'has' if better < 2 else 'have'} a better test score under a recipe chosen on validation than under the "
            f"default, by a 95 % interval of its own that leaves {1 if board.metric.log else 0} out; {leads(found)} "
            f"(Kendall's tau between the orders {order[0]:.2f}){_at_edges(found)}"
        )
    text = "; ".join(parts)
    return [f"**Recipes.** {text[:1].upper()}{text[1:]} ({tables['recipes'].link})."] if text else []


def _at_edges(found: list[GridCase]) -> str:
    """Return how many models chose a value at an end of those tried; empty where none did."""
    number = sum(bool(c.edges) for c in found)
    if not number:
        return ""
    who = "every model" if number == len(found) else f"{number} of {count(len(found), 'model')}"
    return f"; {who} chose the lowest or highest value tried, so that a wider grid may do better"
