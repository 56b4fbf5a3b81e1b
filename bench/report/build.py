"""From a plan's records to a report: choose the records, write the CSVs, render from what they hold."""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from bench.errors import BenchError
from bench.files import discard, written_whole
from bench.frames import made_frames, read_frames, select, typed, with_types, write_frames
from bench.frames.schemas import ABOUT, WORST
from bench.kept import Kept
from bench.page import PAGE, check_page, write_page
from bench.plan import Plan
from bench.record import RunRecord
from bench.report.answer import answer, tuned
from bench.report.appendix import environments, run_ids
from bench.report.findings import all_findings
from bench.report.findings.tuning import TUNED
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import Table
from bench.report.parts import sections
from bench.report.prose import RELATED, asked, description, how_to_read, left_out, opening, verdicts
from bench.report.results import Results
from bench.report.tables import DETAILS, FINDINGS, all_tables
from bench.report.worst import worst_rows
from bench.store import let_go
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
    kept: Callable[[RunRecord], Kept] | None = None,
    page: bool = True,
    slices: Sequence[str] = (),
    excerpts: bool = True,
) -> Path:
    """Write CSVs, figures, ``README.md`` and ``report.html`` of a plan into ``folder``; return the README's path.

    Args:
        plan: The suite's runs and their records.
        folder: Made if need be. Until the last step its old README stands.
        environment: Digest of the environment to show; None for this machine's, else the one with most
            runs, on each device and backend.
        figures: False leaves figures out, and links to none.
        command: How to make this report again.
        related: Names of reports beside this one, each with the question that it answers: they are linked to.
        kept: Reads what a run kept of each window, as `bench.store.Store.read_kept`; None compares over seeds alone.
        page: False leaves the page out, and removes one that is there.
        slices: What test scores are sliced by besides what the suite states.
        excerpts: False shows no window of the data: no forecast beside the truth, none of the leaders' worst windows.

    Raises:
        BenchError: No record belongs to the plan, or none to ``environment``; or nothing can be sliced by one of
            ``slices``.
    """
    shown = replace(select(plan, environment), slices=tuple(dict.fromkeys([*plan.suite.slices, *slices])))
    shown = shown if kept is None else shown.reading(kept)
    frames = made_frames(shown)
    for name in slices:
        _see_sliced(frames["slices"], name)
    told = {"command": command, **{f"{RELATED}{name}": question for name, question in (related or {}).items()}}
    told |= _tuned(folder.parent, related or (), frames["tasks"])
    texts = pd.DataFrame({"key": told.keys(), "text": told.values()})
    frames["about"] = with_types(pd.concat([frames["about"], texts], ignore_index=True), ABOUT)
    if excerpts:
        frames["worst"] = typed(worst_rows(shown, Results(frames)), WORST)
    else:
        frames["forecasts"] = frames["forecasts"].iloc[:0]
    write_frames(folder, frames)
    del shown, frames
    let_go(plan.records)  # a report of many runs is rendered from its files alone
    return render_report(folder, figures, page)


def _see_sliced(rows: pd.DataFrame, name: str) -> None:
    """See that some task is sliced by what was asked.

    Raises:
        BenchError: None is; says why the first is not.
    """
    own = rows[rows["slice"] == name]
    if not (own["reason"] == "").any():
        raise BenchError(own["reason"].iloc[0] if len(own) else f"no run has ended with scores to slice by {name!r}")


def _tuned(reports: Path, related: Iterable[str], tasks: pd.DataFrame) -> dict[str, str]:
    """Return the answers of the related reports beside this one whose models had a choice of recipes, by key.

    One that shares none of these tasks answers another question.
    """
    found: dict[str, str] = {}
    for name in related:
        if (reports / name / "README.md").exists():
            results = Results(read_frames(reports / name))
            if tuned(results) and not tasks.merge(results.frames["tasks"]).empty:
                found[f"{TUNED}{name}"] = f"{results.leading()[0].title}. {answer(results)}"
    return found


def render_report(folder: Path, figures: bool = True, page: bool = True) -> Path:
    """Render ``README.md``, figures and ``report.html`` from the CSVs in ``folder``; return the README's path.

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
    if page:
        write_page(readme)
    else:
        discard(readme.with_name(PAGE))
    return readme


def check_report(folder: Path) -> list[str]:
    """Return how a report differs from what the CSVs beside it give; nothing where it does not.

    Text is compared line by line; a figure has to be there, since its bytes depend on fonts; a page, where there is
    one, is what the text and the figures give.

    Raises:
        BenchError: A CSV, a figure or the README is missing or unreadable.
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
    lines = text.splitlines(), expected.splitlines()
    changed = list(difflib.unified_diff(*lines, "README.md", "its CSVs", lineterm="", n=0))
    files = [folder / figure.path for figures in drawn.values() for figure in figures]
    missing = [f"missing: {file}" for file in files if not file.exists()]
    return [*changed, *missing, *([] if changed or missing else check_page(readme))]


def render_text(results: Results, drawn: "Mapping[str, list[Drawn]]") -> str:
    """Return the report as Markdown; ``drawn`` holds each section's figures.

    It answers first: what it is about, findings, a short table a question. All else is behind folds.
    """
    tables = all_tables(results)
    leading = results.leading()
    parts = [f"{heading(1, results.title)}\n", *(f"{paragraph}\n" for paragraph in opening(results, tables))]
    parts += [f"{heading(2, FINDINGS)}\n"]
    parts += ["".join(f"{i}. {s}\n" for i, s in enumerate(all_findings(results, tables), start=1))]
    parts += [f"{paragraph}\n" for paragraph in verdicts(results)]
    for board in leading:
        figures = drawn.get(board.key, [])
        shown = figures[:1] if len(board.trained) > 1 else []
        parts += [tables[board.table].markdown(above=asked(board)), *map(_picture, shown)]
        parts += _board(board, tables, figures[len(shown) :])
    parts += [f"{heading(2, DETAILS)}\n"]
    for board in results.leaderboards:
        if not any(board.key == each.key for each in leading):
            parts += _board(board, tables, drawn.get(board.key, []))
    parts += [
        _folded(tables[name].heading, tables[name].markdown(level=3)) for name in tables if name in sections.names()
    ]
    apart = {
        "How to read this": how_to_read(results),
        "Environments": f"{environments(results)}\n\n{left_out(results)}",
        "Run ids": f"{RUN_IDS}\n{run_ids(results)}\n",
    }
    parts += [_folded(name, f"{heading(3, name)}\n\n{text}") for name, text in apart.items()]
    return "\n".join(part for part in parts if part).rstrip() + "\n"


def _board(board: Leaderboard, tables: Mapping[str, Table], figures: "Sequence[Drawn]") -> list[str]:
    """Return the folds of a leaderboard: all of its rows, with these figures, and what its metrics keep apart."""
    first, *others = (tables[key] for key in tables if key.startswith(f"{board.table}/"))
    pictures = "\n".join(["", *map(_picture, figures)])
    whole = _folded(first.heading, first.markdown(level=3, above=description(board)) + pictures)
    return [whole, *(_folded(table.heading, table.markdown(level=3)) for table in others)]


def _picture(figure: "Drawn") -> str:
    return f"{image(figure.alt, figure.path)}\n\n*{escape(figure.caption)}*\n"


def _folded(name: str, text: str) -> str:
    return f"<details><summary>{html(name)}</summary>\n\n{text}\n</details>\n"
