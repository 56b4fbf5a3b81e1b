"""The learning curves that the chapter's notebook printed."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cases.printed import curves
from bench.errors import BenchError
from bench.registry import close_matches

if TYPE_CHECKING:
    import pandas as pd

CURVES = Path(__file__).with_name("printed_curves.csv")


def published_curve(name: str) -> "pd.DataFrame":
    """Return every printed epoch of one curve, named as in `Published.curve`.

    Columns: epoch, train_mse, train_last_time_step_mse, valid_mse, valid_last_time_step_mse,
    epoch_seconds, microseconds_per_sample; NaN where nothing was printed. Training values are
    running means over an epoch, as Keras prints them.

    Raises:
        BenchError: There is no such curve.
    """
    curves = _curves()
    found = curves[curves["case"] == name]
    if found.empty:
        known = list(curves["case"].unique())
        raise BenchError(f"unknown published curve {name!r}; {close_matches(name, known)}")
    return found.drop(columns="case").reset_index(drop=True)


@cache
def _curves() -> "pd.DataFrame":
    import pandas as pd

    return pd.read_csv(CURVES)


@curves.register("chapter15")
def _registered(name: str) -> "pd.DataFrame | None":
    return None if _curves()[_curves()["case"] == name].empty else published_curve(name)
