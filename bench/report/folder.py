"""A report's folder, whichever kind it is: written again from its CSVs, or held to them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.report.build import check_report, render_report
from bench.report.index import POINTS, RUNS, write_index
from bench.report.lengths import check_lengths, render_lengths


@dataclass(frozen=True)
class Folder:
    """A kind of report: how it is rendered from the CSVs in its folder, and how it differs from what they give."""

    render: Callable[[Path], Path]
    check: Callable[[Path], list[str]]


FOLDERS: Mapping[str, Folder] = {
    RUNS: Folder(render_report, check_report),
    POINTS: Folder(render_lengths, check_lengths),
}
"""By the CSV that it has."""


def render_folder(folder: Path) -> Path:
    """Write a report again from its CSVs, and the list of reports beside it where there is one; return its README.

    Raises:
        BenchError: There is no report in the folder, or a CSV is unreadable.
        OSError: It cannot be written.
    """
    readme = _kind(folder).render(folder)
    if (folder.absolute().parent / "README.md").exists():
        write_index(folder.absolute().parent)
    return readme


def check_folder(folder: Path) -> list[str]:
    """Return how a report differs from what its CSVs give; nothing where it does not.

    Raises:
        BenchError: There is no report in the folder, or a file is missing or unreadable.
    """
    return _kind(folder).check(folder)


def _kind(folder: Path) -> Folder:
    found = next((kind for name, kind in FOLDERS.items() if (folder / name).is_file()), None)
    if found is None:
        raise BenchError(
            f"no report in {folder}: it has neither of {', '.join(FOLDERS)}; name a suite, or another folder"
        )
    return found
