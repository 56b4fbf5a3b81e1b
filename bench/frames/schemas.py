"""What every CSV beside a report holds: its columns in order, and the type of each. Read what was written, by these.

One place for all; a library for schemas would add over half a second to every command that opens a report, and the
reading of texts and of missing values around it would still be ours.
"""

from collections.abc import Mapping
from enum import StrEnum

from bench.recipe import KINDS


class Kind(StrEnum):
    """The type of a column."""

    TEXT = "text"
    """A missing one is empty."""
    INTEGER = "integer"
    NUMBER = "number"
    FLAG = "flag"


Schema = Mapping[str, Kind]
TEXT, INTEGER, NUMBER, FLAG = Kind


def _columns(kind: Kind, *names: str) -> dict[str, Kind]:
    return dict.fromkeys(names, kind)


_KIND_OF = {bool: FLAG, int: INTEGER, float: NUMBER}
RECIPE: Schema = {name: _KIND_OF.get(kind, TEXT) for name, kind in KINDS.items()}
"""A column a field of a recipe."""

PLACE: Schema = _columns(TEXT, "case", "device", "backend")
"""A row of a table: a case on one device and backend."""
KEY: Schema = {**PLACE, **_columns(INTEGER, "data_seed", "seed")}
"""A run within one report."""

ABOUT: Schema = _columns(TEXT, "key", "text")

CASES: Schema = {
    "order": INTEGER,
    **_columns(TEXT, "case", "label", "variant_of", "task"),
    "n_planned": INTEGER,
    **_columns(TEXT, "model", "model_params", "dataset", "dataset_params", "dataset_set"),
    **_columns(TEXT, "dataset_about", "extra_about", "groups_about", "as_trained", "no_group"),
    **_columns(FLAG, "synthetic", "faulty", "trained", "leaks_target", "oracle", "batch_dependent", "baseline"),
    **_columns(INTEGER, "receptive_field", "depth"),
    **RECIPE,
}
"""A case in the suite's order; what its dataset says of itself stands in the columns that end in ``about``, and the
parameters that are not at their default in ``dataset_set``."""

TASKS: Schema = {
    **_columns(TEXT, "task", "target"),
    **_columns(INTEGER, "input_length", "features", "horizon", "classes", "vocabulary"),
    "question": TEXT,
}

TARGETS: Schema = _columns(TEXT, "task", "target", "unit")
"""A quantity that a task forecasts."""

METRICS: Schema = {
    **_columns(TEXT, "task", "metric", "heading", "direction", "scale", "axis", "unit", "at_last"),
    **_columns(FLAG, "ranks", "monitors", "shown"),
    "about": TEXT,
}
"""A metric of a task: its traits, whether it ranks there, chooses the epoch, and has a column in the leaderboard."""

FLOORS: Schema = {**_columns(TEXT, "case", "metric"), **_columns(NUMBER, "value", "chance", "solved")}
"""What theory says of a metric on a case's data: the expected ``value`` that no forecast can get below, what ``chance``
gives, and from where on the task counts as ``solved``; empty where it does not say."""

SOLVED: Schema = {
    **PLACE,
    "metric": TEXT,
    "threshold": NUMBER,
    **_columns(INTEGER, "n", "solved"),
    **_columns(NUMBER, "share_low", "share_high"),
    "reached": INTEGER,
    **_columns(NUMBER, "median_steps", "median_steps_low", "median_steps_high", "budget_steps"),
}
"""A network on a task that says from which ``threshold`` of a ``metric`` on it counts as solved: of ``n`` runs that
ended, diverged ones too, how many solve it on test, the ends of Wilson's 95 % interval of their share, how many are
there on validation after some epoch, after how many steps of the optimizer half of them are, with its 95 % interval
(empty where that is not reached), and the steps of the longest run."""

SKIPS: Schema = _columns(TEXT, "case", "label", "task", "model", "reason")
"""A case that was not run, since its model does not fit its task, or not on a backend that cannot run its model."""

TIMES = ("total_s", "train_s", "compile_s", "evaluate_s", "build_s", "data_s", "import_s", "other_s")

RUNS: Schema = {
    **KEY,
    **_columns(TEXT, "status", "reason", "task", "windows", "positions"),
    **_columns(INTEGER, "parameters", "train_windows", "epochs_run", "best_epoch"),
    "windows_per_s": NUMBER,
    "contended": FLAG,
    **_columns(NUMBER, "cpu_over_wall", *TIMES),
    **_columns(TEXT, "run_id", "environment"),
    "attempt": INTEGER,
    **_columns(TEXT, "data_digest", "data_notes", "started_at", "ended_at", "host", "git_commit"),
}
"""A run, failed ones too; ``positions`` are those that a model is scored on which leaves some out."""

SCORES: Schema = {**_columns(TEXT, "run_id", "split", "weights", "metric", "axis", "index"), "value": NUMBER}
"""One number that a metric gave; see `bench.record.Score`."""

_SCORE: Schema = _columns(TEXT, "split", "weights", "metric")

PAIRS: Schema = {
    **PLACE,
    **_columns(TEXT, "rival_case", "rival_device", "rival_backend"),
    **_SCORE,
    **_columns(NUMBER, "value", "error", "freedom", "beats"),
    "n_series": INTEGER,
}
"""Two places that answer one task or question, by a score: ``value`` is the log of the ratio of the first to its rival,
on the plain scale the difference, with its standard ``error`` over seeds and series and the ``freedom`` of Student's t;
``beats`` the probability that one more run of the first is better than one more of its rival."""

