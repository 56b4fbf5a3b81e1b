"""Checks of what splits hold besides arrays: windows into series, and how scaled targets go back."""

from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.datasets.fault import Fault, Part, counted, kind_of
from bench.task import Rescaling, Windows


def check_windows(part: Part, what: str, windows: Windows) -> None:
    """See that windows into series lie within their rows.

    Raises:
        Fault: Their parts are no such arrays, or a window leaves the rows.
    """
    where = f"{part.words} {what}"
    if not isinstance(windows.rows, np.ndarray) or not windows.rows.ndim:
        raise Fault(f"{where} have rows of {kind_of(windows.rows)}; give a numpy.ndarray (rows, ...)")
    for name, array in (("starts", windows.starts), ("offsets", windows.offsets)):
        if not isinstance(array, np.ndarray) or array.dtype != np.int32 or not array.ndim:
            raise Fault(f"{where} have {name} that are no int32 array; give one")
    if windows.starts.ndim != 1:
        raise Fault(f"{where} have starts of shape {windows.starts.shape}; give the row that each window begins at")
    if windows.size:
        low = int(windows.starts.min()) + int(windows.offsets.min())
        high = int(windows.starts.max()) + int(windows.offsets.max())
        if low < 0 or high >= len(windows.rows):
            raise Fault(
                f"{where} reach rows {low} to {high}, and there are {len(windows.rows)}; leave such windows out"
            )


def check_rescaling(part: Part) -> None:
    """See that what scoring needs of scaled targets has its shape and is finite.

    Raises:
        Fault: It is not.
    """
    split, targets = part.split, len(part.split.task.targets)
    scale = split.rescaling
    if scale is not None and not isinstance(scale, Rescaling):
        raise Fault(f"{part.words} rescaling is {kind_of(scale)}; give a bench.task.Rescaling")
    told: dict[str, Any] = {} if scale is None else {"spread": scale.spread, "centre": scale.centre}
    if split.naive_error is not None:
        told["naive_error"] = split.naive_error
    if told and split.task.target.is_class:
        raise Fault(
            f"{part.words} has {next(iter(told))}, and task {split.task.name!r} forecasts classes; leave it out"
        )
    for name, array in told.items():
        shapes = [(len(split.x), targets)] + ([(targets,)] if name != "naive_error" else [])
        if not isinstance(array, np.ndarray) or array.dtype != np.float64 or array.shape not in shapes:
            raise Fault(f"{part.words} {name} is no float64 array of shape {' or '.join(map(str, shapes))}; give one")
        least = {"spread": np.finfo(np.float64).tiny, "naive_error": 0.0}.get(name, -np.inf)
        bad = array[~np.isfinite(array) | (array < least)]
        if len(bad):
            raise Fault(
                f"{part.words} {name} holds {bad[0]}; give finite numbers, spreads over 0 and errors not below it"
            )


def check_gap(parts: list[Part]) -> None:
    """See that no value of a series is a target of two splits; an extra test set may be a part of test.

    Raises:
        Fault: One is: it would be trained on or chosen by, and scored.
    """
    for one, other in combinations(parts, 2):
        a, b = one.split.y, other.split.y
        chosen = one.name in ("train", "valid") or other.name in ("train", "valid")
        if not chosen or not isinstance(a, Windows) or not isinstance(b, Windows) or not _same_rows(a, b):
            continue
        shared = a.marks & b.marks
        if shared.any():
            raise Fault(
                f"{counted(int(shared.sum()), 'row')} hold targets of {one.words} and of {other.words}, the first row "
                f"{int(shared.argmax())} (counted from 0); leave windows out between them"
            )


def fixed(values: Any) -> Any:
    """Return an array or windows as nobody can change them by accident: what one run did would be another's data."""
    if isinstance(values, Windows):
        return Windows(fixed(values.rows), fixed(values.starts), fixed(values.offsets))
    view: NDArray[Any] = values.view()
    view.flags.writeable = False
    return view


def _same_rows(a: Windows, b: Windows) -> bool:
    """Return whether two look into the same rows in one memory."""
    return (
        a.rows.shape == b.rows.shape and a.rows.__array_interface__["data"][0] == b.rows.__array_interface__["data"][0]
    )
