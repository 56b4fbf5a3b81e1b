"""What a section of a report is: a numbered table with notes, made from its frames; and their registry."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.registry import Registry
from bench.report.summary import Results

Make = Callable[[Results], tuple[str, list[str]] | None]
"""From a report's frames to a table and its notes, in Markdown; None where the suite has nothing for it."""


@dataclass(frozen=True)
class Section:
    """A table with a place among the sections.

    Attributes:
        key: What findings and figures name it by.
        title: Its heading.
        order: Sections stand in this order, after the tables of the tasks.
    """

    key: str
    title: str
    order: int
    make: Make


sections: Registry[Section] = Registry("table", "bench.report.sections")


def section(key: str, title: str, order: int) -> Callable[[Make], Make]:
    """Register the decorated maker as a section."""

    def decorate(make: Make) -> Make:
        sections.add(key, Section(key, title, order, make), source=make)
        return make

    return decorate


def made_sections(results: Results) -> list[tuple[str, str, str, list[str]]]:
    """Return key, title, table and notes of every section that has something to show, in order."""
    made = []
    for each in sorted(map(sections.get, sections.names()), key=lambda s: s.order):
        content = each.make(results)
        if content is not None:
            made.append((each.key, each.title, *content))
    return made
