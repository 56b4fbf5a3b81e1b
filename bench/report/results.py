"""A report's frames, arranged for reading: its rows, and the leaderboards that they make."""

import json
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench import stats
from bench.frames import Frames
from bench.frames.scores import Key, scores_by_run
from bench.metrics.traits import Axis, Direction, Scale, Traits
from bench.record import Weights
from bench.report.judging import Pair
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import upper
from bench.report.rows import Place, Row, named
from bench.task import Target, TargetKind
from bench.text.files import file_key
from bench.text.lines import folded, one_line

COMMON = "common_"
"""How keys of common leaderboards begin, and no other."""


class Curve(NamedTuple):
    """A run's values ``[n]`` of the epochs, from 1 on, that have one ``[n]``."""

    epochs: NDArray[np.int32]
    values: stats.Float64


class Results:
    """A report's frames, arranged for reading."""

    def __init__(self, frames: Frames):
        self.frames = frames
        about = frames["about"]
        self.about: dict[str, str] = dict(zip(about["key"], about["text"], strict=True))

    @property
    def title(self) -> str:
        """Its heading."""
        return self.about["title"]

    @property
    def rank(self) -> Weights:
        """Whose weights rank."""
        return "best" if self.about["rank"] == "best" else "last"

    @cached_property
    def metrics(self) -> dict[str, dict[str, Traits]]:
        """Traits of each task's metrics, by task and name, on the scale that suits the values that there are."""
        found: dict[str, dict[str, Traits]] = {}
        least = self.frames["scores"].groupby("metric", observed=True)["value"].min().to_dict()
        for (_, name), runs in self.curves.items():
            least[name] = np.fmin(least.get(name, np.inf), min(curve.values.min() for curve in runs.values()))
        frame = self.frames["metrics"].rename(columns={"metric": "name", "shown": "tabled"})
        for m in frame.drop(columns="about").to_dict("records"):
            kinds = {"direction": Direction(m["direction"]), "scale": Scale(m["scale"]), "axis": Axis(m["axis"])}
            fields = {str(name): value for name, value in m.items() if name != "task"}
            found.setdefault(m["task"], {})[m["name"]] = Traits(**fields | kinds).suited([least.get(m["name"], 0.0)])
        return found

    @cached_property
    def rows(self) -> list[Row]:
        """Every case on every device and backend that it ran on, in the suite's order."""
        runs, measured = (self.frames[name] for name in ("runs", "measurements"))
        measured = measured[measured["status"] == "done"]
        scores = scores_by_run(self.frames["scores"])
        places = ["case", "device", "backend"]
        alone = {tuple(m[name] for name in places): m for m in reversed(_lines(measured))}
        ended = runs[runs["status"] == "done"].sort_values(["data_seed", "seed"])
        done = dict([*ended.groupby(places)])
        where = self.frames["environments"]
        stacked = set(where.loc[(where["stack"] > 1).fillna(False), "environment"])
        groups: dict[str, list[tuple[Place, pd.DataFrame]]] = {}
        for (case, device, backend), group in runs.groupby(places, sort=False):
            groups.setdefault(str(case), []).append(((str(case), str(device), str(backend)), group))
        rows = []
        for info in _lines(self.cases):
            traits = self.metrics.get(info["task"], {})
            for place, group in groups.get(info["case"], []):
                finished = done.get(place, ended.iloc[:0])
                planned = self.seeds_on.get(place[2], info["n_planned"])
                known = info | {"n_planned": planned}
                several = bool(finished["environment"].isin(stacked).any())
                rows.append(
                    Row(*place, info["label"], known, group, finished, scores, traits, alone.get(place), several)
                )
        return named(rows)

    @cached_property
    def cases(self) -> pd.DataFrame:
        """Every case with what its task is, in the suite's order; ``targets`` holds those of the task, a tuple each."""
        targets: dict[str, tuple[Target, ...]] = {}
        for t in self.frames["targets"].to_dict("records"):
            targets[t["task"]] = (*targets.get(t["task"], ()), Target(t["target"], t["unit"]))
        made = self.frames["cases"].merge(self.frames["tasks"], on="task", how="left").sort_values("order")
        return made.assign(targets=made["task"].map(lambda task: targets.get(task, ())))

    @cached_property
    def curves(self) -> Mapping[tuple[str, str], Mapping[str, Curve]]:
        """Each run's values by epoch, those that there are, by split and metric, then by run id."""
        found: dict[tuple[str, str], dict[str, Curve]] = {}
        frame = self.frames["curves"]
        whole = frame["epoch"].notna() & frame["value"].notna()
        frame = frame if whole.all() else frame.loc[whole]
        epochs, values = frame["epoch"].to_numpy(np.int32), frame["value"].to_numpy(np.float64)
        columns = [pd.Categorical(frame[name]) for name in ("split", "metric", "run_id")]
        del frame, whole
        changes = np.any([np.diff(column.codes) != 0 for column in columns], axis=0)
        firsts = np.flatnonzero(np.concatenate([[True] * min(1, len(values)), changes])).tolist()
        named = [column[firsts].tolist() for column in columns]
        ends = [*firsts[1:], len(values)][: len(firsts)]
        for split, metric, run, first, end in zip(*named, firsts, ends, strict=True):
            there, curve = found.setdefault((split, metric), {}), Curve(epochs[first:end], values[first:end])
            before = there.get(run)  # a file that was put in another order has it in parts
            if before is not None:
                curve = Curve(np.append(before.epochs, curve.epochs), np.append(before.values, curve.values))
            there[run] = curve
        return found

    @cached_property
    def asked(self) -> dict[Hashable, Any]:
        """What parts of the report found out before, by their names: several ask the same."""
        return {}

    @cached_property
    def floors(self) -> Mapping[Hashable, float]:
        """Expected values of metrics that no forecast can get below, by case and metric."""
        return self._levels("value")

    @cached_property
    def chance(self) -> Mapping[Hashable, float]:
        """What the best forecast that does not look at the window gives, by case and metric."""
        return self._levels("chance")

    def chance_on(self, board: Leaderboard) -> float | None:
        """Return what chance gives by the metric that ranks; None where that is not known of all rows alike."""
        known = {self.chance.get((row.case, board.metric.name)) for row in board.rows}
        return known.pop() if len(known) == 1 else None

    @cached_property
    def solved(self) -> Mapping[str, tuple[str, float]]:
        """The metric and its value from which on a case's task counts as solved, by case."""
        floors = self.frames["floors"].dropna(subset=["solved"])
        return dict(zip(floors["case"], zip(floors["metric"], floors["solved"], strict=True), strict=True))

    def _levels(self, column: str) -> dict[Hashable, float]:
        """Return a column of ``floors.csv`` where it says something, by case and metric."""
        floors = self.frames["floors"].dropna(subset=[column])
        return dict(zip(zip(floors["case"], floors["metric"], strict=True), floors[column], strict=True))

    @cached_property
    def compared(self) -> list[Row]:
        """Rows that stand on leaderboards: without a fault of the source, but in a task where every row has one."""
        fair = {r.info["task"] for r in self.rows if not r.info["faulty"]}
        return [r for r in self.rows if not r.info["faulty"] or r.info["task"] not in fair]

    @cached_property
    def region(self) -> stats.Region:
        """Differences that make none in practice, as the suite sets them."""
        return stats.Region(1 + float(self.about["equivalence"]), float(self.about["equivalence_points"]) / 100)

    @cached_property
    def pairs(self) -> Mapping[tuple[Place, Place, Key], Pair]:
        """What is known of two places by a score over seeds and series at once, either way round."""
        found: dict[tuple[Place, Place, Key], Pair] = {}
        for p in self.frames["pairs"].to_dict("records"):
            beats = None if pd.isna(p["beats"]) else float(p["beats"])
            pair = Pair(float(p["value"]), float(p["error"]), float(p["freedom"]), beats, int(p["n_series"]))
            one = p["case"], p["device"], p["backend"]
            other = p["rival_case"], p["rival_device"], p["rival_backend"]
            key = Key(p["metric"], p["split"], p["weights"])
            found |= {(one, other, key): pair, (other, one, key): pair.turned()}
        return found

    @cached_property
    def tasks(self) -> list[Leaderboard]:
        """One leaderboard a task, in the suite's order."""
        made: list[Leaderboard] = []
        titles = _titles(dict.fromkeys(str(r.info["task"]) for r in self.rows))
        for task in titles:
            rows = [r for r in self.compared if r.info["task"] == task]
            metric = next(m for m in self.metrics[task].values() if m.ranks)
            key = file_key(task, [board.key for board in made], reserved=COMMON, instead="task_")
            board = Leaderboard(key, titles[task], metric, named(rows), **self._shared)
            made.append(board.in_order())
        return made

    @cached_property
    def commons(self) -> list[Leaderboard]:
        """One leaderboard a question that several tasks answer, or one some of whose models a task cannot rank."""
        questions: dict[tuple[str, str], list[Row]] = {}
        for row in self.compared:
            at_last = next((m.at_last for m in row.metrics.values() if m.ranks), "")
            if row.info["question"] and at_last in row.metrics:
                questions.setdefault((row.info["question"], at_last), []).append(row)
        made: list[Leaderboard] = []
        for (question, at_last), rows in questions.items():
            metric = rows[0].metrics[at_last]
            if not any(TargetKind(row.info["target"]).every_position for row in rows):
                ranks = next(m for m in rows[0].metrics.values() if m.ranks)
                metric = replace(metric, heading=ranks.heading)  # the last position is the only one
            board = Leaderboard("", upper(question), metric, rows, common=True, **self._shared)
            if len({r.info["task"] for r in rows}) > 1 or any(r.positions for r in rows if len(r.values(board.score))):
                made.append(replace(board, key=f"{COMMON}{len(made) + 1}", rows=named(_merged(board))).in_order())
        return made

    @property
    def _shared(self) -> dict[str, Any]:
        """What every leaderboard has alike."""
        names = "floors", "solved", "rank", "region", "pairs"
        return {name: getattr(self, name) for name in names}

    @cached_property
    def leaderboards(self) -> list[Leaderboard]:
        """Tables in the order of the report: each task, a common one before the first of its tasks."""
        order: list[Leaderboard] = []
        for task in self.tasks:
            mine = [common for common in self.commons if task.rows[0].info["task"] in common.tasks]
            order += [*(common for common in mine if common not in order), task]
        return order

    def of(self, board: Leaderboard) -> list[Row]:
        """Return every row of a leaderboard's tasks, those too that stand on none."""
        return [row for row in self.rows if row.info["task"] in board.tasks]

    def leading(self) -> list[Leaderboard]:
        """Return those that a finding names a leader on: the common ones, and tasks that none joins to others."""
        covered = {task for common in self.commons if len(common.tasks) > 1 for task in common.tasks}
        return [board for board in self.leaderboards if board.common or not board.tasks <= covered]

    def unending(self) -> list[tuple[Row, str, float]]:
        """Return finished runs whose ranking score is no finite number: row, which seed, score."""
        found = []
        for board in self.tasks:
            for row in self.of(board):
                odd = row.unending(board.score)
                if not odd:
                    continue
                named = zip(row.done["run_id"], seeds_in_words(row.done), strict=True)
                found += [(row, seed, odd[run]) for run, seed in named if run in odd]
        return found

    @cached_property
    def failures(self) -> pd.DataFrame:
        """Runs that ended without a score."""
        runs = self.frames["runs"]
        return runs[runs["status"] != "done"]

    @cached_property
    def seeds_on(self) -> dict[str, int]:
        """How many seeds a network has on a backend where that is another number than elsewhere."""
        found: dict[str, int] = json.loads(self.about.get("seeds_on", "{}"))
        return found

    @property
    def n_planned(self) -> int:
        """Runs that the plan holds."""
        return int(self.about["n_planned"])


