"""Views of an experiment in MLflow's UI: what they filter, group and draw is there, and their addresses name them."""

import base64
import json
import zlib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlflow.utils.search_utils import SearchUtils

from bench.task import TargetKind, Task
from bench.tracking import Mirror, tracking_uri
from bench.tracking.database import read_experiments
from bench.tracking.items import Metric, Tag
from bench.tracking.limits import VALUE_LENGTH
from bench.tracking.measurement_items import measurement_items
from bench.tracking.run_items import record_items
from bench.tracking.sending import ORDER
from bench.tracking.serve import _views
from bench.tracking.views import KEY, PAGE, PREFIX, SPEED, address, view_keys, views
from tests.fakes import TASKS, FakeNaive, fake_case, fake_record
from tests.names import PIECES
from tests.tracking_fakes import MEANS, FakeTracker, fake_measurement, send


def state(tag: Tag) -> dict[str, Any]:
    """Return the state that the UI reads of a view."""
    kept = json.loads(tag.value)["state"]
    assert kept.startswith("deflate;")
    return dict(json.loads(zlib.decompress(base64.b64decode(kept.removeprefix("deflate;")))))


def view(task: Task, runs: dict[str, int] | None = None, section: str = "valid") -> dict[str, Any]:
    (tag,) = views({task: runs or {"fake/rnn": 5}}, section, 1)
    return state(tag)


@pytest.mark.parametrize("name", ["next_step", "every_step", "reber"])
@pytest.mark.parametrize("section", ["valid", "test_best"])
def test_what_it_draws_is_what_runs_and_measurements_have(name: str, section: str) -> None:
    record = fake_record("fake/rnn", task=name, **({"accuracy": 0.9} if name == "reber" else {"mse": 0.1}))
    known = {item.key for item in record_items(record) if isinstance(item, Metric)}
    known |= {item.key for item in measurement_items(fake_measurement()) if isinstance(item, Metric)}
    shown = view(TASKS[name], section=section)
    lines, scatter = shown["compareRunCharts"]
    assert {lines["metricKey"], scatter["xaxis"]["key"], scatter["yaxis"]["key"]} <= known
    assert scatter["xaxis"]["key"] == SPEED
    assert scatter["yaxis"]["key"].startswith(f"{section}/")
    assert lines["scaleType"] == ("linear" if name == "reber" else "log")
    drawn_in = {chart["metricSectionId"] for chart in shown["compareRunCharts"]}
    assert drawn_in == {each["uuid"] for each in shown["compareRunSections"] if each["display"]}


@pytest.mark.parametrize(
    ("cases", "mode", "tag", "groups"),
    [
        (["a/rnn", "b/gru"], "tag", "bench.name", ["tag.bench.name.rnn", "tag.bench.name.gru"]),
        (["a/rnn", "b/rnn"], "param", "case", ["param.case.a/rnn", "param.case.b/rnn"]),
    ],
)
def test_runs_are_grouped_by_the_shortest_name_that_tells_cases_apart(
    cases: list[str], mode: str, tag: str, groups: list[str]
) -> None:
    shown = view(TASKS["next_step"], dict.fromkeys(cases, 1))
    assert shown["groupBy"] == {"aggregateFunction": "average", "groupByKeys": [{"mode": mode, "groupByData": tag}]}
    assert shown["groupsExpanded"] == dict.fromkeys(groups, False)


@pytest.mark.parametrize(("name", "rises"), [("next_step", True), ("reber", False)])
def test_the_best_stand_first_where_all_are_loaded_at_once(name: str, rises: bool) -> None:
    few, many = view(TASKS[name], {"a": PAGE}), view(TASKS[name], {"a": PAGE, "b": 1})
    assert few["orderByKey"] == f"metrics.`valid/{'mse' if rises else 'accuracy'}`"
    assert few["orderByAsc"] is rises
    assert (many["orderByKey"], many["orderByAsc"]) == (f"tags.`{ORDER}`", True)


def test_each_case_has_something_on_the_first_page_of_many() -> None:
    cases = [f"fake/{n}" for n in range(30)]
    exact = fake_case("fake/naive", model=FakeNaive())
    made = [fake_record(case, seed) for case in cases for seed in (9, 10)]
    made += [fake_record(exact, None), *map(fake_measurement, cases)]
    tracker = FakeTracker()
    send(tracker, made)
    runs = sorted((run["tags"] for run in tracker.runs.values() if ORDER in run["tags"]), key=lambda tags: tags[ORDER])
    kinds = Counter(tags["bench.kind"] for tags in runs[:61])
    assert kinds == {"measurement": 30, "run": 31}
    assert [tags[ORDER] for tags in runs[30:62]] == ["1", *["2 000000000009 000000000042"] * 30, runs[61][ORDER]]


@pytest.mark.parametrize("text", [*PIECES, "it's", 'say "it\'s"', "x" * 3000])
def test_any_name_of_a_task_fits_and_filters(text: str) -> None:
    task = Task(f"a{text}z", TargetKind.LAST_STEP, 50)
    (tag,) = views({task: {text: 1}}, "valid", 1)
    assert len(tag.value) <= VALUE_LENGTH
    (found,) = SearchUtils.parse_search_filter(state(tag)["searchFilter"])
    assert (found["type"], found["key"]) == ("tag", "task")
    assert found["value"].replace("_", "'") == task.name.replace("_", "'")
    assert list(view_keys({tag.key: tag.value}).values()) == [task.name]


def test_tasks_have_views_of_their_own_and_the_same_ones_again() -> None:
    tasks = {replace(TASKS["next_step"], name=name): {"a": 1} for name in ("w/a", "w a", "W/A")}
    made = list(views(tasks, "valid", 1))
    assert len({tag.key.lower() for tag in made}) == 3
    assert made == list(views(tasks, "valid", 1))


def test_a_sweep_leaves_its_views_and_the_ui_says_where_they_are(tmp_path: Path) -> None:
    uri = tracking_uri(tmp_path, {})
    for name in ("first", "second"):
        mirror = Mirror(uri, name, f"{name}-1", warn=pytest.fail)
        for record in (fake_record("fake/rnn", 1, mse=0.1), fake_measurement("fake/rnn", task="next_step")):
            mirror.send(record)
        mirror.finish(None, "Opening.", MEANS)
        mirror.close(None)
    second, first, *_ = read_experiments(tmp_path / "mlflow.db")
    assert (second.name, first.name) == ("second", "first")
    assert list(view_keys(second.tags)) == [f"{KEY}next_step"]
    assert PREFIX + KEY + "next_step" in second.tags
    where = address("http://127.0.0.1:1", second.experiment_id, f"{KEY}next_step")
    assert "/runs?viewStateShareKey=bench_next_step&" in where
    assert _views(tmp_path / "mlflow.db", "http://127.0.0.1:1") == [f"open: {where} (second, next_step)"]


def test_a_database_without_views_has_nothing_to_open(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").touch()
    assert _views(tmp_path / "mlflow.db", "http://127.0.0.1:1") == []
