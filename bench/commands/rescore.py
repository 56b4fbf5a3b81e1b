"""A metric that came later, from the forecasts that runs kept: nothing is trained, and no record changes."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from bench import stats
from bench.cases.base import make_dataset, make_model
from bench.commands.selection import Selection
from bench.datasets.loaded import load
from bench.errors import BenchError
from bench.frames import select
from bench.kept import Kept, KeptForecasts, truth_digest
from bench.metrics.base import Metric, metrics, scored
from bench.metrics.traits import Axis
from bench.record import RunRecord, Weights
from bench.store import NotKept, Store
from bench.task import Split, Splits


@dataclass(frozen=True)
class Rescored:
    """A case on one device and backend, scored on one test set by a metric.

    Attributes:
        done: Runs that ended with scores.
        mean: Over those that kept what it takes, on the metric's scale, with its 95 % interval.
    """

    case: str
    device: str
    backend: str
    split: str
    done: int
    mean: stats.Interval


@dataclass
class _Heard:
    """Values by place and test set, and what stood in the way of others."""

    values: dict[tuple[str, str, str, str], list[float]] = field(default_factory=dict)
    without: Counter[str] = field(default_factory=Counter)


def rescore(chosen: Selection, name: str, weights: Weights) -> tuple[list[Rescored], list[str]]:
    """Compute a metric on the test sets of a suite's finished runs; return rows in the suite's order, and remarks.

    Raises:
        BenchError: There is no such metric, it gives no one number or applies to no task of the suite, or nothing is
            recorded.
    """
    metric = metrics.get(name)
    if metric.axis is not Axis.NONE:
        raise BenchError(f"metric {name!r} is many numbers, one a {metric.axis}; name one that is a single number")
    store = Store(chosen.results)
    plan = chosen.plan(store)
    if not plan.records:
        raise chosen.nothing_recorded
    done = [r for r in select(plan).records if r.status == "done"]
    asked = [r for r in done if r.task is not None and metric.applies(r.task)]
    if not asked:
        raise BenchError(f"metric {name!r} applies to no run of suite {chosen.suite.name!r} that has ended with scores")
    heard = _Heard()
    for record, kept, splits in _with_data(asked, store, heard):
        for each in (each for each in kept.forecasts if each.weights == weights):
            try:
                value = _value(metric, record, each, splits.evaluated()[each.split])
            except NotKept as error:
                heard.without[str(error)] += each.split == "test"
                continue
            heard.values.setdefault((*_place(record), each.split), []).append(value)
    least = [value for values in heard.values.values() for value in values]
    log, runs = metric.suited(least).log, Counter(map(_place, asked))
    rows = [
        Rescored(*place, runs[place[:3]], mean)
        for place, values in heard.values.items()
        if (mean := stats.interval(values, log=log)) is not None
    ]
    order = {case.name: number for number, case in enumerate(plan.cases)}
    rows.sort(key=lambda row: order[row.case])
    return rows, [f"{count} of {len(asked)} runs: {reason}" for reason, count in heard.without.items() if count]


def _with_data(records: list[RunRecord], store: Store, heard: _Heard) -> Iterator[tuple[RunRecord, Kept, Splits]]:
    """Yield each record that kept something, with its data set; one set is held at a time."""
    held: tuple[tuple[str, int], Splits] | None = None
    for record in sorted(records, key=lambda r: (r.spec.dataset.model_dump_json(), r.spec.data_seed)):
        try:
            kept = store.read_kept(record)
        except NotKept as error:
            reason = str(error) if not record.kept else "the file of what it kept is missing or broken"
            heard.without[reason] += 1
            continue
        key = (record.spec.dataset.model_dump_json(), record.spec.data_seed)
        if held is None or held[0] != key:
            dataset = make_dataset(record.spec.dataset.name, record.spec.dataset.all_params)
            held = key, load(dataset, record.spec.data_seed).splits
        yield record, kept, held[1]


def _value(metric: Metric, record: RunRecord, kept: KeptForecasts, split: Split) -> float:
    """Return a metric of kept forecasts.

    Raises:
        NotKept: They are of other data than these, or of the last position alone, and the metric asks for more.
    """
    if kept.truth != truth_digest([split.y, split.mask, split.series]):
        raise NotKept("its data set gives others today than those that it was scored on")
    if kept.last and metric.at_last != metric.name:
        raise NotKept(f"it kept forecasts of the last position alone, which are not all that {metric.name} is of")
    model = make_model(record.spec.model.name, record.spec.model.all_params)
    positions = slice(-1, None) if kept.last else model.positions(split.task)
    value = metric.compute(scored(split, kept.values, positions))
    if not isinstance(value, float):
        raise NotKept(f"its forecasts have no {metric.name}")
    return value


def _place(record: RunRecord) -> tuple[str, str, str]:
    return record.spec.case, record.spec.device, record.spec.backend
