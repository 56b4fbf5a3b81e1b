"""Frames of what sources printed: values, learning curves, the faults of each case, and what is not run."""

from collections.abc import Iterator
from typing import Any

from bench.cases.base import cases
from bench.cases.printed import curves, further_faults, not_run
from bench.frames.base import frame
from bench.frames.schemas import INTEGER, NUMBER, TEXT, Schema
from bench.frames.selection import Shown

PUBLISHED: Schema = {
    "case": TEXT, "metric": TEXT, "epoch": INTEGER, "value": NUMBER, "source": TEXT, "note": TEXT,
    "split": TEXT, "weights": TEXT, "task": TEXT, "model": TEXT, "why": TEXT, "like": TEXT,
}  # fmt: skip
"""A printed value, with its source where no epoch is named; of validation after the last epoch unless it says else.

One that the report holds nothing to says ``why``, and its task and model in words; ``case`` names the one that would be
held to it, where there is one, and ``like`` the task, by its name here, that it is of, where a case answers it.
"""
ERRATA: Schema = {"number": INTEGER, "case": TEXT, "variant": TEXT, "fault": TEXT}
"""A case and a fault that it carries, or lacks; last, with the ``fault`` alone, those that no case has."""


@frame("published", PUBLISHED)
def published_rows(shown: Shown) -> Iterator[dict[str, Any]]:
    """Yield every printed value of the cases, then every printed epoch of their curves; last what is left out."""
    for case in shown.plan.cases:
        printed = case.published
        for metric, value in printed.values.items():
            told = {"source": printed.source, "note": printed.note}
            of = {} if (printed.split, printed.weights) == ("valid", "last") else {
                "split": printed.split, "weights": printed.weights,
            }  # fmt: skip
            yield {"case": case.name, "metric": metric, "value": value, **told, **of}
        if not printed.curve:
            continue
        for curve in (read(printed.curve) for read in curves.entries()):
            if curve is None:  # The value was printed, its epochs were not.
                continue
            for column in filter(lambda name: name.startswith("valid_"), map(str, curve)):
                for epoch, value in zip(curve["epoch"], curve[column], strict=True):
                    if value == value:
                        metric = column.removeprefix("valid_")
                        yield {"case": case.name, "metric": metric, "epoch": epoch, "value": value}
    yield from _left_out(shown)


@frame("errata", ERRATA)
def errata_rows(shown: Shown) -> Iterator[dict[str, Any]]:
    """Yield one row a case and erratum: the case's variant of that fault; then the families' further faults."""
    for case in shown.plan.cases:
        for e in case.errata:
            yield {"number": e.number, "case": case.name, "variant": e.variant, "fault": e.fault}
    for family in (name for name in further_faults.names() if name in _families(shown)):
        yield from ({"fault": fault} for fault in further_faults.get(family))


def _left_out(shown: Shown) -> Iterator[dict[str, Any]]:
    """Yield the printed values of the cases' families that the plan leaves out, with the reason.

    Those of registered cases that say why they may be left out, then those that no case stands for.
    """
    planned = {case.name for case in shown.plan.cases}
    families = _families(shown)
    for name in cases.names():
        case = cases.get(name)
        printed = case.published
        if name in planned or name.partition("/")[0] not in families or not printed.why_not:
            continue
        for metric, value in printed.values.items():
            told = {"task": case.task.name.replace("_", " "), "model": case.label, "metric": metric, "value": value}
            yield {"case": name, **told, "why": printed.why_not, "like": case.task.name}
    for family in (name for name in not_run.names() if name in families):
        for row in not_run.get(family):
            like = cases.get(row.like).task.name if row.like else ""
            yield {"task": row.task, "model": row.model, "metric": row.metric, "value": row.value, "why": row.why,
                   "like": like}  # fmt: skip


def _families(shown: Shown) -> set[str]:
    return {case.name.partition("/")[0] for case in shown.plan.cases}
