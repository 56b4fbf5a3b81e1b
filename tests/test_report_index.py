"""A folder lists its reports: what is there, as text, and nothing of anybody else's."""

from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from bench.report.index import TITLE, index_text, write_index
from bench.text.lines import one_line
from bench.text.markdown import escape, heading
from tests.names import PIECES


def make(folder: Path, title: str, finding: str = "", days: tuple[str, ...] = ()) -> None:
    folder.mkdir(parents=True)
    below = f"1. {finding}\n2. Another.\n" if finding else ""
    (folder / "README.md").write_text(
        f"{heading(1, title)}\n\nOpening.\n\n## Findings\n\n{below}\n## Table 1. x\n\n- no\n"
    )
    rows = "".join(f"x,{day}\n" for day in days)
    (folder / "runs.csv").write_text(f"case,ended_at\n{rows}")


def test_each_report_has_a_line_with_its_title_day_and_first_finding(tmp_path: Path) -> None:
    finding = "**Next step.** The *RNN* leads with 0.1 ([Table 1](#table-1-x)), see [Table 2](#table-2-y)."
    make(tmp_path / "b", "Which is *best*?", finding, ("2026-11-24T23:59:59+00:00", "2026-11-25T00:00:01+00:00", ""))
    make(tmp_path / "a", "None")
    (tmp_path / "no report").mkdir()
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "README.md").write_text("# Not of a suite\n")
    lines = index_text(tmp_path).splitlines()
    assert lines[0] == TITLE
    assert lines[4:] == [
        "- [None](a/README.md), last run –: it has no finding.",
        "- [Which is \\*best\\*?](b/README.md), last run 2026-11-25: Next step. The RNN leads with 0.1, see Table 2.",
    ]


@pytest.mark.parametrize("piece", PIECES)
def test_names_in_it_are_text(tmp_path: Path, piece: str) -> None:
    name = f"x {piece} y"
    make(tmp_path / "a", name, f"**{escape(name)}.** {escape(name)} leads.")
    tokens = MarkdownIt("commonmark").enable("strikethrough").parse(index_text(tmp_path))
    inline = next(t for t in tokens if t.type == "inline" and "last run" in t.content)
    kinds = {child.type for child in inline.children or ()}
    assert kinds <= {"text", "link_open", "link_close"}
    said = "".join(child.content for child in inline.children or ())
    assert said == f"{one_line(name)}, last run –: {one_line(name)}. {one_line(name)} leads."


def test_a_text_of_somebodys_own_is_left_alone(tmp_path: Path) -> None:
    make(tmp_path / "a", "A")
    (tmp_path / "README.md").write_text("# My reports\n")
    write_index(tmp_path)
    assert (tmp_path / "README.md").read_text() == "# My reports\n"
    (tmp_path / "README.md").unlink()
    write_index(tmp_path)
    first = (tmp_path / "README.md").read_text()
    make(tmp_path / "b", "B")
    write_index(tmp_path)
    assert (tmp_path / "README.md").read_text() == f"{first}- [B](b/README.md), last run –: it has no finding.\n"
