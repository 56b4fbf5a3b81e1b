"""Errata: each fault of the source, its variants, and what it did to the score."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench import stats
from bench.report.markdown import NONE, count, effect, escape, score, table
from bench.report.sections.base import section
from bench.report.summary import ODD, Results, Row, odd_positions, recipe_difference

PRINTED, CORRECTED = "as printed", "corrected"
"""The variants that carry one fault alone, and none."""


@dataclass(frozen=True)
class Variant:
    """A row of the table: a case's variant of a fault, and the ratio of its MSE to the corrected one's."""

    number: int
    row: Row
    variant: str
    fault: str
    reference: Row | None = None

    @property
    def ratio(self) -> float | None:
        """This variant's geometric mean validation MSE over the corrected one's; None without one."""
        ours = stats.geometric_mean(self.row.values("valid_mse"))
        theirs = stats.geometric_mean(self.reference.values("valid_mse")) if self.reference else None
        return ours / theirs if ours and theirs else None

    @property
    def effect(self) -> stats.Ratio | None:
        """That ratio with the Welch interval of this one comparison."""
        if self.reference is None:
            return None
        return stats.ratio(self.row.sample("valid_mse"), self.reference.sample("valid_mse"))


def errata_rows(results: Results) -> list[Variant]:
    """Return every variant by number; each but the corrected one with the row to hold it against."""
    errata = results.frames["errata"].sort_values("number", kind="stable")
    faulty = set(errata[errata["variant"] != CORRECTED]["number"])  # a fault that no case here carries cost nothing
    errata = errata[errata["number"].isin(faulty)]
    found = []
    for _, erratum in errata.iterrows():
        same = errata[(errata["number"] == erratum["number"]) & (errata["variant"] == CORRECTED)]
        for row in (r for r in results.rows if r.case == erratum["case"]):
            fair = None if erratum["variant"] == CORRECTED else _corrected(results, row, set(same["case"]))
            found.append(Variant(int(erratum["number"]), row, erratum["variant"], erratum["fault"], fair))
    return found


def alone(results: Results) -> list[Variant]:
    """Return the variants that carry one fault only, as printed, and have a corrected one beside them."""
    frame = results.frames["errata"]
    curable = frame[(frame["variant"] != CORRECTED)].groupby("case").size()
    found = [v for v in errata_rows(results) if v.variant == PRINTED and v.ratio is not None]
    return [v for v in found if curable.get(v.row.case, 0) < 2]


def told(variants: list[Variant]) -> list[bool]:
    """Return of each variant whether the seeds tell it from the corrected one: Welch's t, Holm over all of these."""
    p_values: dict[int, float] = {}
    differs: set[int] = set()
    for place, v in enumerate(variants):
        assert v.reference is not None
        ours, theirs = v.row.sample("valid_mse"), v.reference.sample("valid_mse")
        if ours.exact and theirs.exact:
            differs |= {place} if v.ratio != 1 else set()
        else:
            p_values[place] = stats.games_howell(np.log(ours.values), np.log(theirs.values), 2)
    differs |= stats.holm(p_values)
    return [place in differs for place in range(len(variants))]


def _corrected(results: Results, row: Row, cases: set[str]) -> Row | None:
    """Return the row to hold a faulty one against: same device and backend, same model where there is one."""
    rows = [r for r in results.rows if r.case in cases and (r.device, r.backend) == (row.device, row.backend)]
    same = [r for r in rows if r.info["model"] == row.info["model"]]
    return next(iter(same or rows), None)


@dataclass(frozen=True)
class Partial:
    """What scoring the odd positions alone does to models that are scored on all: one ratio a model."""

    number: int
    ratios: dict[str, float]

    @property
    def median(self) -> float:
        """Median over the models."""
        return float(np.median(list(self.ratios.values())))


def partial_effect(results: Results) -> Partial | None:
    """Return that effect over trained models without a fault, where a model of the errata is scored so."""
    frame = results.frames["errata"]
    faulty = _faulty(frame)
    ratios: dict[str, float] = {}
    numbers: set[int] = set()
    for ground in results.tasks:
        for row in ground.rows:
            if row.partial:
                numbers |= {int(n) for n in frame[frame["case"] == row.case]["number"]}
            elif row.trained and row.case not in faulty and len(row.seeds(ODD)):
                odd, whole = stats.geometric_mean(row.values(ODD)), stats.geometric_mean(row.values("valid_mse"))
                if odd and whole:
                    ratios[row.name] = odd / whole
    return Partial(min(numbers), ratios) if numbers and ratios else None


def _faulty(frame: pd.DataFrame) -> set[str]:
    """Return cases that carry a fault which another case lacks."""
    curable = frame[frame["variant"] == CORRECTED]["number"]
    return set(frame[frame["number"].isin(curable) & (frame["variant"] != CORRECTED)]["case"])


@section("errata", "Errata: what each fault of the source cost", order=30)
def errata_table(results: Results) -> tuple[str, list[str]] | None:
    """Return each fault's variants, with scores and the ratio to the corrected variant."""
    variants = errata_rows(results)
    if not variants:
        return None
    lines, faults = [], {}
    for v in variants:
        faults[v.number] = v.fault
        recipe = recipe_difference(v.row, {}).replace("optimizer ", "")
        scores = [score(v.row.mean(c)) for c in ("valid_mse", "valid_last_time_step_mse", ODD)]
        lines.append([str(v.number), escape(v.row.name), escape(v.variant), recipe, *scores, effect(v.effect)])
    notes = [f"{number}. {escape(fault)}." for number, fault in faults.items()]
    notes.append(
        "The last column is the ratio of geometric mean validation MSEs, this variant over the corrected one: below 1 "
        "the fault flatters, above 1 it hurts; its 95 % interval is Welch's for that pair alone. Each fault alone is "
        "one planned comparison, so that it may be found where the letters, which compare all pairs of a table, do "
        f"not find it. Positions 3::2 are {odd_positions(results.rows)}, counted from 0."
    )
    partial = partial_effect(results)
    if partial:
        low, high = min(partial.ratios.values()), max(partial.ratios.values())
        models = f"median of {count(len(partial.ratios), 'trained model')} without a fault"
        what = ["positions 3::2 over all positions", "as trained", NONE, NONE, NONE, f"{partial.median:.2f}"]
        place = max(i for i, line in enumerate(lines) if line[0] == str(partial.number)) + 1
        lines.insert(place, [str(partial.number), models, *what])
        each = ", ".join(f"{escape(name)} {ratio:.2f}" for name, ratio in sorted(partial.ratios.items()))
        notes.append(
            f"No. {partial.number} has no corrected variant: its ratio is that of *MSE on 3::2* to *valid MSE* of the "
            f"others, {low:.2f} to {high:.2f} ({each})."
        )
    headers = ["no.", "case", "variant", "recipe", "valid MSE", "last-step MSE", "MSE on 3::2", "× corrected"]
    return table(headers, lines, text_columns=4), notes
