"""What the record of a run becomes in MLflow: pure generators of items.

A run's metrics fall into sections, which the MLflow UI makes of the part before the slash:
``curve/`` (one value an epoch), ``run/`` (size and speed), ``test/``, ``valid/`` and further splits (the
last epoch's weights), ``test_best/`` and so on (the weights that were best on validation).
"""

import json
from collections.abc import Iterator
from itertools import accumulate

from bench.metrics.traits import Axis
from bench.record import RunRecord, Score
from bench.tracking.curve import draw_curve
from bench.tracking.items import Artifact, Dataset, Item, Metric, Tag, milliseconds, shared_items, title

DEFAULT_DATA_SEED = 42
LONGEST_STEP = 18
"""Digits of a step: MLflow's databases hold 64 bits."""


def run_name(record: RunRecord) -> str:
    """Return a title such as ``seq2seq_rnn · seed 42``; what is not the usual is added."""
    spec = record.spec
    parts = ["exact" if spec.model_seed is None else f"seed {spec.model_seed}"]
    return title(record, *parts, *([f"data {spec.data_seed}"] if spec.data_seed != DEFAULT_DATA_SEED else []))


def record_items(record: RunRecord) -> Iterator[Item]:
    """Yield all that a record becomes; the same record yields the same items, times included."""
    yield from shared_items(record, seed=record.spec.model_seed, data_seed=record.spec.data_seed)
    yield Tag("run_id", record.run_id)
    if record.windows_per_s is not None:
        yield Tag("contended", {True: "yes", False: "no", None: "unknown"}[record.contended])
    yield from _curves(record)
    yield from _finals(record)
    if record.data_digest:
        yield _dataset(record)
    if record.curve.train_loss or any(record.curve.valid.values()):
        yield Artifact("learning_curve.png", draw_curve(record.curve, run_name(record)))


def _curves(record: RunRecord) -> Iterator[Metric]:
    """Yield one value an epoch, dated by what the record says its epochs took."""
    curve = record.curve
    series = {"train_loss": curve.train_loss}
    series |= {f"valid_{name}": values for name, values in sorted(curve.valid.items())}
    series["epoch_s"] = record.timing.epoch_s
    ends = _epoch_ends_ms(record, max(map(len, series.values())))
    for name, values in series.items():
        for epoch, (value, end_ms) in enumerate(zip(values, ends, strict=False), start=1):
            yield Metric(f"curve/{name}", value, end_ms, epoch)


def _finals(record: RunRecord) -> Iterator[Metric]:
    """Yield scores, size and speed, dated at the run's end."""
    end_ms = milliseconds(record.provenance.ended_at)
    for score in record.scores:
        yield _score(score, end_ms)
    timing = record.timing.model_dump(exclude={"epoch_s"}) if record.timing.total_s else {}
    numbers = {name: getattr(record, name) for name in ("windows_per_s", "parameters", "best_epoch")} | timing
    for name, value in numbers.items():
        if value is not None:
            yield Metric(f"run/{name}", float(value), end_ms)


def _score(score: Score, end_ms: int) -> Metric:
    """Return a score: one with a whole number on its axis at that step, so that the UI draws a curve of its like."""
    section = score.split if score.weights == "last" else f"{score.split}_best"
    parts, step = [score.metric], 0
    if score.axis not in (Axis.NONE, Axis.STEP, Axis.TARGET):
        parts.append(score.axis)  # the name of a group
    digits = score.index.removeprefix("-")
    if score.axis != Axis.TARGET and digits.isdecimal() and len(digits) <= LONGEST_STEP:
        step = int(score.index)
    elif score.index:
        parts.append(score.index)
    return Metric(f"{section}/{'.'.join(parts)}", score.value, end_ms, step)


def _epoch_ends_ms(record: RunRecord, epochs: int) -> list[int]:
    """Return when each epoch ended: set-up first, then the epochs, validation shared among them."""
    timing = record.timing
    start_ms, end_ms = milliseconds(record.provenance.started_at), milliseconds(record.provenance.ended_at)
    set_up_s = timing.import_s + timing.data_s + timing.build_s + timing.compile_s
    each_s = [*timing.epoch_s, *[0.0] * epochs][:epochs]
    evaluate_s = timing.evaluate_s / (epochs + 1)
    ends_s = accumulate((s + evaluate_s for s in each_s), initial=set_up_s)
    return [min(end_ms, start_ms + round(1000 * s)) for s in [*ends_s][1:]]


def _dataset(record: RunRecord) -> Dataset:
    component = record.spec.dataset
    source = {"mlflow.source.name": f"bench dataset {component.name}, version {component.version}"}
    return Dataset(
        name=component.name,
        digest=record.data_digest,
        source=json.dumps({"tags": source}),
        profile=json.dumps({"data_seed": record.spec.data_seed, **component.all_params}),
    )
