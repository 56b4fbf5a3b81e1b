"""What `bench forecast` does: a recorded case forecasts beyond the end of its file, into a CSV and a figure."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from bench.commands.selection import Selection
from bench.devices import find_device
from bench.engines.base import NO_ENGINE
from bench.errors import BenchError
from bench.extras import REPORT, changed, require
from bench.files import written_whole
from bench.forecasting import forecasts, parts_of
from bench.pasting import command
from bench.process import Slot, begin
from bench.record import Failure, RunRecord
from bench.registry import close_matches
from bench.store import NotKept, Store, WeightStore
from bench.task import Ahead, Array, Task

LIMIT_S = 900.0
"""So long a backend may take to be imported, and to forecast."""
FORECAST = "forecast"


@dataclass(frozen=True)
class ForecastAsked:
    """The command as it was typed.

    Attributes:
        named: A case, or a run by the beginning of its id.
        file: A newer file; empty for that of the run.
        suite: Whose runs are looked through; None for all.
        results: Where they are.
        output: The CSV; the figure lies beside it.
        backend: Of the runs that are meant; empty for any.
    """

    named: str
    file: str
    suite: Selection | None
    results: Path
    output: Path
    backend: str = ""


@dataclass(frozen=True)
class Forecast:
    """The forecasts of one case beyond the end of each series.

    Attributes:
        ahead: The last windows.
        values: In the units of the file, of each seed ``(seeds, series, horizon, targets)``; medians of quantiles.
        targets: Names.
        quantiles: The quantiles of each seed under their level, shaped likewise; none where one number was forecast.
    """

    ahead: Ahead
    values: NDArray[np.float64]
    targets: tuple[str, ...]
    quantiles: Mapping[float, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def columns(self) -> dict[str, NDArray[np.float64]]:
        """The forecast and its quantiles; of several seeds their means, and the least and the most of the forecast."""
        levels = {f"q{level:g}": values.mean(axis=0) for level, values in self.quantiles.items()}
        spread = {"least": self.values.min(axis=0), "most": self.values.max(axis=0)} if len(self.values) > 1 else {}
        return {FORECAST: self.values.mean(axis=0), **levels, **spread}

    @property
    def bands(self) -> list[tuple[str, str]]:
        """The columns between which a figure draws a band, the widest first: of quantiles, else of seeds."""
        names = [name for name in self.columns if name != FORECAST]
        if self.quantiles:
            names = names[: len(self.quantiles)]
        return [(names[at], names[-1 - at]) for at in range(len(names) // 2)]


def forecast_of(ahead: Ahead, made: Sequence[Array], task: Task) -> Forecast:
    """Return what was forecast of the last windows in their units.

    Args:
        ahead: The last windows.
        made: Of each seed, as `bench.forecasting.forecasts`.
        task: Which names the targets and the levels of quantiles.
    """
    targets = tuple(target.name for target in task.targets)
    values = np.stack([ahead.in_units(task.medians(each, last=True)) for each in made])
    if task.in_order(made[0], last=True) is None:
        return Forecast(ahead, values, targets)
    quantiles = {
        level: np.stack([ahead.in_units(each[..., at]) for each in made]) for at, level in enumerate(task.quantiles)
    }
    return Forecast(ahead, values, targets, quantiles)


def forecast_beyond(asked: ForecastAsked, console: Console) -> int:
    """Forecast, write the CSV and the figure; return the exit code.

    Raises:
        BenchError: There is no such run or case, no weights of it are kept, its data have no next steps, a file cannot
            be used, or what was asked for cannot be written.
    """
    require(REPORT, "bench forecast")
    if asked.output.suffix.lower() != ".csv":
        raise BenchError(f"-o {asked.output}: a forecast's file ends in .csv; name one")
    store = Store(asked.results)
    records = _chosen(asked, store)
    spec = records[0].spec
    dataset, _ = parts_of(spec)
    ahead = dataset.ahead(spec.data_seed, asked.file)
    weights, kept = [], WeightStore(store)
    if spec.model_seed is not None:
        if not kept.has(records[0]):
            raise _without_weights(asked, spec.case)
        try:
            weights = [kept.read(record) for record in records]
        except NotKept as error:
            raise BenchError(f"{error}; run its suite again with --keep-weights") from None
        log = asked.results / "logs" / "forecast.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        device = find_device(spec.device)
        slot = Slot(spec.device, device, None, spec.backend)
        made = begin(slot, log, forecasts, spec, weights, ahead.x, device.kind).result(LIMIT_S)
        if isinstance(made, Failure):
            raise BenchError(made.reason.removeprefix(f"{BenchError.__name__}: "))
    else:
        made = forecasts(spec, weights, ahead.x)
    task = dataset.task()
    found = forecast_of(ahead, made, task)
    figure = asked.output.with_suffix(".svg")
    try:
        write_csv(found, asked.output)
        from bench.report.forecast_figure import write_forecast_figure

        write_forecast_figure(ahead, found.columns, found.bands, found.targets, figure)
    except OSError as error:
        raise BenchError(f"cannot write {asked.output} ({error.strerror or error}); name another with -o") from None
    alone = "; one number a value, no quantiles" if task.quantiles and not found.quantiles else ""
    console.print(f"{spec.case}: {_words(records)}; {task.horizon} steps after {_end(ahead)}{alone}")
    console.print(f"forecast: {asked.output}, drawn in {figure}")
    return 0


def write_csv(found: Forecast, path: Path) -> None:
    """Write a forecast as rows of series, time, target, forecast and what else `Forecast.columns` has.

    Raises:
        OSError: It cannot be written.
    """
    from bench.tables.times import shown

    horizon = found.values.shape[2]
    with written_whole(path) as new, new.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(["series", "time", "target", *found.columns])
        for series, name in enumerate(found.ahead.series):
            for step, time in enumerate(found.ahead.times[series, -horizon:]):
                when = shown(time) if isinstance(time, np.datetime64) else str(time)
                for number, target in enumerate(found.targets):
                    at = series, step, number
                    rows.writerow([name, when, target, *(f"{each[at]:.9g}" for each in found.columns.values())])


def _chosen(asked: ForecastAsked, store: Store) -> list[RunRecord]:
    """Return the records to forecast with: of one case, on one draw of its data.

    Each is of another seed whose weights are kept; where none are, all of its seeds.

    Raises:
        BenchError: There is none that ended, or the name fits unlike ones.
    """
    known = asked.suite.plan(store).records if asked.suite else store.read()
    known = [record for record in known if asked.backend in ("", record.spec.backend)]
    named = [r for r in known if r.spec.case == asked.named] or [r for r in known if r.run_id.startswith(asked.named)]
    if not named:
        cases = sorted({record.spec.case for record in known})
        advice = close_matches(asked.named, cases) if cases else "nothing is recorded there; run a suite first"
        raise BenchError(f"no run or case {asked.named!r} in {asked.results}; {advice}")
    done = [record for record in named if record.status == "done"]
    if not done:
        raise BenchError(f"no run of {asked.named!r} has ended with scores; bench run tries again")
    dataset, _ = parts_of(done[-1].spec)
    if draws := dataset.number_of_draws:  # the last one is trained on most
        last = max((r.spec.data_seed - 1) % draws for r in done)
        done = [r for r in done if (r.spec.data_seed - 1) % draws == last]
    kept = WeightStore(store)
    done = [record for record in done if kept.has(record)] or done
    unlike = {record.spec.model_copy(update={"model_seed": None, "data_seed": 0}).run_id: record for record in done}
    if len(unlike) > 1:
        ids = ", ".join(f"{r.run_id} ({r.spec.backend} on {r.spec.device})" for r in unlike.values())
        raise BenchError(f"{asked.named!r} names unlike runs; name one of them, its --backend or its --suite: {ids}")
    return list({record.run_id: record for record in done}.values())


def _without_weights(asked: ForecastAsked, case: str) -> BenchError:
    option = "--keep-weights", ""
    again = asked.suite.command("run", [option]) if asked.suite else command("run", "SUITE", [option])
    return BenchError(f"no weights of {case!r} are kept in {asked.results}; this keeps those of its best seed: {again}")


def _words(records: Sequence[RunRecord]) -> str:
    spec = records[0].spec
    if spec.backend == NO_ENGINE:
        then = ", ".join(changed(records[0].libraries))
        return f"fitted anew, by other libraries than in its run ({then})" if then else "fitted anew"
    seeds = ", ".join(str(record.spec.model_seed) for record in records)
    return f"weights of seed{'s' if len(records) > 1 else ''} {seeds} on {spec.backend}"


def _end(ahead: Ahead) -> str:
    from bench.tables.times import shown

    last = ahead.times[:, ahead.past.shape[1] - 1].max()
    return shown(last) if isinstance(last, np.datetime64) else f"row {last}"
