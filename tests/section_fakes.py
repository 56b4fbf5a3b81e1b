"""What every test of a section asks of a plan: its results, without a folder, and the lines of a table by header."""

from bench.frames import make_frames, select
from bench.plan import Plan
from bench.report.results import Results


def results_of(plan: Plan) -> Results:
    """Return what a report would read of a plan."""
    return Results(make_frames(select(plan)))


def lines(body: str, name: str) -> list[dict[str, str]]:
    """Return the lines of a Markdown table, or of several, that hold ``name``, each by its table's headers."""
    found, headers = [], []
    for text in body.splitlines():
        cells = [cell.strip() for cell in text.replace("\\|", "¦").strip("|").split("|")]
        if not text.startswith("|"):
            headers = []
        elif not headers:
            headers = cells
        elif name in cells:
            found.append(dict(zip(headers, cells, strict=True)))
    return found
