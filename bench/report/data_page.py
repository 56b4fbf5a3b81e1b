"""The page of a user's file: what was found, the series and the proposed split, as Markdown, SVG and HTML."""

from pathlib import Path

from bench.errors import BenchError
from bench.files import written_whole
from bench.page import write_page
from bench.report.markdown import table
from bench.report.series_figure import series_figure
from bench.report.style import save, styled
from bench.tables.facts import Facts
from bench.tables.split import Proposal
from bench.tables.words import Rows, column_rows, sentences, split_rows, split_sentence
from bench.text.markdown import code, escape, fenced, heading, image

FIGURE = "figures/series.svg"


def write_data_page(
    facts: Facts, targets: tuple[str, ...], proposal: Proposal | None, folder: Path, commands: list[str]
) -> Path:
    """Write README.md, report.html and the figure of a file into a folder; return the page.

    Args:
        facts: What is in the file.
        targets: Columns that are drawn.
        proposal: The split, if there is one.
        folder: Where to.
        commands: What comes next, to be pasted.

    Raises:
        BenchError: The folder cannot be written.
    """
    parts = [heading(1, f"What is in {Path(facts.path).name}")]
    parts.append("\n".join(f"- {escape(line)}" for line in sentences(facts)))
    if facts.faults:
        parts += [heading(2, "To be mended first"), "\n".join(f"- {escape(line)}" for line in facts.faults)]
    parts += [heading(2, "Columns"), _table(column_rows(facts.columns))]
    if proposal is not None:
        said = f"{escape(split_sentence(proposal)).capitalize()}."
        parts += [heading(2, "Proposed split"), said, _table(split_rows(proposal))]
    try:
        if targets:
            with styled():
                save(series_figure(facts, targets, proposal), folder / FIGURE)
            parts += [heading(2, "Series"), image(f"{', '.join(targets)} over time", FIGURE)]
        parts += [heading(2, "Next"), fenced("\n".join(commands))]
        folder.mkdir(parents=True, exist_ok=True)
        readme = folder / "README.md"
        with written_whole(readme) as new:
            new.write_text("\n\n".join(parts) + "\n", encoding="utf-8", newline="\n")
        return write_page(readme)
    except OSError as error:
        raise BenchError(f"cannot write into {folder} ({error.strerror}); name another with --output") from None


def _table(rows: Rows) -> str:
    headings, cells = rows
    made = [[code(cells[0], cell=True), *map(escape, cells[1:])] for cells in cells]
    return table(headings, made, text_columns=2, text_last=True)
