"""Text from data in a figure: one line that the font can draw, no wider than there is room for."""

from functools import cache, lru_cache
from typing import TYPE_CHECKING

from bench.text.lines import one_line

if TYPE_CHECKING:
    from matplotlib.ft2font import FT2Font

FONT = "DejaVu Sans"
"""It comes with matplotlib, so that figures are the same everywhere."""
LONGEST = 60
"""Characters that a label has room for."""
WIDTH = 0.62
"""Of a character on average, in the height of the font; a label of wider ones is cut shorter."""
LACKING = "\N{WHITE SQUARE}"
"""Stands for a character that the font lacks."""
HIDDEN = frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0x200B, 0x2010), 0x2060, 0xFEFF, *range(0xE0000, 0xE01F0))))
"""Characters without a look, which are left out where the font lacks them."""


def as_text(text: object, limit: int = LONGEST) -> str:
    """Return text as one line for a figure; a long one is cut in the middle, as names differ at both ends."""
    line = "".join(_drawn(c) for c in one_line(text))
    room = WIDTH * limit
    if len(line) <= limit and _width(line) <= room:
        return line
    half, kept = (room - 2) / 2, (limit - 3) // 2
    start, end = line[:kept], line[-kept:]
    while start and _width(start) > half:
        start = start[:-1]
    while end and _width(end) > half:
        end = end[1:]
    return f"{start.rstrip()} … {end.lstrip()}"


def _width(line: str) -> float:
    """Return how wide a line is, in the height of the font."""
    return sum(map(_advance, line))


@lru_cache(maxsize=4096)
def _drawn(character: str) -> str:
    if all(ord(character) in known for known in _known()):
        return character
    return "" if character in HIDDEN else LACKING


@lru_cache(maxsize=4096)
def _advance(character: str) -> float:
    from matplotlib.ft2font import LoadFlags

    advance: float = _face("normal").load_char(ord(character), flags=LoadFlags.NO_HINTING).linearHoriAdvance
    return advance / 65536 / 100


@cache
def _known() -> tuple[frozenset[int], ...]:
    """Return the characters of the normal and of the bold font, which lacks some more."""
    return tuple(frozenset(_face(weight).get_charmap()) for weight in ("normal", "bold"))


@cache
def _face(weight: str) -> "FT2Font":
    """Return a font of our own: to measure with one that matplotlib draws with would disturb it."""
    from matplotlib.font_manager import FontProperties, findfont
    from matplotlib.ft2font import FT2Font

    face = FT2Font(findfont(FontProperties(family=FONT, weight=weight)))
    face.set_size(100, 72)
    return face
