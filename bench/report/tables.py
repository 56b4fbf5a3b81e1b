"""The tables of a report, from its rows to Markdown; no number is made here that `stats` could make."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from bench import stats, timing
from bench.report.groups import group_tables
from bench.report.markdown import (
    NONE,
    effect,
    escape,
    factor,
    percent,
    ranged,
    score,
    slug,
    table,
    thousands,
)
from bench.report.sections.base import made_sections
from bench.report.summary import (
    EVERY_STEP,
    ODD,
    Ground,
    Results,
    Row,
    fallen,
    marks,
    odd_positions,
    recipe_difference,
    recipe_word,
    usual_recipe,
)


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

    def markdown(self, level: int = 2, above: str = "") -> str:
        """Return heading, a paragraph ``above`` the table, table and notes."""
        notes = "".join(f"\n{note}\n" for note in self.notes)
        above = f"{above}\n\n" if above else ""
        return f"{'#' * level} {self.heading}\n\n{above}{self.body}\n{notes}"


def all_tables(results: Results) -> dict[str, Table]:
    """Return every table of a report by its key, numbered in reading order."""
    made: list[tuple[str, str, str, list[str]]] = []
    for ground in results.grounds:
        made.append((ground.key, escape(ground.title), *ground_table(ground)))
        if ground.is_label:
            made += [(f"{ground.key}_by_{g}", t, b, n) for g, t, b, n in group_tables(results, ground)]
    made += made_sections(results)
    return {key: Table(key, i, title, body, notes) for i, (key, title, body, notes) in enumerate(made, start=1)}


def ground_table(ground: Ground) -> tuple[str, list[str]]:
    """Return the table of one task, or of one question over several tasks, and its notes."""
    columns = _columns(ground)
    ranked = [r.name for r in ground.ranked]
    usual = usual_recipe(ground.rows)
    rows = []
    for row in ground.rows:
        rank = str(ranked.index(row.name) + 1) if row.name in ranked else NONE
        cells = [make(row) for make in columns.values()]
        rows.append([rank, escape(row.name) + marks(row, ground), *cells, recipe_difference(row, usual)])
    body = table(["rank", "model", *columns, "recipe"], rows, text_columns=2, text_last=True)
    return body, _notes(ground, usual)


Column = Callable[[Row], str]
WIDE = 0.1
"""A standard deviation of accuracy over which a mean would hide what the seeds did."""


def _columns(ground: Ground) -> dict[str, Column]:
    return _label_columns(ground) if ground.is_label else _error_columns(ground)


def _shares(ground: Ground) -> list[str]:
    names = ["valid", "test", *ground.extra] if ground.is_label else []
    return [f"{name}_accuracy" for name in names]


def _error_columns(ground: Ground) -> dict[str, Column]:
    every = any(r.info["target"] == EVERY_STEP for r in ground.rows)
    column = ground.column
    test = column.replace("valid", "test")
    baseline = ground.baseline
    base = baseline.mean(column) if baseline else float("nan")

    def gain(row: Row) -> str:
        # The baseline forecasts without seeing its targets, and is scored on every position.
        fair = len(row.seeds(column)) and not row.peeks and (ground.common or not row.partial)
        value = stats.skill(row.mean(column), base) if fair else None
        return NONE if value is None else f"{value:.3f}"

    def floors(row: Row) -> str:
        value = None if row.peeks else stats.multiple_of_floor(row.mean(column), ground.floor)
        return NONE if value is None or np.isnan(value) else f"{value:.2f}"

    columns: dict[str, Column] = {"parameters": _parameters}
    columns["last-step MSE" if ground.common else "valid MSE"] = lambda row: ranged(row.interval(column))
    columns["group"] = lambda row: ground.letters.get(row.name) or NONE
    columns["× leader"] = lambda row: effect(ground.ratio(row)) if row.name in ground.letters else NONE
    if every and not ground.common:
        columns["last-step MSE"] = _mean("valid_last_time_step_mse")
        columns["MSE on 3::2"] = _mean(ODD)
    columns["runs"] = n_of_planned
    name = "test last-step MSE" if ground.common else "test MSE"
    columns[name] = _mean(test)
    columns[f"{name}, best epoch"] = _mean(f"{test}_best")
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
        return lambda row: _accuracy(row, column)

    columns: dict[str, Column] = {
        "parameters": _parameters,
        "valid accuracy": accuracy("valid_accuracy"),
        "group": lambda row: ground.letters.get(row.name) or NONE,
        "less leader, points": lambda row: effect(ground.ratio(row), points=True),
        "runs": n_of_planned,
    }
    columns["test accuracy"] = accuracy("test_accuracy")
    columns["test, best epoch"] = accuracy("test_accuracy_best")
    for name in ground.extra:
        columns[escape(name.replace("_", " ") + " accuracy")] = accuracy(f"{name}_accuracy")
    columns["valid cross entropy"] = _arithmetic("valid_cross_entropy")
    columns["windows/s"] = windows_per_s
    return columns


def _accuracy(row: Row, column: str) -> str:
    """Return the mean with its interval; each seed instead where they deviate widely, or one is stuck."""
    if row.trained and _scattered(row, column):
        return ", ".join(f"{100 * v:.1f}" for v in row.seeds(column)) + " %"
    return percent(row.interval(column), exact=not row.trained)


def _scattered(row: Row, column: str) -> bool:
    """Return whether a mean of accuracies, and an interval about it, would describe no seed."""
    values = row.seeds(column)
    return (row.deviation(column) or 0) > WIDE or fallen(values) > 0


def _mean(column: str) -> Column:
    return lambda row: score(row.mean(column))


def _arithmetic(column: str) -> Column:
    """Return a column of means that stuck seeds show in."""

    def cell(row: Row) -> str:
        summary = stats.summarise(row.seeds(column))
        return score(summary.mean if summary else None)

    return cell


def _parameters(row: Row) -> str:
    return NONE if row.parameters is None else f"{row.parameters:,.0f}"


def n_of_planned(row: Row) -> str:
    """Return how many runs the row's numbers come from, of how many planned."""
    return f"{len(row.done)} of {row.info['n_planned']}" + ("" if row.trained else ", exact")


