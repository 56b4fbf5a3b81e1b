"""Small files of series, and datasets made of them."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from bench.datasets.table import TableData

ROWS = 120
WEEK = np.array([0, 1, 2, 1, 0, -3, -4])


@cache
def folder():
    """A folder that is gone when the tests end."""
    made = Path(tempfile.mkdtemp(prefix="bench-tables-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def dates(rows, first="2021-01-01"):
    return np.datetime64(first) + np.arange(rows)


def write(name, **columns):
    """Write a CSV of columns; return its path."""
    path = folder() / f"{name}.csv"
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def series(rows=ROWS, seed=0):
    """A week, a trend and noise."""
    t, rng = np.arange(rows), np.random.default_rng(seed)
    return np.round(50 + 0.2 * t + 3 * WEEK[t % 7] + rng.normal(size=rows), 3)


@cache
def one_series():
    """The path of a file of one series, with a price and a promotion."""
    promo = np.random.default_rng(3).integers(0, 2, ROWS)
    return write("one", day=dates(ROWS), units=series(), price=series(seed=9), promo=promo)


@cache
def three_series():
    """The path of a file of three series of unlike size, the last one 20 days shorter."""
    lengths = {"north": ROWS, "south": ROWS, "west": ROWS - 20}
    return write(
        "three",
        day=np.concatenate([dates(n) for n in lengths.values()]),
        shop=np.repeat(list(lengths), list(lengths.values())),
        units=np.concatenate([series(n, seed) * 10**seed for seed, n in enumerate(lengths.values())]),
    )


def usual(**changes):
    """The parameters of one series' data, with some of them changed."""
    given = {"path": one_series(), "time": "day", "targets": ["units"], "input_length": 14, "horizon": 7, "season": 7}
    return {"valid": 0.2, "test": 0.2} | given | changes


def made(**changes):
    """A dataset of one series."""
    return TableData.model_validate({k: tuple(v) if isinstance(v, list) else v for k, v in usual(**changes).items()})
