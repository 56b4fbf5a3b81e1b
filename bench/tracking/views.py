"""Views of an experiment that answer: its runs by case, their curves with their spread, and score against throughput.

MLflow's UI keeps a view as a tag of the experiment and opens it by its key, at `address`. The format is that of the UI,
as its Save view button writes it since MLflow 3.17; one of another version says that it knows no such view and shows
the plain list.
"""

import base64
import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from bench.metrics.base import monitor, ranking
from bench.task import Task
from bench.text.files import file_key
from bench.tracking.items import Tag
from bench.tracking.sending import NAME, ORDER, short_name

PREFIX, KEY = "mlflow.sharedViewState.", "bench_"
"""How tags with views begin, and after that the keys of ours."""
PAGE = 100
"""Runs that the UI loads at once; the rest on a click."""
CURVES, SPEED = "curve/valid_", "throughput/train_windows_per_s"
_SECTION = "bench-answer"
_REST = ("curve", "run", "valid", "valid_best", "test", "test_best", "throughput", "latency", "cost", "round")
"""Sections of the metrics that have charts of the UI's own, which stay folded."""


def views(tasks: Mapping[Task, Mapping[str, int]], section: str, time_ms: int) -> Iterator[Tag]:
    """Yield a view of each task, as tags of the experiment.

    Args:
        tasks: How many runs and measurements each case of theirs has.
        section: That of the score that ranks: ``valid`` or ``test_best``.
        time_ms: When the views were made.
    """
    taken: list[str] = []
    for task, runs in tasks.items():
        taken.append(file_key(task.name, taken))
        state = base64.b64encode(zlib.compress(json.dumps(_state(task, runs, section)).encode(), 9)).decode()
        view = {"name": task.name, "createdAt": time_ms, "updatedAt": time_ms, "state": f"deflate;{state}"}
        yield Tag(f"{PREFIX}{KEY}{taken[-1]}", json.dumps(view))


def view_keys(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the keys of our views among an experiment's tags, each with what the view is called."""
    found = {key.removeprefix(PREFIX): value for key, value in tags.items() if key.startswith(PREFIX + KEY)}
    return {key: str(json.loads(value)["name"]) for key, value in found.items()}


def address(server: str, experiment: str, key: str) -> str:
    """Return where the UI of a server shows an experiment's view."""
    # Under the tab itself: the way from the bare page of an experiment to its tab loses the key.
    asked = f"viewStateShareKey={key}&compareRunsMode=CHART&workflowType=machine_learning"
    return f"{server}/#/experiments/{experiment}/runs?{asked}"


def _state(task: Task, runs: Mapping[str, int], section: str) -> dict[str, Any]:
    metric = ranking(task)
    drawn = metric if metric.per_epoch else monitor(task)
    score, curve = f"{section}/{metric.name}", f"{CURVES}{drawn.name}"
    lines = {"metricKey": curve, "selectedMetricKeys": [curve], "xAxisKey": "step", "lineSmoothness": 0}
    against = {"xaxis": {"key": SPEED, "type": "METRIC"}, "yaxis": {"key": score, "type": "METRIC"}}
    charts = [_chart("LINE", **lines, scaleType="log" if drawn.log else "linear"), _chart("SCATTER", **against)]
    best_first = {"orderByKey": f"metrics.`{score}`", "orderByAsc": metric.sign > 0}
    evenly = {"orderByKey": f"tags.`{ORDER}`", "orderByAsc": True}
    names = {case: short_name(case) for case in runs}
    short = len(set(names.values())) == len(names)  # or two cases would be one
    by = {"mode": "tag", "groupByData": NAME} if short else {"mode": "param", "groupByData": "case"}
    groups = names.values() if short else names
    return {
        "searchFilter": f"tags.task {_equals(task.name)}",
        **(best_first if sum(runs.values()) <= PAGE else evenly),
        "groupBy": {"aggregateFunction": "average", "groupByKeys": [by]},
        "groupsExpanded": {f"{by['mode']}.{by['groupByData']}.{group}": False for group in groups},
        "useGroupedValuesInCharts": True,
        "runsHiddenMode": "SHOW_ALL",
        "selectedColumns": [f"metrics.`{score}`", f"metrics.`{SPEED}`", "metrics.`run/parameters`"],
        "compareRunCharts": charts,
        "compareRunSections": [
            {**_section(_SECTION, task.name, True), "columns": len(charts), "cardHeight": 400},
            *(_section(name, name, False) for name in _REST),
        ],
        "isAccordionReordered": True,
    }


def _equals(text: str) -> str:
    """Return how a filter compares with a text; it has no way to write a quote, in whose place any sign may stand."""
    return "LIKE '" + text.replace("'", "_") + "'" if "'" in text else f"= '{text}'"


def _chart(kind: str, **settings: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "uuid": f"{_SECTION}-{kind.lower()}",
        "metricSectionId": _SECTION,
        "runsCountToCompare": PAGE,
        "deleted": False,
        "isGenerated": False,
        **settings,
    }


def _section(uuid: str, name: str, display: bool) -> dict[str, Any]:
    return {"uuid": uuid, "name": name, "display": display, "isReordered": True, "deleted": False, "isGenerated": False}
