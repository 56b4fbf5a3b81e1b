"""Rows of a report's tables: a case on one device and backend, its scores over seeds, its recipe in words."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from bench import stats, timing
from bench.frames import RECIPE


@dataclass(frozen=True)
class Row:
    """A case on one device and backend: a line of a table, a colour of a figure.

    Attributes:
        info: Its row of ``cases.csv``.
        runs: Its rows of ``runs.csv``, whatever their status.
        measurement: Its row of ``measurements.csv``; None where its throughput was not measured alone.
        name: Label for tables, with the device or backend where more than one is compared.
    """

    case: str
    device: str
    backend: str
    name: str
    info: pd.Series
    runs: pd.DataFrame
    measurement: pd.Series | None = None

    @property
    def label(self) -> str:
        """What a model is called whatever its task or device; its colour goes by it."""
        return str(self.info["label"])

    @property
    def trained(self) -> bool:
        """False for a predictor, whose scores are exact."""
        return bool(self.info["trained"])

    @property
    def oracle(self) -> bool:
        """True for a predictor that knows how its data were made: a reference, no rival."""
        return bool(self.info["oracle"])

    @property
    def peeks(self) -> bool:
        """True where the forecast sees its targets, so that its score ranks nowhere."""
        return bool(self.info["peeks"])

    def of(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of a frame that are of this case, device and backend."""
        return frame[
            (frame["case"] == self.case) & (frame["device"] == self.device) & (frame["backend"] == self.backend)
        ]

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
        """Return the independent scores in ``column``: one a seed, or one a data seed where there are several.

        Model seeds of one data seed are averaged on the scale that the scores are compared on.
        """
        if column not in self._values:
            known = column in self.runs
            self._values[column] = independent(self.by_seed[column], log=is_error(column)) if known else np.array([])
        return self._values[column]

    @cached_property
    def by_seed(self) -> pd.DataFrame:
        """The runs of `done`, indexed by data seed and seed."""
        return self.done.set_index(["data_seed", "seed"])

    @cached_property
    def _values(self) -> dict[str, stats.Float64]:
        """What `values` returned before: a report asks for the same scores hundreds of times."""
        return {}

    def interval(self, column: str) -> stats.Interval | None:
        """Return the mean of `values` with its 95 % interval: geometric for errors, arithmetic for shares."""
        return stats.interval(self.values(column), log=is_error(column))

    def mean(self, column: str) -> float:
        """Return the centre of `interval`; NaN where there is none."""
        interval = self.interval(column)
        return interval.centre if interval else float("nan")

    def deviation(self, column: str) -> float | None:
        """Return the sample standard deviation of `values`, on their own scale; None below two."""
        summary = stats.summarise(self.values(column))
        return summary.sd if summary else None

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

    @property
    def parameters(self) -> float | None:
        """Numbers in the network; None for a predictor."""
        values = self.seeds("parameters")
        return float(values[0]) if len(values) else self.measured("parameters")

    @cached_property
    def timed(self) -> pd.DataFrame:
        """Runs that say how fast the model trains: those known to have had a core to themselves, or all if none had."""
        if "windows_per_s" not in self.done:
            return self.done.iloc[:0]
        known = self.done[self.done["windows_per_s"].notna()]
        alone = known[~known["contended"].fillna(True).astype(bool)]
        return alone if len(alone) else known

    @property
    def speeds(self) -> stats.Float64:
        """Training windows per second: measured alone, the interval's low end, median and high end.

        Else of `timed`, one a run; none for a predictor.
        """
        if self.measurement is not None and pd.notna(self.measurement["train_windows_per_s"]):
            ends = self.measurement[["train_low", "train_windows_per_s", "train_high"]].to_numpy(dtype=np.float64)
            return np.asarray(ends[np.isfinite(ends)])
        if not self.trained or not len(self.timed):
            return np.array([])
        return np.asarray(self.timed["windows_per_s"].to_numpy(dtype=np.float64))

    @property
    def contended(self) -> bool:
        """Return whether the runs behind `speeds` shared their core, or may have; False where measured alone."""
        if self.measurement is not None and pd.notna(self.measurement["train_windows_per_s"]):
            return False
        return bool(self.timed["contended"].fillna(True).astype(bool).any()) if len(self.timed) else False

    @property
    def unstable(self) -> bool:
        """Return whether its training throughput was measured alone and is known no better than `timing.WIDEST`."""
        low, median, high = (self.measured(f"train_{name}") for name in ("low", "windows_per_s", "high"))
        if median is None:
            return False
        return low is None or high is None or (high - low) / median >= timing.WIDEST

    @property
    def unsettled(self) -> bool:
        """Return whether its throughput was measured alone, and training or inference never settled."""
        return self.measurement is not None and not bool(self.measurement["settled"])

    @property
    def speed_environments(self) -> set[str]:
        """Digests of the environments that `speeds` come from."""
        if self.measurement is not None and pd.notna(self.measurement["train_windows_per_s"]):
            return {str(self.measurement["environment"])}
        return set(self.timed["environment"])

    def measured(self, column: str) -> float | None:
        """Return a number of its measurement; None where there is none."""
        value = None if self.measurement is None else self.measurement.get(column)
        return None if value is None or pd.isna(value) else float(value)