def windows_per_s(row: Row) -> str:
    """Return the row's median training throughput, marked where it was not measured alone or never settled."""
    if not len(row.speeds):
        return NONE
    mark = " (c)" if row.contended else " (u)" if row.unstable else ""
    return thousands(float(np.median(row.speeds))) + mark


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
    if any(r.oracle for r in ground.rows):
        notes.append("§ Knows how its data were made: a reference that can be reached, neither ranked nor the optimum.")
    if any(r.partial for r in ground.rows) and not ground.common:
        notes.append(
            f"‡ Scored on positions {odd_positions(ground.rows)} alone, the easier ones: not ranked, compare it in "
            "column *MSE on 3::2*."
        )
    if "MSE on 3::2" in _columns(ground):
        notes.append(
            f"*MSE on 3::2* covers positions {odd_positions(ground.rows)} of the window alone, counted from 0."
        )
    if any("(c)" in windows_per_s(r) for r in ground.rows):
        notes.append(
            "(c) Every run was contended: CPU time under 98 % of wall time in training, or unknown, as on a GPU."
        )
    if any("(u)" in windows_per_s(r) for r in ground.rows):
        notes.append(
            "(u) Measured alone, but its rounds never settled: the median is uncertain by "
            f"{100 * timing.WIDEST:g} % or more."
        )
    if any(_scattered(r, c) for r in ground.rows for c in _shares(ground) if r.trained):
        notes.append(
            "Where accuracies have a standard deviation over ten points, or a seed is stuck, each seed's stands "
            "instead of a mean, in order of seed; a 95 % interval from such seeds holds the mean less often than that."
        )
    ranking = "validation accuracy" if ground.is_label else "last-time-step MSE" if ground.common else "MSE"
    what = f"validation {ranking}" if not ground.is_label else ranking
    mean = "arithmetic" if ground.is_label else "geometric"
    over = "data seeds" if any(r.done["data_seed"].nunique() > 1 for r in ground.rows) else "seeds of one data set"
    notes.append(
        f"Ranked by {what} after the last epoch; {mean} mean [95 % interval] over {over}. Two models share a letter of "
        "*group* exactly where these seeds cannot tell them apart."
    )
    notes += [text for text in (separation(ground), agreed(ground)) if text]
    return notes


def separation(ground: Ground) -> str:
    """Return what these seeds cannot separate, and how many would; empty where the first two are told apart."""
    trained = [r.name for r in ground.ranked if r.trained]
    if len(trained) < 2 or ground.spreads < 2:
        return ""
    text = ""
    if not any(pair <= set(trained) for pair in ground.apart):
        text = "**This data set and these seeds separate no two trained models.** "
    if ground.rivals is None:
        return text.strip()
    first, second = ground.rivals
    needed = ground.seeds_needed()
    gap = stats.ratio(second.sample(ground.column), first.sample(ground.column), log=not ground.is_label)
    if gap is None or gap.low is None:
        return text.strip()
    seeds = f"{needed:,} seeds" if needed else "over 10,000 seeds"
    seen, where = f"× {factor(gap.value)}", "interval of *× leader*"
    if ground.is_label:
        seen, where = f"{100 * gap.value:.2f} points", "interval of *less leader, points*"
    if first is not ground.ranked[0]:  # that column is about another pair
        seen, where = effect(gap, points=ground.is_label), "interval"
    return (
        f"{text}Were the true difference the one seen here ({seen}), {seeds} each would tell {escape(second.name)} "
        f"from {escape(first.name)} with 80 % power; the truth may lie elsewhere in its 95 % {where}."
    )


def agreed(ground: Ground) -> str:
    """Return in a sentence how far the seeds agree on the order of the trained models."""
    found = ground.agreement
    if found is None:
        return ""
    words = "hardly" if found.w < 0.3 else "partly" if found.w < 0.7 else "largely" if found.w < 0.9 else "closely"
    chance = "; such agreement may be chance" if found.p_value >= 0.05 else ""
    p = "p < 0.001" if found.p_value < 0.001 else f"p = {found.p_value:.2g}"
    return (
        f"The seeds {words} agree on the order of {found.n_models} trained models: Kendall's W = {found.w:.2f} "
        f"({found.n_seeds} seeds, {p}){chance}."
    )
