"""Reproduction: each value that the source printed, beside what our seeds give."""

from dataclasses import dataclass, replace

import numpy as np

from bench import stats
from bench.report.markdown import NONE, count, escape, factor, score, table
from bench.report.rows import independent
from bench.report.sections.base import section
from bench.report.sections.errata import CORRECTED, PRINTED
from bench.report.sections.training_order import run_curves
from bench.report.summary import LAST, Ground, Results, Row

COLUMNS = {"valid_mse": "valid MSE", LAST: "last-step MSE"}
"""Columns of ``runs.csv`` that a source may print a value of, in words."""


@dataclass(frozen=True)
class PublishedValue:
    """A printed value and the scores of ours that it is held against.

    Attributes:
        row: The case on one device and backend.
        ground: Its task's.
        column: Of `COLUMNS`.
        judgement: None where one seed has no spread to hold the value against.
    """

    row: Row
    ground: Ground
    column: str
    printed: float
    sample: stats.Sample
    judgement: stats.Judgement | None = None

    @property
    def key(self) -> str:
        """What tells it from every other value of a report."""
        return f"{self.row.case} {self.row.device} {self.row.backend} {self.column}"

    @property
    def last(self) -> bool:
        """True for the MSE of the last time step."""
        return self.column == LAST

    @property
    def ours(self) -> float | None:
        """Our geometric mean; an exact score as it is."""
        return stats.geometric_mean(self.sample.values)

    @property
    def verdict(self) -> str:
        """``matches`` or ``differs`` of an exact score; ``inside``, ``misses`` or ``outside`` of seeds; else empty."""
        j = self.judgement
        if j is None:
            return ""
        if j.exact:
            return "differs" if j.outside else "matches"
        return "outside" if j.outside else "misses" if j.missed else "inside"

    @property
    def off(self) -> bool:
        """Whether there is something to explain."""
        return self.verdict in ("differs", "misses", "outside")


def published_values(results: Results) -> list[PublishedValue]:
    """Return every printed value that we have a score for, judged together, in the order of the tasks' tables."""
    found: list[PublishedValue] = []
    for ground in results.tasks:
        for row in ground.rows:
            for column in COLUMNS:
                value = row.info[f"published_{column}"]
                if np.isfinite(value) and len(row.seeds(column)):
                    found.append(PublishedValue(row, ground, column, float(value), row.sample(column)))
    judged = stats.judge_published({v.key: v.printed for v in found}, {v.key: v.sample for v in found})
    return [replace(value, judgement=judged.get(value.key)) for value in found]


def printed_text(value: float) -> str:
    """Return a printed value with the decimals that it has in ``cases.csv``."""
    return f"{value:.{max(0, round(-np.log10(stats.last_digit(value))))}f}"


def curve_epochs(results: Results, value: PublishedValue) -> tuple[int, int] | None:
    """Return in how many epochs the printed curve leaves ours, and in how many the two were compared; None for none."""
    frame, name = results.frames["published"], str(value.row.info["curve"])
    if not name or value.column not in frame or not value.row.trained:
        return None
    printed = frame[frame["curve"] == name].set_index("epoch")[value.column].astype("float64")
    runs = run_curves(results, value.row, value.column)
    if printed.empty or runs.empty:
        return None
    epochs = range(1, int(max(printed.index.max(), runs.columns.max())) + 1)
    scores = [independent(runs[e]) if e in runs else np.array([]) for e in epochs]
    ours = np.full((max(len(s) for s in scores), len(scores)), np.nan)
    for place, known in enumerate(scores):
        ours[: len(known), place] = known
    outside, compared = stats.curve_outside(printed.reindex(epochs).to_numpy(), ours)
    return (outside, compared) if compared else None


def faults(results: Results, value: PublishedValue) -> list[str]:
    """Return the faults of the source that a value's case carries as printed, or that it lacks."""
    errata = results.frames["errata"]
    found = []
    for _, erratum in errata[errata["case"] == value.row.case].sort_values("number", kind="stable").iterrows():
        variant = str(erratum["variant"])
        verb = "lacks" if variant == CORRECTED else "keeps" if variant.startswith(PRINTED) else ""
        if verb:
            found.append(f"{verb} erratum no. {erratum['number']}: {escape(erratum['fault'])}")
    return found


