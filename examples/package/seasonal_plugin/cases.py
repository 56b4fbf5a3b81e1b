"""A case of the plug-in."""

from bench.cases.base import Case, case
from bench.recipe import Recipe
from seasonal_plugin.datasets import SeasonalOrders
from seasonal_plugin.models import SeasonalDifference


@case("seasonal/difference")
def difference() -> Case:
    """Tomorrow's orders from last week's, corrected."""
    return Case(SeasonalOrders(), SeasonalDifference(), Recipe(epochs=5), label="seasonal difference")
