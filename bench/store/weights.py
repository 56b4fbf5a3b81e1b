"""Weights of networks on disk: ``<results>/weights/<key>.npz`` for the record of that key, written whole or not."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from bench.files import discard
from bench.kept import weights_from_bytes
from bench.metrics.base import monitor
from bench.record import RunRecord, RunSpec
from bench.store.files import KEPT, NotKept, Store, latest, write_whole
from bench.store.reading import read_record


class WeightStore:
    """The weights that runs of a store have kept, each those of its best epoch."""

    def __init__(self, store: Store):
        self.folder = store.results / "weights"
        self._records = store.folder
        self._rivals: dict[tuple[str, str], list[RunRecord]] | None = None

    def write(self, record: RunRecord, data: bytes) -> None:
        """Write the weights of a record, which is written already.

        Raises:
            OSError: The disk is full or the folder read-only; nothing half-written is left.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self.folder / f"{record.key}{KEPT}", data)

    def write_best(self, record: RunRecord, data: bytes) -> None:
        """Write them where no seed of its case has better ones; then those of the others are removed.

        Raises:
            OSError: As `write`.
        """
        if self._rivals is None:  # read once: a sweep is the only one that writes here
            self._rivals = {}
            for other in self.kept():
                self._rivals.setdefault(_of_one_case(other), []).append(other)
        case = _of_one_case(record)
        rivals = [other for other in self._rivals.get(case, []) if other.key != record.key]
        if any(_rank(rival) < _rank(record) for rival in rivals):
            return
        self.write(record, data)
        for rival in rivals:
            discard(self.path(rival))
        self._rivals[case] = [record]

    def read(self, record: RunRecord) -> list[NDArray[Any]]:
        """Return the weights of a record, in the order of a program's `weights`.

        Raises:
            NotKept: There are none, or the file is broken.
        """
        path = self.path(record)
        try:
            return weights_from_bytes(path.read_bytes())
        except OSError as error:
            raise NotKept(f"{path} cannot be read ({error.strerror or error})") from None
        except ValueError as error:
            raise NotKept(f"{path}: {error}") from None

    def has(self, record: RunRecord) -> bool:
        """Return whether weights of a record are there."""
        return self.path(record).is_file()

    def kept(self) -> list[RunRecord]:
        """Return the records whose weights are there; a file that belongs to none is passed over."""
        found = []
        for path in sorted(self.folder.glob(f"*{KEPT}")):
            try:
                found.append(read_record((self._records / f"{path.stem}.json").read_text("utf-8"))[0])
            except (OSError, ValueError, TypeError):
                continue
        return found

    def lacking(self, records: Iterable[RunRecord], *, every: bool = False) -> list[RunSpec]:
        """Return the runs to do again: of each case's best seed, or of every one, unless its weights are there.

        Args:
            records: What is recorded, attempts that failed too.
            every: Those of every seed are wanted.
        """
        kept = self.kept()
        done = [r for r in latest(records).values() if r.status == "done" and r.spec.model_seed is not None]
        if every:
            there = {record.run_id for record in kept}
            return [record.spec for record in done if record.run_id not in there]
        ranks = {_of_one_case(record): _rank(record) for record in best_seeds(kept)}
        return [r.spec for r in best_seeds(done) if _of_one_case(r) not in ranks or _rank(r) < ranks[_of_one_case(r)]]

    def path(self, record: RunRecord) -> Path:
        """Return where the weights of a record are, if they are kept."""
        return self.folder / f"{record.key}{KEPT}"


def best_seeds(records: Iterable[RunRecord]) -> list[RunRecord]:
    """Return of each case, on one draw of its data, device and backend, the record that is best on validation."""
    best: dict[tuple[str, str], RunRecord] = {}
    for record in records:
        known = best.setdefault(_of_one_case(record), record)
        if _rank(record) < _rank(known):
            best[_of_one_case(record)] = record
    return list(best.values())


def _of_one_case(record: RunRecord) -> tuple[str, str]:
    """Return what the seeds of one case have in common."""
    return record.spec.model_copy(update={"model_seed": None}).run_id, record.environment.asked.digest


def _rank(record: RunRecord) -> tuple[float, int]:
    """Return the metric that chose the epoch, of the best one, less is better; of equal ones the lesser seed."""
    assert record.task is not None
    metric = monitor(record.task)
    value = record.score(metric.name, "valid", "best")
    return float("inf") if value is None else metric.sign * value, record.spec.model_seed or 0