def independent(scores: pd.Series, *, log: bool = True) -> stats.Float64:
    """Return finite scores, indexed by data seed and seed, one a seed, or one mean a data seed where there are several.

    The means are geometric with ``log``, else arithmetic.
    """
    values = scores.to_numpy(dtype=np.float64, na_value=np.nan)
    finite = np.isfinite(values)
    values, data_seeds = values[finite], scores.index.get_level_values("data_seed")[finite]
    several = data_seeds.unique().sort_values()
    if len(several) < 2:
        return np.asarray(values)
    centres = [stats.interval(values[data_seeds == seed], log=log) for seed in several]
    return np.asarray([c.centre for c in centres if c is not None])


def is_error(column: str) -> bool:
    """Return whether a score is an error, and so worked on in logs; accuracies are not."""
    return "accuracy" not in column


def names(rows: Iterable[Row], limit: int = 0) -> str:
    """Return the rows' names as a list in words, ``limit`` of them at most if one is given."""
    listed = [r.name for r in rows]
    if limit and len(listed) > limit + 1:  # never "1 more": its name is as short
        listed = [*listed[:limit], f"{len(listed) - limit} more"]
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} and {listed[-1]}" if listed else ""


def recipe_difference(row: Row, usual: dict[str, str]) -> str:
    """Return the fields of a row's recipe that are not the usual ones of its table."""
    if not row.trained:
        return "none"
    own = recipe_of(row)
    return ", ".join(f"{recipe_word(k)} {v}" for k, v in own.items() if v != usual.get(k, "none")) or "usual"


def recipe_of(row: Row) -> dict[str, str]:
    """Return each field of a trained row's recipe in words; ``none`` for one that it does not set."""
    return {k: str(row.info[k]) if pd.notna(row.info[k]) else "none" for k in RECIPE}


def usual_recipe(rows: list[Row]) -> dict[str, str]:
    """Return each recipe field's most frequent value among trained rows, of the fields that some row sets."""
    recipes = [recipe_of(r) for r in rows if r.trained]
    used = [k for k in RECIPE if any(recipe[k] != "none" for recipe in recipes)]
    counts = {k: Counter(recipe[k] for recipe in recipes) for k in used}
    return {k: min(found, key=lambda value: (-found[value], value != "none", value)) for k, found in counts.items()}


def recipe_word(key: str) -> str:
    """Return a recipe field in words."""
    return key.replace("_", " ").replace("early stopping epochs", "patience")


def named(rows: list[Row]) -> list[Row]:
    """Return the rows with names that differ: by device and backend, then by task, then by case."""
    trained = [r for r in rows if r.trained]
    devices, backends = len({r.device for r in trained}) > 1, len({r.backend for r in trained}) > 1
    made = []
    for row in rows:
        twins = {r.case: r for r in rows if r.info["label"] == row.info["label"] and r.case != row.case}
        extra = []
        if twins:
            same_task = any(r.info["task"] == row.info["task"] for r in twins.values())
            extra.append(row.case if same_task else row.info["task"].replace("_", " "))
        if row.trained:
            extra += [row.device] * devices + [row.backend] * backends
        name = f"{row.info['label']} ({', '.join(extra)})" if extra else row.info["label"]
        made.append(replace(row, name=name))
    return made
