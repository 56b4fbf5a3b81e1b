"""A few values of a column of any kind, in their order."""

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MOST = 12
"""Values that a slice has at most: of numbers that have more, quarters; of texts, the most frequent and all others."""
MOST_SERIES = 60
"""Likewise, of a column whose values name series: each is a line of its own as far as a table can be read."""
QUARTERS = (0.25, 0.5, 0.75)
OTHERS = "others"


def values_of(column: NDArray[Any], *, names_series: bool = False) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the values of a column in words, and the number of each entry's ``(rows,)``; -1 where it has none.

    Args:
        column: Numbers, texts or times ``(rows,)``; None, an empty text and NaN are no value.
        names_series: They name series: numbers are no amounts, and more values are told apart.
    """
    there = ~np.asarray(pd.isna(column)) & (column != "")
    numeric = column.dtype.kind in "iufb" or all(isinstance(value, int | float) for value in column[there])
    if names_series:
        numbers = column.dtype.kind in "iu"  # whose order is not that of their texts
        names, own = _of_names(column if numbers else np.array([str(value) for value in column[there]]), MOST_SERIES)
    elif numeric:
        names, own = _of_numbers(column[there].astype(np.float64))
    else:
        names, own = _of_names(np.array([str(value) for value in column[there]]), MOST)
    of = np.full(len(column), -1, np.int64)
    of[there] = own
    return names, of


def _of_numbers(known: NDArray[np.float64]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    values, own = np.unique(known, return_inverse=True)
    if len(values) <= MOST:
        return tuple(f"{value:g}" for value in values), own
    edges = np.unique(np.quantile(known, QUARTERS))
    told = [f"{edge:.4g}" for edge in edges]
    between = [f"over {low} to {high}" for low, high in pairwise(told)]
    return (f"up to {told[0]}", *between, f"over {told[-1]}"), np.searchsorted(edges, known)


def _of_names(known: NDArray[Any], most: int) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    values, own, counts = np.unique(known, return_inverse=True, return_counts=True)
    if len(values) <= most:
        return tuple(map(str, values)), own
    frequent = np.sort(np.argsort(-counts, kind="stable")[: most - 1])
    number = np.full(len(values), most - 1)
    number[frequent] = np.arange(most - 1)
    return (*map(str, values[frequent]), OTHERS), number[own]
