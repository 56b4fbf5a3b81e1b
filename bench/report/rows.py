"""Rows of a report's tables: a case on one device and backend, and its scores over seeds."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from bench import stats
from bench.frames.measurements import unsettled
from bench.frames.scores import Key
from bench.measurement import Kind
from bench.metrics.traits import Traits
from bench.report.markdown import listed
from bench.text.lines import folded, one_line

Place = tuple[str, str, str]
"""A case, a device and a backend."""
LISTED = 4
"""Names that a sentence lists before it counts the rest."""


@dataclass(frozen=True, eq=False)
class Row:
    """A case on one device and backend: a line of a table, a colour of a figure.

    Attributes:
        info: Its row of ``cases.csv`` with that of its task in ``tasks.csv``.
        runs: Its rows of ``runs.csv``, whatever their status.
        done: Those that ended with scores, in order of their seeds.
        scores: Those of every run, by run id.
        metrics: Traits of its task's metrics, by name.
        measurement: Its row of ``measurements.csv``; None where its throughput was not measured alone.
        name: Label for tables, with the device or backend where more than one is compared.
        stacked: Whether several seeds trained in one program, so that a run's seconds are its share of all of theirs.
    """

    case: str
    device: str
    backend: str
    name: str
    info: Mapping[str, Any]
    runs: pd.DataFrame
    done: pd.DataFrame
    scores: Mapping[str, Mapping[Key, float]]
    metrics: Mapping[str, Traits]
    measurement: Mapping[str, Any] | None = None
    stacked: bool = False

    @property
    def label(self) -> str:
        """What a model is called whatever its task or device; its colour goes by it."""
        return str(self.info["label"])

    @property
    def place(self) -> Place:
        """Its case, device and backend, which name it among all rows."""
        return self.case, self.device, self.backend

    @property
    def trained(self) -> bool:
        """False for a predictor, whose scores are exact."""
        return bool(self.info["trained"])

    @property
    def oracle(self) -> bool:
        """True for a predictor that knows how its data were made: a reference, no rival."""
        return bool(self.info["oracle"])

    @property
    def leaks_target(self) -> bool:
        """True where the forecast sees its targets, so that its score ranks nowhere."""
        return bool(self.info["leaks_target"])

    @cached_property
    def positions(self) -> str:
        """The positions that its scores cover, in words, where it leaves some out; empty where it covers all."""
        return next((str(text) for text in self.done["positions"] if text), "")

    def of(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of a frame with run ids that are of its runs."""
        return frame[frame["run_id"].isin(set(self.runs["run_id"]))]

    @cached_property
    def ids(self) -> list[str]:
        """Run ids of `done`."""
        return [str(run) for run in self.done["run_id"]]

    @cached_property
    def _index(self) -> pd.MultiIndex:
        """Data seed and seed of each of `done`."""
        return pd.MultiIndex.from_frame(self.done[["data_seed", "seed"]])

    def log(self, key: Key) -> bool:
        """Return whether a score is worked on in logs."""
        return self.metrics[key.metric].log if key.metric in self.metrics else True

    def scored(self, key: Key) -> stats.Float64:
        """Return a score of each of `done`; NaN where it has none."""
        return np.array([self.scores.get(run, {}).get(key, np.nan) for run in self.ids], dtype=np.float64)

    def by_seed(self, key: Key) -> pd.Series:
        """Return a score of each finished run, by data seed and seed; NaN where it has none."""
        return pd.Series(self.scored(key), self._index)

    def numbers(self, column: str) -> stats.Float64:
        """Return the finite numbers in a column of ``runs.csv``, one a finished run."""
        return stats.finite(self.done[column].to_numpy(dtype=np.float64, na_value=np.nan))

    def median(self, column: str) -> float | None:
        """Return the median of `numbers`; None where there are none."""
        values = self.numbers(column)
        return float(np.median(values)) if len(values) else None

    def values(self, key: Key) -> stats.Float64:
        """Return the finite values of a score, one a run: each has a seed of its own."""
        if key not in self._values:
            self._values[key] = stats.finite(self.scored(key))
        return self._values[key]

    @cached_property
    def _values(self) -> dict[Key, stats.Float64]:
        """What `values` returned before: a report asks for the same scores hundreds of times."""
        return {}

    def interval(self, key: Key) -> stats.Interval | None:
        """Return the mean of `values` with its 95 % interval, on the metric's scale: geometric for errors.

        Of a score that no run has as a finite number, that which is none (NaN or infinite) over no run; None without
        a score.
        """
        values = self.values(key)
        if len(values):
            return stats.interval(values, log=self.log(key))
        odd = self.unending(key)
        return stats.Interval(sum(odd.values()), None, None, 0) if odd else None

    def unending(self, key: Key) -> dict[str, float]:
        """Return a score of the finished runs of which it is no finite number, by run id."""
        found = {run: self.scores.get(run, {}).get(key, 0.0) for run in self.ids}
        return {run: value for run, value in found.items() if not np.isfinite(value)}

    def centre(self, key: Key) -> float | None:
        """Return the centre of `interval`, which may be no finite number; None without a score."""
        interval = self.interval(key)
        return interval.centre if interval else None

    def mean(self, key: Key) -> float:
        """Return `centre` to compute with; NaN where there is none."""
        centre = self.centre(key)
        return float("nan") if centre is None else centre

    def deviation(self, key: Key) -> float | None:
        """Return the sample standard deviation of `values`, on their own scale; None below two."""
        summary = stats.summarise(self.values(key))
        return summary.sd if summary else None

    def sample(self, key: Key) -> stats.Sample:
        """Return `values` with whether a seed can change them."""
        values = self.values(key)
        return stats.Sample(values, exact=not self.trained and len(values) < 2)

    @property
    def parameters(self) -> float | None:
        """Numbers in the network; None for a predictor."""
        values = self.numbers("parameters")
        return float(values[0]) if len(values) else self.measured("parameters")

    @property
    def speed(self) -> float | None:
        """Training windows per second, measured alone; None where they were not."""
        return self.measured("train_windows_per_s")

    @property
    def speed_ends(self) -> tuple[float, float] | None:
        """The 95 % interval of `speed`; None where there is none, as of one process."""
        low, high = self.measured("train_low"), self.measured("train_high")
        return None if low is None or high is None else (low, high)

    @property
    def unsettled(self) -> list[Kind]:
        """The kinds of round whose speed, measured alone, is known no better than `bench.timing.WIDEST`."""
        return [] if self.measurement is None else unsettled(self.measurement)

    def measured(self, column: str) -> float | None:
        """Return a number of its measurement; None where there is none."""
        value = None if self.measurement is None else self.measurement.get(column)
        return None if value is None or pd.isna(value) else float(value)


