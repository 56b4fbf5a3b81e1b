"""What the tables, findings and figures of a report ask of its frames: rows, their scores, their order."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from bench import stats
from bench.frames import Frames

LABEL = "label"
EVERY_STEP = "every_step"
LAST = "valid_last_time_step_mse"
RECIPE = ("optimizer", "learning_rate", "epochs", "batch_size", "loss", "early_stopping_epochs")


@dataclass(frozen=True)
class Row:
    """A case on one device and backend: a line of a table, a colour of a figure.

    Attributes:
        info: Its row of ``cases.csv``.
        runs: Its rows of ``runs.csv``, whatever their status.
        name: Label for tables, with the device or backend where more than one is compared.
    """

    case: str
    device: str
    backend: str
    name: str
    info: pd.Series
    runs: pd.DataFrame

    @property
    def trained(self) -> bool:
        """False for a predictor, whose scores are exact."""
        return bool(self.info["trained"])

    @property
    def peeks(self) -> bool:
        """True where the forecast sees its targets, so that its score ranks nowhere."""
        return bool(self.info["peeks"])

    @cached_property
    def done(self) -> pd.DataFrame:
        """Runs that ended with scores, in order of their seeds."""
        return self.runs[self.runs["status"] == "done"].sort_values(["data_seed", "seed"])

    @property
    def partial(self) -> bool:
        """True where the model's scores cover only the odd positions, which are the easier ones."""
        odd, all_positions = self.seeds("valid_mse_odd_positions"), self.seeds("valid_mse")
        return bool(len(odd) and len(odd) == len(all_positions) and np.allclose(odd, all_positions, rtol=1e-9))

    def seeds(self, column: str) -> stats.Float64:
        """Return the finite scores in ``column``, one a run."""
        if column not in self.runs:
            return np.array([])
        values = self.done[column].to_numpy(dtype=np.float64, na_value=np.nan)
        return np.asarray(values[np.isfinite(values)])

    def values(self, column: str) -> stats.Float64:
        """Return the independent scores in ``column``: one a seed, or one a data seed where there are several."""
        if column not in self.runs or self.done["data_seed"].nunique() < 2:
            return self.seeds(column)
        means = self.done.groupby("data_seed")[column].mean().to_numpy(dtype=np.float64, na_value=np.nan)
        return np.asarray(means[np.isfinite(means)])

    def summary(self, column: str) -> stats.Summary | None:
        """Return mean, spread and count of `values`."""
        return stats.summarise(self.values(column))

    def mean(self, column: str) -> float:
        """Return the mean of `values`; NaN where there is none."""
        summary = self.summary(column)
        return summary.mean if summary else float("nan")

    def sample(self, column: str) -> stats.Sample:
        """Return `values` with whether a seed can change them."""
        values = self.values(column)
        return stats.Sample(values, exact=not self.trained and len(values) < 2)

    def published(self, last: bool) -> float | None:
        """Return the printed validation MSE, or that of the last time step; one number where both are the same."""
        value = self.info["published_valid_last_time_step_mse" if last else "published_valid_mse"]
        if pd.isna(value) and last and self.info["target"] == "last_step":
            value = self.info["published_valid_mse"]
        return None if pd.isna(value) else float(value)

    def contended(self, column: str = "contended") -> bool:
        """Return whether any run shared its core, or may have."""
        return bool(self.done[column].fillna(True).astype(bool).any()) if len(self.done) else False


