"""The verb that uses what was trained: forecast."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.app import app
from bench.cli.options import Results, selection
from bench.cli.screen import console
from bench.store import RESULTS


@app.command()
def forecast(
    named: Annotated[str, typer.Argument(metavar="RUN|CASE", help="A case of a file of series, or a run's id.")],
    file: Annotated[str, typer.Argument(help="A newer file with the same columns; that of the run if not given.")] = "",
    suite: Annotated[str, typer.Option(help="The suite whose runs are meant, where several have such a case.")] = "",
    backend: Annotated[str, typer.Option(help="The backend whose runs are meant, where several ran the case.")] = "",
    output: Annotated[Path, typer.Option("-o", "--output", help="The CSV; the figure is put beside it.")] = Path(
        "forecast.csv"
    ),
    results: Results = RESULTS,
) -> int:
    """Forecast the steps beyond the end of a file of series, in its units, as a CSV and a figure.

    A network has the weights that `bench run SUITE --keep-weights` kept; of several seeds the mean is the forecast, and
    the least and the most are told. Predictors are fitted anew. What is known ahead must stand in rows after the last
    one, with the targets left empty; what the calendar says is computed.
    """
    from bench.commands.forecast import ForecastAsked, forecast_beyond

    chosen = selection(suite, results, backend=backend) if suite else None
    asked = ForecastAsked(named, file, chosen, results, output, backend)
    return forecast_beyond(asked, console(lasting=True))
