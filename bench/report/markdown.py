"""Pieces of GitHub Markdown: numbers, escaped text, tables, links."""

import math
import re
from collections.abc import Iterable, Sequence

from tabulate import tabulate

from bench.stats import Summary

NONE = "–"


def escape(text: object) -> str:
    """Return text from data as one line that no table or paragraph takes for markup."""
    line = " ".join(str(text).split())
    for mark in "\\`*[]<>|~":
        line = line.replace(mark, {"<": "&lt;", ">": "&gt;"}.get(mark, f"\\{mark}"))
    return re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", line)


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int = 1, text_last: bool = False) -> str:
    """Return a GitHub table; the first ``text_columns`` columns, and perhaps the last, aligned left, others right.

    Cells are markup already: escape what comes from data.
    """
    last = len(headers) - 1 if text_last else len(headers)
    align = ["left" if i < text_columns or i == last else "right" for i in range(len(headers))]
    return str(tabulate(rows, headers, tablefmt="github", colalign=align, disable_numparse=True))


def slug(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.replace("\\", "").lower())
    return kept.strip().replace(" ", "-")


def decimals(value: float, digits: int = 4) -> int:
    """Return how many decimals show ``digits`` significant digits of ``value``, six at most."""
    if value == 0 or not math.isfinite(value):
        return digits
    return max(0, min(6, digits - 1 - math.floor(math.log10(abs(value)))))


def score(value: float | None, digits: int = 4) -> str:
    """Return a score with so many significant digits."""
    if value is None or math.isnan(value):
        return NONE
    if value != 0 and abs(value) < 1e-5:
        return f"{value:.2e}"
    return f"{value:.{decimals(value, digits)}f}"


def spread(summary: Summary | None, *, exact: bool = False) -> str:
    """Return ``mean ± sd``; the mean alone where there is no spread to know."""
    if summary is None:
        return NONE
    if exact or summary.sd is None:
        return score(summary.mean)
    if 0 < abs(summary.mean) < 1e-5:
        return f"{summary.mean:.2e} ± {summary.sd:.0e}"
    return f"{score(summary.mean)} ± {deviation(summary.sd)}"


def deviation(sd: float) -> str:
    """Return a standard deviation with two significant digits."""
    if sd == 0:
        return "0"
    return f"{sd:.1e}" if sd < 1e-6 else f"{sd:.{max(0, 1 - math.floor(math.log10(sd)))}f}"


def percent(summary: Summary | None, *, exact: bool = False) -> str:
    """Return a share as ``mean ± sd`` percent."""
    if summary is None:
        return NONE
    if exact or summary.sd is None:
        return f"{100 * summary.mean:.2f} %"
    return f"{100 * summary.mean:.2f} ± {deviation(100 * summary.sd)} %"


def between(values: Iterable[float]) -> str:
    """Return shares as the range of their percentages."""
    shares = sorted(values)
    low, high = (f"{100 * v:.1f}" for v in (shares[0], shares[-1]))
    return f"{low} %" if low == high else f"{low} to {high} %"


def thousands(value: float | None) -> str:
    """Return a count or a rate with separators and at most three significant digits."""
    if value is None or not math.isfinite(value):
        return NONE
    rounded = round(value, 2 - math.floor(math.log10(abs(value)))) if value else 0.0
    return f"{rounded:,.0f}"


def count(number: int, noun: str) -> str:
    """Return ``1 run`` or ``3 runs``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
