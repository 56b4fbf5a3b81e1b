"""The one place where consoles are made, and how a table fits one."""

import os
import re
import sys
from typing import IO, Any, cast

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from bench.streams import Lasting, is_screen
from bench.text.screen import safe

WIDE = 100_000
"""Where nobody looks no line is wrapped and no cell is cut."""
BROKEN = 6
"""A column that has to break words is no narrower than this."""
SHOWN_BY = ("TERM", "COLORTERM", "NO_COLOR")
"""What a console may be told by; the rest (FORCE_COLOR, TTY_COMPATIBLE) would make a terminal of a log."""


class _Screen(Console):
    """A console whose texts are safe, whoever gave them, and laid out as its encoding can write them."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a text as Rich shows it; all that is printed, cells of tables too, comes through here.

        See `bench.streams.prepare_streams` for what replaces a character that the encoding lacks.
        """
        return super().render_str(safe(text).encode(self.encoding, "backslashreplace").decode(self.encoding), **options)


def console(lasting: bool = False) -> Console:
    """Return a console on standard output: colours and bars on a terminal, plain lines elsewhere.

    It shows names as they are, with nothing that Rich takes for markup or for an emoji, and leaves it to the terminal
    to wrap a line, so that a path or a command is copied whole.

    Args:
        lasting: Whether the work goes on when standard output cannot be written any more.
    """
    shown = is_screen(sys.stdout)
    told = {name: os.environ[name] for name in SHOWN_BY if name in os.environ}
    told |= {name: os.environ[name] for name in ("COLUMNS", "LINES") if _is_size(os.environ.get(name, ""))}
    return _Screen(
        file=cast(IO[str], Lasting(sys.stdout)) if lasting else None,
        width=None if sys.stdout.isatty() else WIDE,
        force_terminal=shown,
        force_interactive=shown,
        force_jupyter=False,
        soft_wrap=True,
        markup=False,
        emoji=False,
        highlight=False,
        _environ=told,
    )


def show_table(screen: Console, table: Table, title: str = "") -> None:
    """Print a table below its title, with nothing cut: what stands in the first column stays whole, to be copied.

    Words of other columns are broken where the screen is too narrow for them; where it is too narrow even so, lines are
    longer than the screen.
    """
    if title:
        screen.print(title)
    wide = screen.options.update(width=WIDE)
    words_fit = Measurement.get(screen, wide, table).minimum <= screen.width
    for number, column in enumerate(table.columns):
        cells = [Measurement.get(screen, wide, cell) for cell in (column.header, *column.cells)]
        longest_word, longest = max(cell.minimum for cell in cells), max(cell.maximum for cell in cells)
        least = longest if number == 0 else longest_word if words_fit else min(longest_word, BROKEN)
        column.min_width, column.no_wrap, column.overflow = least, least == longest, "fold"
    needed = sum((column.min_width or 0) + 3 for column in table.columns) + 1
    if needed > screen.width:
        table.width = needed
    screen.print(table)


def _is_size(text: str) -> bool:
    """Return whether a variable names a size that a screen may have; of any other the terminal is asked."""
    return re.fullmatch(r"0*[1-9][0-9]{0,2}", text) is not None
