"""What the first lines of a report say of its source: its printed values, and what its faults did to scores."""

from collections.abc import Mapping

from bench.report.errata import alone, significant, told
from bench.report.markdown import Table, all_of, count, upper
from bench.report.parts import finding
from bench.report.printed import printed_values
from bench.report.results import Results
from bench.text.markdown import link


@finding("printed", order=50)
def printed(results: Results, tables: Mapping[str, Table]) -> list[str]:
    """Return how many printed values lie where our seeds predict them."""
    values = [v for v in printed_values(results) if v.judgement]
    if not values:
        return []
    off = sum(v.verdict in ("outside", "differs") for v in values)
    title, every = link("Printed values", tables["reproduction"].target), len(values)
    fitting = every - off
    said = f"{fitting} of {count(every, 'value')}" if off else all_of(every, "value")
    return [f"**{title}.** {upper(said)} fit{'s' * (fitting == 1)} our seeds."]


@finding("errata", order=60)
def errata(results: Results, tables: Mapping[str, Table]) -> list[str]:
    """Return how many faults, alone, raised the error over that of their correction, lowered it, or did neither.

    A fault that two tasks carry counts in each. An exact score that is that of the correction is changed by nothing;
    what seeds do not tell apart is undecided.
    """
    found = alone(results)
    if "errata" not in tables:
        return []
    ratios = [v.ratio or 1.0 for v, differs in zip(found, significant(found), strict=True) if differs]
    others = [aside.ratio for aside in told(results)]
    ratios += others
    total = len(found) + len(others)
    hurt = sum(ratio > 1 for ratio in ratios)
    if not total:
        return []
    counts = {"hurt": hurt, "flatter": len(ratios) - hurt}
    said = [f"{n} {verb}{'s' * (n == 1)}" for verb, n in counts.items() if n]
    equal = sum(v.equal for v in found)
    undecided = total - len(ratios) - equal
    said += [f"{equal} change{'s' * (equal == 1)} nothing"] * bool(equal) + [f"{undecided} undecided"] * bool(undecided)
    title = link("Errata", tables["errata"].target)
    faults = len({(v.row.case.partition("/")[0], v.number) for v in found}) + len(others)
    times = f" in {total} comparisons" if total > faults else ""
    return [f"**{title}.** Of {count(faults, 'fault')}{times}, {', '.join(said)}."]