def _lines(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a frame's rows by its columns, which are quicker to ask than a series."""
    return [{str(name): value for name, value in line.items()} for line in frame.to_dict("records")]


def _titles(tasks: Iterable[str]) -> dict[str, str]:
    """Return each task's name as a title: in words where no other name gives the same ones, else as it stands."""
    words = {task: one_line(task.replace("_", " ")) or "no name" for task in tasks}
    alike = Counter(map(folded, words.values()))
    return {
        task: text[:1].upper() + text[1:] if alike[folded(text)] == 1 else task or text for task, text in words.items()
    }


def seeds_in_words(runs: pd.DataFrame) -> list[str]:
    """Return what tells each run from the others: its seed, its data seed, or both."""
    several, data = runs["seed"].nunique() > 1, runs["data_seed"].nunique() > 1
    data = data and not (runs["seed"] == runs["data_seed"]).fillna(False).all()
    return [
        " of ".join([f"seed {s}"] * (pd.notna(s) and (several or not data)) + [f"data seed {d}"] * data)
        for s, d in zip(runs["seed"], runs["data_seed"], strict=True)
    ]


def _merged(board: Leaderboard) -> list[Row]:
    """Return the rows with one only of each predictor that two tasks give the same forecast at the last position."""
    kept: list[Row] = []
    for row in board.rows:
        if row.trained or not any(_same_predictor(row, other, board) for other in kept):
            kept.append(row)
    return kept


def _same_predictor(a: Row, b: Row, board: Leaderboard) -> bool:
    if b.trained or any(a.info[k] != b.info[k] for k in ("model", "model_params")) or a.info["task"] == b.info["task"]:
        return False
    keys = [board.choosing, board.on_test, *([board.step(1)] if board.by_step else [])]
    return bool(np.allclose([a.mean(key) for key in keys], [b.mean(key) for key in keys], rtol=1e-5))
