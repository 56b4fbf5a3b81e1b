"""How a command wants a suite run."""

from dataclasses import dataclass
from typing import Literal

from bench.measurement import PROCESSES
from bench.pasting import Option


@dataclass(frozen=True)
class RunOptions:
    """How a command wants a suite run.

    Attributes:
        rerun: Run recorded runs too, and measure measured cases.
        track: Mirror to MLflow.
        throughput: Measure what the suite's throughput benchmark lacks.
        processes: That each case is measured in.
        workers: Runs at once; None for one a core, as far as a CPU quota and the free memory allow.
        wait_s: How long to wait for another sweep on the same results folder.
        report: Write the report.
        train_windows: Of the training part, where it is known before data are loaded; an estimate goes by it.
        weights: Keep the weights of networks: ``"best"`` those of each case's best seed, ``"all"`` of every seed.
    """

    rerun: bool = False
    track: bool = True
    throughput: bool = True
    workers: int | None = None
    wait_s: float = 0.0
    processes: int = PROCESSES
    report: bool = True
    train_windows: int = 0
    weights: Literal["none", "best", "all"] = "none"

    @property
    def to_go_on(self) -> list[Option]:
        """What a command that goes on says of them: all but ``rerun``, which would begin anew."""
        said = {"--no-track": not self.track, "--no-report": not self.report, "--no-throughput": not self.throughput}
        said["--wait"] = self.wait_s > 0
        said |= {"--keep-weights": self.weights == "best", "--keep-all-weights": self.weights == "all"}
        numbers = {"--workers": self.workers, "--processes": self.processes % PROCESSES}
        given = [(name, str(number)) for name, number in numbers.items() if number]
        return [*given, *((name, "") for name, holds in said.items() if holds)]
