"""Small frozen items that a record becomes in MLflow, and what records of all kinds share; sent elsewhere."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bench.measurement import MeasureSpec
from bench.record import Environment, Failure, RunSpec
from bench.stale import flatten
from bench.tracking.notes import escape, fenced

NOTE = "mlflow.note.content"
"""The tag that the MLflow UI shows as a run's description, in Markdown."""


@dataclass(frozen=True)
class Param:
    """A setting: what the run was told."""

    key: str
    value: str


@dataclass(frozen=True)
class Metric:
    """A measured number, at a step (an epoch from 1, a forecast step from 1; 0 where there is one value)."""

    key: str
    value: float
    time_ms: int
    step: int = 0


@dataclass(frozen=True)
class Tag:
    """A label that runs are found by, or that MLflow itself understands."""

    key: str
    value: str


@dataclass(frozen=True)
class Artifact:
    """A file, under a path relative to the run's."""

    path: str
    data: bytes


@dataclass(frozen=True)
class Dataset:
    """The data that a run saw: a name and a digest, never the data themselves."""

    name: str
    digest: str
    source: str
    profile: str


Item = Param | Metric | Tag | Artifact | Dataset


def milliseconds(moment: str) -> int:
    """Return an ISO 8601 moment as milliseconds since 1970.

    Raises:
        ValueError: It is none.
    """
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def spec_params(spec: RunSpec | MeasureSpec, **more: Any) -> Iterator[Param]:
    """Yield what was run; what it does not have (a predictor's recipe, ``more`` that is None) is left out."""
    settings: dict[str, Any] = {
        "case": spec.case,
        "dataset": spec.dataset.name,
        "model": spec.model.name,
        **more,
        "device": spec.device,
        "backend": spec.backend,
    }
    settings |= spec.recipe.model_dump() if spec.recipe else {}
    settings |= flatten(spec.dataset.params, "dataset") | flatten(spec.model.params, "model")
    for key, value in settings.items():
        if value is not None:
            yield Param(key, value if isinstance(value, str) else json.dumps(value))


def place_tags(environment: Environment, task: Mapping[str, Any]) -> Iterator[Tag]:
    """Yield where it ran, and the task that it answers."""
    yield Tag("environment", environment.digest)
    yield Tag("hardware", environment.device_name or environment.cpu)
    if name := task.get("name"):
        yield Tag("task", str(name))


def failure_tags(status: str, failure: Failure | None) -> Iterator[Tag]:
    """Yield why there are no numbers, and a description that says it, where that is so."""
    if failure:
        yield Tag("failure", failure.reason)
        details = f"\n\n{fenced(failure.details)}" if failure.details else ""
        yield Tag(NOTE, f"**{escape(status)}**: {escape(failure.reason)}{details}")


def source_tags(git_commit: str) -> Iterator[Tag]:
    """Yield where a run comes from, as the MLflow UI shows it."""
    yield Tag("mlflow.source.type", "LOCAL")
    yield Tag("mlflow.source.name", "bench")
    if git_commit:
        yield Tag("mlflow.source.git.commit", git_commit)
