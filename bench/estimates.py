"""How long what is planned will take, from how long the like of it took."""

import csv
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench.record import RunRecord, RunSpec

START_S = 7.0
"""Seconds that a worker takes to start, which imports the backend, where no record says."""


@dataclass(frozen=True)
class Pace:
    """How long runs take.

    Attributes:
        run_s: Median seconds of a case's run, without the start of its worker and without compilation.
        compile_s: Median seconds that a case compiles, which its first run in a worker does; absent where none did.
        start_s: Median seconds that a worker's start takes.
    """

    run_s: Mapping[str, float] = field(default_factory=dict)
    compile_s: Mapping[str, float] = field(default_factory=dict)
    start_s: float = START_S


@dataclass(frozen=True)
class Estimate:
    """Seconds that are left of a suite; None where nothing is known of its runs."""

    runs_s: float | None
    throughput_s: float = 0.0

    @property
    def total_s(self) -> float | None:
        """Both together."""
        return None if self.runs_s is None else self.runs_s + self.throughput_s

    def in_words(self, verb: str = "") -> str:
        """Return the whole and its parts: ``about 12 min left: 9 min of runs, 3 min of throughput``.

        Args:
            verb: What follows the whole, such as "left".
        """
        after = f" {verb}" if verb else ""
        if self.runs_s is None:
            then = f" of runs, then {in_words(self.throughput_s)} of throughput" if self.throughput_s else ""
            return in_words(None) + after + then
        parts = f": {in_words(self.runs_s)} of runs, {in_words(self.throughput_s)} of throughput"
        return f"about {in_words(self.total_s)}{after}" + parts * bool(self.throughput_s)


def pace_of(records: Iterable[RunRecord], report: Path) -> Pace:
    """Return how long runs take by records, else by a report.

    Args:
        records: All records at hand.
        report: Folder of a report whose ``runs.csv`` serves for cases without a record.
    """
    theirs, ours = _Spent(), _Spent()
    try:
        with (report / "runs.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row.get("case") and row.get("total_s"):
                    theirs.add(
                        row["case"], *(float(row.get(name) or 0) for name in ("total_s", "import_s", "compile_s"))
                    )
    except (OSError, ValueError):
        pass
    for record in records:
        if record.status == "done":
            ours.add(record.spec.case, record.timing.total_s, record.timing.import_s, record.timing.compile_s)
    starts = ours.start_s or theirs.start_s
    return Pace(
        _medians({**theirs.run_s, **ours.run_s}),
        _medians({**theirs.compile_s, **ours.compile_s}),
        median(starts) if starts else START_S,
    )


@dataclass(frozen=True)
class Work:
    """What a trained run of a case does at most: windows that it trains on, each of so many steps."""

    model: str
    windows: float
    input_length: int


def likely_pace(works: Mapping[str, Work], reports: Path) -> Pace:
    """Return how long runs of cases take at most, by how long their models took in other reports here.

    A model that stands in none is taken for the slowest of those that do; nothing is known where there are none.

    Args:
        works: By case.
        reports: Folder of reports, each with its ``cases.csv``, ``tasks.csv`` and ``runs.csv``.
    """
    step_s, compile_s = _paces(reports)
    if not step_s:
        return Pace()
    slowest, longest = max(step_s.values()), max(compile_s.values(), default=0.0)
    return Pace(
        {case: w.windows * w.input_length * step_s.get(w.model, slowest) for case, w in works.items()},
        {case: compile_s.get(w.model, longest) for case, w in works.items()},
    )


def _paces(reports: Path) -> tuple[dict[str, float], dict[str, float]]:
    """Return the median seconds that each model trains a step of a window, and that it compiles."""
    spent: dict[str, list[float]] = defaultdict(list)
    compiled: dict[str, list[float]] = defaultdict(list)
    for folder in sorted(reports.glob("*/")):
        try:
            about, asked = ({row[key]: row for row in _rows(folder / f"{key}s.csv")} for key in ("case", "task"))
            for row in _rows(folder / "runs.csv"):
                windows = float(row["train_windows"] or 0) * float(row["epochs_run"] or 0)
                length = float(asked[row["task"]]["input_length"] or 0)
                if not windows * length:
                    continue
                model, compile_s = about[row["case"]]["model"], float(row["compile_s"] or 0)
                spent[model].append(
                    (float(row["total_s"]) - float(row["import_s"] or 0) - compile_s) / windows / length
                )
                if compile_s:
                    compiled[model].append(compile_s)
        except (OSError, ValueError, KeyError):
            continue
    return _medians(spent), _medians(compiled)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class _Spent:
    """Seconds that runs took, by case."""

    def __init__(self) -> None:
        self.run_s: dict[str, list[float]] = defaultdict(list)
        self.compile_s: dict[str, list[float]] = defaultdict(list)
        self.start_s: list[float] = []

    def add(self, case: str, total_s: float, import_s: float, compile_s: float) -> None:
        self.run_s[case].append(total_s - import_s - compile_s)
        if compile_s:
            self.compile_s[case].append(compile_s)
        if import_s:
            self.start_s.append(import_s)


def _medians(values: Mapping[str, list[float]]) -> dict[str, float]:
    return {case: median(each) for case, each in values.items()}


def remaining_s(specs: Sequence[RunSpec], pace: Pace, workers: int, compiled: Collection[str] = ()) -> float | None:
    """Return the seconds that runs will take on so many workers, or None where nothing is known.

    A case that nothing is known of is taken to last as long as the average known case.

    Args:
        specs: The runs.
        pace: How long they take.
        workers: How many run at once, each started once; a case compiles once.
        compiled: Cases that have; with any, workers have started, too.
    """
    if not specs:
        return 0.0
    if not pace.run_s:
        return None
    average = sum(pace.run_s.values()) / len(pace.run_s)
    spent = sum(pace.run_s.get(s.case, average) for s in specs)
    spent += sum(pace.compile_s.get(case, 0.0) for case in {s.case for s in specs}.difference(compiled))
    start_s = pace.start_s if not compiled and any(s.model_seed is not None for s in specs) else 0.0
    return spent / max(1, workers) + start_s


def in_words(seconds: float | None) -> str:
    """Return a duration as people say it."""
    if seconds is None:
        return "an unknown time"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
