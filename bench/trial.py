"""What is known of a run on its way, and the record that is made of it."""

from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from typing import Any

from bench.datasets.loaded import BadData
from bench.environment import now, provenance
from bench.kept import digest_of as digest_of_kept
from bench.models.base import Model
from bench.process import Slot
from bench.record import Failure, LearningCurve, RunRecord, RunSpec, Status, Timing
from bench.task import Splits
from bench.training import Diverged, Outcome


@dataclass
class Trial:
    """What is known of a run so far; its record is made of this, whatever happened.

    Attributes:
        stack: So many runs one program trains.
        stack_asked: So many it was to train, where memory did not hold them; else 0.
        model: That is run, once its data are found to be good.
        spent: Seconds outside the training loop, under the names of `Timing`.
        curve: Epochs that a diverged run finished.
        kept: What goes into the file beside the record, as `bench.kept.Kept` writes it.
        weights: What goes into the file of its weights, where they are to be kept.
    """

    spec: RunSpec
    slot: Slot
    started_at: str = field(default_factory=now)
    stack: int = 1
    stack_asked: int = 0
    status: Status = "done"
    failure: Failure | None = None
    model: Model | None = None
    splits: Splits | None = None
    data_notes: tuple[str, ...] = ()
    data_digest: str = ""
    noise_floors: dict[str, float] = field(default_factory=dict)
    positions: tuple[int, ...] | None = None
    outcome: Outcome | None = None
    curve: LearningCurve = field(default_factory=LearningCurve)
    spent: dict[str, float] = field(default_factory=dict)
    total_s: float = 0.0
    kept: bytes = b""
    weights: bytes = b""

    def record(self, *, loaded: bool = False) -> RunRecord:
        """Return the record; without an outcome it says why there is none.

        ``loaded``: this process has what the run's backend needs, so its environment is told as found.
        """
        environment = self.slot.device.environment(
            self.spec.backend, loaded=loaded, stack=self.stack, stack_asked=self.stack_asked
        )
        fields: dict[str, Any] = {"curve": self.curve, "timing": Timing(total_s=self.total_s)}
        if self.splits is not None:
            fields["task"] = self.splits.valid.task
            splits = {"train": self.splits.train} | self.splits.evaluated()
            fields["windows"] = {name: len(split.x) for name, split in splits.items()}
        if self.outcome is not None:
            names = {f.name for f in dataclass_fields(self.outcome)} - {"weights"}
            fields |= {name: getattr(self.outcome, name) for name in names}
            fields["timing"] = self._timing(self.outcome.timing)
            fields["libraries"] = self.model.library_versions() if self.model else {}
            fields["kept"] = digest_of_kept(self.kept) if self.kept else ""
        return RunRecord(
            run_id=self.spec.run_id,
            attempt=1,
            status=self.status,
            spec=self.spec,
            noise_floors=self.noise_floors,
            positions=self.positions,
            data_notes=self.data_notes,
            data_digest=self.data_digest,
            failure=self.failure,
            environment=environment,
            provenance=provenance(self.started_at, now(), self.slot.core, self.slot.device.facts()),
            **fields,
        )

    def fail(self, error: BaseException) -> None:
        """Take down why there is no outcome."""
        self.outcome = None
        if isinstance(error, Diverged):
            self.status, self.failure, self.curve = "diverged", Failure(reason=str(error)), error.curve
        else:
            self.status = "failed"
            self.failure = error.failure if isinstance(error, BadData) else Failure.of(error)

    def _timing(self, timing: Timing) -> Timing:
        """Return the training loop's account with the rest of the run put in."""
        other_s = timing.other_s + self.total_s - timing.total_s - sum(self.spent.values())
        on_cpu = self.slot.device.kind == "cpu"  # on a GPU the process waits, and its own time says nothing
        shared = timing.cpu_over_wall if on_cpu else None
        return timing.model_copy(
            update={**self.spent, "other_s": other_s, "total_s": self.total_s, "cpu_over_wall": shared}
        )
