"""What a sweep needs of an executor."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from bench.jobs import Event, Job


class Executor(Protocol):
    """Runs jobs somewhere."""

    def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
        """Yield events until every run of every job has ended; closing the iterator stops the work."""

    def stop(self) -> None:
        """End the work: no run is begun any more, and the iterator ends after what is done already.

        A signal handler calls this, so it must return at once and take no lock.
        """
