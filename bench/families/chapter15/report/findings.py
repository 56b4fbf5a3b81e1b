"""What the first lines of a report say of the chapter: its printed values, and what its faults did to scores."""

from collections.abc import Mapping

from bench.families.chapter15.report.errata import alone, partial_effect, significant
from bench.families.chapter15.report.printed import printed_values
from bench.report.markdown import Table, count
from bench.report.parts import finding
from bench.report.results import Results
from bench.text.markdown import link


@finding("printed", order=50)
def printed(results: Results, tables: Mapping[str, Table]) -> list[str]:
    """Return how many printed values our seeds do not contain."""
    values = [v for v in printed_values(results) if v.judgement]
    if not values:
        return []
    off = sum(v.verdict in ("outside", "differs") for v in values)
    title = link("Printed values", tables["reproduction"].target)
    return [f"**{title}.** Of {len(values)}, {off or 'none'} {'lie' if off > 1 else 'lies'} outside ours."]


@finding("errata", order=60)
def errata(results: Results, tables: Mapping[str, Table]) -> list[str]:
    """Return how many faults, alone, raised the error over that of their correction, lowered it, or did neither."""
    found = alone(results)
    if "errata" not in tables:
        return []
    ratios = [v.ratio or 1.0 for v, differs in zip(found, significant(found), strict=True) if differs]
    if partial := partial_effect(results):
        ratios.append(partial.median)
    total = len(found) + (partial is not None)
    hurt = sum(ratio > 1 for ratio in ratios)
    if not total:
        return []
    flatter = len(ratios) - hurt
    said = [f"{hurt} hurt{'s' * (hurt == 1)}"] * bool(hurt) + [f"{flatter} flatter{'s' * (flatter == 1)}"] * bool(
        flatter
    )
    title = link("Errata", tables["errata"].target)
    return [f"**{title}.** Of {count(total, 'fault')}, {', '.join(said) or 'none matters'}."]
