"""Records on disk: a JSON file a run, and errors a window beside it; written whole or not at all, never overwritten."""

import os
from collections.abc import Iterable
from pathlib import Path

from bench import faults
from bench.errors import BenchError
from bench.files import create, discard, lacking, put, remove_leftovers, sync
from bench.kept import Kept, digest_of
from bench.measurement import Measurement
from bench.record import FINISHED, RunRecord
from bench.store.folder import Folder, K, read_folder
from bench.store.known import SEGMENT, read_by_segment
from bench.store.reading import read_measurement, read_record
from bench.store.text import to_json

RESULTS, REPORTS = Path("results"), Path("reports")
"""Where records and reports are unless a command names other folders."""
KEPT = ".npz"
"""How the name of the file beside a record ends."""
PROBE = ".probe-"
"""How names of files begin by which earlier versions tried whether a folder can be written."""


class NotKept(Exception):
    """There are no errors a window of a run; says why."""


class Store:
    """The records of runs under ``<results>/records``, of measurements under ``<results>/measurements``."""

    def __init__(self, results: Path = RESULTS):
        self.results = results
        self.folder = results / "records"
        self.measurements = results / "measurements"

    def prepare(self) -> None:
        """Make the folder, try that it can be written, and remove what a killed writer left there.

        Raises:
            BenchError: It cannot, or its file system would lose records.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lacks = lacking(self.folder)
            for folder in (self.folder, self.measurements, self.results / "weights"):
                remove_leftovers(folder, PROBE)
        except OSError as error:
            raise BenchError(
                f"cannot write to the results folder {self.results} ({error.strerror}); "
                "make it writable or name another with --results"
            ) from None
        if lacks:
            raise BenchError(
                f"the file system of the results folder {self.results} would lose records: {lacks}; "
                "name a folder on another with --results"
            )

    def read(self) -> list[RunRecord]:
        """Return all records of runs, oldest first.

        Raises:
            BenchError: A file is no good record, or cannot be read; names the first one. None is touched.
        """
        return read_by_segment(self.folder, self.results / SEGMENT).good()

    def read_measurements(self) -> list[Measurement]:
        """Return all measurements, oldest first.

        Raises:
            BenchError: A file is no good record, or cannot be read; names the first one. None is touched.
        """
        return self._measured().good()

    def look(self) -> tuple[Folder[RunRecord], Folder[Measurement]]:
        """Return what is there of runs and of measurements, bad files and unreadable ones too."""
        return self._runs(), self._measured()

    def write(self, record: RunRecord, kept: bytes = b"") -> RunRecord:
        """Write a record as the next attempt of its run and environment; return it as written.

        What was ``kept`` of each window is written first: a file without its record is harmless.

        Raises:
            OSError: The disk is full or the folder read-only; nothing half-written is left.
        """
        return _write_next(self.folder, record, kept)

    def read_kept(self, record: RunRecord) -> Kept:
        """Return what a run kept of each window.

        Raises:
            NotKept: It kept nothing, or the file is missing or broken.
        """
        if not record.kept:
            raise NotKept("it was recorded before errors a window were kept, or has none")
        path = self.folder / f"{record.key}{KEPT}"
        try:
            data = path.read_bytes()
        except OSError as error:
            raise NotKept(f"{path} cannot be read ({error.strerror or error})") from None
        if digest_of(data) != record.kept:
            raise NotKept(f"{path} is not the file that its record names")
        try:
            return Kept.from_bytes(data)
        except ValueError as error:
            raise NotKept(f"{path}: {error}") from None

    def write_measurement(self, measurement: Measurement) -> Measurement:
        """Write a measurement as the next attempt of its case and environment; return it as written.

        Raises:
            OSError: The disk is full or the folder read-only; nothing half-written is left.
        """
        self.measurements.mkdir(parents=True, exist_ok=True)
        return _write_next(self.measurements, measurement)

    def _runs(self) -> Folder[RunRecord]:
        return read_folder(self.folder, read_record)

    def _measured(self) -> Folder[Measurement]:
        return read_folder(self.measurements, read_measurement)


def _write_next(folder: Path, record: K, kept: bytes = b"") -> K:
    while True:
        path, beside = folder / f"{record.key}.json", folder / f"{record.key}{KEPT}"
        if not os.path.lexists(path) and (not kept or _write_kept(beside, kept)):
            written = False
            try:
                written = write_whole(path, to_json(record).encode())
            finally:
                if kept and not written:
                    discard(beside)
            if written:
                return record
        record = record.model_copy(update={"attempt": record.attempt + 1})


def _write_kept(path: Path, kept: bytes) -> bool:
    """Write what goes beside a record; return False where a killed writer, or another one, has taken the name."""
    if os.path.lexists(path) or not write_whole(path, kept):
        return False
    faults.point("store.kept")
    return True


def latest(records: Iterable[RunRecord]) -> dict[str, RunRecord]:
    """Return the newest record of each run id, a finished one before any that failed later."""
    chosen: dict[str, RunRecord] = {}
    for record in sorted(records, key=lambda r: r.provenance.ended_at):
        kept = chosen.get(record.run_id)
        if kept is None or record.status in FINISHED or kept.status not in FINISHED:
            chosen[record.run_id] = record
    return chosen


def write_whole(path: Path, data: bytes) -> bool:
    """Write under a name of its own first, so that a taken name is never overwritten; return False where it is.

    Raises:
        OSError: It names the file that could not be written.
    """
    try:
        faults.point("store.begin")
        handle, new = create(path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data[: len(data) // 2])
                file.flush()
                faults.point("store.half_written")
                file.write(data[len(data) // 2 :])
                file.flush()
                faults.point("store.written")
                sync(file.fileno())
            faults.point("store.synced")
            if not put(new, path):
                return False
            faults.point("store.linked")
            return True
        finally:
            discard(new)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
