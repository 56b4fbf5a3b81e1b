"""Errata: each fault of the source, its variants, and what it did to the score."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import stats
from bench.families.chapter15.errata import AS_PRINTED, CORRECTED
from bench.families.chapter15.metrics import FIRST, STRIDE
from bench.frames.scores import Key
from bench.report.markdown import NONE, count, effect, escape, fixed, paragraphs, score, table
from bench.report.parts import section
from bench.report.recipe_words import recipe_difference
from bench.report.results import Results
from bench.report.rows import Row

MSE, LAST, ODD = Key("mse"), Key("last_time_step_mse"), Key("mse_odd_positions")


@dataclass(frozen=True)
class Variant:
    """A row of the table: a case's variant of a fault, with the corrected row to hold it against."""

    number: int
    row: Row
    variant: str
    fault: str
    reference: Row | None = None

    @property
    def ratio(self) -> float | None:
        """This variant's geometric mean validation MSE over the corrected one's; None without one."""
        ours, theirs = (stats.geometric_mean(r.values(MSE)) if r else None for r in (self.row, self.reference))
        return ours / theirs if ours and theirs else None

    @property
    def effect(self) -> stats.Ratio | None:
        """That ratio with the Welch interval of this one comparison."""
        return stats.ratio(self.row.sample(MSE), self.reference.sample(MSE)) if self.reference else None


def variants(results: Results) -> list[Variant]:
    """Return every variant by number; each but the corrected one with the row to hold it against."""
    errata = results.frames["errata"].sort_values("number", kind="stable")
    faulty = set(errata[errata["variant"] != CORRECTED]["number"])  # a fault that no case here carries cost nothing
    found = []
    for _, erratum in errata[errata["number"].isin(faulty)].iterrows():
        same = errata[(errata["number"] == erratum["number"]) & (errata["variant"] == CORRECTED)]
        for row in (r for r in results.rows if r.case == erratum["case"]):
            # Held against a row on the same device and backend, of the same model where there is one.
            there = [r for r in results.rows if r.case in set(same["case"]) and r.place[1:] == row.place[1:]]
            there.sort(key=lambda r: r.info["model"] != row.info["model"])
            fair = there[0] if there and erratum["variant"] != CORRECTED else None
            found.append(Variant(int(erratum["number"]), row, erratum["variant"], erratum["fault"], fair))
    return found


def alone(results: Results) -> list[Variant]:
    """Return the variants that carry one fault only, as printed, and have a corrected one beside them."""
    frame = results.frames["errata"]
    carried = frame[frame["variant"] != CORRECTED].groupby("case").size()
    found = [v for v in variants(results) if v.variant == AS_PRINTED and v.ratio is not None]
    return [v for v in found if carried.get(v.row.case, 0) < 2]


def significant(found: list[Variant]) -> list[bool]:
    """Return of each variant whether it differs significantly from the corrected one: Welch's t, Holm over all."""
    p_values: dict[int, float] = {}
    differs: set[int] = set()
    for place, v in enumerate(found):
        assert v.reference is not None
        ours, theirs = v.row.sample(MSE), v.reference.sample(MSE)
        if ours.exact and theirs.exact:
            differs |= {place} if v.ratio != 1 else set()
        else:
            scale = stats.scale_of(log=True)
            p_values[place] = stats.games_howell(scale.to(ours.values), scale.to(theirs.values), 2)
    differs |= stats.holm(p_values)
    return [place in differs for place in range(len(found))]


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
    curable = frame[frame["variant"] == CORRECTED]["number"]
    faulty = set(frame[frame["number"].isin(curable) & (frame["variant"] != CORRECTED)]["case"])
    ratios: dict[str, float] = {}
    numbers: set[int] = set()
    for board in results.tasks:
        for row in board.rows:
            if board.partial(row):
                numbers |= set(frame[frame["case"] == row.case]["number"])
            elif row.trained and row.case not in faulty and len(row.values(ODD)):
                odd, whole = (stats.geometric_mean(row.values(key)) for key in (ODD, MSE))
                if odd and whole:
                    ratios[row.name] = odd / whole
    return Partial(int(min(numbers)), ratios) if numbers and ratios else None


def odd_positions(results: Results) -> str:
    """Return the positions that the error on odd positions covers, counted from 0, as ``3, 5, ..., 49``."""
    lengths = {int(r.info["input_length"]) for r in results.rows if ODD.metric in r.metrics}
    last = f", {range(FIRST, lengths.pop(), STRIDE)[-1]}" if len(lengths) == 1 else ""
    return f"{FIRST}, {FIRST + STRIDE}, ...{last}"


@section("errata", "Errata: what each fault of the source cost", order=30)
def errata_table(results: Results) -> tuple[str, list[str]] | None:
    """Return each fault's variants, with scores and the ratio to the corrected variant."""
    found = variants(results)
    if not found:
        return None
    lines = []
    for v in found:
        recipe = escape(recipe_difference(v.row, {}).replace("optimizer ", ""))
        scores = [score(v.row.centre(key)) for key in (MSE, LAST, ODD)]
        lines.append([str(v.number), escape(v.row.name), escape(v.variant), recipe, *scores, effect(v.effect)])
    if partial := partial_effect(results):
        models = f"median of {count(len(partial.ratios), 'trained model')} without a fault"
        what = ["positions 3::2 over all positions", "as trained", NONE, NONE, NONE, fixed(partial.median, 2)]
        place = max(i for i, line in enumerate(lines) if line[0] == str(partial.number)) + 1
        lines.insert(place, [str(partial.number), models, *what])
    notes = paragraphs(
        "errata",
        Path(__file__).parent,
        faults={v.number: escape(v.fault) for v in found},
        positions=odd_positions(results),
        partial=partial,
        fixed=fixed,
    )
    headers = ["no.", "case", "variant", "recipe", "valid MSE", "last-step MSE", "MSE on 3::2", "× corrected"]
    return table(headers, lines, text_columns=4), notes