SLICES: Schema = {
    "task": TEXT,
    **_columns(TEXT, "slice", "reason"),
    "order": INTEGER,
    "label": TEXT,
    **PLACE,
    **_columns(TEXT, "metric", "weights"),
    **_columns(INTEGER, "n_windows", "n_runs"),
    **_columns(NUMBER, "value", "low", "high"),
    "best": FLAG,
    **_columns(NUMBER, "behind", "behind_low", "behind_high"),
}
"""A place's score on the windows of test whose steps have one value (``label``, number ``order``) of a ``slice``: mean
over its runs with Student's t interval over them, and how far it lies ``behind`` the best one there, a ratio or on the
plain scale a difference, with its interval over seeds and series, each pair for itself. A row with a ``reason`` says
why a task is not sliced so, and holds nothing else."""

WORST: Schema = {
    "task": TEXT,
    **_columns(INTEGER, "order", "window"),
    **_columns(TEXT, "first", "target", "unit"),
    **PLACE,
    **_columns(TEXT, "metric", "weights", "part"),
    "step": INTEGER,
    "value": NUMBER,
}
"""The windows of test that the leader forecasts worst, worst first: ``part`` is input, truth, or of a place forecast
(the mean over its runs), least, most, or error, which is the metric there; ``step`` is 1 for the
first that is forecast, 0 for the last of the input; ``first`` is the time of step 1 where there are dates."""

SOURCES: Schema = {
    **PLACE,
    **_SCORE,
    **_columns(INTEGER, "n_runs", "n_series"),
    "joint": FLAG,
    **_columns(NUMBER, "seen", "epochs", "seeds", "test_set"),
}
"""Variances of one run's score on the working scale: as ``seen`` over the runs, of which the others are parts, but for
``test_set`` where all runs share theirs; noise from epoch to epoch, seeds beyond it (and the draw of the
data, where ``joint``; and epochs, where those are empty), and the finite test set."""

CURVES: Schema = {"run_id": TEXT, "epoch": INTEGER, "split": TEXT, "metric": TEXT, "value": NUMBER}
"""One number of one epoch: the training loss, each metric of the validation split, and the epoch's seconds."""

FORECASTS: Schema = {"run_id": TEXT, "window": INTEGER, "part": TEXT, "step": INTEGER, "value": NUMBER}
"""A value of a few windows; ``part`` is input, truth or forecast, ``step`` counts from the window's first."""

RETRIES: Schema = {**KEY, "attempt": INTEGER, **_columns(TEXT, "status", "reason", "run_id", "ended_at")}
"""An attempt that gave no result, of a run that was tried again."""

ENVIRONMENTS: Schema = {
    "environment": TEXT,
    "n_runs": INTEGER,
    **_columns(TEXT, "python", "numpy", "keras", "backend", "backend_version", "device", "device_name", "cpu"),
    "threads": INTEGER,
    **_columns(TEXT, "precision", "jit", "host", "platform", "bench_version", "git_commit", "variables"),
    **_columns(INTEGER, "stack", "stack_asked"),
}

_TIMED: Schema = {
    f"{kind}_{name}": of
    for kind in ("train", "infer")
    for name, of in (
        ("windows_per_s", NUMBER),
        ("low", NUMBER),
        ("high", NUMBER),
        ("rounds", INTEGER),
        ("contended", INTEGER),
        ("drift", NUMBER),
        ("drift_p", NUMBER),
        ("j_per_window", NUMBER),
    )
}

MEASUREMENTS: Schema = {
    **PLACE,
    **_columns(TEXT, "environment", "task", "status", "reason"),
    **_columns(INTEGER, "processes", "batch_size"),
    **_TIMED,
    **_columns(NUMBER, "train_steps_per_s", "latency_p50_s", "latency_p99_s"),
    **_columns(INTEGER, "latency_calls", "latency_contended"),
    **_columns(NUMBER, "build_s", "compile_s"),
    **_columns(INTEGER, "peak_memory_bytes", "base_memory_bytes", "parameters", "model_bytes"),
    **_columns(INTEGER, "compilations_in_clock", "evaluations_in_clock", "data_seed"),
    "measure_id": TEXT,
    **_columns(TEXT, "started_at", "ended_at", "host", "git_commit"),
}
"""A case that was measured alone, in so many ``processes``: ``train_windows_per_s`` is the geometric mean of their
median rounds, between the ends of Student's t interval over their logs; ``train_rounds`` how many rounds counted,
``train_contended`` how many were repeated, ``train_drift`` the change from a process's first round to its last,
``train_j_per_window`` the joules of all counted rounds over their windows, where the machine tells them."""

ROUNDS: Schema = {
    **PLACE,
    **_columns(TEXT, "environment", "kind"),
    **_columns(INTEGER, "process", "round"),
    **_columns(FLAG, "warm_up", "contended"),
    "n_windows": INTEGER,
    **_columns(NUMBER, "wall_s", "cpu_s", "energy_j"),
    **_columns(INTEGER, "compilations", "evaluations"),
}
"""A round of a measurement, warm-ups and contended ones too; ``process`` is the attempt in its record's name."""

TIDY: Schema = {
    **_columns(TEXT, "suite", "case", "task", "dataset", "model"),
    **_columns(INTEGER, "seed", "data_seed"),
    **_columns(TEXT, "device", "backend", "split", "weights", "metric"),
    "epoch": INTEGER,
    **_columns(TEXT, "axis", "index"),
    "value": NUMBER,
    **_columns(TEXT, "status", "run_id", "environment"),
    "attempt": INTEGER,
}
"""The long table for exports, every number a row."""
