"""Options that several verbs share, and the suite that they choose."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.errors import BenchError
from bench.executors import LOCAL
from bench.pasting import Option
from bench.stacks import AUTO, check_stack
from bench.store import REPORTS
from bench.suite import override, read_suite

if TYPE_CHECKING:
    from bench.commands import Selection

SuiteName = Annotated[str, typer.Argument(metavar="SUITE", help="A name in suites/, or a path to a .toml file.")]
SuiteOrFile = Annotated[
    str, typer.Argument(metavar="SUITE|FILE", help="A name in suites/, a path to a .toml file, or a file of series.")
]
SuiteOrFolder = Annotated[
    str,
    typer.Argument(metavar="SUITE|FOLDER", help="A name in suites/, a path to a .toml file, or a report's folder."),
]
Target = Annotated[str, typer.Option(help="Columns of a file to forecast, comma-separated; its only one of numbers.")]
Horizon = Annotated[int, typer.Option(min=0, help="Steps to forecast; 0: one season.")]
InputLength = Annotated[int, typer.Option(min=0, help="Steps of a window; 0: four horizons, in whole seasons.")]
Id = Annotated[str, typer.Option("--id", help="The column that tells several series apart; found if not given.")]
Time = Annotated[str, typer.Option(help="The column of times; found if not given.")]
SeasonSteps = Annotated[int, typer.Option("--season", min=0, help="Season in steps; 0: found; 1: none.")]
Quick = Annotated[bool, typer.Option("--quick", help="A first answer in minutes: few seeds, steps and models.")]
Cases = Annotated[str, typer.Option(help="Only these cases of the suite: names or globs, comma-separated.")]
Seeds = Annotated[str, typer.Option(help="Model seeds instead of the suite's, as in 42,43.")]


def _some(context: typer.Context, parameter: typer.CallbackParam, value: str) -> str:
    """Return an option's value, which may be empty only where the option is not given.

    Raises:
        BenchError: It is given, and empty.
    """
    source = context.get_parameter_source(str(parameter.name))
    if not value.strip() and source is not None and source.name == "COMMANDLINE":
        raise BenchError(
            f"{parameter.opts[0]} '': expected names separated by commas; leave it out for the suite's own"
        )
    return value


DeviceNames = Annotated[
    str, typer.Option("--device", callback=_some, help="cpu, gpu, gpu:1, all (GPUs), or several: cpu,gpu.")
]
BackendNames = Annotated[
    str, typer.Option("--backend", callback=_some, help="tensorflow, jax, torch, or several: tensorflow,jax.")
]
Epochs = Annotated[int, typer.Option(min=0, help="Epochs for every trained case instead of its recipe's; 0: leave.")]
Stack = Annotated[str, typer.Option(help="Seeds in one program, where the backend can: a number, auto or off.")]
ExecutorName = Annotated[str, typer.Option("--executor", help="Where runs are run; bench list executors.")]
Address = Annotated[str, typer.Option(metavar="HOST:PORT", help="Where that executor's cluster answers.")]
RuntimeEnv = Annotated[
    str, typer.Option("--runtime-env", metavar="FILE", help="What it sends to nodes or starts there: TOML or JSON.")
]
Results = Annotated[Path, typer.Option(help="Folder of the records.", file_okay=False)]
Reports = Annotated[Path, typer.Option(help="Folder of the reports of unmodified suites.", file_okay=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


def selection(
    suite: str,
    results: Path,
    reports: Path = REPORTS,
    cases: str = "",
    seeds: str = "",
    device: str = "",
    backend: str = "",
    epochs: int = 0,
    stack: str = AUTO,
    executor: str = LOCAL,
    job: str = "",
    told: Sequence[Option] = (),
) -> "Selection":
    """Return a suite with what the command line overrides.

    Raises:
        BenchError: A part of it does not exist or does not fit.
    """
    from bench.commands import Selection
    from bench.commands.numbered import job_number

    unmodified = read_suite(suite)
    chosen = override(
        unmodified,
        cases=names("--cases", cases),
        seeds=integers("--seeds", seeds),
        devices=names("--device", device),
        backends=names("--backend", backend),
        epochs=epochs or None,
    )
    chosen.select()
    check_stack(stack, chosen)
    typed = {
        "--cases": cases,
        "--seeds": seeds,
        "--device": device,
        "--backend": backend,
        "--epochs": str(epochs or ""),
    }
    given = tuple((name, value) for name, value in typed.items() if value)
    number = job_number(job) if job else None
    told = tuple((name, value) for name, value in told if value)
    made = Selection(suite, chosen, unmodified, results, reports, given, stack, executor, told, number)
    if told:
        made.executor  # noqa: B018  which says where it takes none of these
    return made


def names(option: str, text: str) -> list[str]:
    """Return what stands between the commas of an option.

    Raises:
        BenchError: One part is empty.
    """
    parts = [part.strip() for part in text.split(",")] if text else []
    if not all(parts):
        raise BenchError(f"{option} {text!r}: expected names separated by commas")
    return parts


def integers(option: str, text: str) -> list[int]:
    """Return the integers that stand between the commas of an option.

    Raises:
        BenchError: One part is no integer.
    """
    try:
        return [int(part) for part in names(option, text)]
    except ValueError:
        raise BenchError(f"{option} {text!r}: expected integers separated by commas, as in 42,43") from None
