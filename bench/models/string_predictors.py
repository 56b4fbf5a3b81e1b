"""Baselines for labelled strings: letters one-hot, zeros after the end."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.models.base import Forecast, Inputs, Predictor, Support, model
from bench.task import Split, TargetKind, Task


class _StringPredictor(Predictor):
    """Sorts strings into cells and forecasts each cell's share of label 1 among training strings.

    A cell without training strings gets the share over all of them.
    """

    kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.LABEL,)

    def supports(self, task: Task, train: Task | None = None) -> Support:
        """As `Model.supports`; it forecasts one of two labels of one-hot letters."""
        if task.vocabulary is not None or task.classes > 2:
            has = "has token ids" if task.vocabulary is not None else f"has {task.classes} classes"
            return self.misfit(task, "tells two labels apart by one-hot letters", has)
        return super().supports(task, train)

    def fit(self, train: Split, task: Task) -> Forecast:
        """Count labels per cell of ``train``."""
        overall = float(np.mean(train.y, dtype=np.float64))
        known, cell = np.unique(self._cells(np.asarray(train.x), train), return_inverse=True)
        share = np.bincount(cell, weights=train.y) / np.bincount(cell)

        def forecast(x: Inputs) -> NDArray[np.floating]:
            cells = self._cells(x, train)
            at = np.searchsorted(known, cells).clip(max=len(known) - 1)
            return np.where(known[at] == cells, share[at], overall)

        return forecast

    def _cells(self, x: Inputs, train: Split) -> NDArray[np.int64]:
        """Return each string's cell ``(windows,)``; ``train`` holds what the cells are learnt from."""
        raise NotImplementedError


@model("majority")
class Majority(_StringPredictor):
    """The share of label 1 among all training strings: the more frequent class, always."""

    def _cells(self, x: Inputs, train: Split) -> NDArray[np.int64]:
        return np.zeros(len(x), dtype=np.int64)


@model("length_only")
class LengthOnly(_StringPredictor):
    """The share of label 1 among training strings of the same length."""

    def _cells(self, x: Inputs, train: Split) -> NDArray[np.int64]:
        return np.asarray(np.sum(_letters(x) > 0, axis=1), dtype=np.int64)


@model("bigram")
class Bigram(_StringPredictor):
    """Whether every pair of neighbouring letters stands in some training string of label 1.

    Start and end count as letters. This is all that a classifier without memory can learn of a
    grammar, and it needs no smoothing or threshold.
    """

    def _cells(self, x: Inputs, train: Split) -> NDArray[np.int64]:
        size = train.x.shape[2] + 1
        allowed = np.zeros(size * size, dtype=bool)
        allowed[_bigrams(train.x[train.y == 1])] = True
        return np.asarray(allowed[_bigrams(x)].all(axis=1), dtype=np.int64)


def _letters(x: Inputs) -> NDArray[np.int64]:
    """Return ``(windows, input_length)``: 1, 2, ... for the letters, 0 after the end."""
    return np.asarray(np.where(x.any(axis=2), x.argmax(axis=2) + 1, 0), dtype=np.int64)


def _bigrams(x: Inputs) -> NDArray[np.int64]:
    """Return a number for each neighbouring pair ``(windows, input_length + 1)``."""
    letters = np.pad(_letters(x), ((0, 0), (1, 1)))
    return np.asarray(letters[:, :-1] * (x.shape[2] + 1) + letters[:, 1:])
