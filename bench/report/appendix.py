"""What stands last in a report: environments and run ids."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from bench.report.markdown import NONE, escape, seed_label, table
from bench.report.results import Results
from bench.text.markdown import code

SHARES = (
    "Where *seeds a program* is more than 1, so many seeds trained side by side in one program. The seconds of such a "
    "run are its share of all of theirs: no model alone trains in so few."
)


def run_ids(results: Results) -> str:
    """Return the record behind every table row: case, seeds and run ids."""
    rows = []
    for row in results.rows:
        runs = sorted(
            zip(*(row.runs[name].tolist() for name in ("data_seed", "seed", "run_id")), strict=True), key=_order
        )
        own = all(not pd.isna(seed) and data == seed for data, seed, _ in runs)
        several = len({data for data, *_ in runs}) > 1 and not own
        ids = [f"{_label({'data_seed': data, 'seed': seed}, several)}: `{run}`" for data, seed, run in runs]
        rows.append([escape(row.name), code(row.case, cell=True), escape(row.device), ", ".join(ids)])
    return table(["model", "case", "device", "seed: run id"], rows, text_columns=4)


def _order(run: tuple[Any, Any, str]) -> tuple[tuple[bool, int], ...]:
    """Sort by data seed and seed, runs without one last."""
    return tuple((True, 0) if pd.isna(seed) else (False, seed) for seed in run[:2])


def _label(run: Mapping[Hashable, Any], several: bool) -> str:
    """Return a run's seed, and its data seed where there are several and they are others."""
    return f"{seed_label(run)} on data {run['data_seed']}" if several else seed_label(run)


def environments(results: Results) -> str:
    """Return one line an environment."""
    frame = results.frames["environments"]
    columns = {
        "environment": "environment",
        "device": "device",
        "device_name": "device name",
        "cpu": "CPU",
        "threads": "threads",
        "backend": "backend",
        "backend_version": "version",
        "keras": "Keras",
        "numpy": "NumPy",
        "python": "Python",
        "precision": "precision",
        "jit": "compiler",
        "variables": "variables set",
        "stack": "seeds a program",
        "stack_asked": "asked for",
        "platform": "platform",
        "git_commit": "commit",
        "n_runs": "runs",
    }
    shown = frame.astype("string").fillna("")
    known = [c for c in columns if c in shown and (shown[c] != "").any()]
    rows = [[escape(r[c]) or NONE for c in known] for _, r in shown.iterrows()]
    text = table([columns[c] for c in known], rows, text_columns=len(known))
    return f"{text}\n\n{SHARES}" if (frame["stack"] > 1).fillna(False).any() else text
