"""One reader for records of every schema: what is old is brought to the newest, under the id that it has today."""

import json
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

from bench.cases.base import component, make_dataset, make_model
from bench.datasets.base import Dataset
from bench.errors import BenchError
from bench.measurement import MEASUREMENT_SCHEMA, Measurement, MeasureSpec
from bench.models.base import Model
from bench.provenance import Environment
from bench.recipe import Recipe
from bench.record import SCHEMA_VERSION, Component, RunRecord, RunSpec
from bench.store.schema_1 import NOISE_FLOORS, RENAMED, VERSIONS, covered, long_scores, task_of
from bench.store.text import body_of
from bench.task import Task

SHARED: dict[str, TypeAdapter[Any]] = {"environment": TypeAdapter(Environment), "task": TypeAdapter(Task)}
SHARED_OF_SPEC: dict[str, TypeAdapter[Any]] = {
    "dataset": TypeAdapter(Component), "model": TypeAdapter(Component), "recipe": TypeAdapter(Recipe)
}  # fmt: skip
K = TypeVar("K", RunRecord, Measurement)
P = TypeVar("P", RunSpec, MeasureSpec)


def read_record(text: str) -> tuple[RunRecord, str]:
    """Return the record of a run, and the key that it was written under.

    Raises:
        ValueError: Not JSON, cut short, edited by hand, of a later schema, or its fields do not fit the schema.
    """
    return _read(text, SCHEMA_VERSION, RunRecord, _old_record)


def _old_record(body: dict[str, Any]) -> tuple[RunRecord, str]:
    spec = _spec(body, RunSpec)
    scores = [*long_scores(body.pop("scores_last", {}), "last"), *long_scores(body.pop("scores_best", {}), "best")]
    floor = body.pop("noise_floor_mse", None)
    new = {
        "schema_version": SCHEMA_VERSION,
        "run_id": spec.run_id,
        "spec": spec,
        "task": task_of(body),
        "positions": covered(spec.model, body),
        "scores": scores,
        "noise_floors": {} if floor is None else dict.fromkeys(NOISE_FLOORS, floor),
    }
    return _with_old_key(RunRecord.model_validate(body | new), body, "run_id")


def read_measurement(text: str) -> tuple[Measurement, str]:
    """Return a measurement, and the key that it was written under; errors as of `read_record`."""
    return _read(text, MEASUREMENT_SCHEMA, Measurement, _old_measurement)


def _old_measurement(body: dict[str, Any]) -> tuple[Measurement, str]:
    spec = _spec(body, MeasureSpec)
    new = {"schema_version": MEASUREMENT_SCHEMA, "measure_id": spec.measure_id, "spec": spec, "task": task_of(body)}
    return _with_old_key(Measurement.model_validate(body | new), body, "measure_id")


def _read(text: str, newest: int, kind: type[K], bring: Callable[[dict[str, Any]], tuple[K, str]]) -> tuple[K, str]:
    body = body_of(text, newest)
    if kind is Measurement and body.get("schema_version") in (1, 2):
        body.pop("settled", None)
    if kind is Measurement and body.get("schema_version") == 2:
        body["schema_version"] = newest
    if body.get("schema_version") != 1:
        share(body)
        record = kind.model_validate(body).model_copy(update={"schema_version": newest})
        return record, record.key
    try:
        return bring(body)
    except (KeyError, TypeError, AttributeError):
        raise ValueError("its fields are not those of schema 1") from None


def share(body: dict[str, Any]) -> None:
    """Put parts that many records have alike in place of a body's own: each is checked once, and held once.

    Raises:
        ValueError: A part does not fit the schema.
    """
    for name, kind in SHARED.items():
        if body.get(name) is not None:
            body[name] = _shared_part(kind, json.dumps(body[name], sort_keys=True))
    spec = body.get("spec")
    if isinstance(spec, dict):
        for name, kind in SHARED_OF_SPEC.items():
            if spec.get(name) is not None:
                spec[name] = _shared_part(kind, json.dumps(spec[name], sort_keys=True))
    if isinstance(body.get("scores"), list):
        body["scores"] = [[_word(w) if isinstance(w, str) else w for w in row] for row in body["scores"]]


@lru_cache(maxsize=4096)
def _shared_part(kind: TypeAdapter[Any], text: str) -> Any:
    return kind.validate_json(text)


@lru_cache(maxsize=4096)
def _word(text: str) -> str:
    return text


def _with_old_key(record: K, body: dict[str, Any], id_field: str) -> tuple[K, str]:
    return record, record.model_copy(update={id_field: body.get(id_field)}).key


def _spec(body: dict[str, Any], kind: type[P]) -> P:
    """Return a schema 1 spec with its components as they are called today, told apart from their defaults."""
    fields = dict(body["spec"])
    for name, make in (("dataset", make_dataset), ("model", make_model)):
        old = Component.model_validate(fields[name])
        fields[name] = _component(make, old.model_copy(update={"name": RENAMED.get(old.name, old.name)}))
    fields["versions"] = {VERSIONS.get(key, key): value for key, value in fields["versions"].items()}
    return kind.model_validate(fields)


def _component(make: Callable[[str, dict[str, Any]], Dataset | Model], old: Component) -> Component:
    return _known_component(make, old.name, old.version, json.dumps(old.params, sort_keys=True))


@cache
def _known_component(
    make: Callable[[str, dict[str, Any]], Dataset | Model], name: str, version: str, params: str
) -> Component:
    """Return a component as its plug-in gives it today; as it was where there is no such plug-in any more."""
    try:
        made = component(make(name, json.loads(params)))
    except BenchError:
        return Component(name=name, params=json.loads(params), version=version)
    return made.model_copy(update={"version": version})
