"""What a choice of recipes changes: in a suite with a grid, and in a related one."""

from collections.abc import Mapping

from bench.report.markdown import Table, count, escape
from bench.report.parts import finding
from bench.report.results import Results
from bench.report.sections.grids import grid_cases
from bench.text.markdown import link

TUNED = "tuned:"
"""How keys of ``about.csv`` begin that hold the answer of a related report at equal tuning."""


@finding("equal_tuning", order=5)
def equal_tuning(results: Results, tables: Mapping[str, Table]) -> list[str]:
    """Return what related reports found on this one's main question, each model with the best recipe of one grid."""
    return _related(results, main=True)


@finding("equal_tuning_of_others", order=15)
def equal_tuning_of_others(results: Results, tables: Mapping[str, Table]) -> list[str]:
    """Return what they found so on another question of this report, after its own answers."""
    return _related(results, main=False)


def _related(results: Results, *, main: bool) -> list[str]:
    """Return related reports' answers, which begin with a question's title: that which most rows answer, or others."""
    told = {key.removeprefix(TUNED): text for key, text in results.about.items() if key.startswith(TUNED)}
    question = max(results.leading(), key=lambda board: len(board.ranked)).title
    return [
        f"**At equal tuning** ({link(name, f'../{name}/README.md')}). {escape(text)}"
        for name, text in told.items()
        if text.startswith(f"{question}. ") is main
    ]


@finding("tuning", order=20)
def tuning(results: Results, tables: Mapping[str, Table]) -> list[str]:
    """Return how many models gain by a choice of recipe, and chose one at an end of the grid; nothing without one."""
    found = [case for case in grid_cases(results.leading()[0]) if case.default is not None]
    if not found:
        return []
    better, edges = sum(c.gains for c in found), sum(bool(c.edges) for c in found)
    at = f"; {edges} chose an end of the grid" if edges else ""
    title = link("Recipes", tables["recipes"].target)
    return [f"**{title}.** Of {count(len(found), 'model')}, {better or 'none'} gain{'s' * (better < 2)}{at}."]
