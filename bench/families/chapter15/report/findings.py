"""What the first lines of a report say of the chapter: its printed values, and what each of its faults did."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench import stats
from bench.families.chapter15.report.errata import alone, odd_positions, partial_effect, significant
from bench.families.chapter15.report.printed import PrintedValue, printed_values
from bench.report.markdown import Table, all_of, count, escape, factor, fixed, paragraphs, score, upper
from bench.report.parts import finding
from bench.report.results import Results
from bench.report.rows import LISTED


@finding("printed", order=50)
def printed(results: Results, tables: Mapping[str, Table]) -> list[str]:
    """Return the printed values that our seeds do not contain."""
    values = printed_values(results)
    if not values:
        return []
    exact, seeded = ([v for v in values if v.judgement and v.judgement.exact is kind] for kind in (True, False))
    if not exact and not seeded:
        return ["**Printed values.** One seed each has no spread to hold a printed value against."]
    sentences = [_exact(exact)] if exact else []
    sentences += [_seeded(seeded)] if seeded else []
    return [f"**Printed values.** {'. '.join(sentences)} ({tables['reproduction'].link})."]


def _exact(values: list[PrintedValue]) -> str:
    """Return which exact values differ from the printed ones, if any does."""
    off = [v for v in values if v.off]
    if not off:
        return f"{upper(all_of(len(values), 'exact value'))} {'matches' if len(values) == 1 else 'match'}"
    which = "The one exact value" if len(values) == 1 else f"{len(off)} of {len(values)} exact values"
    return f"{which} {'differs' if len(off) == 1 else 'differ'}: {_listed(off)}"


def _seeded(values: list[PrintedValue]) -> str:
    """Return how many values our seeds exclude, and how far off a value had to be for that."""
    judgements = [v.judgement for v in values if v.judgement]
    factors = [j.factor for j in judgements if j.factor is not None and j.factor < stats.LARGEST]
    seeds = [len(v.sample.values) for v in values]
    text = paragraphs(
        "printed",
        Path(__file__).parent,
        total=len(values),
        outside=[v for v in values if v.verdict == "outside"],
        listed=_listed,
        missed=sum(j.missed for j in judgements),
        seeds=sorted({min(seeds), max(seeds)}),
        factors=[factor(float(each)) for each in np.quantile(factors or [np.nan], (0.5, 0, 1))],
        several=len(factors) > 1,
    )
    return " ".join(text)


def _listed(values: list[PrintedValue]) -> str:
    parts = [
        f"{escape(v.row.name)}{' last step' * v.last} {score(v.printed, 3)} printed, {score(v.ours, 3)} here"
        for v in values
    ]
    return "; ".join(parts[:LISTED]) + (f"; {len(parts) - LISTED} more" if len(parts) > LISTED else "")


@finding("errata", order=60)
def errata(results: Results, tables: Mapping[str, Table]) -> list[str]:
    """Return what each fault, alone, did to the validation MSE: as printed over corrected."""
    if "errata" not in tables:
        return []
    parts: list[tuple[int, str]] = []
    found = alone(results)
    for v, differs in zip(found, significant(found), strict=True):
        name, ratio = escape(v.row.name), v.ratio or 1.0
        did = f" {_verb(ratio)} {name}" if differs else f": no significant effect on {name}"
        parts.append((v.number, f"no. {v.number}{did}, × {fixed(ratio, 2)}"))
    if partial := partial_effect(results):
        median = f"× {fixed(partial.median, 2)} (median of {count(len(partial.ratios), 'model')} scored both ways)"
        where = f"scored on positions {odd_positions(results)} alone"
        parts.append((partial.number, f"no. {partial.number} {_verb(partial.median)} what is {where}, {median}"))
    if not parts:
        return []
    text = "; ".join(part for _, part in sorted(parts, key=lambda p: p[0]))
    return [
        f"**Errata.** Validation MSE with each fault alone, over that without it: {text} ({tables['errata'].link})."
    ]


def _verb(ratio: float) -> str:
    return "flatters" if ratio < 1 else "hurts"