@section("reproduction", "Reproduction: printed values beside ours", order=20)
def reproduction_table(results: Results) -> tuple[str, list[str]] | None:
    """Return every printed value with our mean, its prediction interval and a verdict."""
    values = sorted(published_values(results), key=lambda v: int(v.row.info["order"]))
    if not values:
        return None
    shared = _shared_note(values)
    lines = []
    for value in values:
        reasons = []
        if value.off:
            own = escape(value.row.info["note"])
            reasons = ([own] if own and own != shared else []) + faults(results, value)
        lines.append([*_cells(results, value), "; ".join(reasons)])
    headers = ["model", "task", "value", "printed", "ours", "95 % prediction interval", "p", "verdict"]
    headers += ["printed ÷ ours", "epochs outside"]
    if any(line[-1] for line in lines):
        lines = [[*line[:-1], line[-1] or NONE] for line in lines]
        body = table([*headers, "what may explain it"], lines, text_columns=3, text_last=True)
    else:
        body = table(headers, [line[:-1] for line in lines], text_columns=3)
    return body, _notes(results, values, shared)


def _cells(results: Results, value: PublishedValue) -> list[str]:
    j, ours = value.judgement, value.ours
    seeded = j is not None and not j.exact
    bounds = f"{score(j.low)} to {score(j.high)}" if j is not None and seeded else NONE
    outside = curve_epochs(results, value)
    return [
        escape(value.row.name),
        escape(value.ground.title),
        COLUMNS[value.column],
        printed_text(value.printed),
        score(ours) + (", exact" if value.sample.exact else ""),
        bounds,
        _p(j.p_value) if j is not None else NONE,
        value.verdict or NONE,
        factor(value.printed / ours) if ours else NONE,
        f"{outside[0]} of {outside[1]}" if outside else NONE,
    ]


def _shared_note(values: list[PublishedValue]) -> str:
    """Return the note of the values that are off, where they all have one and the same; else nothing."""
    notes = {escape(v.row.info["note"]) for v in values if v.off}
    return notes.pop() if len(notes) == 1 else ""


def _notes(results: Results, values: list[PublishedValue], shared: str) -> list[str]:
    notes = []
    judged = {v.key: v.judgement for v in values if v.judgement is not None}
    seeded = [j for j in judged.values() if not j.exact]
    if seeded:
        notes.append(
            "The interval is where one more seed of ours would end in 95 % of cases: exp(m ± t·s·√(1 + 1/n)) from mean "
            "m and standard deviation s of the logs of n seeds' scores. p allows for the rounding of the printed "
            f"digits. *Misses*: p is below 0.05. *Outside*: also after Holm's correction over all {len(seeded)} values "
            "that seeds are held to. Where both sides of a value are exact it *matches* or *differs*, beyond rounding."
        )
        missed = sum(j.missed for j in seeded)
        notes.append(
            f"Of {count(len(seeded), 'value')} held against seeds {missed or 'none'} "
            f"{'misses' if missed < 2 else 'miss'} the uncorrected interval; by chance alone "
            f"{stats.expected_misses(judged):.2g} would. A model's two values come from the same runs, so they tend to "
            "miss together."
        )
    elif any(j.exact for j in judged.values()):
        notes.append("An exact value *matches* where it differs from the printed one by no more than rounding.")
    if any(curve_epochs(results, v) for v in values):
        notes.append(
            "*Epochs outside*: epochs of the printed learning curve outside the interval of that epoch alone. The "
            "epochs of a curve go together (a seed that is off is off in many), so their number is no test."
        )
    if any(v.judgement is None for v in values):
        notes.append("– as verdict: one seed has no spread to hold a printed value against.")
    if shared:
        notes.append(f"What may explain each value that is off: {shared}.")
    notes += [text for text in [_without_score(results, values)] if text]
    return notes


def _without_score(results: Results, values: list[PublishedValue]) -> str:
    """Return how many printed values no run of ours has a score for; empty where there is none."""
    cases = results.frames["cases"]
    known = {(v.row.case, v.column) for v in values}
    there = [(case, c) for c in COLUMNS for case in cases[cases[f"published_{c}"].notna()]["case"]]
    lacking = len(set(there) - known)
    verb = "has" if lacking == 1 else "have"
    return f"{count(lacking, 'printed value')} {verb} no score of ours yet." if lacking else ""


def _p(p_value: float | None) -> str:
    if p_value is None:
        return NONE
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}" if p_value < 0.1 else f"{p_value:.2f}"
