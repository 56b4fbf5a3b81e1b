"""How long what is planned will take, from how long the like of it took."""

import csv
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean, median

from bench.record import RunRecord, RunSpec
from bench.suite import Suite

START_S = 7.0
"""Seconds that a worker takes to start, which imports the backend, where no record says."""


@dataclass(frozen=True)
class Pace:
    """How long runs take.

    Attributes:
        run_s: Median seconds of a case's run, without the start of its worker and without compilation.
        compile_s: Median seconds that a case compiles, which its first run in a worker does; absent where none did.
        start_s: Median seconds that a worker's start takes.
        predictors: Cases of these that train nothing: their seconds say nothing of those of networks.
        guessed: Cases whose model nothing here has timed, which are taken for the slowest that was.
    """

    run_s: Mapping[str, float] = field(default_factory=dict)
    compile_s: Mapping[str, float] = field(default_factory=dict)
    start_s: float = START_S
    predictors: frozenset[str] = frozenset()
    guessed: frozenset[str] = frozenset()

    def over(self, other: "Pace") -> "Pace":
        """Return it with what another knows of cases that it does not know."""
        return replace(
            self,
            run_s={**other.run_s, **self.run_s},
            compile_s={**other.compile_s, **self.compile_s},
            predictors=self.predictors | other.predictors,
            guessed=other.guessed.difference(self.run_s),
        )


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
    untrained = set[str]()
    try:
        with (report / "runs.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row.get("case") and row.get("total_s"):
                    untrained |= {row["case"]} if row.get("seed") == "" else set()
                    theirs.add(
                        row["case"], *(float(row.get(name) or 0) for name in ("total_s", "import_s", "compile_s"))
                    )
    except (OSError, ValueError):
        pass
    for record in records:
        if record.status == "done":
            untrained |= {record.spec.case} if record.spec.model_seed is None else set()
            ours.add(record.spec.case, record.timing.total_s, record.timing.import_s, record.timing.compile_s)
    starts = ours.start_s or theirs.start_s
    return Pace(
        _medians({**theirs.run_s, **ours.run_s}),
        _medians({**theirs.compile_s, **ours.compile_s}),
        median(starts) if starts else START_S,
        frozenset(untrained),
    )


@dataclass(frozen=True)
class Work:
    """What a trained run of a case does at most: windows that it trains on, each of so many steps."""

    model: str
    windows: float
    input_length: int


def likely_of(suite: Suite, records: Iterable[RunRecord], reports: Path, train_windows: int = 0) -> Pace:
    """Return how long runs of a suite's networks may take at most, by how long their models took elsewhere.

    Args:
        suite: Its cases; of those whose recipe counts epochs nothing is said where ``train_windows`` is not known.
        records: All records at hand.
        reports: Folder of reports.
        train_windows: Of each case; 0 for unknown.
    """
    works = {}
    for case in suite.select():
        if case.recipe is not None and case.supports():
            batch, steps, epochs = case.recipe.batch_size, case.recipe.steps, case.recipe.epochs
            if windows := steps * batch if steps else (epochs or 0) * train_windows:
                works[case.name] = Work(case.model.name, windows, case.task.input_length or 1)
    return likely_pace(works, records, reports)


def likely_pace(works: Mapping[str, Work], records: Iterable[RunRecord], reports: Path) -> Pace:
    """Return how long runs of cases take at most, by how long their models took in records, else in reports here.

    A model that stands in none is guessed: taken for the slowest of those that do; nothing is known where there are
    none.

    Args:
        works: By case.
        records: All records at hand.
        reports: Folder of reports, each with its ``cases.csv``, ``tasks.csv`` and ``runs.csv``.
    """
    theirs, ours = _paces_of_reports(reports), _paces(_of_records(records))
    step_s, compile_s = {**theirs[0], **ours[0]}, {**theirs[1], **ours[1]}
    if not step_s:
        return Pace()
    slowest, longest = max(step_s.values()), max(compile_s.values(), default=0.0)
    return Pace(
        {case: w.windows * w.input_length * step_s.get(w.model, slowest) for case, w in works.items()},
        {case: compile_s.get(w.model, longest) for case, w in works.items()},
        guessed=frozenset(case for case, w in works.items() if w.model not in step_s),
    )


Spent = tuple[Work, float, float]
"""What a run did, the seconds that it took without import and compilation, and those that it compiled."""


def _paces(spent: Iterable[Spent]) -> tuple[dict[str, float], dict[str, float]]:
    """Return the median seconds that each model trains a step of a window, and that it compiles."""
    step_s: dict[str, list[float]] = defaultdict(list)
    compiled: dict[str, list[float]] = defaultdict(list)
    for work, run_s, compile_s in spent:
        if work.windows:
            step_s[work.model].append(run_s / work.windows / work.input_length)
            if compile_s:
                compiled[work.model].append(compile_s)
    return _medians(step_s), _medians(compiled)


def _of_records(records: Iterable[RunRecord]) -> Iterator[Spent]:
    for record in records:
        recipe, task, timing = record.spec.recipe, record.task, record.timing
        if record.status == "done" and recipe is not None and task is not None and task.input_length:
            windows = record.train_windows * len(timing.epoch_s)
            windows = min(windows, recipe.steps * recipe.batch_size) if recipe.steps else windows
            run_s = timing.total_s - timing.import_s - timing.compile_s
            yield Work(record.spec.model.name, windows, task.input_length), run_s, timing.compile_s


def _paces_of_reports(reports: Path) -> tuple[dict[str, float], dict[str, float]]:
    found: list[Spent] = []
    for folder in sorted(reports.glob("*/")):
        try:
            about, asked = ({row[key]: row for row in _rows(folder / f"{key}s.csv")} for key in ("case", "task"))
            for row in _rows(folder / "runs.csv"):
                windows = float(row["train_windows"] or 0) * float(row["epochs_run"] or 0)
                length, compile_s = int(asked[row["task"]]["input_length"] or 0), float(row["compile_s"] or 0)
                if windows and length:
                    run_s = float(row["total_s"]) - float(row["import_s"] or 0) - compile_s
                    found.append((Work(about[row["case"]]["model"], windows, length), run_s, compile_s))
        except (OSError, ValueError, KeyError):
            continue
    return _paces(found)


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

    A case that nothing is known of is taken to last, and to compile, as long as the average known case of its kind:
    networks are one kind, predictors the other. Of networks nothing is known where predictors alone are.

    Args:
        specs: The runs.
        pace: How long they take.
        workers: How many run at once, each started once; a case compiles once.
        compiled: Cases that have; with any, workers have started, too.
    """
    if not specs:
        return 0.0
    trained = {s.case for s in specs if s.model_seed is not None}
    networks = [s for case, s in pace.run_s.items() if case not in pace.predictors]
    quick = [s for case, s in pace.run_s.items() if case in pace.predictors]
    if not pace.run_s or (not networks and trained - pace.run_s.keys()):
        return None
    usual = {True: mean(networks or [0.0]), False: mean(quick or networks)}
    spent = sum(pace.run_s.get(s.case, usual[s.case in trained]) for s in specs)
    usual_s = mean(pace.compile_s.values()) if pace.compile_s else 0.0
    unseen = {s.case for s in specs}.difference(compiled)
    spent += sum(pace.compile_s.get(case, usual_s * (case in trained)) for case in unseen)
    start_s = pace.start_s if not compiled and any(s.model_seed is not None for s in specs) else 0.0
    return spent / max(1, workers) + start_s


def guess_in_words(specs: Iterable[RunSpec], pace: Pace) -> str:
    """Return what an estimate of runs is worth where models were guessed; empty where none was."""
    networks = {spec.model.name: spec.case in pace.guessed for spec in specs if spec.model_seed is not None}
    if not (number := sum(networks.values())):
        return ""
    return (
        f"a guess: {number} of {len(networks)} networks were never timed here and are taken for the slowest that was; "
        "the time left goes by what runs take"
    )


def in_words(seconds: float | None) -> str:
    """Return a duration as people say it."""
    if seconds is None:
        return "an unknown time"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
