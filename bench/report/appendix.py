"""What stands last in a report: environments and run ids."""

from collections.abc import Hashable, Mapping
from typing import Any

from bench.report.markdown import NONE, escape, seed_label, table
from bench.report.results import Results
from bench.text.markdown import code


def run_ids(results: Results) -> str:
    """Return the record behind every table row: case, seeds and run ids."""
    rows = []
    for row in results.rows:
        runs = row.runs[["data_seed", "seed", "run_id"]].sort_values(["data_seed", "seed"])
        own = (runs["seed"] == runs["data_seed"]).fillna(False).all()
        several = runs["data_seed"].nunique() > 1 and not own
        ids = [f"{_label(run, several)}: `{run['run_id']}`" for run in runs.to_dict("records")]
        rows.append([escape(row.name), code(row.case, cell=True), escape(row.device), ", ".join(ids)])
    return table(["model", "case", "device", "seed: run id"], rows, text_columns=4)


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
    return table([columns[c] for c in known], rows, text_columns=len(known))
