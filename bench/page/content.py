"""A report's Markdown as HTML: its tables, folds, figures and links, with headings named as GitHub names them.

The text of a report has its data escaped already. Here nothing relies on that: of HTML inside the Markdown only a few
tags without attributes are let through, and all else is text.
"""

import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from bench.page.pictures import Picture
from bench.text.markdown import Anchors

README, PAGE = "README.md", "report.html"
_TAGS = "details|summary|b|strong|i|em|code|sub|sup|br"
_TAG = re.compile(rf"<(/?)({_TAGS})(?:( open)(?:=(?:\"\"|''))?)?\s*/?>|&#?\w+;|<|>|&|\"|'")
"""A tag that is let through, or a character reference; else a single character that is no markup."""
_FOLD = re.compile(r"(<details(?: open)?><summary>)([^<]*)</summary>\s*")
_NUMBER = re.compile(r"[×<>≤≥~±]?\s*[-+−]?(?:\d|\.\d|∞)")
"""How a cell begins that is read as a number, such as ``× 1.12 [0.97, 1.30]``; ``10 of 10`` is one too."""
_NOTHING = re.compile(r"[-–—]?|nan|none", re.IGNORECASE)


@dataclass(frozen=True)
class Heading:
    """A heading's level from 1, its anchor and what it says, as plain text."""

    level: int
    anchor: str
    text: str


@dataclass(frozen=True)
class Content:
    """A report as HTML, and its headings in their order."""

    html: str
    headings: list[Heading]


def _figure_paths(tokens: list[Token]) -> list[str]:
    """Return the paths of the figures that a report shows, relative to it."""
    inlines = [child for token in tokens for child in token.children or ()]
    return list(dict.fromkeys(str(t.attrs["src"]) for t in inlines if t.type == "image" and _is_figure(t)))


def render(text: str, read: Callable[[str], Picture]) -> Content:
    """Return a report as HTML.

    Args:
        text: Its Markdown.
        read: Gives a figure by the path that the text names it by; of another image its words are shown.
    """
    parser = _parser()
    parsed = parser.parse(text)
    pictures = {path: read(path) for path in _figure_paths(parsed)}
    tokens = _folds(_figures(parsed))
    headings = _name_headings(tokens)
    for table in _tables(tokens):
        _align(table)
    for link in (child for each in tokens for child in each.children or () if child.type == "link_open"):
        _lead_to_pages(link)
    rendered = parser.renderer.render(tokens, parser.options, {"pictures": pictures})
    return Content(str(rendered), headings)


def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True}, renderer_cls=_Renderer).enable(["table", "strikethrough"])


