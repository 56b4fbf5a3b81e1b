"""Parts of a report that files add with a decorator: columns of leaderboards, findings, sections, and overlays."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import pandas as pd

from bench.registry import Registry
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import Table
from bench.report.results import Results
from bench.report.rows import Row

Make = TypeVar("Make")
Cell = Callable[[Row], str]
"""From a row to a cell, in Markdown."""


@dataclass(frozen=True)
class Part(Generic[Make]):
    """One part of a report.

    Attributes:
        key: Its name.
        order: Parts of a kind stand in this order.
        make: Makes it.
        title: Its heading, where it has one.
        short: A column of the short tables, too.
    """

    key: str
    order: int
    make: Make
    title: str = ""
    short: bool = False


class Parts(Registry[Part[Make]]):
    """All parts of one kind."""

    def part(self, key: str, title: str = "", *, order: int, short: bool = False) -> Callable[[Make], Make]:
        """Register the decorated maker as a part."""

        def decorate(make: Make) -> Make:
            self.add(key, Part(key, order, make, title, short), source=make)
            return make

        return decorate

    def in_order(self) -> list[Part[Make]]:
        """Return every part in order."""
        return sorted(self.entries(), key=lambda part: part.order)


columns: Parts[Callable[[Results, Leaderboard], dict[str, Cell]]] = Parts(
    "column", "bench.report.columns", part="report"
)
"""From a leaderboard to columns between the model's name and its recipe: a heading each, and what stands under it."""
findings: Parts[Callable[[Results, Mapping[str, Table]], list[str]]] = Parts(
    "finding", "bench.report.findings", part="report"
)
"""From a report's frames and its tables, by their keys, to sentences in Markdown; none for nothing to say."""
sections: Parts[Callable[[Results], tuple[str, list[str]] | None]] = Parts(
    "table", "bench.report.sections", part="report"
)
"""From a report's frames to a table and its notes, after those of the tasks; None where the suite has nothing for it.

A section's key is what findings name it by.
"""
column, finding, section = columns.part, findings.part, sections.part


@dataclass(frozen=True)
class Overlay:
    """Values of a leaderboard's score from elsewhere.

    Attributes:
        label: What a legend calls them.
        final: A row's value by the score that ranks; None where there is none.
        curve: A row's values by epoch from 1 on, indexed by it; empty where there are none.
    """

    label: str
    final: Callable[[Results, Leaderboard, Row], float | None]
    curve: Callable[[Results, Leaderboard, Row], pd.Series]


overlays: Registry[Overlay] = Registry("overlay", "bench.report.columns", part="report")
"""What a source outside the records says of a score: drawn beside a row's own seeds in every figure of that score.

One stands beside the columns that show the same values, where it is found whether or not these were asked for first.
"""
