"""What a record becomes in MLflow: pure generators of small frozen items, sent elsewhere.

A run's metrics fall into sections, which the MLflow UI makes of the part before the slash:
``curve/`` (one value an epoch), ``run/`` (size and speed), ``test/``, ``valid/`` and further splits (the
last epoch's weights), ``test_best/`` and so on (the weights that were best on validation).
"""

import io
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any

from bench.record import RunRecord, Scores, to_json

NOTE = "mlflow.note.content"
"""The tag that the MLflow UI shows as a run's description, in Markdown."""
DEFAULT_DATA_SEED = 42
_UNFIT = re.compile(r"[^\w\-. :/]")
"""What MLflow takes in no metric's name."""
_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


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


def milliseconds(moment: str) -> int:
    """Return an ISO 8601 moment as milliseconds since 1970.

    Raises:
        ValueError: It is none.
    """
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def record_items(record: RunRecord) -> Iterator[Item]:
    """Yield all that a record becomes; the same record yields the same items, times included."""
    yield from params(record)
    yield from curve_metrics(record)
    yield from final_metrics(record)
    yield from tags(record)
    if record.data_digest:
        yield dataset(record)
    yield Artifact("record.json", to_json(record).encode())
    if record.curve.train_loss or any(record.curve.valid.values()):
        yield Artifact("learning_curve.png", draw_curve(record))


def params(record: RunRecord) -> Iterator[Param]:
    """Yield the run's spec; what it does not have (a predictor's recipe, a seed) is left out."""
    spec = record.spec
    settings: dict[str, Any] = {
        "case": spec.case,
        "dataset": spec.dataset.name,
        "model": spec.model.name,
        "seed": spec.model_seed,
        "data_seed": spec.data_seed,
        "device": spec.device,
        "backend": spec.backend,
    }
    settings |= spec.recipe.model_dump() if spec.recipe else {}
    settings |= flatten(spec.dataset.params, "dataset.") | flatten(spec.model.params, "model.")
    for key, value in settings.items():
        if value is not None:
            yield Param(key, value if isinstance(value, str) else json.dumps(value))


def flatten(params: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return nested parameters as one level, their keys joined with dots: ``model.cell.units``."""
    flat: dict[str, Any] = {}
    for key, value in params.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


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
            yield Metric(_UNFIT.sub("_", key), float(number), end_ms, step)


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
    yield Tag("environment", record.environment.digest)
    yield Tag("hardware", record.environment.device_name or record.environment.cpu)
    if task := record.task.get("name"):
        yield Tag("task", str(task))
    if record.windows_per_s is not None:
        yield Tag("contended", "yes" if record.contended else "no")
    yield from source_tags(record.provenance.git_commit)
    if record.failure:
        yield Tag("failure", record.failure.reason)
        details = f"\n\n```\n{record.failure.details}\n```" if record.failure.details else ""
        yield Tag(NOTE, f"**{record.status}**: {record.failure.reason}{details}")


def source_tags(git_commit: str) -> Iterator[Tag]:
    """Yield where a run comes from, as the MLflow UI shows it."""
    yield Tag("mlflow.source.type", "LOCAL")
    yield Tag("mlflow.source.name", "bench")
    if git_commit:
        yield Tag("mlflow.source.git.commit", git_commit)


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


def draw_curve(record: RunRecord) -> bytes:
    """Return a learning curve as PNG: training loss and each validation metric, by epoch."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    figure = Figure(figsize=(6, 3.6), dpi=100)
    # Fixed margins and plain tick labels: a layout engine and mathtext cost three times the rest.
    axes = figure.add_axes((0.12, 0.14, 0.85, 0.76))
    lines = {"train loss": record.curve.train_loss}
    lines |= {f"valid {name.replace('_', ' ')}": values for name, values in sorted(record.curve.valid.items())}
    for label, values in lines.items():
        axes.plot(range(1, len(values) + 1), values, marker=".", label=label)
    finite = [v for values in lines.values() for v in values if math.isfinite(v)]
    if finite and min(finite) > 0:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="epoch", title=run_name(record))
    axes.grid(alpha=0.3)
    axes.legend(loc="upper right")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
