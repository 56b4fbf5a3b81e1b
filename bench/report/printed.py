"""The values and curves that the source printed, as data, and what our seeds say of them."""

import math
from dataclasses import dataclass, replace

import pandas as pd

from bench import stats
from bench.frames.scores import Key
from bench.metrics.traits import Traits
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import HUGE, TINY
from bench.report.results import Results
from bench.report.rows import Row
from bench.report.sections.training_order import run_curves
from bench.task import TargetKind


@dataclass(frozen=True)
class PrintedValue:
    """A printed value and the scores of ours that it is held against.

    Attributes:
        row: The case on one device and backend.
        board: Its task's.
        metric: Traits of what was printed.
        score: Which score of ours it is held to.
        printed: The value.
        note: A fact about the source that can make it differ from ours; empty for none.
        sample: Our scores.
        judgement: None where one seed has no spread to hold the value against.
    """

    row: Row
    board: Leaderboard
    metric: Traits
    score: Key
    printed: float
    note: str
    sample: stats.Sample
    judgement: stats.Judgement | None = None

    @property
    def key(self) -> str:
        """What tells it from every other value of a report."""
        return " ".join((*self.row.place, self.metric.name, *(self.score.split, self.score.weights) * self.elsewhere))

    @property
    def elsewhere(self) -> bool:
        """Whether it is of anything but validation after the last epoch."""
        return self.score != Key(self.metric.name)

    @property
    def last(self) -> bool:
        """True for the error of the last position alone."""
        return self.metric.name == self.metric.at_last

    @property
    def ours(self) -> float | None:
        """Our geometric mean, of shares the arithmetic one; an exact score as it is."""
        found = stats.interval(self.sample.values, log=not self.metric.share)
        return found.centre if found else None

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


def final_values(results: Results) -> pd.DataFrame:
    """Return the printed values that cases stand for, without those of single epochs."""
    frame = results.frames["published"]
    return frame[frame["epoch"].isna() & (frame["why"] == "")]


def left_out(results: Results) -> pd.DataFrame:
    """Return the printed values that nothing here is held to, each with the reason."""
    frame = results.frames["published"]
    return frame[frame["why"] != ""]


def printed_values(results: Results) -> list[PrintedValue]:
    """Return every printed value that we have a score for, judged together, in the order of the tasks' tables."""
    finals, found = final_values(results), []
    for board in results.tasks:
        for row in results.of(board) if len(finals) else ():
            for _, each in finals[finals["case"] == row.case].iterrows():
                key = Key(each["metric"], each["split"] or "valid", each["weights"] or "last")
                if len(row.values(key)):
                    metric = row.metrics[key.metric]
                    found.append(PrintedValue(row, board, metric, key, each["value"], each["note"], row.sample(key)))
    samples, shares = {v.key: v.sample for v in found}, {v.key for v in found if v.metric.share}
    judged = stats.judge_published({v.key: v.printed for v in found}, samples, shares=shares)
    return [replace(value, judgement=judged.get(value.key)) for value in found]


def printed_finals(results: Results, row: Row, metric: Traits) -> dict[Key, float]:
    """Return what was printed of a row by a metric, by the score of ours that it is held to.

    Where a task asks for the last position alone, what was printed of all positions is printed of the last.
    """
    finals = final_values(results)
    if finals.empty:
        return {}
    own = finals[finals["case"] == row.case]
    alike = [metric.name]
    if not TargetKind(row.info["target"]).every_position:
        alike += [m.name for m in row.metrics.values() if m.at_last == metric.name]
    found: dict[Key, float] = {}
    for name in alike:
        for _, each in own[own["metric"] == name].iterrows():
            key = Key(metric.name, each["split"] or "valid", each["weights"] or "last")
            found.setdefault(key, float(each["value"]))
    return found


def printed_final(results: Results, row: Row, score: Key, metric: Traits) -> float | None:
    """Return what was printed of a row's score; None for nothing. Of a predictor all weights are alike."""
    known = printed_finals(results, row, metric)
    alike = [score] if row.trained else [score, score._replace(weights="last"), score.best]
    return next((known[key] for key in alike if key in known), None)


def printed_curve(results: Results, row: Row, metric: Traits) -> pd.Series:
    """Return the printed values of a row by a metric, by epoch; empty where none was printed."""
    frame = results.frames["published"]
    own = frame[(frame["case"] == row.case) & (frame["metric"] == metric.name) & frame["epoch"].notna()]
    return own.set_index("epoch")["value"].sort_index()


def curve_epochs(results: Results, value: PrintedValue) -> tuple[int, int] | None:
    """Return in how many epochs the printed curve leaves ours, and in how many the two were compared; None for none."""
    printed = printed_curve(results, value.row, value.metric)
    runs = run_curves(results, value.row, value.metric.name)
    if not value.row.trained or printed.empty or runs.empty:
        return None
    epochs = range(1, int(max(printed.index.max(), runs.columns.max())) + 1)
    ours = pd.DataFrame({epoch: pd.Series(stats.finite(runs[epoch])) for epoch in runs}).reindex(columns=epochs)
    outside, compared = stats.curve_outside(printed.reindex(epochs).to_numpy(), ours.to_numpy())
    return (outside, compared) if compared else None


def digits(value: float) -> int:
    """Return how many decimals a value was printed with."""
    return max(0, round(-math.log10(stats.last_digit(value))))


def printed_text(value: float, least: int = 0, most: int = 100) -> str:
    """Return a printed value with the decimals that it was printed with; with powers of ten where that is long."""
    if value != 0 and not TINY <= abs(value) < HUGE:
        return repr(value)
    return f"{value:.{max(least, min(most, digits(value)))}f}"