class _Renderer(RendererHTML):
    """HTML without a style or a tag that is not ours; figures are found in ``env["pictures"]``."""

    def html_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return _allowed(tokens[idx].content)

    def html_inline(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return _allowed(tokens[idx].content)

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[idx]
        alt = html.escape(self.renderInlineAsText(token.children, options, env))
        pictures: Mapping[str, Picture] = env["pictures"]
        picture = pictures.get(str(token.attrs["src"]))
        if picture is None:
            return alt
        size = f'width="{picture.width}" height="{picture.height}"'
        image = f'<img src="{picture.address}" alt="{alt}" {size} loading="lazy" decoding="async">'
        return f'<span class="drawn" tabindex="0">{image}</span>'

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return '<div class="wide" tabindex="0">\n<table>\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</table>\n</div>\n"


def _allowed(markup: str) -> str:
    """Return HTML of which only `_TAGS` without attributes are left as tags."""

    def kept(found: re.Match[str]) -> str:
        end, tag, opened = found.groups()
        if tag:
            return f"<{end}{tag}{opened or ''}>"
        return found[0] if len(found[0]) > 1 else html.escape(found[0])

    return _TAG.sub(kept, markup)


def _is_figure(token: Token) -> bool:
    return re.fullmatch(r"(?:[\w-]+/)*[\w-]+\.svg", str(token.attrs["src"]), re.ASCII) is not None


def _name_headings(tokens: list[Token]) -> list[Heading]:
    anchors, headings = Anchors(), []
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            said = _said(inline)
            anchor = anchors.add(said)
            opening.attrSet("id", anchor)
            headings.append(Heading(int(opening.tag[1]), anchor, said))
    return headings


def _said(inline: Token) -> str:
    return "".join(c.content for c in inline.children or () if c.type in ("text", "code_inline")).strip()


Cell = tuple[Token, str]
"""The token that opens a cell, and what the cell says."""


def _tables(tokens: list[Token]) -> list[list[list[Cell]]]:
    """Return the lines of each table, its head first."""
    tables: list[list[list[Cell]]] = []
    for opening, inline in pairwise(tokens):
        if opening.type == "table_open":
            tables.append([])
        elif opening.type == "tr_open":
            tables[-1].append([])
        elif opening.type in ("th_open", "td_open"):
            tables[-1][-1].append((opening, _said(inline)))
    return tables


def _align(table: list[list[Cell]]) -> None:
    """Mark a table's columns of numbers and the first other one, which names its lines; no style stands in a page."""
    named = False
    for column in zip(*table, strict=True):
        texts = [text for _, text in column[1:] if not _NOTHING.fullmatch(text)]
        kind = "number" if all(map(_NUMBER.match, texts)) else "" if named else "name"
        named = named or kind == "name"
        for opening, _ in column:
            opening.attrs.pop("style", None)
            if kind:
                opening.attrSet("class", kind)


def _lead_to_pages(link: Token) -> None:
    """Have a link to another report's text lead to its page, and one out of here say nothing of where it was."""
    target = str(link.attrs["href"])
    path, mark, anchor = target.partition("#")
    if path == README or path.endswith(f"/{README}"):
        link.attrSet("href", path.removesuffix(README) + PAGE + mark + anchor)
    elif re.match(r"[a-z]+:|//", target, re.IGNORECASE):
        link.attrSet("rel", "noopener noreferrer")


def _folds(tokens: list[Token]) -> list[Token]:
    """Return tokens in which a fold whose first line is a heading of its own name is called by the heading."""
    made: list[Token] = []
    for at, token in enumerate(tokens):
        made.append(token)
        fold = _FOLD.fullmatch(token.content) if token.type == "html_block" else None
        head = tokens[at + 1 : at + 4]
        if fold and head and head[0].type == "heading_open" and _said(head[1]) == html.unescape(fold[2]).strip():
            made[-1:] = [_markup(fold[1]), *head, _markup("</summary>\n")]
            del tokens[at + 1 : at + 4]
    return made


def _figures(tokens: list[Token]) -> list[Token]:
    """Return tokens in which a paragraph that is an image, and one after it that is all emphasis, are a figure."""
    made: list[Token] = []
    at = 0
    while at < len(tokens):
        if not _is_paragraph(tokens, at, "image"):
            made.append(tokens[at])
            at += 1
            continue
        made += [_block("figure", 1), tokens[at + 1]]
        at += 3
        if _is_paragraph(tokens, at, "em_open", "em_close"):
            children = (tokens[at + 1].children or [])[1:-1]
            made += [_block("figcaption", 1), _inline(tokens[at + 1], children), _block("figcaption", -1)]
            at += 3
        made.append(_block("figure", -1))
    return made


def _is_paragraph(tokens: list[Token], at: int, first: str, last: str = "") -> bool:
    """Return whether a paragraph begins with one and ends with another token, or is the one alone."""
    if at + 1 >= len(tokens) or tokens[at].type != "paragraph_open":
        return False
    found = [child.type for child in tokens[at + 1].children or ()]
    if not last:
        return found == [first]
    return len(found) > 2 and (found[0], found[-1]) == (first, last) and found.count(first) == 1


def _block(tag: str, nesting: Any) -> Token:
    return Token(f"{tag}_{'open' if nesting == 1 else 'close'}", tag, nesting, block=True)


def _markup(content: str) -> Token:
    return Token("html_block", "", 0, content=content, block=True)


def _inline(like: Token, children: list[Token]) -> Token:
    return Token("inline", "", 0, content=like.content, children=children)
