"""Markdown for the descriptions that the MLflow UI shows: text from records is data there, never markup."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

NOTE_LENGTH = 5000
"""Characters in a description; MLflow takes 8,000 for a run's."""


def escape(text: object) -> str:
    """Return text as one line that no table, heading or paragraph takes for markup."""
    line = re.sub(r"([\\`*\[\]~|#])", r"\\\1", " ".join(str(text).split()))
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", line)


def fenced(text: str) -> str:
    """Return lines as a block of code, its fence longer than any row of backticks in them."""
    rows = re.findall(r"`+", text)
    fence = "`" * max(3, 1 + max(map(len, rows), default=0))
    return f"{fence}\n{text}\n{fence}"


def markdown_table(frame: "pd.DataFrame") -> str:
    """Return a frame as a Markdown table: four digits, thousands separated, nothing for no number."""
    head = [escape(column) for column in frame.columns]
    numeric = [pd_type.kind in "iuf" for pd_type in frame.dtypes]
    rule = ["---:" if number else "---" for number in numeric]
    rows = [[_cell(value) for value in row] for row in frame.itertuples(index=False)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows])


def _cell(value: object) -> str:
    if value is None or value != value:  # NaN differs from itself
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return escape(value)


def shorten(text: str, length: int) -> str:
    """Return whole lines of a text, ``length`` characters at most, and say where it goes on."""
    if len(text) <= length:
        return text
    more = "\n\n(The report has the rest.)"
    return text[: length - len(more)].rpartition("\n")[0] + more
