"""A user's own series: windows into the rows of a CSV or Parquet file, split by time."""

import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeInt, PositiveInt, field_validator, model_validator

from bench.datasets.base import Dataset, dataset
from bench.errors import BenchError
from bench.extras import REPORT, without
from bench.task import Ahead, Facts, Rescaling, Split, Splits, Target, TargetKind, Task, Windows

if TYPE_CHECKING:
    from bench.tables.cutting import Cut
    from bench.tables.reading import Table

from bench.tables.calendar import Feature, calendar
from bench.tables.fetching import address_fault, file_name, located
from bench.tables.scaling import Scales, Scaling, fit_scales

Float64 = NDArray[np.float64]
Share = Annotated[float, Field(gt=0, lt=1)]
QUANTILE_METRICS = ("pinball", "coverage", "interval_width")
"""What is reported of quantiles; the first chooses the epoch."""
NAMED = 3
"""A question names its targets up to so many, else how many there are."""
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


@dataset("table")
class TableData(Dataset):
    """Series of a file, of which the next steps are forecast. Split by time, at the same dates in all series.

    Validation comes after training and test after validation. The targets of a window lie in one part: windows whose
    targets would lie in two are left out, so no value is a target of two parts. Their inputs may reach back into the
    part before. Nothing is known of a noise floor.

    At position t of a window a feature that is known up to now holds its value at t, and one that is known ahead
    (``known``, ``calendar``) its value at ``t + horizon``: the last ``horizon`` positions tell what is known of the
    steps to be forecast, and a causal network at position t sees no further than its own last forecast step.

    Windows are counted as evidence by their series; those of one series by blocks of time, in each of which ``horizon +
    season`` windows begin: errors of windows that lie closer are of the same days.

    Attributes:
        path: A CSV or Parquet file with a row a time and series; with ``url`` the place that is looked at first.
        url: Where it is fetched from, once, where it is not at ``path``; see `bench.tables.fetching`.
        sha256: Of its content, which is checked before it is used; empty for any. An id holds the content's own.
        time: Its column of times; empty where rows are in order, and counted.
        targets: Columns that are forecast; their past is among the inputs.
        id: The column that names a row's series; empty where there is one.
        past: Further columns that are known up to now.
        known: Columns that are known ahead, such as promotions or prices. Of a column of texts, here and in ``past``,
            ``NAME=VALUE`` is 1 where it holds this value, else 0.
        calendar: What the calendar tells of a time, known ahead; see `bench.tables.calendar`.
        input_length: Steps of a window.
        horizon: Steps that are forecast.
        season: Steps after which series repeat themselves, such as 7 of days; 1 for none.
        valid: The share of all times that is validation, or its first date.
        test: Likewise; it reaches to the end.
        since: The first date used; empty for all.
        until: The last date used, whole; empty for all.
        reach_back: Whether inputs of validation and test may lie in the part before. With ``every_step`` they may not:
            what their first positions forecast would be of that part.
        scale: How inputs and targets are scaled for training, by what the training part says: ``"standard"`` by column,
            ``"series"`` by column and series, ``"none"``, or a number that targets and past are divided by (what is
            known ahead is scaled by column then).
        units: What errors are in: ``"original"`` as the file has them, ``"scaled"`` as published tables have them.
        folds: Parts of the test part that are tests of their own, one after the other: each draw of the data is one,
            with validation and training right before it (rolling origins; training grows). A suite draws each once.
        every_step: Ask for the following steps at each position of a window, not at its last alone.
        rank: The metric that ranks; empty for MSE.
        quantiles: Levels whose quantiles networks forecast, 0.5 among them, by loss ``"quantile"``; baselines forecast
            one number. Other metrics read the median; the pinball loss chooses the epoch.
        test_batch: A fault, to be priced: test windows are counted in whole batches of so many, and the incomplete last
            one is dropped, as a loader with ``drop_last`` does; 0 scores all.
    """

    files: ClassVar[tuple[str, ...]] = ("path", "url")
    checks: ClassVar[tuple[str, ...]] = ("sha256",)
    seeded: ClassVar[bool] = False
    own_series: ClassVar[bool] = True

    path: str = ""
    url: str = ""
    sha256: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")] = ""
    time: str = ""
    targets: Annotated[tuple[str, ...], Field(min_length=1)]
    id: str = ""
    past: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    calendar: tuple[Feature, ...] = ()
    input_length: PositiveInt
    horizon: PositiveInt
    season: PositiveInt = 1
    valid: Share | str = 0.15
    test: Share | str = 0.15
    since: str = ""
    until: str = ""
    reach_back: bool = True
    folds: PositiveInt = 1
    scale: Scaling | Positive = "standard"
    units: Annotated[str, Field(pattern="^(original|scaled)$")] = "original"
    every_step: bool = False
    rank: str = ""
    quantiles: tuple[Share, ...] = ()
    test_batch: NonNegativeInt = 0

    @model_validator(mode="after")
    def _agree(self) -> "TableData":
        if not self.path and not self.url:
            raise ValueError("path is missing; name a CSV or Parquet file, or its address with url")
        if self.url and (fault := address_fault(self.url)):
            raise ValueError(fault)
        columns = [*self.targets, *self.past, *self.known]
        twice = [name for name in columns if columns.count(name) > 1]
        if twice:
            raise ValueError(f"column {twice[0]!r} is named twice in targets, past and known; name it once")
        if self.calendar and not self.time:
            raise ValueError("calendar needs times; name their column with time")
        if (self.known or self.calendar) and self.input_length < self.horizon:
            raise ValueError(
                f"what is known ahead enters at the last {self.horizon} positions of a window, and input_length is "
                f"{self.input_length}; make it {self.horizon} or more, or leave known and calendar out"
            )
        if isinstance(self.valid, float) and isinstance(self.test, float) and self.valid + self.test >= 1:
            raise ValueError("valid and test leave nothing for training; their shares add up to less than 1")
        return self

    @field_validator("quantiles")
    @classmethod
    def _in_order(cls, levels: tuple[float, ...]) -> tuple[float, ...]:
        if levels and (0.5 not in levels or any(a >= b for a, b in pairwise(levels))):
            raise ValueError("name rising levels with 0.5 among them, such as [0.1, 0.5, 0.9]")
        return levels

    @property
    def file(self) -> str:
        """The file that is read.

        Raises:
            BenchError: It cannot be fetched, or is not the one that ``sha256`` names.
        """
        return located(self.path, self.url, self.sha256)

    def located(self, parameter: str) -> str:
        """As `Dataset.located`: path and address name one file."""
        return self.file

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The columns of the inputs."""
        told = calendar(np.zeros(0, "datetime64[ns]"), self.calendar)[1]
        return (*self.targets, *self.past, *self.known, *told)

    @property
    def number_of_draws(self) -> int:
        """As `Dataset.number_of_draws`: the folds, where there are several."""
        return self.folds if self.folds > 1 else 0

    def task(self) -> Task:
        """Return what is asked, before the file is read."""
        stem, scored = Path(self.path or file_name(self.url)).stem, "_scaled" if self.units == "scaled" else ""
        what = self.targets[0] if len(self.targets) == 1 else f"{len(self.targets)}_targets"
        features = len(self.feature_names)
        by = f"_of_{features}_features" if features > len(self.targets) else ""  # each set of them is a task of its own
        named = re.sub(r"\W+", "_", f"{stem}_{what}_{self.horizon}_from_{self.input_length}{by}")
        kind = TargetKind.EVERY_STEP if self.every_step else TargetKind.LAST_STEP
        asked = ", ".join(self.targets) if len(self.targets) <= NAMED else f"{len(self.targets)} targets"
        return Task(
            f"{named}{scored}{'_quantiles' * bool(self.quantiles)}{'_at_every_step' if self.every_step else ''}",
            kind,
            self.input_length,
            features=features,
            horizon=self.horizon,
            question=f"{stem}: {asked}, {self.horizon} ahead{scored.replace('_', ', ')}",
            feature_names=self.feature_names,
            targets=tuple(Target(name, "" if self.units == "original" else "scaled") for name in self.targets),
            season=self.season,
            metrics=("rmse", "mase", "mae_per_step", "mae_per_target", *(QUANTILE_METRICS if self.quantiles else ())),
            rank=self.rank,
            monitor=QUANTILE_METRICS[0] if self.quantiles else "",
            quantiles=self.quantiles,
        )

    def load(self, data_seed: int) -> Splits:
        """Read the file and cut it; seeds number the folds from the first in time, 1 the first.

        Raises:
            BenchError: It cannot be read, a value is none, or a part holds no window.
        """
        table, parts = self.cut((data_seed - 1) % self.folds)
        return _Views(self, table, parts).splits()

    def ahead(self, data_seed: int, path: str = "") -> Ahead:
        """Return the last window of each series, scaled by what the training part of its own file says.

        Rows after the last one that has a target may tell what is known ahead. ``until`` cuts nothing here: what is
        forecast follows the end of the file.

        Raises:
            BenchError: A file cannot be read, a series is too short or unknown, or what is known ahead is not there.
        """
        table, parts = self.cut((data_seed - 1) % self.folds)
        scales = _scales(self, table, parts.training)
        from bench.tables.ahead import ends_of

        named = self.targets, self.past, self.known
        ends = ends_of(
            path or self.file,
            self.time,
            self.id,
            *named,
            rows=self.input_length,
            horizon=self.horizon,
            since=self.since,
        )
        numbers = np.zeros(len(ends.names), np.int64)
        if len(scales.centre) > 1:
            strange = next((name for name in ends.names if name not in table.series_names), None)
            if strange is not None:
                raise BenchError(f"{path}: series {strange!r} is not in {self.file}, so it has no scale; leave it out")
            numbers = np.array([table.series_names.index(name) for name in ends.names])
        columns = np.concatenate([ends.values, ends.known], axis=2)
        rows = np.stack([scales.scaled(each, np.full(len(each), n)) for each, n in zip(columns, numbers, strict=True)])
        if self.calendar:
            then = ends.times[:, self.horizon :].ravel()
            told = calendar(then.astype("datetime64[ns]"), self.calendar)[0]
            rows = np.concatenate([rows, told.reshape(*rows.shape[:2], -1)], axis=2)
        count = len(self.targets)
        units = Rescaling(scales.spread[numbers, :count], scales.centre[numbers, :count])
        return Ahead(ends.names, rows.astype(np.float32), units, ends.values[..., :count], ends.times)

    def facts(self, data_seed: int) -> Facts:
        """Return times of the test split's rows, and every column of the file but the targets.

        Raises:
            BenchError: As `load`.
        """
        table, parts = self.cut((data_seed - 1) % self.folds)
        from bench.tables.files import places_of, read

        frame = read(self.file)
        others = [name for name in frame.columns if name not in (*self.targets, self.time)]
        first = _starts(self, parts, "test") + np.int32(self.input_length)
        places = places_of(table.rows)
        return Facts(first, table.times, lambda: others, lambda name: frame[name].to_numpy()[places], self.id)

    def cut(self, fold: int = 0) -> "tuple[Table, Cut]":
        """Return the series, and which windows belong to which part in a fold, counted from 0.

        Raises:
            BenchError: As `load`.
        """
        try:
            from bench.tables.cutting import cut
            from bench.tables.reading import table
        except ModuleNotFoundError as error:
            raise BenchError(without(str(error.name), REPORT, f"dataset {self.name!r}")) from None
        columns = [*self.targets, *self.past, *self.known]
        read = table(self.file, self.time, self.id, columns, since=self.since, until=self.until)
        back = self.reach_back and not self.every_step
        folds = fold, self.folds
        return read, cut(read, self.input_length, self.horizon, self.valid, self.test, reach_back=back, folds=folds)


def _scales(data: TableData, table: "Table", training: NDArray[np.bool_]) -> Scales:
    """Return the scales of a table's columns."""
    ahead = len(data.targets) + len(data.past)
    fit = table.values[training], table.series[training], table.series_names
    made = fit_scales(data.scale, *fit)
    if isinstance(data.scale, str):
        return made
    other = fit_scales("standard", *fit)  # a number is a unit of what is counted, not of what is known of the calendar
    both = (made.centre, other.centre), (made.spread, other.spread)
    return Scales(*(np.concatenate([one[:, :ahead], two[:, ahead:]], axis=1) for one, two in both))