@dataclass(frozen=True)
class Ground:
    """Rows that answer one question, and the score that ranks them.

    Attributes:
        key: Task name, or ``common`` and a number; safe in a file name.
        title: Heading of its table.
        column: Column of ``runs.csv`` that ranks the rows.
        rows: Ranked, best first; rows without a score last.
        common: True for a table over several tasks with one question.
    """

    key: str
    title: str
    column: str
    rows: list[Row]
    common: bool = False

    @property
    def is_label(self) -> bool:
        """True where accuracy ranks, and more is better."""
        return self.column == "valid_accuracy"

    @property
    def ranked(self) -> list[Row]:
        """Rows with a score that may lead: no peeking, no score over the easier positions alone."""
        return [r for r in self.rows if len(r.seeds(self.column)) and not r.peeks and (self.common or not r.partial)]

    @property
    def baseline(self) -> Row | None:
        """The row that skill is measured against, if this table has one."""
        return next((r for r in self.ranked if bool(r.info["baseline"]) and not r.trained), None)

    @property
    def floor(self) -> float | None:
        """Expected MSE that no forecast can go below, where known and the same for all rows."""
        floors = {float(r.info["noise_floor_mse"]) for r in self.rows if pd.notna(r.info["noise_floor_mse"])}
        return floors.pop() if len(floors) == 1 and not self.is_label else None

    @property
    def untrained(self) -> Row | None:
        """The best predictor that needs no training, if this table has one."""
        return next((r for r in self.ranked if not r.trained), None)

    def leaders(self) -> list[Row]:
        """Return the leader, then every row that these seeds cannot tell from it."""
        ranked = self.ranked
        if not ranked:
            return []
        samples = {r.name: r.sample(self.column) for r in ranked}
        near = stats.cannot_be_told_from_leader(ranked[0].name, samples, log=not self.is_label)
        return [ranked[0], *(r for r in ranked[1:] if r.name in near)]


class Results:
    """A report's frames, arranged for reading."""

    def __init__(self, frames: Frames):
        self.frames = frames
        about = frames["about"]
        self.about: dict[str, str] = dict(zip(about["key"], about["text"], strict=True))

    @cached_property
    def rows(self) -> list[Row]:
        """Every case on every device and backend that it ran on, in the suite's order."""
        runs, cases = self.frames["runs"], self.frames["cases"]
        rows = []
        for _, info in cases.sort_values("order").iterrows():
            own = runs[runs["case"] == info["case"]]
            for (device, backend), group in own.groupby(["device", "backend"], sort=False):
                rows.append(Row(info["case"], device, backend, info["label"], info, group))
        return _named(rows)

    @cached_property
    def tasks(self) -> list[Ground]:
        """One ground a task, in the suite's order."""
        tasks = dict.fromkeys(r.info["task"] for r in self.rows if r.info["task"])
        grounds = []
        for task in tasks:
            rows = [r for r in self.rows if r.info["task"] == task]
            column = "valid_accuracy" if rows[0].info["target"] == LABEL else "valid_mse"
            title = task.replace("_", " ").capitalize()
            grounds.append(Ground(task, title, column, _ranked(_named(rows), column)))
        return grounds

    @cached_property
    def commons(self) -> list[Ground]:
        """One ground a question that several tasks answer."""
        questions: dict[str, list[Row]] = {}
        for row in self.rows:
            if row.info["question"]:
                questions.setdefault(row.info["question"], []).append(row)
        several = {q: rows for q, rows in questions.items() if len({r.info["task"] for r in rows}) > 1}
        return [
            Ground(f"common_{i}", f"All models on {question}", LAST, _ranked(_named(rows), LAST), common=True)
            for i, (question, rows) in enumerate(several.items(), start=1)
        ]

    @cached_property
    def grounds(self) -> list[Ground]:
        """Tables in the order of the report: each task, a common table before the first of its tasks."""
        order: list[Ground] = []
        for task in self.tasks:
            for common in self.commons:
                mine = {r.info["task"] for r in common.rows}
                if task.key in mine and common not in order:
                    order.append(common)
            order.append(task)
        return order

    def leading(self) -> list[Ground]:
        """Return the grounds that a finding names a leader on: the common ones, and tasks outside them."""
        covered = {r.info["task"] for common in self.commons for r in common.rows}
        return [g for g in self.grounds if g.common or g.key not in covered]

    def stuck(self) -> list[tuple[Row, int, float]]:
        """Return trained rows' seeds that ended far above their row's median: row, seed and score."""
        found = []
        for ground in self.tasks:
            for row in ground.rows:
                if not row.trained or not len(row.seeds(ground.column)):
                    continue
                scores = row.done[ground.column].to_numpy(dtype=np.float64, na_value=np.nan)
                # Accuracies: with 0.02 added, three times a perfect median is four points below it.
                errors = 1 - scores + 0.02 if ground.is_label else scores
                seeds = row.done["seed"].to_list()
                found += [(row, int(seeds[i]), float(scores[i])) for i in stats.stuck(errors)]
        return found

    @cached_property
    def failures(self) -> pd.DataFrame:
        """Runs that ended without a score."""
        runs = self.frames["runs"]
        return runs[runs["status"] != "done"]

    @property
    def n_planned(self) -> int:
        """Runs that the plan holds."""
        return int(self.about["n_planned"])


