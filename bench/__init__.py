"""Benchmarks sequence architectures over seeds and devices."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["load_results"]


def load_results(
    suite: str = "chapter15",
    results: str | Path = "results",
    *,
    backends: Sequence[str] = (),
    devices: Sequence[str] = (),
) -> "pd.DataFrame":
    """Return a suite's records as one tidy table, a value a row.

    Args:
        suite: A name in ``suites/``, or a path to a ``.toml`` file.
        results: Folder of the records.
        backends: Those that runs were of, where not the suite's, as in ``["jax"]``.
        devices: Likewise, as in ``["gpu"]``.

    Returns:
        Columns suite, case, task, dataset, model, seed, data_seed, device, backend, split, weights, metric, epoch,
        axis, index, value, status, run_id, environment, attempt (of the run: reruns add attempts). Of a network on a
        task that says when it is solved, also the metrics solved (1 or 0) and steps_until_solved.

    Raises:
        BenchError: No such suite.
    """
    from bench.frames import tidy
    from bench.plan import make_plan
    from bench.store import Store
    from bench.suite import override, read_suite

    chosen = override(read_suite(suite), backends=list(backends), devices=list(devices))
    plan = make_plan(chosen, Store(Path(results)).read())
    solved = {case.name: case.dataset.solved for case in plan.cases}
    return tidy(plan.suite.name, plan.records, solved, plan.suite.rank)
