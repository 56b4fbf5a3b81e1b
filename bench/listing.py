"""What is registered, in rows for a screen or a script. Nothing here loads data or imports a backend."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from bench.cases.base import cases
from bench.datasets.base import Dataset, datasets
from bench.datasets.loaded import declared
from bench.devices import device_kinds
from bench.engines.base import engines
from bench.errors import BenchError
from bench.executors.base import executors
from bench.metrics.base import Metric, metrics
from bench.models.base import models
from bench.registry import Registry, close_matches
from bench.suite import SUITES, read_suite
from bench.task import Task

Row = dict[str, Any]


def listing(kind: str) -> list[Row]:
    """Return one row for everything registered of a kind.

    Raises:
        BenchError: There is no such kind.
    """
    makers: dict[str, Callable[[], list[Row]]] = {
        "cases": lambda: [_case(name) for name in cases.names()],
        "datasets": lambda: [
            _plugin("dataset", name, datasets) | _told(datasets.get(name)) | _about(datasets.get(name))
            for name in datasets.names()
        ],
        "models": lambda: [
            _plugin("model", name, models)
            | {"source": models.get(name).paper, "weights": vars(models.get(name)).get("weights", "")}
            | {"cost by length": getattr(models.get(name), "growth", "")}
            | _about(models.get(name))
            for name in models.names()
        ],
        "metrics": lambda: [_metric(metrics.get(name)) for name in metrics.names()],
        "backends": lambda: [{"backend": name, "from": engines.origin(name)} for name in engines.names()],
        "devices": lambda: [
            {"device": f"{device.kind}:{device.index}", "name": device.name}
            for name in device_kinds.names()
            for device in device_kinds.get(name)()
        ],
        "executors": lambda: [
            {"executor": name, "from": executors.origin(name)} | _about(executors.get(name))
            for name in executors.names()
        ],
        "suites": lambda: [
            {"suite": path.stem, "title": read_suite(path.stem).title} for path in sorted(SUITES.glob("*.toml"))
        ],
    }
    if kind not in makers:
        raise BenchError(f"cannot list {kind!r}; {close_matches(kind, list(makers))}")
    return makers[kind]()


def described(kind: str, name: str) -> str:
    """Return all that is known of one registered entry, as text: its row, a line a column, and what it says of itself.

    Raises:
        BenchError: There is no such kind or entry, or entries of that kind say nothing more.
    """
    registries: dict[str, Registry[Any]] = {"datasets": datasets, "models": models, "metrics": metrics}
    if kind not in registries:
        raise BenchError(f"cannot describe one of {kind!r}; {close_matches(kind, list(registries))}")
    entry = registries[kind].get(name)
    row = next(row for row in listing(kind) if name == next(iter(row.values())))
    said = {column: value for column, value in row.items() if value and column not in ("parameters", "about")}
    lines = [f"{column}: {value}" for column, value in said.items()]
    fields = [f"  {n}" + ("" if f.is_required() else f" = {f.default!r}") for n, f in _fields(entry).items()]
    parts = ["\n".join(lines), *_sections(entry), *(["\n".join(["Defaults:", *fields])] if fields else [])]
    return "\n\n".join(part.replace("``", "") for part in parts)


def _fields(entry: Any) -> dict[str, Any]:
    return getattr(entry, "model_fields", {})


def _sections(entry: Any) -> Iterator[str]:
    """Yield what an entry says of itself, then what classes that it has fields of say of those."""
    first, *others = inspect.getmro(entry) if inspect.isclass(entry) else [getattr(entry, "compute", entry)]
    yield inspect.getdoc(first) or ""
    for parent in others:
        told = inspect.cleandoc(vars(parent).get("__doc__") or "").partition("Attributes:\n")[2]
        if told and vars(parent).get("__annotations__", {}).keys() & _fields(entry).keys():
            yield f"As every {parent.__name__}:\n{told.rstrip()}"


def _case(name: str) -> Row:
    case = cases.get(name)
    row = {"case": name, "dataset": case.dataset.name, "model": case.model.name, "label": case.label}
    return row | {"does not fit": case.supports().reason, "from": cases.origin(name)}


def _plugin(kind: str, name: str, registry: Registry[Any]) -> Row:
    """Return a plug-in's name and what a suite may set of it, each with its default."""
    fields = registry.get(name).model_fields.items()
    set_by = ", ".join(n if f.is_required() else f"{n}={f.default!r}" for n, f in fields)
    return {kind: name, "from": registry.origin(name), "parameters": set_by}


def _about(documented: Any) -> Row:
    return {"about": next(iter((documented.__doc__ or "").strip().splitlines()), "")}


def _metric(metric: Metric) -> Row:
    return {
        "metric": metric.name,
        "from": metrics.origin(metric.name),
        "heading": metric.heading,
        "better": metric.direction.value,
        "scale": metric.scale.value,
        "unit": metric.unit,
        "axis": metric.axis.value,
        "targets": ", ".join(sorted(metric.kinds)),
        "computed": "where named" if metric.opt_in else "every epoch" if metric.per_epoch else "at the end",
        **_about(metric.compute),
    }


def _told(dataset: type[Dataset]) -> Row:
    """Return what a dataset asks, what chance gives and from where on it counts as solved, with its default parameters.

    Chance is told by the metrics of the threshold, where there is one.
    """
    try:
        made = dataset()
        solved = made.solved
        chance = {name: value for name, value in made.chance.items() if name in (solved or made.chance)}
    except (ValueError, BenchError):
        solved = chance = {}
    levels = {"chance": chance, "solved from": solved}
    texts = {key: ", ".join(f"{name} {value:.4g}" for name, value in each.items()) for key, each in levels.items()}
    return {"task": _asked(dataset), **texts}


def _asked(dataset: type[Dataset]) -> str:
    """Return in words what a dataset asks with its default parameters."""
    try:
        return in_words(declared(dataset())[1])
    except (ValueError, BenchError):
        return "depends on its parameters"


def in_words(task: Task) -> str:
    """Return what a task asks: ``last_step: 10 steps of load in MW after 50 steps of 1 feature``."""
    length = "any number of" if task.input_length is None else task.input_length
    inputs = f"token ids below {task.vocabulary}" if task.vocabulary else _counted(task.features, "feature")
    if task.target.is_class:
        asked = f"one of {task.classes} classes"
    else:
        named = ", ".join(f"{t.name} in {t.unit}" if t.unit else t.name for t in task.targets)
        asked = f"{_counted(task.horizon, 'step')} of {named}"
    return f"{task.target}: {asked}, from {length} steps of {inputs}{', masked' if task.masked else ''}"


def _counted(number: int, of: str) -> str:
    return f"{number} {of}{'' if number == 1 else 's'}"