def marks(row: Row, ground: Ground) -> str:
    """Return the signs that a row's name carries on a ground; the notes under its table explain them."""
    return (" †" if row.peeks else "") + (" ‡" if row.partial and not ground.common else "")


def names(rows: Iterable[Row], limit: int = 0) -> str:
    """Return the rows' names as a list in words, ``limit`` of them at most if one is given."""
    listed = [r.name for r in rows]
    if limit and len(listed) > limit:
        listed = [*listed[:limit], f"{len(listed) - limit} more"]
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} and {listed[-1]}" if listed else ""


def recipe_difference(row: Row, usual: dict[str, str]) -> str:
    """Return the fields of a row's recipe that are not the usual ones of its table."""
    if not row.trained:
        return "none"
    own = _recipe(row)
    return ", ".join(f"{recipe_word(k)} {v}" for k, v in own.items() if v != usual.get(k)) or "usual"


def _recipe(row: Row) -> dict[str, str]:
    return {k: str(row.info[k]) if pd.notna(row.info[k]) else "" for k in RECIPE if pd.notna(row.info[k])}


def usual_recipe(rows: list[Row]) -> dict[str, str]:
    """Return each recipe field's most frequent value among trained rows."""
    trained = pd.DataFrame([_recipe(r) for r in rows if r.trained])
    return {k: str(trained[k].mode().iloc[0]) for k in RECIPE if k in trained and trained[k].notna().any()}


def recipe_word(key: str) -> str:
    """Return a recipe field in words."""
    return key.replace("_", " ").replace("early stopping epochs", "patience")


def _named(rows: list[Row]) -> list[Row]:
    """Return the rows with names that differ: by device and backend, then by task, then by case."""
    trained = [r for r in rows if r.trained]
    devices, backends = len({r.device for r in trained}) > 1, len({r.backend for r in trained}) > 1
    named = []
    for row in rows:
        twins = {r.case: r for r in rows if r.info["label"] == row.info["label"] and r.case != row.case}
        extra = []
        if twins:
            same_task = any(r.info["task"] == row.info["task"] for r in twins.values())
            extra.append(row.case if same_task else row.info["task"].replace("_", " "))
        if row.trained:
            extra += [row.device] * devices + [row.backend] * backends
        name = f"{row.info['label']} ({', '.join(extra)})" if extra else row.info["label"]
        named.append(replace(row, name=name))
    return named


def _ranked(rows: list[Row], column: str) -> list[Row]:
    sign = -1 if column == "valid_accuracy" else 1

    def key(row: Row) -> tuple[bool, float, float, str]:
        value = row.mean(column)
        tie = row.mean("valid_cross_entropy") if sign < 0 else 0.0
        missing = not np.isfinite(value)
        return missing, 0.0 if missing else sign * value, tie if np.isfinite(tie) else 0.0, row.name

    return sorted(rows, key=key)
