"""A folder's ``README.md``: its reports, each with its first finding and the day of its last run."""

import csv
import re
from contextlib import suppress
from pathlib import Path

from bench.files import written_whole
from bench.report.markdown import NONE
from bench.report.tables import FINDINGS
from bench.text.markdown import escape, heading, link, plain

TITLE = heading(1, "Reports")
ABOUT = (
    "Each report's first finding; the report has its intervals, and what it was not tested on. "
    "This list is made anew whenever a report here is written."
)
RUNS, POINTS = "runs.csv", "points.csv"
"""A report has one of these: what was run, or measured, a row each that says when it ended."""
_LINK = re.compile(r" ?\(\[(?:[^\]\\]|\\.)*\]\([^)]*\)\)|(?<!\\)\[((?:[^\]\\]|\\.)*)\]\([^)]*\)")
"""A link in parentheses of its own, which goes, or another, of which the text stays."""
_ITEM = re.compile(r"(?:\d+\.|[-*]) (.+)")


def write_index(reports: Path) -> None:
    """List a folder's reports in its ``README.md``; one that is somebody's own text is left alone.

    Raises:
        OSError: It cannot be written.
    """
    readme = reports / "README.md"
    if readme.exists() and not readme.read_text(encoding="utf-8", errors="replace").startswith(f"{TITLE}\n"):
        return
    with written_whole(readme) as new:
        new.write_text(index_text(reports), encoding="utf-8")


def index_text(reports: Path) -> str:
    """Return the list of the reports in a folder, by the folders' names."""
    folders = {name: [path.parent for path in reports.glob(f"*/{name}")] for name in (RUNS, POINTS)}
    found = sorted(folder for each in folders.values() for folder in each if (folder / "README.md").exists())
    return "\n".join([TITLE, "", ABOUT, "", *map(_line, found)]) + "\n"


def _line(folder: Path) -> str:
    """Return a report's title as a link, the day of its last run, and its first finding without its links."""
    text = (folder / "README.md").read_text(encoding="utf-8", errors="replace")
    lines = iter(text.splitlines())
    title = next((line[2:] for line in lines if line.startswith("# ")), "")
    below = text.partition(f"\n{heading(2, FINDINGS)}\n")[2].partition("\n## ")[0]
    finding = next((item[1] for line in below.splitlines() if (item := _ITEM.fullmatch(line))), "")
    answer = escape(plain(_LINK.sub(lambda found: found[1] or "", finding)))
    name = link(plain(title) or folder.name, f"{folder.name}/README.md")
    ended = next(folder / each for each in (RUNS, POINTS) if (folder / each).exists())
    return f"- {name}, last run {_day(ended)}: {answer or 'it has no finding.'}"


def _day(ended: Path) -> str:
    """Return the day on which the last row of a CSV ended, in UTC."""
    with suppress(OSError, ValueError, csv.Error), ended.open(encoding="utf-8", newline="") as file:
        days = [str(row["ended_at"] or "")[:10] for row in csv.DictReader(file) if "ended_at" in row]
        return max(filter(re.compile(r"\d{4}-\d\d-\d\d").fullmatch, days), default=NONE)
    return NONE
