"""The tables of a report, from its rows to Markdown; no number is made here that `stats` could make."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from bench import stats
from bench.report.appendix import errata_table, failures_table, floors_table, throughput_table
from bench.report.markdown import (
    NONE,
    escape,
    percent,
    slug,
    spread,
    table,
    thousands,
)
from bench.report.summary import EVERY_STEP, Ground, Results, Row, marks, recipe_difference, recipe_word, usual_recipe


@dataclass(frozen=True)
class Table:
    """A numbered table with notes under it; ``key`` is what findings name it by."""

    key: str
    number: int
    title: str
    body: str
    notes: list[str] = field(default_factory=list)

    @property
    def heading(self) -> str:
        """Its heading, with its number."""
        return f"Table {self.number}. {self.title}"

    @property
    def link(self) -> str:
        """A link to it for running text."""
        return f"[Table {self.number}](#{slug(self.heading)})"

    def markdown(self, level: int = 2) -> str:
        """Return heading, table and notes."""
        notes = "".join(f"\n{note}\n" for note in self.notes)
        return f"{'#' * level} {self.heading}\n\n{self.body}\n{notes}"


def all_tables(results: Results) -> dict[str, Table]:
    """Return every table of a report by its key, numbered in reading order."""
    made: list[tuple[str, str, str, list[str]]] = []
    for ground in results.grounds:
        made.append((ground.key, escape(ground.title), *ground_table(ground)))
        if ground.is_label:
            made += [(f"{ground.key}_by_{g}", t, b, n) for g, t, b, n in group_tables(results, ground)]
    if results.commons or any(g.floor for g in results.tasks):
        made.append(("floors", "Floors and baselines", *floors_table(results)))
    if len(results.frames["errata"]):
        made.append(("errata", "Errata: what each fault of the source cost", *errata_table(results)))
    made.append(("throughput", "Throughput", *throughput_table(results)))
    made.append(("failures", "Runs without a result", *failures_table(results)))
    return {key: Table(key, i, title, body, notes) for i, (key, title, body, notes) in enumerate(made, start=1)}


def ground_table(ground: Ground) -> tuple[str, list[str]]:
    """Return the table of one task, or of one question over several tasks, and its notes."""
    columns = _label_columns(ground) if ground.is_label else _error_columns(ground)
    ranked = [r.name for r in ground.ranked]
    usual = usual_recipe(ground.rows)
    rows = []
    for row in ground.rows:
        rank = str(ranked.index(row.name) + 1) if row.name in ranked else NONE
        cells = [make(row) for make in columns.values()]
        rows.append([rank, escape(row.name) + marks(row, ground), *cells, recipe_difference(row, usual)])
    body = table(["", "model", *columns, "recipe"], rows, text_columns=2, text_last=True)
    return body, _notes(ground, usual)


Column = Callable[[Row], str]


def _error_columns(ground: Ground) -> dict[str, Column]:
    every = any(r.info["target"] == EVERY_STEP for r in ground.rows)
    column = ground.column
    test = column.replace("valid", "test")
    baseline = ground.baseline
    base = baseline.mean(column) if baseline else float("nan")

    def gain(row: Row) -> str:
        value = stats.skill(row.mean(column), base) if len(row.seeds(column)) else None
        return NONE if value is None else f"{value:.3f}"

    def floors(row: Row) -> str:
        value = stats.multiple_of_floor(row.mean(column), ground.floor)
        return NONE if value is None or np.isnan(value) else f"{value:.2f}"

    columns: dict[str, Column] = {"parameters": _parameters}
    columns["last-step MSE" if ground.common else "valid MSE"] = _spread(column)
    if every and not ground.common:
        columns["last-step MSE"] = _spread("valid_last_time_step_mse")
        columns["MSE on 3::2"] = _spread("valid_mse_odd_positions")
    columns["runs"] = n_of_planned
    name = "test last-step MSE" if ground.common else "test MSE"
    columns[name] = _spread(test)
    columns[f"{name}, best epoch"] = _spread(f"{test}_best")
    if baseline:
        columns["skill"] = gain
    if ground.floor:
        columns["× floor"] = floors
    columns["windows/s"] = windows_per_s
    for name, last in (("printed MSE", False), ("printed last-step", True)):
        wanted = last if ground.common else every or not last
        if wanted and any(r.published(last) is not None for r in ground.rows):
            columns[name] = partial(_printed, last=last)
    return columns


def _label_columns(ground: Ground) -> dict[str, Column]:
    def accuracy(column: str) -> Column:
        return lambda row: percent(row.summary(column), exact=not row.trained)

    names = [str(c) for c in ground.rows[0].runs if str(c).endswith("_accuracy")]
    extra = [n for n in names if not n.startswith(("valid", "test")) and any(len(r.seeds(n)) for r in ground.rows)]
    columns: dict[str, Column] = {
        "parameters": _parameters,
        "valid accuracy": accuracy("valid_accuracy"),
        "runs": n_of_planned,
    }
    columns["test accuracy"] = accuracy("test_accuracy")
    columns["test, best epoch"] = accuracy("test_accuracy_best")
    for name in extra:
        columns[escape(name.removesuffix("_accuracy").replace("_", " ") + " accuracy")] = accuracy(name)
    columns["valid cross entropy"] = _spread("valid_cross_entropy")
    columns["windows/s"] = windows_per_s
    return columns


def _spread(column: str) -> Column:
    return lambda row: spread(row.summary(column), exact=not row.trained)


def _parameters(row: Row) -> str:
    values = row.seeds("parameters")
    return f"{values[0]:,.0f}" if len(values) else NONE


def n_of_planned(row: Row) -> str:
    """Return how many runs the row's numbers come from, of how many planned."""
    return f"{len(row.done)} of {row.info['n_planned']}" + ("" if row.trained else ", exact")


