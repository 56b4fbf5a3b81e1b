"""The frame of sources: where the variance of a place's score comes from."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from bench import stats
from bench.frames.base import frame
from bench.frames.schemas import SOURCES
from bench.frames.selection import Shown
from bench.frames.windows import Compared, Placed, compared


@frame("sources", SOURCES)
def sources_rows(shown: Shown) -> Iterator[dict[str, Any]]:
    """Yield one row a place and score; see `bench.stats.Sources` for its numbers."""
    for group in compared(shown):
        for each in group.placed:
            case, device, backend = each.place
            yield {
                "case": case,
                "device": device,
                "backend": backend,
                "split": group.key.split,
                "weights": group.key.weights,
                "metric": group.key.metric,
                "n_runs": len(each.records),
                "n_series": each.sampled.n_series,
                "joint": each.sampled.own_data,
                **_variances(group, each),
            }


def _variances(group: Compared, each: Placed) -> dict[str, float | None]:
    """Return the variances of one run's score; that of epochs is known of validation after the last one alone.

    Without it what is seen over runs, less the test set where that is in it, is the seeds'.
    """
    model, metric = each.sampled, group.metric
    scores = np.exp(model.scores) if metric.log else model.scores
    noise: list[float | None] = [None]
    if (group.key.split, group.key.weights) == ("valid", "last"):
        noise = [stats.epoch_noise(r.curve.valid.get(metric.name, ()), log=metric.log) for r in each.records]
    found = stats.sources(scores, noise, log=metric.log, data_vary=model.own_data, test_set=model.over_series)
    seen = float(np.var(model.scores, ddof=1)) if len(scores) > 1 else None
    if found is not None:
        return {"seen": seen, "epochs": found.epochs, "seeds": found.seeds, "test_set": found.test_set}
    seeds = None if seen is None else max(seen - model.own_data * model.over_series, 0.0)
    return {"seen": seen, "epochs": None, "seeds": seeds, "test_set": model.over_series}
