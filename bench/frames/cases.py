"""Frames of what a plan compares: its cases, their tasks and metrics, noise floors, and what was skipped."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from bench.datasets.base import Dataset
from bench.frames.base import frame
from bench.frames.schemas import CASES, FLOORS, METRICS, SKIPS, TARGETS, TASKS
from bench.frames.selection import Shown
from bench.metrics.base import applicable, monitor, ranking
from bench.metrics.traits import Axis
from bench.task import Task


@frame("cases", CASES)
def cases_rows(shown: Shown) -> Iterator[dict[str, Any]]:
    """Yield one row a case, in the suite's order."""
    plan = shown.plan
    planned = Counter(case for case, *_ in {(s.case, s.data_seed, s.model_seed) for s in plan.specs})
    specs = {s.case: s for s in reversed(plan.specs)}
    for order, case in enumerate(plan.cases):
        spec = specs[case.name]
        yield {
            "order": order,
            "case": case.name,
            "label": case.label,
            "variant_of": case.variant_of,
            "task": case.task.name,
            "n_planned": planned[case.name],
            "model": case.model.name,
            "model_params": json.dumps(spec.model.all_params, sort_keys=True),
            "dataset": case.dataset.name,
            "dataset_params": json.dumps(spec.dataset.all_params | spec.dataset.contents, sort_keys=True),
            "dataset_set": json.dumps(spec.dataset.params, sort_keys=True),
            **_documented(type(case.dataset)),
            "synthetic": case.dataset.synthetic,
            "faulty": case.faulty,
            "trained": case.model.trained,
            "leaks_target": case.model.leaks_target,
            "oracle": case.model.oracle,
            "batch_dependent": case.model.batch_dependent,
            "baseline": case.model.name == plan.suite.baseline,
            "receptive_field": case.model.receptive_field(case.task),
            "depth": case.model.depth(case.task),
            **(case.recipe.model_dump() if case.recipe else {}),
        }


@frame("tasks", TASKS)
def tasks_rows(shown: Shown) -> Iterator[dict[str, Any]]:
    """Yield one row a task."""
    for task in _tasks(shown):
        yield {
            "task": task.name,
            "target": task.target.value,
            "input_length": task.input_length,
            "features": task.features,
            "horizon": task.horizon,
            "classes": task.classes if task.target.is_class else None,
            "vocabulary": task.vocabulary,
            "question": task.question,
        }


@frame("targets", TARGETS)
def targets_rows(shown: Shown) -> Iterator[dict[str, Any]]:
    """Yield one row a target of a task."""
    for task in _tasks(shown):
        for target in task.targets:
            yield {"task": task.name, "target": target.name, "unit": target.unit}


@frame("metrics", METRICS)
def metrics_rows(shown: Shown) -> Iterator[dict[str, Any]]:
    """Yield one row for each metric of each task."""
    named = tuple(shown.plan.suite.metrics)
    for task in _tasks(shown):
        ranks, monitors = ranking(task).name, monitor(task).name
        for each in applicable(task, named):
            yield {
                "task": task.name,
                "metric": each.name,
                "heading": each.heading,
                "direction": each.direction.value,
                "scale": each.scale.value,
                "axis": each.axis.value,
                "unit": each.unit,
                "at_last": each.at_last,
                "ranks": each.name == ranks,
                "monitors": each.name == monitors,
                "shown": each.axis is Axis.NONE
                and (each.name in named if named else each.tabled)
                # After the window alone there is no other position: it says what the ranking one says.
                and (task.target.every_position or each.at_last != each.name or each.name == ranks),
                "about": " ".join((each.compute.__doc__ or "").partition("\n\n")[0].split()),
            }


@frame("floors", FLOORS)
def floors_rows(shown: Shown) -> Iterator[dict[str, Any]]:
    """Yield one row for each metric of each case of which a noise floor, chance or a threshold is known."""
    for case in shown.plan.cases:
        data = case.dataset
        told = {"value": data.noise_floors, "chance": data.chance, "solved": data.solved}
        for name in dict.fromkeys(name for values in told.values() for name in values):
            yield {"case": case.name, "metric": name, **{key: values.get(name) for key, values in told.items()}}


@frame("skips", SKIPS)
def skips_rows(shown: Shown) -> Iterator[dict[str, Any]]:
    """Yield one row a case that was not run."""
    for skip in shown.plan.skips:
        case = skip.case
        yield {
            "case": case.name,
            "label": case.label,
            "task": case.task.name,
            "model": case.model.name,
            "reason": skip.reason,
        }


def _tasks(shown: Shown) -> list[Task]:
    """Return each task once, in the suite's order."""
    return list({case.task.name: case.task for case in shown.plan.cases}.values())


def _documented(dataset: type[Dataset]) -> dict[str, str]:
    """Return what a dataset says of itself, of its further test sets and of its groups."""
    own = " ".join((dataset.__dict__.get("__doc__") or "").split()).replace("`", "")
    return {
        "dataset_about": own,
        "extra_about": dataset.extra_note,
        "groups_about": dataset.groups_note,
        "as_trained": dataset.as_trained,
        "no_group": dataset.no_group,
    }
