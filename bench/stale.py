"""Records of a run as it was before something that changes its numbers was changed, and what that was."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.extras import changed
from bench.record import FINISHED, PlacedCase, RunRecord, RunSpec


@dataclass(frozen=True)
class Stale:
    """A planned run whose newest record is of an earlier spec, and the keys that differ.

    Attributes:
        changes: ``key: then -> now``, such as ``recipe.epochs: 20 -> 2``.
    """

    spec: RunSpec
    record: RunRecord
    changes: tuple[str, ...]


def find_stale(missing: Sequence[RunSpec], records: Iterable[RunRecord]) -> list[Stale]:
    """Return the missing runs that have a result under another run id, or by other libraries, with what changed since.

    A record belongs to a run where case, seeds, device and backend are the same. Such a record is never
    shown in the run's place.
    """
    newest: dict[tuple[Any, ...], RunRecord] = {}
    for record in sorted(records, key=lambda r: r.provenance.ended_at):
        if record.status in FINISHED:
            newest[_place(record.spec)] = record
    found = []
    for spec in missing:
        earlier = newest.get(_place(spec))
        if earlier is None:
            continue
        fitted = tuple(f"libraries.{each}" for each in changed(earlier.libraries))
        if earlier.run_id != spec.run_id or fitted:
            found.append(Stale(spec, earlier, (*changes(described(earlier.spec), described(spec)), *fitted)))
    return found


def described(spec: PlacedCase) -> dict[str, Any]:
    """Return all that a spec's numbers depend on, set or left at its default, keys joined by dots."""
    whole = spec.model_dump(mode="json", exclude={"dataset": {"defaults"}, "model": {"defaults"}})
    for name, part in (("dataset", spec.dataset), ("model", spec.model)):
        whole[name]["params"] = part.all_params | part.contents
        whole[name].pop("contents")
    return flatten({key: value for key, value in whole.items() if value != []})


def changes(then: Mapping[str, Any], now: Mapping[str, Any], absent: str = "absent") -> tuple[str, ...]:
    """Return ``key: then -> now`` for the keys whose values differ, or that one of the two lacks."""
    return tuple(
        f"{key}: {then.get(key, absent)} -> {now.get(key, absent)}"
        for key in dict.fromkeys([*now, *then])
        if then.get(key, _ABSENT) != now.get(key, _ABSENT)
    )


def flatten(data: Any, prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as one, with keys joined by dots."""
    if not isinstance(data, dict):
        return {prefix: data}
    flat: dict[str, Any] = {}
    for key, value in data.items():
        flat |= flatten(value, f"{prefix}.{key}" if prefix else str(key))
    return flat


_ABSENT = object()


def _place(spec: RunSpec) -> tuple[Any, ...]:
    return (spec.case, spec.data_seed, spec.model_seed, spec.device, spec.backend)
