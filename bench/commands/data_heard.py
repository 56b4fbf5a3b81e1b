"""What a command says of data, once a data set and as soon as a worker has loaded them."""

import sys
from collections.abc import Iterable

from rich.console import Console

from bench.jobs import DataChecked, Event, RunEnded
from bench.record import RunRecord, RunSpec


class DataHeard:
    """What workers said of data.

    Args:
        console: Where warnings are printed; what no run can use is said as bad input is, on stderr.

    Attributes:
        unusable: Runs whose data no run can use.
    """

    def __init__(self, console: Console):
        self._console = console
        self._lines: dict[str, str] = {}
        self._warned: set[str] = set()
        self._digests: dict[tuple[str, int], str] = {}
        self.unusable: list[RunSpec] = []

    @property
    def faults(self) -> dict[str, int]:
        """The line that was said of each data set that no run can use, and how many runs it keeps from a score."""
        found = dict.fromkeys(self._lines.values(), 0)
        for spec in {spec.run_id: spec for spec in self.unusable}.values():
            found[self._lines[_key(spec)]] += 1
        return found

    def hear(self, event: Event) -> None:
        """Take an event, and say what it says of data unless that was said."""
        if isinstance(event, RunEnded):
            self.compare(event.record)
        if not isinstance(event, DataChecked):
            return
        for text in event.warnings:
            self._warn(text)
        if event.fault:
            self.unusable.append(event.spec)
            if _key(event.spec) not in self._lines:
                self._lines[_key(event.spec)] = event.fault
                print(f"bench: {event.fault}", file=sys.stderr, flush=True)

    def compare(self, record: RunRecord) -> None:
        """Warn where a data set has given a run of this machine other data than another of the same data seed."""
        spec, digest = record.spec, record.data_digest
        if digest and self._digests.setdefault((_key(spec), spec.data_seed), digest) != digest:
            self._warn(
                f"dataset {spec.dataset.name!r} gave two runs of data seed {spec.data_seed} unlike data: its load() "
                "depends on more than the seed, or was changed without a raised version; their scores do not compare"
            )

    def explains(self, failed: Iterable[RunRecord]) -> bool:
        """Return whether runs failed, and each of them by its data."""
        lacking = {record.run_id for record in failed}
        return bool(lacking) and lacking <= {spec.run_id for spec in self.unusable}

    def _warn(self, text: str) -> None:
        if text not in self._warned:
            self._warned.add(text)
            self._console.print(f"warning: {text}")


def _key(spec: RunSpec) -> str:
    return spec.dataset.model_dump_json()
