"""Records on disk: one JSON file a run, written whole or not at all, never overwritten."""

import errno
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from bench import faults
from bench.errors import BenchError
from bench.measurement import Measurement
from bench.record import FINISHED, RunRecord
from bench.store.reading import read_measurement, read_record
from bench.store.text import to_json

RESULTS = Path("results")
NEW, PROBE = ".new-", ".probe-"
"""How names of files begin that are no records yet, or never will be."""
LEFTOVER_S = 60.0
"""Such a file that is older belongs to a writer that was killed: a write takes milliseconds."""
K = TypeVar("K", RunRecord, Measurement)


class Store:
    """The records of runs under ``<results>/records``, of measurements under ``<results>/measurements``."""

    def __init__(self, results: Path = RESULTS):
        self.results = results
        self.folder = results / "records"
        self.measurements = results / "measurements"

    def prepare(self) -> None:
        """Make the folder, try that it can be written, and remove what a killed writer left there.

        Raises:
            BenchError: It cannot.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.folder, prefix=PROBE):
                pass
            for folder in (self.folder, self.measurements):
                _remove_leftovers(folder)
        except OSError as error:
            raise BenchError(
                f"cannot write to the results folder {self.results} ({error.strerror}); "
                "make it writable or name another with --results"
            ) from None

    def read(self) -> list[RunRecord]:
        """Return all records of runs, oldest first.

        Raises:
            BenchError: A file is no good record; names the first one. The others are not touched.
        """
        return _good(_read_all(self.folder, read_record))

    def read_measurements(self) -> list[Measurement]:
        """Return all measurements, oldest first.

        Raises:
            BenchError: A file is no good record; names the first one. The others are not touched.
        """
        return _good(_read_all(self.measurements, read_measurement))

    def look(self) -> tuple[int, list[Path]]:
        """Return how many files are good records of runs or measurements, and those that are not."""
        found = _read_all(self.folder, read_record), _read_all(self.measurements, read_measurement)
        return sum(len(read) for read, _ in found), [path for _, bad in found for path, _ in bad]

    def write(self, record: RunRecord) -> RunRecord:
        """Write a record as the next attempt of its run and environment; return it as written.

        Raises:
            OSError: The disk is full or the folder read-only; nothing half-written is left.
        """
        return _write_next(self.folder, record)

    def write_measurement(self, measurement: Measurement) -> Measurement:
        """Write a measurement as the next attempt of its case and environment; return it as written.

        Raises:
            OSError: The disk is full or the folder read-only; nothing half-written is left.
        """
        self.measurements.mkdir(parents=True, exist_ok=True)
        return _write_next(self.measurements, measurement)


def _read_all(folder: Path, parse: Callable[[str], tuple[K, str]]) -> tuple[list[K], list[tuple[Path, str]]]:
    """Return a folder's good records, oldest first, and the files that are none, each with why."""
    bad = []
    records = []
    for path in sorted(folder.glob("*.json")):
        try:
            record, key = parse(path.read_text(encoding="utf-8"))
            if path.stem != key:
                raise ValueError(f"its content belongs to {key}.json")
            records.append(record)
        except ValidationError as error:
            bad.append((path, f"{error.error_count()} fields do not fit the schema"))
        except (OSError, ValueError, TypeError, RecursionError) as error:
            bad.append((path, next(iter(str(error).splitlines()), type(error).__name__)))
    return sorted(records, key=lambda r: r.provenance.ended_at), bad


def _good(read: tuple[list[K], list[tuple[Path, str]]]) -> list[K]:
    records, bad = read
    if bad:
        path, reason = bad[0]
        more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        raise BenchError(f"{path} is not a good record: {reason}{more}; move it away and its run is done again")
    return records


def _write_next(folder: Path, record: K) -> K:
    while True:
        path = folder / f"{record.key}.json"
        if not path.exists() and _write_whole(path, to_json(record)):
            return record
        record = record.model_copy(update={"attempt": record.attempt + 1})


def latest(records: Iterable[RunRecord]) -> dict[str, RunRecord]:
    """Return the newest record of each run id, a finished one before any that failed later."""
    chosen: dict[str, RunRecord] = {}
    for record in sorted(records, key=lambda r: r.provenance.ended_at):
        kept = chosen.get(record.run_id)
        if kept is None or record.status in FINISHED or kept.status not in FINISHED:
            chosen[record.run_id] = record
    return chosen


def _write_whole(path: Path, text: str) -> bool:
    """Write via a temporary file and a link, so that a taken name is never overwritten.

    Raises:
        OSError: It names the file that could not be written.
    """
    try:
        faults.point("store.begin")
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=NEW)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text[: len(text) // 2])
                file.flush()
                faults.point("store.half_written")
                file.write(text[len(text) // 2 :])
                file.flush()
                faults.point("store.written")
                os.fsync(file.fileno())
            faults.point("store.synced")
            if not _put(Path(name), path):
                return False
            faults.point("store.linked")
            return True
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _put(new: Path, path: Path) -> bool:
    """Give a written file its name; return False where that is taken."""
    try:
        os.link(new, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP):
            raise
        new.rename(path)  # no hard links here: the name was free a moment ago, and we are the only writer
    return True


def _remove_leftovers(folder: Path) -> None:
    for path in [*folder.glob(f"{NEW}*"), *folder.glob(f"{PROBE}*")]:
        with suppress(FileNotFoundError):  # a writer is at work, and that was its file
            if time.time() - path.stat().st_mtime > LEFTOVER_S:
                path.unlink()
