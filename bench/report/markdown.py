"""Pieces of GitHub Markdown: numbers, tables, and paragraphs from templates."""

import math
import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import jinja2
import pandas as pd
import tabulate

from bench.stats import Ratio
from bench.text import markdown
from bench.text.markdown import escape as escape  # what every part of a report needs

NONE = "–"
TINY, HUGE = 1e-5, 1e7
"""Numbers below and from which on powers of ten are shorter to read."""
MOST_THOUSANDS = 1e12
"""A number from which on nobody counts the separators."""
LEAST_FACTOR = 0.005
"""Two decimals of a ratio below this are 0.00."""
tabulate.WIDE_CHARS_MODE = False  # else the spaces in a table depend on whether wcwidth is installed
TEMPLATES = Path(__file__).parent / "templates"
T = TypeVar("T")


@dataclass(frozen=True)
class Table:
    """A numbered table with notes under it.

    Attributes:
        key: What findings name it by.
        title: Of its heading, as plain text.
        body: In Markdown.
        notes: In Markdown.
        anchor: What its heading is called in links; empty where no other heading has its text.
    """

    key: str
    number: int
    title: str
    body: str
    notes: list[str] = field(default_factory=list)
    anchor: str = ""

    @property
    def heading(self) -> str:
        """Its heading, with its number, as plain text."""
        return f"Table {self.number}. {self.title}"

    @property
    def target(self) -> str:
        """What a link to it leads to."""
        return f"#{self.anchor or markdown.anchor(self.heading)}"

    @property
    def link(self) -> str:
        """A link to it for running text."""
        return markdown.link(f"Table {self.number}", self.target)

    def markdown(self, level: int = 2, above: str = "") -> str:
        """Return heading, a paragraph ``above`` the table, table and notes."""
        notes = "".join(f"\n{note}\n" for note in self.notes)
        above = f"{above}\n\n" if above else ""
        return f"{markdown.heading(level, self.heading)}\n\n{above}{self.body}\n{notes}"


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int = 1, text_last: bool = False) -> str:
    """Return a GitHub table; the first ``text_columns`` columns, and perhaps the last, aligned left, others right.

    Cells are markup already: escape what comes from data.
    """
    last = len(headers) - 1 if text_last else len(headers)
    align = ["left" if i < text_columns or i == last else "right" for i in range(len(headers))]
    return str(tabulate.tabulate(rows, headers, tablefmt="github", colalign=align, disable_numparse=True))


def lines_of(columns: Mapping[str, Callable[[T], str]], items: Iterable[T], text: int = 1, last: bool = False) -> str:
    """Return a `table` with a line for each item, by what stands under each heading."""
    return table(list(columns), [[cell(item) for cell in columns.values()] for item in items], text, last)


def rendered(name: str, folder: Path = TEMPLATES, /, **values: object) -> str:
    """Return the text of a template ``NAME.md`` with values filled in."""
    return _environment(folder).get_template(f"{name}.md").render(values)


@cache
def _environment(folder: Path) -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(folder)
    # Markdown, not HTML: `escape` makes text from data safe.
    made = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.globals |= {
        each.__name__: each for each in (all_of, count, escape, listed, lower, markdown.code, markdown.link, upper)
    }
    return made


def paragraphs(name: str, folder: Path = TEMPLATES, /, **values: object) -> list[str]:
    """Return the paragraphs of a template ``NAME.md`` with values filled in, each on a line; none of an empty one."""
    return [" ".join(each.split()) for each in rendered(name, folder, **values).split("\n\n") if each.strip()]


def score(value: float | None, digits: int = 4) -> str:
    """Return a score with so many significant digits, and six decimals at most; none where there is no score.

    A zero is 0; what is no finite number is shown as that: NaN, ∞ or -∞.
    """
    if value is None:
        return NONE
    if value == 0 or not math.isfinite(value):
        return unending(value) if value else "0"
    if not TINY <= abs(value) < HUGE:
        return f"{value:.2e}"
    return f"{value:.{max(0, min(6, digits - 1 - math.floor(math.log10(abs(value)))))}f}"


def unending(value: float) -> str:
    """Return what is no finite number as text."""
    return "NaN" if math.isnan(value) else "∞" if value > 0 else "-∞"


def fixed(value: float | None, decimals: int) -> str:
    """Return a number with so many decimals, a huge one with three digits; none where it is not known."""
    if value is None or math.isnan(value):
        return NONE
    if not math.isfinite(value):
        return unending(value)
    return f"{value:z.{decimals}f}" if abs(value) < HUGE else f"{value:.2e}"


def factor(ratio: float) -> str:
    """Return a ratio with the digits that matter: 1.07, 3.4, 120."""
    if 0 < ratio < LEAST_FACTOR:
        return f"{ratio:.1e}"
    return fixed(ratio, 2) if ratio < 2 else f"{ratio:.1f}" if ratio < 10 else thousands(ratio)


def effect(ratio: Ratio | None, digits: Callable[[float], str] = factor) -> str:
    """Return a ratio with its interval, ``1.12 [0.97, 1.30]``, or what else ``digits`` shows."""
    if ratio is None:
        return NONE
    if ratio.low is None or ratio.high is None or ratio.low == ratio.high:
        return digits(ratio.value)
    return f"{digits(ratio.value)} [{digits(ratio.low)}, {digits(ratio.high)}]"


def between(values: Iterable[float]) -> str:
    """Return shares as the range of their percentages."""
    shares = sorted(values)
    low, high = (fixed(100 * v, 1) for v in (shares[0], shares[-1]))
    return f"{low} %" if low == high else f"{low} to {high} %"


def thousands(value: float | None) -> str:
    """Return a count, a rate or a large ratio with separators and at most three significant digits."""
    if value is None or math.isnan(value):
        return NONE
    if not abs(value) < MOST_THOUSANDS:
        return f"{value:.2e}" if math.isfinite(value) else unending(value)
    rounded = round(value, min(2 - math.floor(math.log10(abs(value))), 0)) if value else 0.0
    return f"{rounded:,.0f}"


def listed(texts: Sequence[str]) -> str:
    """Return texts as a list in words: ``a, b and c``."""
    return f"{', '.join(texts[:-1])} and {texts[-1]}" if len(texts) > 1 else "".join(texts)


def count(number: int, noun: str) -> str:
    """Return ``1 run`` or ``3 runs``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def all_of(number: int, noun: str) -> str:
    """Return ``the one run``, ``both runs`` or ``all 3 runs``."""
    return f"the one {noun}" if number == 1 else f"both {noun}s" if number == 2 else f"all {number} {noun}s"


def upper(text: str) -> str:
    """Return a sentence with a capital, unless it begins with a name that is more than a word: ``gru_8``, ``xLSTM``."""
    return text[:1].upper() + text[1:] if re.fullmatch(r"[a-z]+(-[a-z]+)*[,;:.]?", text.partition(" ")[0]) else text


def lower(text: str) -> str:
    """Return a sentence without its capital, unless it begins with more than a word: ``LSTM``."""
    return text[:1].lower() + text[1:] if re.fullmatch(r"[A-Z][a-z]*[,;:.]?", text.partition(" ")[0]) else text


def seconds(value: float) -> str:
    """Return a duration in seconds, two decimals below one second."""
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def seed_label(run: "pd.Series | Mapping[Hashable, Any]") -> str:
    """Return the seed of a row of ``runs.csv``, or that its score is exact."""
    return str(run["seed"]) if pd.notna(run["seed"]) else "exact"
