"""Chapter 15 of the third edition (Géron 2022) on its own series: three years of training from 2016, then validation.

Validation is January to May 2019, test what follows; windows lie in one part, and errors are in boardings. Each network
has the chapter's own recipe. Printed values are validation MAE of the best epoch, one seed each, as they stand in the
outputs of the author's notebook (github.com/ageron/handson-ml3 at e3f3f9e).

Two things differ. What is known ahead enters at the place of the day that it is of less the horizon: for one day ahead
that is the chapter's "next day type", for fourteen it is the type of the last of them. And the incomplete last batch
is left out.
"""

from typing import Any

from bench.cases.base import Case, Published, case
from bench.datasets.table import TableData
from bench.models.base import Model, Network
from bench.models.forecasters import Ridge, SeasonalNaive
from bench.models.linear import Linear
from bench.models.naive import Naive
from bench.models.recurrent import SimpleRNN
from bench.recipe import Recipe

URL = "https://data.cityofchicago.org/api/views/6iiy-9s97/rows.csv?accessType=DOWNLOAD"
"""All days up to today, so that no checksum lasts; a record holds the digest of what was read."""
RAIL, BUS = "rail_boardings", "bus"
DAY_TYPES = ("day_type=A", "day_type=U", "day_type=W")
BEST = "one seed, whose best epoch was chosen by MAE and not by MSE"


def data(*targets: str, **more: Any) -> TableData:
    """Return the task of some targets from the eight weeks before; ``more`` as parameters of `TableData`."""
    return TableData(
        path="data/cta_ridership.csv", url=URL, time="service_date", targets=targets, input_length=56, season=7,
        since="2016-01-01", valid="2019-01-01", test="2019-06-01", until="2020-02-29", reach_back=False, scale=1e6,
        rank="mae", **more,
    )  # fmt: skip


UNIVARIATE = data(RAIL, horizon=1)
MULTIVARIATE = data(RAIL, past=(BUS,), known=DAY_TYPES, horizon=1)
MULTITASK = data(BUS, RAIL, known=DAY_TYPES, horizon=1)
AHEAD = data(RAIL, past=(BUS,), known=DAY_TYPES, horizon=14)
SEQ2SEQ = data(RAIL, past=(BUS,), known=DAY_TYPES, horizon=14, every_step=True)
RNN = SimpleRNN(units=(32,))


def _add(name: str, label: str, dataset: TableData, model: Model) -> None:
    @case(f"ridership/{name}")
    def made() -> Case:
        return Case(dataset, model, label=label)


def _add_network(name: str, label: str, dataset: TableData, model: Network, rate: float, mae: float, part: str) -> None:
    """Register a network with the chapter's recipe at its learning rate, and what the notebook printed there."""
    recipe = Recipe(
        optimizer="sgd", momentum=0.9, learning_rate=rate, loss="huber", epochs=500, early_stopping_epochs=50
    )

    @case(f"ridership/{name}")
    def made() -> Case:
        published = Published(values={"mae": mae}, weights="best", source=part, note=BEST)
        return Case(dataset, model, recipe, label, published)


_add("day_naive", "naive", UNIVARIATE, Naive())
_add("day_seasonal_naive", "seasonal naive", UNIVARIATE, SeasonalNaive())
_add("day_ridge", "ridge", UNIVARIATE, Ridge())
_add_network("day_linear", "linear", UNIVARIATE, Linear(), 0.02, 37_866.38, "Forecasting Using a Linear Model")
_add_network("day_rnn_1", "RNN, 1 unit", UNIVARIATE, SimpleRNN(units=(), head="recurrent"), 0.02, 102_786.95,
             "Using a Simple RNN")  # fmt: skip
_add_network("day_rnn_32", "RNN", UNIVARIATE, RNN, 0.05, 29_014.97, "Using a Simple RNN")
_add_network("day_deep_rnn", "deep RNN", UNIVARIATE, SimpleRNN(units=(32, 32, 32)), 0.01, 31_211.02, "Deep RNNs")

_add_network("multivariate_rnn", "RNN, multivariate", MULTIVARIATE, RNN, 0.05, 22_062.3, "Multivariate time series")
_add("multivariate_ridge", "ridge, multivariate", MULTIVARIATE, Ridge())
_add("multitask_seasonal_naive", "seasonal naive, multitask", MULTITASK, SeasonalNaive())
_add_network("multitask_rnn", "RNN, multitask", MULTITASK, RNN, 0.02, 25_850.36, "Multivariate time series")

_add("ahead_seasonal_naive", "seasonal naive, 14 days", AHEAD, SeasonalNaive())
_add("ahead_ridge", "ridge, 14 days", AHEAD, Ridge())
_add_network("ahead_rnn", "RNN, 14 days", AHEAD, RNN, 0.02, 35_017.3, "Forecasting Several Steps Ahead")
_add_network("ahead_seq2seq_rnn", "seq2seq RNN, 14 days", SEQ2SEQ, RNN, 0.1, 45_928.88,
             "Forecasting Using a Sequence-to-Sequence Model")  # fmt: skip
