"""Frames as CSVs beside a report: one type for every column name, so that what is read equals what was written.

Six significant digits are kept.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from bench.errors import BenchError

Frames = dict[str, pd.DataFrame]

TEXT = frozenset(
    {
        "backend", "backend_version", "bench_version", "case", "cpu", "curve", "data_digest", "dataset",
        "dataset_about", "dataset_params", "device", "device_name", "ended_at", "environment",
        "extra_about", "fault", "git_commit", "group", "groups_about", "host", "jit", "keras", "key", "kind",
        "label", "loss", "measure_id", "metric", "model", "model_params", "no_group", "note", "numpy", "optimizer",
        "part", "platform", "precision", "python", "question", "reason", "run_id", "source", "split",
        "started_at", "status", "suite", "target", "task", "text", "variant", "variant_of", "weights", "windows",
    }
)  # fmt: skip
INTEGER = frozenset(
    {
        "attempt", "base_memory_bytes", "batch_size", "best_epoch", "compilations", "compilations_in_clock",
        "data_seed", "early_stopping_epochs", "epoch", "epochs", "epochs_run", "evaluations",
        "evaluations_in_clock", "features", "horizon", "infer_contended", "infer_rounds", "input_length",
        "latency_calls", "model_bytes", "n_planned", "n_runs", "n_windows", "number", "order", "parameters",
        "peak_memory_bytes", "round", "seed", "step", "threads", "train_contended", "train_rounds", "train_windows",
        "window",
    }
)  # fmt: skip
BOOLEAN = frozenset(
    {
        "baseline", "batch_dependent", "contended", "oracle", "peeks", "settled", "trained", "warm_up",
    }
)  # fmt: skip
FRAMES = (
    "about", "cases", "errata", "runs", "curves", "forecasts", "groups", "environments", "published", "measurements",
    "retries", "rounds",
)  # fmt: skip


def typed(rows: Iterable[Mapping[str, Any]], columns: Iterable[str] = ()) -> pd.DataFrame:
    """Return rows as a frame in which each column has its own type; ``columns`` are there even where empty."""
    return with_types(pd.DataFrame(list(rows)), columns)


def with_types(frame: pd.DataFrame, columns: Iterable[str] = ()) -> pd.DataFrame:
    """Return ``frame`` with text, nullable integer, nullable boolean and float columns, by their names."""
    wanted = list(dict.fromkeys([*columns, *frame.columns]))
    made = {}
    for name in wanted:
        values = frame[name] if name in frame else pd.Series([None] * len(frame), dtype=object)
        if name in TEXT:
            made[name] = values.astype("string").fillna("")
        elif name in INTEGER:
            made[name] = pd.to_numeric(values).astype("Int64")
        elif name in BOOLEAN:
            made[name] = values.map(_boolean).astype("boolean")
        else:
            made[name] = pd.to_numeric(values).astype("float64")
    return pd.DataFrame(made, columns=wanted)


def write_frames(folder: Path, frames: Frames) -> None:
    """Write each frame as ``<name>.csv`` with six significant digits, each file whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        new = folder / f".{name}.csv.new"
        try:
            frame.to_csv(new, index=False, float_format="%.6g", lineterminator="\n")
            new.replace(folder / f"{name}.csv")
        finally:
            new.unlink(missing_ok=True)


def read_frames(folder: Path) -> Frames:
    """Read what `write_frames` wrote, with the same types.

    Raises:
        BenchError: A file is missing or is no such table.
    """
    frames = {}
    for name in FRAMES:
        path = folder / f"{name}.csv"
        try:
            raw = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
            frames[name] = with_types(raw)
        except (OSError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise BenchError(f"cannot read {path} ({reason}); run bench report to write it again") from None
    return frames


def _boolean(value: Any) -> bool | None:
    return None if pd.isna(value) else str(value) == "True"
