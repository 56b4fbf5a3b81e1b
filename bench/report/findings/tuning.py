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
    """Return what related reports found where each model has the best recipe of one grid."""
    told = {key.removeprefix(TUNED): text for key, text in results.about.items() if key.startswith(TUNED)}
    return [
        f"**At equal tuning** ({link(name, f'../{name}/README.md')}). {escape(text)}" for name, text in told.items()
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
