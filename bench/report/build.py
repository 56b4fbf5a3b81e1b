"""From a plan's records to a report: choose the records, write the CSVs, render from what they hold."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from bench.errors import BenchError
from bench.files import written_whole
from bench.frames import make_frames, read_frames, select, with_types, write_frames
from bench.frames.schemas import ABOUT
from bench.plan import Plan
from bench.report.appendix import environments, run_ids
from bench.report.findings import all_findings
from bench.report.markdown import Table
from bench.report.parts import sections
from bench.report.prose import RELATED, description, how_to_read, left_out, opening
from bench.report.results import Results
from bench.report.tables import FINDINGS, all_tables
from bench.text.markdown import escape, heading, html, image

if TYPE_CHECKING:
    from bench.report.figures.base import Drawn

FIGURES = "figures"
RUN_IDS = "Each run id names the run's files in `results/records` and its row in `runs.csv`.\n"


def build_report(
    plan: Plan,
    folder: Path,
    environment: str | None = None,
    figures: bool = True,
    command: str = "make bench",
    related: Mapping[str, str] | None = None,
) -> Path:
    """Write CSVs, figures and ``README.md`` of a plan into ``folder``; return the README's path.

    Args:
        plan: The suite's runs and their records.
        folder: Made if need be. Until the last step its old README stands.
        environment: Digest of the environment to show; None for this machine's, else the one with most
            runs, on each device and backend.
        figures: False leaves figures out, and links to none.
        command: How to make this report again.
        related: Names of reports beside this one, each with the question that it answers: they are linked to.

    Raises:
        BenchError: No record belongs to the plan, or none to ``environment``.
    """
    frames = make_frames(select(plan, environment))
    told = {"command": command, **{f"{RELATED}{name}": question for name, question in (related or {}).items()}}
    texts = pd.DataFrame({"key": told.keys(), "text": told.values()})
    frames["about"] = with_types(pd.concat([frames["about"], texts], ignore_index=True), ABOUT)
    write_frames(folder, frames)
    return render_report(folder, figures=figures)


def render_report(folder: Path, figures: bool = True) -> Path:
    """Render ``README.md`` and figures from the CSVs in ``folder``; return the README's path.

    Raises:
        BenchError: A CSV is missing or unreadable.
    """
    results = Results(read_frames(folder))
    drawn: dict[str, list[Drawn]] = {}
    if figures:
        from bench.report.figures import draw_all

        drawn = draw_all(results, folder / FIGURES)
    text = render_text(results, drawn)
    readme = folder / "README.md"
    with written_whole(readme) as new:
        new.write_text(text, encoding="utf-8")
    return readme


def check_report(folder: Path) -> list[str]:
    """Return how a report differs from what the CSVs beside it give; nothing where it does not.

    Text is compared line by line; a figure has to be there, since its bytes depend on fonts.

    Raises:
        BenchError: A CSV or the README is missing or unreadable.
    """
    from bench.report.figures import draw_all

    readme = folder / "README.md"
    try:
        text = readme.read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise BenchError(f"{readme} cannot be read; write the report again from its records") from None
    results = Results(read_frames(folder))
    drawn = draw_all(results, None, FIGURES)
    expected = render_text(results, drawn)
    changed = difflib.unified_diff(text.splitlines(), expected.splitlines(), "README.md", "its CSVs", lineterm="", n=0)
    files = [folder / figure.path for figures in drawn.values() for figure in figures]
    return [*changed, *(f"missing: {file}" for file in files if not file.exists())]


def render_text(results: Results, drawn: "Mapping[str, list[Drawn]]") -> str:
    """Return the report as Markdown; ``drawn`` holds each section's figures."""
    tables = all_tables(results)
    parts = [
        f"{heading(1, results.title)}\n",
        *(f"{paragraph}\n" for paragraph in opening(results)),
        f"{heading(2, FINDINGS)}\n",
    ]
    parts.append("".join(f"{i}. {s}\n" for i, s in enumerate(all_findings(results, tables), start=1)))
    for board in results.leaderboards:
        first, *others = (tables[k] for k in tables if f"{k}/".startswith(f"{board.table}/"))
        parts.append(first.markdown(above=description(board)))
        for figure in drawn.get(board.key, []):
            parts.append(f"{image(figure.alt, figure.path)}\n\n*{escape(figure.caption)}*\n")
        parts += [_folded(t) for t in others]
    parts += [tables[name].markdown() for name in tables if name in sections.names()]
    parts += ["## How to read this\n", how_to_read(results)]
    parts += ["## Environment\n", environments(results) + "\n", left_out(results)]
    parts += ["## Run ids\n", RUN_IDS, run_ids(results)]
    return "\n".join(part for part in parts if part).rstrip() + "\n"


def _folded(table: Table) -> str:
    return f"<details><summary>{html(table.heading)}</summary>\n\n{table.markdown(level=3)}\n</details>\n"
