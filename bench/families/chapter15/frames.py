"""What stands beside a report of the chapter's cases: printed values, printed curves, and the errata of each case."""

from collections.abc import Iterator
from typing import Any

from bench.errors import BenchError
from bench.families.chapter15.printed_curves import published_curve
from bench.frames.base import frame
from bench.frames.schemas import INTEGER, NUMBER, TEXT, Schema
from bench.frames.selection import Shown

PUBLISHED: Schema = {"case": TEXT, "metric": TEXT, "epoch": INTEGER, "value": NUMBER, "source": TEXT, "note": TEXT,
                     "weights": TEXT}  # fmt: skip
"""A printed value of the validation split: the final one, with its source, where no epoch is named, or with ``weights``
best that of the best epoch."""
ERRATA: Schema = {"number": INTEGER, "case": TEXT, "variant": TEXT, "fault": TEXT}


@frame("published", PUBLISHED)
def published_rows(shown: Shown) -> Iterator[dict[str, Any]]:
    """Yield every printed value of the cases, then every printed epoch of their curves."""
    for case in shown.plan.cases:
        printed = case.published
        for metric, value in printed.values.items():
            told = {"source": printed.source, "note": printed.note, "weights": printed.weights}
            yield {"case": case.name, "metric": metric, "value": value, **told}
        if not printed.curve:
            continue
        try:
            curve = published_curve(printed.curve)
        except BenchError:
            continue  # The value was printed, its epochs were not.
        for metric in ("mse", "last_time_step_mse"):
            for epoch, value in zip(curve["epoch"], curve[f"valid_{metric}"], strict=True):
                if value == value:
                    yield {"case": case.name, "metric": metric, "epoch": epoch, "value": value}


@frame("errata", ERRATA)
def errata_rows(shown: Shown) -> Iterator[dict[str, Any]]:
    """Yield one row a case and erratum: the case's variant of that fault."""
    for case in shown.plan.cases:
        for e in case.errata:
            yield {"number": e.number, "case": case.name, "variant": e.variant, "fault": e.fault}