def windows_per_s(row: Row) -> str:
    """Return the row's median training throughput, marked where a run shared its core."""
    values = row.seeds("windows_per_s")
    if not row.trained or not len(values):
        return NONE
    return thousands(float(np.median(values))) + (" (c)" if row.contended() else "")


def _printed(row: Row, last: bool) -> str:
    value = row.published(last)
    if value is None:
        return NONE
    return f"{value:.{max(4, min(6, round(-np.log10(stats.last_digit(value)))))}f}"


def _notes(ground: Ground, usual: dict[str, str]) -> list[str]:
    notes = []
    if usual:
        words = ", ".join(f"{recipe_word(k)} {escape(v)}" for k, v in usual.items())
        differ = [r for r in ground.rows if r.trained and recipe_difference(r, usual) != "usual"]
        tail = (
            "the last column shows what differs, besides the architecture and its number of parameters"
            if differ
            else "all trained rows share it, so that they differ in architecture and number of parameters alone"
        )
        notes.append(f"Usual recipe: {words}; {tail}.")
    if any(r.peeks for r in ground.rows):
        notes.append("† Sees its targets: shown for what was printed, not ranked.")
    if any(r.partial for r in ground.rows) and not ground.common:
        notes.append("‡ Scored on positions 3, 5, … alone, the easier ones: compare it in column *MSE on 3::2*.")
    if any("(c)" in windows_per_s(r) for r in ground.rows):
        notes.append("(c) Contended: the worker did not have its core to itself.")
    ranking = "validation accuracy" if ground.is_label else "last-time-step MSE" if ground.common else "MSE"
    what = f"validation {ranking}" if not ground.is_label else ranking
    notes.append(f"Ranked by {what} after the last epoch; mean ± standard deviation over runs.")
    return notes


def group_tables(results: Results, ground: Ground) -> list[tuple[str, str, str, list[str]]]:
    """Return accuracy by each group of the test windows: a line a value, a column a model."""
    groups = results.frames["groups"]
    mine = groups[groups["case"].isin([r.case for r in ground.rows]) & (groups["split"] == "test")]
    made = []
    for group in dict.fromkeys(mine["group"]):
        part = mine[mine["group"] == group]
        rows = [r for r in ground.rows if r.case in set(part["case"])]
        lines = []
        for value in sorted(part["group_value"].unique()):
            line = [f"{value:g}"]
            for row in rows:
                own = part[(part["case"] == row.case) & (part["device"] == row.device)]
                own = own[(own["group_value"] == value) & (own["backend"] == row.backend)]
                line.append(f"{100 * own['accuracy'].mean():.1f} %" if len(own) else NONE)
            lines.append(line)
        name = escape(str(group).replace("_", " "))
        body = table([name, *(escape(r.name) for r in rows)], lines)
        title = f"{escape(ground.title)}: test accuracy by {name}"
        made.append((str(group), title, body, ["Mean over runs, last epoch. Negative values: not corrupted."]))
    return [(g, t, b, n if "position" in g else ["Mean over runs, last epoch."]) for g, t, b, n in made]
