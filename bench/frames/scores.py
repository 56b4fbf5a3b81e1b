"""Which score: the name of one number of a run, and the numbers of every run by it."""

from typing import NamedTuple, Self

import numpy as np
import pandas as pd

from bench.record import IN_WORDS

MOST_STEPS = 100
"""A report has the scores of so many forecast steps, at most; records have those of all."""


class Key(NamedTuple):
    """Names one score of a run; fields as in `bench.record.Score`."""

    metric: str
    split: str = "valid"
    weights: str = "last"
    axis: str = ""
    index: str = ""  # type: ignore[assignment]  # as a record calls it; nobody asks a key where a field stands

    def on(self, split: str) -> Self:
        """Return the same score on another split."""
        return self._replace(split=split)

    def in_words(self, heading: str) -> str:
        """Return it in words, its metric by the heading: ``validation MSE after the last epoch``."""
        split = IN_WORDS.get(self.split, self.split.replace("_", " "))
        return f"{split} {heading} {IN_WORDS[self.weights]}"

    @property
    def best(self) -> Self:
        """The same score with the weights of the best epoch."""
        return self._replace(weights="best")


def shown_steps(horizon: int, most: int = MOST_STEPS) -> list[int]:
    """Return the forecast steps, from 1, that are shown of a horizon: ``most`` of them, spread evenly, or all."""
    return [int(step) for step in np.linspace(1, horizon, min(horizon, most)).round()]


def scores_by_run(scores: pd.DataFrame) -> dict[str, dict[Key, float]]:
    """Return each run's scores, by run id, from the frame of scores."""
    names = ["metric", "split", "weights", "axis", "index"]
    keys = [Key(*each) for each in scores[names].drop_duplicates().itertuples(index=False)]
    which = scores.groupby(names, sort=False, observed=True).ngroup()
    runs, ids = pd.factorize(scores["run_id"])
    found: list[dict[Key, float]] = [{} for _ in ids]
    for run, key, value in zip(runs.tolist(), which.tolist(), scores["value"].tolist(), strict=True):
        found[run][keys[key]] = value
    return dict(zip(ids.tolist(), found, strict=True))