def names(rows: Iterable[Row], limit: int = 0) -> str:
    """Return the rows' names as a list in words, ``limit`` of them at most if one is given."""
    texts = [r.name for r in rows]
    if limit and len(texts) > limit + 1:  # never "1 more": its name is as short
        texts = [*texts[:limit], f"{len(texts) - limit} more"]
    return listed(texts)


def named(rows: list[Row]) -> list[Row]:
    """Return the rows with names that differ: by device and backend, then by task, then by case.

    Labels that a reader may take for one are told apart, too, such as those that differ in case alone.
    """
    trained = [r for r in rows if r.trained]
    devices, backends = len({r.device for r in trained}) > 1, len({r.backend for r in trained}) > 1
    alike: dict[str, list[Row]] = {}
    for row in rows:
        alike.setdefault(folded(row.label), []).append(row)
    made = []
    for row in rows:
        twins = {r.case: r for r in alike[folded(row.label)] if r.case != row.case}
        extra = []
        if twins:
            same_task = any(r.info["task"] == row.info["task"] for r in twins.values())
            extra.append(row.case if same_task else row.info["task"].replace("_", " "))
        if row.trained:
            extra += [row.device] * devices + [row.backend] * backends
        name = f"{row.info['label']} ({', '.join(extra)})" if extra else row.info["label"]
        made.append(replace(row, name=name))
    return _apart(made)


def _apart(rows: list[Row]) -> list[Row]:
    """Return the rows, those with their case added or at last a number whose name is still another's, by chance."""
    shown = Counter(one_line(r.name) for r in rows)
    added = [r if shown[one_line(r.name)] == 1 else replace(r, name=f"{r.name} ({r.case})") for r in rows]
    taken: set[str] = set()
    made = []
    for row in added:
        names = (row.name, *(f"{row.name} no. {n}" for n in range(2, len(rows) + 2)))
        name = next(each for each in names if one_line(each) not in taken)
        taken.add(one_line(name))
        made.append(replace(row, name=name))
    return made