def _starts(data: TableData, parts: "Cut", part: str) -> NDArray[np.int32]:
    """Return the first row of each window of a part that is used."""
    starts = parts.starts[part]
    if part != "test" or not data.test_batch:
        return starts
    whole = len(starts) // data.test_batch * data.test_batch
    if not whole:
        raise BenchError(f"{data.path}: test holds no whole batch of {data.test_batch} windows; lower test_batch")
    return starts[:whole]


class _Views:
    """Scaled rows of a table, into which windows look."""

    def __init__(self, data: TableData, table: "Table", parts: "Cut"):
        self._data, self._table, self._parts = data, table, parts
        training, n = parts.training, len(data.targets)
        ahead = n + len(data.past)
        self._scales = _scales(data, table, training)
        rows = self._scales.scaled(table.values, table.series)
        times = np.zeros(0, "datetime64[ns]") if table.times is None else table.times
        known = [rows[:, ahead:], *([calendar(times, data.calendar)[0]] if data.calendar else [])]
        columns = [rows[:, :ahead], *(_sooner(each, data.horizon) for each in known)]
        self._x = np.concatenate(columns, axis=1, dtype=np.float32)
        self._y = np.ascontiguousarray(self._x[:, :n] if n > 1 else self._x[:, 0])
        self._units = Scales(self._scales.centre[:, :n], self._scales.spread[:, :n])
        scored = table.values[training, :n] if data.units == "original" else rows[training, :n]
        from bench.tables.cutting import naive_errors

        self._naive = naive_errors(scored, table.series[training], data.season, len(table.series_names))

    def splits(self) -> Splits:
        """Return the windows of each part."""
        return Splits(self._split("train"), self._split("valid"), self._split("test"))

    def _split(self, part: str) -> Split:
        from bench.tables.cutting import blocks

        data, starts = self._data, _starts(self._data, self._parts, part)
        steps = np.arange(data.input_length, dtype=np.int32)
        ahead = np.arange(1, data.horizon + 1, dtype=np.int32)
        after = steps[:, np.newaxis] + ahead if data.every_step else data.input_length - 1 + ahead
        inputs, targets = Windows(self._x, starts, steps), Windows(self._y, starts, after.astype(np.int32))
        if part == "train":
            return Split(data.task(), inputs, targets)
        series = self._table.series[starts]
        centre, spread = self._units.rows(series)
        back = Rescaling(*(each[0] if len(each) == 1 else each for each in (spread, centre)))
        return Split(
            data.task(),
            inputs,
            targets,
            series=blocks(self._table, starts, data.horizon + data.season),
            rescaling=back if data.units == "original" else None,
            naive_error=self._naive[series],
        )


def _sooner(values: Float64, steps: int) -> Float64:
    """Return rows that hold the values of so many rows later; the last ones are in no window, and hold the last one."""
    return np.concatenate([values[steps:], np.repeat(values[-1:], min(steps, len(values)), axis=0)])
