"""Text from data as GitHub's Markdown, and what a text in Markdown says."""

import html as markup
import re
import unicodedata
from urllib.parse import quote

from bench.text.lines import one_line

_MARKS = re.compile(r"^(\d{1,9})([.)])(?=\s|$)|^[-+=](?=[-+=\s]|$)|[\\`*\[\]|~$]|[<>]|&(?=#?\w+;)|#(?=[#\s]|$)|_+")
_ODD = re.compile(r"(?<!\\)(?:\\\\)*\\\|")
"""An odd number of backslashes before a ``|``."""
_SAID = re.compile(r" ?\(\[[^\]]*\]\([^)]*\)\)|\\([!-/:-@\[-`{-~])|(&#?\w+;)|[*`]+")


def escape(text: object) -> str:
    """Return text as one line that is markup nowhere: not in a paragraph, a cell, a heading or a link's text."""
    return _MARKS.sub(_marked, one_line(text))


def _marked(found: re.Match[str]) -> str:
    mark, line = found[0], found.string
    if found[1]:
        return rf"{found[1]}\{found[2]}"  # no numbered list begins
    if mark in "<>&":
        return markup.escape(mark)
    if mark[0] == "_":  # inside a word it is no emphasis
        sides = line[: found.start()][-1:], line[found.end() :][:1]
        return mark if all(side.isalnum() for side in sides) else r"\_" * len(mark)
    return f"\\{mark}"


def code(text: object, cell: bool = False) -> str:
    """Return text as code, its fence longer than any row of backticks in it; ``cell`` in a table's.

    In a cell, code cannot hold a backslash before a ``|``: GitHub takes the two backslashes for one and ends the cell
    there. Such a text stands there as text.
    """
    line = one_line(text)
    if cell and _ODD.search(line):
        return escape(line)
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    space = " " if line.startswith("`") or line.endswith("`") else ""
    line = line.replace("|", r"\|") if cell else line
    return f"{fence}{space}{line}{space}{fence}" if line else ""


def fenced(text: str) -> str:
    """Return lines as a block of code, its fence longer than any row of backticks in them."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}\n{text}\n{fence}"


def heading(level: int, text: object) -> str:
    """Return text as a heading."""
    return f"{'#' * level} {escape(text)}"


def html(text: object) -> str:
    """Return text as HTML that Markdown holds."""
    return markup.escape(one_line(text), quote=True).replace("$", "&#36;")


def link(text: object, target: str) -> str:
    """Return a link to a path beside the text, or to one of its headings where it begins with ``#``."""
    return f"[{escape(text)}]({_target(target)})"


def image(alt: object, path: str) -> str:
    """Return a picture."""
    return f"![{escape(alt)}]({_target(path)})"


def _target(path: str) -> str:
    # A heading's anchor stands as it is: letters, digits, hyphens, and marks of any script.
    return path if path.startswith("#") else quote(path)


def anchor(text: str) -> str:
    """Return what GitHub calls a heading of this text, where no other before it has the same name."""
    kept = (c for c in one_line(text).lower() if c in " -" or unicodedata.category(c) in _ANCHORED)
    return "".join(kept).replace(" ", "-")


_ANCHORED = {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "Pc"}
"""Letters, marks, digits and connectors: what stays of a heading in its name."""


class Anchors:
    """Gives headings their names in their order, as GitHub does: one that was there before gets a number."""

    def __init__(self) -> None:
        self._given: dict[str, int] = {}

    def add(self, text: str) -> str:
        """Return the name of the next heading."""
        name = first = anchor(text)
        while name in self._given:
            self._given[first] += 1
            name = f"{first}-{self._given[first]}"
        self._given[name] = 0
        return name


def plain(text: str) -> str:
    """Return what a text in Markdown says, for a screen: without emphasis, and without its links in parentheses."""
    return _SAID.sub(lambda found: found[1] or markup.unescape(found[2] or ""), text)
