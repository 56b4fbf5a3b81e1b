"""What is wrong with splits, and the words that such lines are made of."""

from typing import Any, NamedTuple

from bench.task import Split

TEXT_LENGTH = 120
"""Characters of what an error said, or of parameters, that a line shows."""


class Fault(Exception):
    """What is wrong with splits, and what to do, in one line without the dataset's name."""


class Part(NamedTuple):
    """A split, its name, and what it is called in a line."""

    name: str
    split: Split
    words: str


def short(text: str) -> str:
    """Return a text as one line of at most `TEXT_LENGTH` characters."""
    line = " ".join(text.split())
    return line if len(line) <= TEXT_LENGTH else line[: TEXT_LENGTH - 3] + "..."


def kind_of(value: object) -> str:
    """Return ``None``, or the name of a value's type."""
    return "None" if value is None else type(value).__name__


def counted(number: int, noun: str) -> str:
    """Return ``1 window`` or ``3 windows``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listed(names: Any) -> str:
    """Return ``a, b and c``."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else str(last)
