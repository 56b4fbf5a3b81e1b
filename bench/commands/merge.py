"""Taking up what was recorded in other results folders: by tasks of a queue, or on other machines."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from bench.digest import digest
from bench.errors import BenchError
from bench.kept import digest_of
from bench.lock import hold
from bench.measurement import Measurement
from bench.record import FINISHED, RunRecord
from bench.store import Store, WeightStore
from bench.store.files import KEPT


@dataclass
class Merged:
    """What came of a merge.

    Attributes:
        added: Records, measurements and weights that were taken up.
        present: Those that were there.
        refused: Files that do not fit, each with why.
    """

    added: int = 0
    present: int = 0
    refused: list[tuple[Path, str]] = field(default_factory=list)


def merge(folders: Sequence[Path], results: Path, console: Console) -> int:
    """Take up the records of results folders, say what does not fit, and return the exit code: 1 where something is so.

    A record is taken with the file of errors beside it and with its weights. What is there already is not added again.

    Args:
        folders: Results folders; they are left as they are, and runs may be recorded there meanwhile.
        results: The folder that takes them up.
        console: Where to say what came of it.

    Raises:
        BenchError: A folder holds no records, or a sweep holds ``results``.
    """
    for folder in folders:
        if not any((folder / part).is_dir() for part in ("records", "measurements")):
            raise BenchError(f"{folder} is no results folder: it has no records/; name one that bench run wrote to")
        if results.exists() and folder.samefile(results):
            raise BenchError(f"{folder} is the folder to merge into; name others, or another --results")
    with hold(results):
        store = Store(results)
        store.prepare()
        known = _Known(store)
        merged = Merged()
        for folder in folders:
            _take(Store(folder), known, merged)
    for path, reason in merged.refused:
        console.print(f"refused {path}: {reason}")
    refused = f", {len(merged.refused)} refused" if merged.refused else ""
    console.print(f"{merged.added} added to {results}, {merged.present} were there{refused}")
    return 1 if merged.refused else 0


class _Known:
    """What the store that takes records up holds, by what makes two records the same."""

    def __init__(self, store: Store):
        self.store, self.weights = store, WeightStore(store)
        self.same: dict[str, RunRecord | Measurement] = {}
        self.results: dict[tuple[str, ...], RunRecord] = {}
        for record in store.read():
            self.note(record)
        for measurement in store.read_measurements():
            self.note(measurement)

    def note(self, record: RunRecord | Measurement) -> None:
        """Take note of what is there now."""
        self.same[_content(record)] = record
        if isinstance(record, RunRecord) and record.status in FINISHED:
            self.results.setdefault(_place(record), record)


def _take(source: Store, known: _Known, merged: Merged) -> None:
    runs, measured = source.look()
    merged.refused += [*runs.bad, *measured.bad]
    merged.refused += [(path, error.strerror or str(error)) for path, error in (*runs.unreadable, *measured.unreadable)]
    weights = WeightStore(source)
    for record in runs.records:
        there = known.same.get(_content(record))
        rival = known.results.get(_place(record)) if record.status in FINISHED else None
        if there is None and rival is not None:
            if _result(rival) != _result(record):
                path = source.folder / f"{record.key}.json"
                other = known.store.folder / f"{rival.key}.json"
                merged.refused.append((path, f"the same run in the same environment has another result in {other}"))
                continue
            there = rival
        if there is None:
            kept = b""
            if record.kept:
                beside = source.folder / f"{record.key}{KEPT}"
                kept = beside.read_bytes() if beside.is_file() else b""
                if digest_of(kept) != record.kept:
                    merged.refused.append((beside, "it is missing, or not the file that its record names"))
                    continue
            there = known.store.write(record, kept)
            known.note(there)
            merged.added += 1
        else:
            merged.present += 1
        assert isinstance(there, RunRecord)
        if weights.has(record) and not known.weights.has(there):
            known.weights.write(there, weights.path(record).read_bytes())
    for measurement in measured.records:
        if _content(measurement) in known.same:
            merged.present += 1
        else:
            known.note(known.store.write_measurement(measurement))
            merged.added += 1


def _place(record: RunRecord) -> tuple[str, ...]:
    """Return what a run's numbers follow from: its id, its environment and the libraries that fitted it."""
    return record.run_id, record.environment.digest, *(f"{name} {found}" for name, found in record.libraries.items())


def _content(record: RunRecord | Measurement) -> str:
    """Return a digest of all but the attempt, which is another where the first was taken."""
    return digest(record.model_dump(mode="json", exclude={"attempt"}))


def _result(record: RunRecord) -> str:
    """Return a digest of what every run of one id gives in one environment."""
    return digest(record.model_dump(mode="json", include={"status", "scores", "best_epoch", "data_digest"}))
