"""From a report's README.md and figures to its ``report.html``, the same bytes for the same files."""

import base64
import hashlib
from functools import cache
from pathlib import Path

import jinja2

from bench.errors import BenchError
from bench.files import written_whole
from bench.page.content import PAGE as PAGE
from bench.page.content import Heading, render
from bench.page.pictures import read_picture

TEMPLATES = Path(__file__).parent / "templates"


def write_page(readme: Path) -> Path:
    """Write a report's page beside its README.md; return its path.

    Raises:
        BenchError: The README or a figure cannot be read.
        OSError: The page cannot be written.
    """
    page = readme.with_name(PAGE)
    text = page_text(readme)
    with written_whole(page) as new:
        new.write_text(text, encoding="utf-8", newline="\n")
    return page


def check_page(readme: Path) -> list[str]:
    """Return how a report's page differs from what its README.md and figures give; nothing where there is none.

    Raises:
        BenchError: The README or a figure cannot be read.
    """
    page = readme.with_name(PAGE)
    if not page.exists() or page.read_bytes() == page_text(readme).encode():
        return []
    return [f"{page.name} is not what README.md and its figures give"]


def page_text(readme: Path) -> str:
    """Return a report's page.

    Raises:
        BenchError: The README or a figure cannot be read.
    """
    try:
        text = readme.read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise BenchError(f"{readme} cannot be read; write the report again from its records") from None
    content = render(text, lambda path: read_picture(readme.parent / path))
    title = next(iter(content.headings), Heading(1, "", readme.parent.name))
    style, script = (_source(name) for name in ("page.css", "page.js"))
    return (
        _templates()
        .get_template("page.html")
        .render(
            title=title,
            headings=[heading for heading in content.headings if 2 <= heading.level <= 3],
            body=content.html,
            style=style,
            script=script,
            style_digest=_digest(style),
            script_digest=_digest(script),
        )
    )


def _source(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8").strip()


def _digest(source: str) -> str:
    """Return a text's digest as a Content-Security-Policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}"


@cache
def _templates() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(TEMPLATES)
    return jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
