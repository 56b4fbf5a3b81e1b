"""What is run, and what a run leaves: frozen, versioned, checksummed data.

Schema history:
    1: first version.
"""

import json
import traceback
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, model_validator

from bench.digest import digest
from bench.recipe import Recipe

SCHEMA_VERSION = 1

Status = Literal["done", "diverged", "failed", "crashed", "timed_out"]
FINISHED: frozenset[str] = frozenset({"done", "diverged"})
"""Statuses that are a result; the others are tried again by the next command."""


class Frozen(BaseModel):
    """Data between modules: it does not change, has no other fields, and keeps infinities and NaN as text."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Component(Frozen):
    """A registered dataset or model with its parameters and the version of its numbers."""

    name: str
    params: dict[str, Any] = {}
    version: str = "1"


class PlacedCase(Frozen):
    """A case on one device and backend, with the versions of all that can change its numbers.

    ``recipe`` is None for a predictor.
    """

    case: str
    dataset: Component
    model: Component
    recipe: Recipe | None
    device: str
    backend: str
    versions: dict[str, str]


class RunSpec(PlacedCase):
    """A case on one device and backend, and one seed: all that a run's numbers depend on.

    ``model_seed`` is None for a predictor, which has none.
    """

    data_seed: int
    model_seed: int | None

    @property
    def run_id(self) -> str:
        """Digest of the spec, versions included."""
        return digest(self.model_dump(mode="json"))


class LearningCurve(Frozen):
    """One value an epoch. ``valid`` holds each per-epoch metric's values under its name."""

    train_loss: list[float] = []
    valid: dict[str, list[float]] = {}


class Timing(Frozen):
    """A run's own account, in seconds of wall clock.

    Attributes:
        import_s: Importing the backend; counted in a worker's first run, else 0.
        data_s: Making the data set; counted in the first run that uses it, else 0.
        build_s: Building the network; 0 where the worker reuses it.
        compile_s: Tracing and compiling its programs; 0 where reused.
        epoch_s: Each epoch's training, evaluation apart.
        train_s: Their sum and the drawing of their orders; a predictor's fit.
        evaluate_s: Forecasts and metrics, after every epoch and at the end, and keeping the best weights.
        other_s: All the rest of the run inside the worker: initial weights, progress, the record.
        total_s: All of it.
        cpu_over_wall: Process time over wall time while training; under 0.98 the run shared its core.
    """

    import_s: float = 0.0
    data_s: float = 0.0
    build_s: float = 0.0
    compile_s: float = 0.0
    epoch_s: list[float] = []
    train_s: float = 0.0
    evaluate_s: float = 0.0
    other_s: float = 0.0
    total_s: float = 0.0
    cpu_over_wall: float | None = None


class Failure(Frozen):
    """Why a run has no scores: one line, and the last lines of its traceback or log."""

    reason: str
    details: str = ""

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """Return what an error that was just caught says, in its first line, and the end of its traceback."""
        text = str(error).splitlines()[0] if str(error) else ""
        details = "".join("".join(traceback.format_exception(error)).splitlines(keepends=True)[-15:])
        return cls(reason=f"{type(error).__name__}: {text}"[:300], details=details)


class ForecastSample(Frozen):
    """A few validation windows with their truth and the last epoch's forecast, for plotting.

    Attributes:
        window: Index in the validation split, ``[n]``.
        x: First feature of each window, ``[n][input_length]``.
        truth: The steps after the window, ``[n][horizon]``.
        forecast: The same steps as forecast at the last position, ``[n][horizon]``.
    """

    window: list[int]
    x: list[list[float]]
    truth: list[list[float]]
    forecast: list[list[float]]

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        n = len(self.window)
        if not (n and len(self.x) == len(self.truth) == len(self.forecast) == n):
            raise ValueError("a sample has as many windows as inputs, truths and forecasts, and at least one")
        if [len(v) for v in self.truth] != [len(v) for v in self.forecast] or not all(self.truth):
            raise ValueError("a sample has a forecast of every step of a window's truth, and at least one")
        return self


