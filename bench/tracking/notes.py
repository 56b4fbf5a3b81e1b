"""Tables and lengths of the descriptions in Markdown that the MLflow UI shows."""

from typing import TYPE_CHECKING

from bench.text.markdown import escape

if TYPE_CHECKING:
    import pandas as pd

NOTE_LENGTH = 5000
"""Characters in a description; MLflow takes 8,000 for a run's."""


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
