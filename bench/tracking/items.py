"""Small frozen items that a record becomes in MLflow, and what records of all kinds share; sent elsewhere.

They repeat classes of ``mlflow.entities``, whose import takes two seconds.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bench.measurement import Measurement
from bench.record import RunRecord
from bench.stale import flatten
from bench.store.text import to_json
from bench.text.markdown import escape, fenced

NOTE = "mlflow.note.content"
"""The tag that the MLflow UI shows as a run's description, in Markdown."""
Record = RunRecord | Measurement


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


def title(record: Record, *parts: str) -> str:
    """Return a name such as ``seq2seq_rnn · seed 42``: the case's and ``parts``, and what is not the usual."""
    unusual = [record.spec.device] if record.spec.device != "cpu" else []
    unusual += [f"attempt {record.attempt}"] if record.attempt > 1 else []
    return " · ".join([record.spec.case.rpartition("/")[2], *parts, *unusual])


def shared_items(record: Record, **params: Any) -> Iterator[Item]:
    """Yield what every record becomes: settings with ``params``, tags and a file; what it does not have is left out."""
    spec = record.spec
    settings = {"case": spec.case, "dataset": spec.dataset.name, "model": spec.model.name, **params}
    settings |= {"device": spec.device, "backend": spec.backend}
    settings |= spec.recipe.model_dump() if spec.recipe else {}
    settings |= flatten(spec.dataset.all_params, "dataset") | flatten(spec.model.all_params, "model")
    for key, value in settings.items():
        if value is not None:
            yield Param(key, value if isinstance(value, str) else json.dumps(value))
    yield Tag("status", record.status)
    yield Tag("environment", record.environment.digest)
    yield Tag("hardware", record.environment.device_name or record.environment.cpu)
    if isinstance(record, RunRecord) and record.libraries:
        yield Tag("libraries", ", ".join(f"{name} {found}" for name, found in record.libraries.items()))
    if record.task:
        yield Tag("task", record.task.name)
    yield from source_tags(record.provenance.git_commit)
    if record.provenance.no_commit:
        yield Tag("no_commit", record.provenance.no_commit)
    if failure := record.failure:
        yield Tag("failure", failure.reason)
        details = f"\n\n{fenced(failure.details)}" if failure.details else ""
        yield Tag(NOTE, f"**{escape(record.status)}**: {escape(failure.reason)}{details}")
    yield Artifact("record.json", to_json(record).encode())


def source_tags(git_commit: str) -> Iterator[Tag]:
    """Yield where a run comes from, as the MLflow UI shows it."""
    yield Tag("mlflow.source.type", "LOCAL")
    yield Tag("mlflow.source.name", "bench")
    if git_commit:
        yield Tag("mlflow.source.git.commit", git_commit)
