"""What a report's leaderboards say, as data that two reports can be compared by."""

from pathlib import Path

from bench import stats
from bench.compare.verdicts import Standing, Verdicts, compare_verdicts
from bench.errors import BenchError
from bench.frames import read_frames
from bench.report.leaderboards import Leaderboard
from bench.report.results import Results
from bench.report.rows import Row


def report_verdicts(a: Path, b: Path) -> tuple[Verdicts | None, str]:
    """Return how two reports' verdicts differ, or None and why they are not compared.

    Only reports have verdicts; a folder of records alone is held to no leader, and nothing is said of it.
    """
    if not all((folder / "about.csv").is_file() for folder in (a, b)):
        return None, ""
    try:
        first, second = (_standings(Results(read_frames(folder))) for folder in (a, b))
    except BenchError as error:
        return None, f"verdicts are not compared: {error}"
    return compare_verdicts(first, second), ""


def _standings(results: Results) -> list[Standing]:
    """Return what each leaderboard with two ranked rows or more says."""
    rows = [r for r in results.rows if r.trained]
    several = len({_kind(r) for r in rows}) > 1, len({r.backend for r in rows}) > 1
    return [_standing(board, several) for board in results.leaderboards if len(board.ranked) > 1]


def _standing(board: Leaderboard, several: tuple[bool, bool]) -> Standing:
    leader, *rest = board.ranked
    verdicts = {row: board.contrasts[row.name].verdict for row in rest}
    places = {row: _place(row, several) for row in board.ranked}
    return Standing(
        board=f"common {board.title}" if board.common else board.title,
        title=board.title,
        leader=places[leader],
        verdicts={places[leader]: stats.Verdict.LEADS, **{places[row]: verdict for row, verdict in verdicts.items()}},
        fragile=frozenset(places[row] for row in board.ranked if row.name in board.fragile),
        names={place: row.name for row, place in places.items()},
    )


def _kind(row: Row) -> str:
    return row.device.partition(":")[0]


def _place(row: Row, several: tuple[bool, bool]) -> str:
    """Return what a row is matched by: its case, and the kind of device or the backend where there are several."""
    parts = zip((_kind(row), row.backend), several, strict=True)
    return " ".join([row.case, *(part for part, shown in parts if shown and row.trained)])
