"""How long runs will take, from how long runs of the same case took."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

from bench.record import RunRecord, RunSpec


def seconds_by_case(records: Iterable[RunRecord], report: Path) -> dict[str, float]:
    """Return each case's median seconds a run: from records, else from a report.

    Args:
        records: All records at hand.
        report: Folder of a report whose ``runs.csv`` serves for cases without a record.
    """
    spent: dict[str, list[float]] = defaultdict(list)
    try:
        with (report / "runs.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row.get("case") and row.get("total_s"):
                    spent[row["case"]].append(float(row["total_s"]))
    except (OSError, ValueError):
        pass
    ours: dict[str, list[float]] = defaultdict(list)
    for record in records:
        if record.status == "done":
            ours[record.spec.case].append(record.timing.total_s)
    return {case: median(values) for case, values in {**spent, **ours}.items()}


def remaining_s(specs: Sequence[RunSpec], by_case: dict[str, float], workers: int) -> float | None:
    """Return the seconds that runs will take on so many workers, or None where nothing is known.

    A case that nothing is known of is taken to last as long as the average known case.
    """
    if not specs:
        return 0.0
    if not by_case:
        return None
    average = sum(by_case.values()) / len(by_case)
    return sum(by_case.get(s.case, average) for s in specs) / max(1, workers)


def in_words(seconds: float | None) -> str:
    """Return a duration as people say it."""
    if seconds is None:
        return "an unknown time"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
