"""A figure inside a page: an SVG by matplotlib, made small and without style sheets, as a ``data:`` address.

An image of its own keeps a figure's ids, its style and all it could run apart from the page.
"""

import math
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from bench.errors import BenchError

DECIMALS = 2
"""Of a coordinate, in points; a screen shows no third."""
_SVG, _XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
_LONG = re.compile(rf"-?\d+\.\d{{{DECIMALS + 1},}}")
_PLAIN = " !$'()*+,-./:;<=>?@[]^_`{|}~"
"""What stands for itself in a ``data:`` address inside double quotes."""


@dataclass(frozen=True)
class Picture:
    """A figure as a ``data:`` address, and its size in CSS pixels."""

    address: str
    width: int
    height: int


def read_picture(file: Path) -> Picture:
    """Return an SVG as an image that a page can hold; the same bytes give the same image.

    Raises:
        BenchError: It is missing, or no SVG with a size.
    """
    try:
        # Comments, which repeat texts from data, are not read.
        root = ET.fromstring(file.read_bytes())
        _, _, width, height = map(float, root.attrib["viewBox"].split())
    except OSError as error:
        raise BenchError(f"{file} cannot be read ({error.strerror}); write the report again") from None
    except (ET.ParseError, KeyError, ValueError):
        raise BenchError(f"{file} is no SVG with a viewBox; write the report again") from None
    _shorten(root)
    root.attrib |= {"xmlns": _SVG[1:-1], "stroke-linejoin": "round"}
    text = ET.tostring(root, encoding="unicode").replace("'", "&#39;").replace('"', "'")
    pixels = (math.ceil(points * 4 / 3) for points in (width, height))
    return Picture(f"data:image/svg+xml;charset=utf-8,{quote(text, safe=_PLAIN)}", *pixels)


def _shorten(root: ET.Element) -> None:
    """Drop what is not seen of an SVG, and say the rest with less."""
    named = set(re.findall(r"#([\w.-]+)", " ".join(v for each in root.iter() for v in each.attrib.values())))
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{_SVG}metadata", f"{_SVG}style", f"{_SVG}script"):
                parent.remove(child)
    for each in root.iter():
        each.tag = each.tag.removeprefix(_SVG)
        if each.tag != "text":
            each.text = None
        each.tail = None
        given = {name.replace(_XLINK, ""): value for name, value in each.attrib.items()}
        style = (part.partition(":") for part in given.pop("style", "").split(";"))
        given |= {name.strip(): value.strip() for name, _, value in style if value}
        if given.get("id") not in named:
            given.pop("id", None)
        each.attrib.clear()
        each.attrib.update({name: _short(name, value) for name, value in given.items()})


def _short(name: str, value: str) -> str:
    if name in ("d", "points", "x", "y") or (name == "transform" and value.startswith("translate(")):
        moved, scaled, rest = value.partition(" scale(")
        value = _LONG.sub(lambda found: f"{float(found[0]):.{DECIMALS}f}".rstrip("0").rstrip("."), moved)
        value += scaled + rest
    return re.sub(r"\s*([A-Za-z])\s*", r"\1", value).strip() if name == "d" else value
