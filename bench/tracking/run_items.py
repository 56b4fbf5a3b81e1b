"""What the record of a run becomes in MLflow: pure generators of items.

A run's metrics fall into sections, which the MLflow UI makes of the part before the slash:
``curve/`` (one value an epoch), ``run/`` (size and speed), ``test/``, ``valid/`` and further splits (the
last epoch's weights), ``test_best/`` and so on (the weights that were best on validation).
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from bench.record import RunRecord, Scores, to_json
from bench.tracking.curve import draw_curve
from bench.tracking.items import (
    Artifact,
    Dataset,
    Item,
    Metric,
    Tag,
    failure_tags,
    milliseconds,
    place_tags,
    source_tags,
    spec_params,
)

DEFAULT_DATA_SEED = 42
_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def run_name(record: RunRecord) -> str:
    """Return a title such as ``seq2seq_rnn · seed 42``; what is not the usual is added."""
    spec = record.spec
    parts = [spec.case.rpartition("/")[2], "exact" if spec.model_seed is None else f"seed {spec.model_seed}"]
    if spec.data_seed != DEFAULT_DATA_SEED:
        parts.append(f"data {spec.data_seed}")
    if spec.device != "cpu":
        parts.append(spec.device)
    if record.attempt > 1:
        parts.append(f"attempt {record.attempt}")
    return " · ".join(parts)


def record_items(record: RunRecord) -> Iterator[Item]:
    """Yield all that a record becomes; the same record yields the same items, times included."""
    spec = record.spec
    yield from spec_params(spec, seed=spec.model_seed, data_seed=spec.data_seed)
    yield from curve_metrics(record)
    yield from final_metrics(record)
    yield from tags(record)
    if record.data_digest:
        yield dataset(record)
    yield Artifact("record.json", to_json(record).encode())
    if record.curve.train_loss or any(record.curve.valid.values()):
        yield Artifact("learning_curve.png", draw_curve(record.curve, run_name(record)))


def curve_metrics(record: RunRecord) -> Iterator[Metric]:
    """Yield one value an epoch, dated by what the record says its epochs took."""
    curve = record.curve
    series = {"train_loss": curve.train_loss}
    series |= {f"valid_{name}": values for name, values in sorted(curve.valid.items())}
    series["epoch_s"] = record.timing.epoch_s
    ends = _epoch_ends_ms(record, max(map(len, series.values())))
    for name, values in series.items():
        for epoch, (value, end_ms) in enumerate(zip(values, ends, strict=False), start=1):
            yield Metric(f"curve/{name}", value, end_ms, epoch)


def final_metrics(record: RunRecord) -> Iterator[Metric]:
    """Yield scores, size and speed, dated at the run's end."""
    end_ms = milliseconds(record.provenance.ended_at)
    yield from _scores(record.scores_last, "", end_ms)
    yield from _scores(record.scores_best, "_best", end_ms)
    timing = record.timing.model_dump(exclude={"epoch_s"}) if record.timing.total_s else {}
    numbers = {
        "windows_per_s": record.windows_per_s,
        "parameters": record.parameters,
        "best_epoch": record.best_epoch,
        **timing,
    }
    for name, value in numbers.items():
        if value is not None:
            yield Metric(f"run/{name}", float(value), end_ms)


def _scores(scores: Scores, suffix: str, end_ms: int) -> Iterator[Metric]:
    for split, by_metric in scores.items():
        for name, value in by_metric.items():
            key = f"{split}{suffix}/{name}"
            if isinstance(value, Mapping):
                for group, number in value.items():
                    label, _, at = group.partition("=")
                    if at.removeprefix("-").isdigit():  # "length=8": a step, so that the UI draws a curve
                        yield from _numbers(f"{key}.{label}", [number], end_ms, int(at))
                    else:
                        yield from _numbers(f"{key}.{group}", [number], end_ms)
            elif isinstance(value, Sequence) and not isinstance(value, str):
                yield from _numbers(key, value, end_ms, first_step=1)
            else:
                yield from _numbers(key, [value], end_ms)


def _numbers(key: str, values: Sequence[Any], end_ms: int, first_step: int = 0) -> Iterator[Metric]:
    for step, value in enumerate(values, start=first_step):
        number = _SPECIAL.get(value) if isinstance(value, str) else value
        if isinstance(number, int | float):
            yield Metric(key, float(number), end_ms, step)


def _epoch_ends_ms(record: RunRecord, epochs: int) -> list[int]:
    """Return when each epoch ended: set-up first, then the epochs, validation shared among them."""
    timing = record.timing
    start_ms, end_ms = milliseconds(record.provenance.started_at), milliseconds(record.provenance.ended_at)
    set_up_s = timing.import_s + timing.data_s + timing.build_s + timing.compile_s
    each_s = [*timing.epoch_s, *[0.0] * epochs][:epochs]
    evaluate_s = timing.evaluate_s / (epochs + 1)
    ends_s = accumulate((s + evaluate_s for s in each_s), initial=set_up_s)
    return [min(end_ms, start_ms + round(1000 * s)) for s in [*ends_s][1:]]


def tags(record: RunRecord) -> Iterator[Tag]:
    """Yield what a run is found by, and a description where it has no scores."""
    yield Tag("run_id", record.run_id)
    yield Tag("status", record.status)
    yield from place_tags(record.environment, record.task)
    if record.windows_per_s is not None:
        yield Tag("contended", {True: "yes", False: "no", None: "unknown"}[record.contended])
    yield from source_tags(record.provenance.git_commit)
    yield from failure_tags(record.status, record.failure)


def dataset(record: RunRecord) -> Dataset:
    """Return the data set that a run saw."""
    component = record.spec.dataset
    source = {"mlflow.source.name": f"bench dataset {component.name}, version {component.version}"}
    return Dataset(
        name=component.name,
        digest=record.data_digest,
        source=json.dumps({"tags": source}),
        profile=json.dumps({"data_seed": record.spec.data_seed, **component.params}),
    )
