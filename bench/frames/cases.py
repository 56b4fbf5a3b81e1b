"""Frames of what a plan compares: its cases, and the errata that they carry."""

import json
from typing import Any

import pandas as pd

from bench.csvs import typed
from bench.datasets.base import Dataset
from bench.plan import Plan

RECIPE = ("optimizer", "learning_rate", "epochs", "batch_size", "loss", "early_stopping_epochs")


def cases_frame(plan: Plan) -> pd.DataFrame:
    """Return one row a case, in the suite's order.

    What a case is asked (``task``, ``target``, ``question``) is known from its records, or from
    another case's with the same dataset; empty where nothing has run. What its dataset says of itself
    stands in ``dataset_about``, ``extra_about``, ``groups_about`` and ``no_group``.
    """
    asked: dict[str, dict[str, Any]] = {}
    for record in plan.records:
        if record.task:
            asked[record.spec.case] = record.task
            asked.setdefault(record.spec.dataset.model_dump_json(), record.task)
    seeds = {(s.case, s.data_seed, s.model_seed) for s in plan.specs}
    rows = []
    for order, case in enumerate(plan.cases):
        spec = next(s for s in plan.specs if s.case == case.name)
        task = asked.get(case.name) or asked.get(spec.dataset.model_dump_json()) or {}
        recipe = case.recipe.model_dump() if case.recipe else {}
        rows.append(
            {
                "order": order,
                "case": case.name,
                "label": case.label,
                "variant_of": case.variant_of,
                "task": task.get("name"),
                "target": task.get("target"),
                "input_length": task.get("input_length"),
                "features": task.get("features"),
                "horizon": task.get("horizon"),
                "question": task.get("question"),
                "n_planned": sum(1 for planned in seeds if planned[0] == case.name),
                "model": case.model.name,
                "model_params": json.dumps(spec.model.params, sort_keys=True),
                "dataset": case.dataset.name,
                "dataset_params": json.dumps(spec.dataset.params, sort_keys=True),
                **_documented(type(case.dataset)),
                "trained": case.model.trained,
                "peeks": getattr(case.model, "peeks", False),
                "oracle": getattr(case.model, "oracle", False),
                "batch_dependent": getattr(case.model, "batch_dependent", False),
                "baseline": case.model.name == plan.suite.baseline,
                "noise_floor_mse": case.dataset.noise_floor_mse,
                **{k: recipe.get(k) for k in RECIPE},
                "published_valid_mse": case.published.valid_mse,
                "published_valid_last_time_step_mse": case.published.valid_last_time_step_mse,
                "source": case.published.source,
                "note": case.published.note,
                "curve": case.published.curve,
            }
        )
    return typed(rows)


def errata_frame(plan: Plan) -> pd.DataFrame:
    """Return one row a case and erratum: the case's variant of that fault."""
    rows = [
        {"number": e.number, "case": case.name, "variant": e.variant, "fault": e.fault}
        for case in plan.cases
        for e in case.errata
    ]
    return typed(rows, ["number", "case", "variant", "fault"])


def _documented(dataset: type[Dataset]) -> dict[str, str]:
    """Return what a dataset says of itself, of its further test sets and of its groups."""
    own = " ".join((dataset.__dict__.get("__doc__") or "").split()).replace("`", "")
    return {
        "dataset_about": own,
        "extra_about": dataset.extra_note,
        "groups_about": dataset.groups_note,
        "no_group": dataset.no_group,
    }
