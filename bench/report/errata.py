"""Each fault of a source in its variants, and what it did to a score."""

from collections.abc import Callable
from dataclasses import dataclass

from bench import stats
from bench.cases.base import AS_PRINTED, CORRECTED
from bench.frames.scores import Key
from bench.metrics.traits import Traits
from bench.registry import Registry
from bench.report.leaderboards import Leaderboard
from bench.report.results import Results
from bench.report.rows import Row


@dataclass(frozen=True)
class Variant:
    """A row of the table: a case's variant of a fault, with the corrected row to hold it against.

    Attributes:
        number: Of the fault, as its source's list has it.
        key: The score that its cost is told by.
        reference: The corrected row; None without one.
    """

    number: int
    row: Row
    variant: str
    fault: str
    key: Key
    reference: Row | None = None

    @property
    def ratio(self) -> float | None:
        """This variant's geometric mean over the corrected one's; None without one."""
        ours, theirs = (stats.geometric_mean(r.values(self.key)) if r else None for r in (self.row, self.reference))
        return ours / theirs if ours and theirs else None

    @property
    def effect(self) -> stats.Ratio | None:
        """That ratio with the interval of this one comparison: paired by draw of the data, else Welch's."""
        if (paired := self.paired) is not None:
            return stats.Ratio(paired.ratio, paired.low, paired.high)
        return stats.ratio(self.row.sample(self.key), self.reference.sample(self.key)) if self.reference else None

    @property
    def paired(self) -> stats.Comparison | None:
        """The two on each draw of the data; None unless each run has a draw of its own, and both rows the same."""
        if self.reference is None:
            return None
        ours, theirs = (row.by_seed(self.key).droplevel("seed") for row in (self.row, self.reference))
        alike = ours.index.is_unique and len(ours) > 1 and sorted(ours.index) == sorted(theirs.index)
        return stats.paired_ratio(ours, theirs.reindex(ours.index)) if alike else None

    @property
    def equal(self) -> bool:
        """Whether the fault is known to change nothing: both scores are exact, and the same."""
        rows = [self.row, self.reference] if self.reference else []
        return self.ratio == 1 and all(row.sample(self.key).exact for row in rows)


@dataclass(frozen=True)
class Aside:
    """What only one source has to say of one of its faults, which no corrected variant shows.

    Attributes:
        number: Of the fault.
        words: Its line in the table: what stands under ``case``, ``variant`` and ``recipe``.
        ratio: Its cost.
        term: A sentence that the notes need for its words.
        note: A paragraph of the notes.
    """

    number: int
    words: tuple[str, str, str]
    ratio: float
    term: str
    note: str


asides: Registry[Callable[[Results], Aside | None]] = Registry("aside", "bench.report.errata", part="report")
"""From a report's frames to what a source says of a fault; None where it holds none of its cases."""


def told_by(board: Leaderboard) -> Traits:
    """Return the metric that costs are told by: the ranking one where its ratios mean something, else what chose."""
    return board.metric if board.metric.log else board.monitor


def variants(results: Results) -> list[Variant]:
    """Return every variant by number; each but the corrected one with the row to hold it against."""
    errata = results.frames["errata"]
    errata = errata[errata["number"].notna()]
    boards = {task: board for board in results.tasks for task in board.tasks}
    family = [name.partition("/")[0] for name in errata["case"]]  # numbers are a source's own
    errata = errata.assign(family=family).sort_values(["family", "number"], kind="stable")
    mended = errata["variant"] == CORRECTED
    found = []
    for _, fault in errata.groupby(["family", "number"], sort=False):
        if mended[fault.index].all():
            continue  # a fault that no case here carries cost nothing
        same = set(fault[mended[fault.index]]["case"])
        for _, erratum in fault.iterrows():
            for row in (r for r in results.rows if r.case == erratum["case"] and r.info["task"] in boards):
                board = boards[str(row.info["task"])]
                # Held against a row on the same device and backend, of the same task and model where there is one.
                there = [r for r in results.rows if r.case in same and r.place[1:] == row.place[1:]]
                there.sort(key=lambda r: tuple(r.info[which] != row.info[which] for which in ("task", "model")))
                fair = there[0] if there and erratum["variant"] != CORRECTED else None
                key = board.beside(told_by(board))
                found.append(Variant(int(erratum["number"]), row, erratum["variant"], erratum["fault"], key, fair))
    return found


def alone(results: Results) -> list[Variant]:
    """Return the variants that carry one fault only, as printed, and have a corrected one beside them."""
    frame = results.frames["errata"]
    carried = frame[frame["variant"] != CORRECTED].groupby("case").size()
    found = [v for v in variants(results) if v.variant == AS_PRINTED and v.ratio is not None]
    return [v for v in found if carried.get(v.row.case, 0) < 2]


def significant(found: list[Variant]) -> list[bool]:
    """Return of each variant whether it differs significantly from the corrected one: its test, with Holm over all."""
    p_values: dict[int, float] = {}
    differs: set[int] = set()
    for place, v in enumerate(found):
        assert v.reference is not None
        ours, theirs = v.row.sample(v.key), v.reference.sample(v.key)
        if ours.exact and theirs.exact:
            differs |= {place} if v.ratio != 1 else set()
        elif (paired := v.paired) is not None and paired.p_value is not None:
            p_values[place] = paired.p_value
        else:
            scale = stats.scale_of(log=True)
            p_values[place] = stats.games_howell(scale.to(ours.values), scale.to(theirs.values), 2)
    differs |= stats.holm(p_values)
    return [place in differs for place in range(len(found))]


def further(results: Results) -> list[str]:
    """Return the faults that no case has, since they change no score."""
    errata = results.frames["errata"]
    return [str(fault) for fault in errata[errata["number"].isna()]["fault"]]


def told(results: Results) -> list[Aside]:
    """Return what sources say of faults that no corrected variant shows."""
    return [aside for make in asides.entries() if (aside := make(results)) is not None]