class Environment(Frozen):
    """What can change a number on another machine; digested into a record's key."""

    python: str
    numpy: str
    keras: str
    backend: str
    backend_version: str
    device: str
    device_name: str
    cpu: str
    threads: int
    precision: str
    jit: str

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits that name this environment."""
        return digest(self.model_dump(mode="json"), 8)


class Provenance(Frozen):
    """Where and when a run was made; changes no number."""

    host: str
    platform: str
    bench_version: str
    git_commit: str
    core: int | None
    load_1min: float | None
    started_at: str
    ended_at: str


Score = float | list[float] | dict[str, float]
Scores = dict[str, dict[str, Score]]
"""``scores[split][metric]`` of one state of the weights; split is valid, test or an extra test set."""


class RunRecord(Frozen):
    """Everything that a run left.

    Attributes:
        task: Name of the task that the scores answer, with its target kind, horizon and question.
        windows: How many windows each split holds.
        parameters: Trainable and other numbers in the network; None for a predictor.
        train_windows: Windows trained on in each epoch (the incomplete last batch left out).
        scores_last: After the last epoch.
        scores_best: With the weights of the epoch that was best on validation.
        best_epoch: That epoch, from 1; None for a predictor.
    """

    schema_version: int = SCHEMA_VERSION
    run_id: str
    attempt: int
    status: Status
    spec: RunSpec
    task: dict[str, Any] = {}
    windows: dict[str, int] = {}
    noise_floor_mse: float | None = None
    data_digest: str = ""
    parameters: int | None = None
    train_windows: int = 0
    scores_last: Scores = {}
    scores_best: Scores = {}
    best_epoch: int | None = None
    curve: LearningCurve = LearningCurve()
    timing: Timing = Timing()
    sample: ForecastSample | None = None
    failure: Failure | None = None
    environment: Environment
    provenance: Provenance

    @property
    def key(self) -> str:
        """Run id, environment digest and attempt: the record's file name, never used twice."""
        return f"{self.run_id}-{self.environment.digest}-{self.attempt}"

    @property
    def windows_per_s(self) -> float | None:
        """Training throughput: windows per second, median over epochs after the first."""
        epochs = sorted(self.timing.epoch_s[1:] or self.timing.epoch_s)
        if not epochs or not self.train_windows:
            return None
        middle = len(epochs) // 2
        median = epochs[middle] if len(epochs) % 2 else (epochs[middle - 1] + epochs[middle]) / 2
        return self.train_windows / median if median > 0 else None

    @property
    def contended(self) -> bool | None:
        """Whether the worker shared its core while it trained; None where that is not known, as on a GPU."""
        return None if self.timing.cpu_over_wall is None else self.timing.cpu_over_wall < 0.98


R = TypeVar("R", bound=Frozen)


def to_json(record: Frozen) -> str:
    """Return a record as JSON with its checksum, as the store writes it."""
    body = json.loads(record.model_dump_json())
    return json.dumps(body | {"checksum": digest(body, 64)}, indent=1, sort_keys=True) + "\n"


def from_json(text: str) -> RunRecord:
    """Read the record of a run that `to_json` wrote.

    Raises:
        ValueError: Not JSON, cut short, edited by hand, or of a later schema.
    """
    return read_json(text, RunRecord, SCHEMA_VERSION)


def read_json(text: str, kind: type[R], newest: int) -> R:
    """Read a record of a kind that `to_json` wrote, of schema ``newest`` at most.

    Raises:
        ValueError: Not JSON, cut short, edited by hand, or of a later schema.
    """
    body = json.loads(text)
    if not isinstance(body, dict):
        raise ValueError("not a record")
    checksum = body.pop("checksum", None)
    if checksum != digest(body, 64):
        raise ValueError("its checksum does not match its content")
    version = body.get("schema_version")
    if isinstance(version, int) and version > newest:
        raise ValueError(f"it has schema {body['schema_version']}, this version reads up to {newest}")
    return kind.model_validate(body)
