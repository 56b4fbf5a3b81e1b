"""Pieces of GitHub Markdown: numbers, escaped text, tables, links."""

import math
import re
from collections.abc import Iterable, Sequence

import pandas as pd
from tabulate import tabulate

from bench.stats import Interval, Ratio

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


def ranged(interval: Interval | None) -> str:
    """Return a mean with its interval, ``0.00720 [0.0061, 0.0085]``; the mean alone where there is none."""
    if interval is None:
        return NONE
    if interval.low is None or interval.high is None:
        return score(interval.centre)
    return f"{score(interval.centre)} [{score(interval.low, 3)}, {score(interval.high, 3)}]"


def effect(ratio: Ratio | None, *, points: bool = False) -> str:
    """Return a ratio with its interval, ``1.12 [0.97, 1.30]``; with ``points`` a difference of shares in points."""
    if ratio is None:
        return NONE
    digits = (lambda v: f"{100 * v:.2f}") if points else factor
    if ratio.low is None or ratio.high is None or ratio.low == ratio.high:
        return digits(ratio.value)
    return f"{digits(ratio.value)} [{digits(ratio.low)}, {digits(ratio.high)}]"


def factor(ratio: float) -> str:
    """Return a ratio with the digits that matter: 1.07, 3.4, 120."""
    return f"{ratio:.2f}" if ratio < 2 else f"{ratio:.1f}" if ratio < 10 else thousands(ratio)


def percent(interval: Interval | None, *, exact: bool = False) -> str:
    """Return a share as percent with its interval, which is cut at 0 and 100 %."""
    if interval is None:
        return NONE
    if exact or interval.low is None or interval.high is None:
        return f"{100 * interval.centre:.2f} %"
    return f"{100 * interval.centre:.2f} % [{100 * max(interval.low, 0):.2f}, {100 * min(interval.high, 1):.2f}]"


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


def seconds(value: float) -> str:
    """Return a duration in seconds, two decimals below one second."""
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def seed_label(run: pd.Series) -> str:
    """Return the seed of a row of ``runs.csv``, or that its score is exact."""
    return str(run["seed"]) if pd.notna(run["seed"]) else "exact"
