"""What scoring the odd positions alone, as the chapter's strided convolution is, does to other models."""

import numpy as np

from bench import stats
from bench.cases.base import CORRECTED
from bench.families.chapter15.metrics import FIRST, STRIDE
from bench.frames.scores import Key
from bench.report.errata import Aside, asides
from bench.report.markdown import count, escape, fixed
from bench.report.results import Results

MSE, ODD = Key("mse"), Key("mse_odd_positions")


@asides.register("odd_positions")
def partial_effect(results: Results) -> Aside | None:
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
    if not numbers or not ratios:
        return None
    number, median = int(min(numbers)), float(np.median(list(ratios.values())))
    models = f"median of {count(len(ratios), 'trained model')} without a fault"
    each = ", ".join(f"{escape(name)} {fixed(ratio, 2)}" for name, ratio in sorted(ratios.items()))
    low, high = fixed(min(ratios.values()), 2), fixed(max(ratios.values()), 2)
    note = (
        f"No. {number} has no corrected variant: its "
        f"ratio is that of *MSE on 3::2* to *valid MSE* of the others, {low} to {high} ({each})."
    )
    term = f"Positions 3::2 are {odd_positions(results)}, counted from 0."
    return Aside(number, (models, "positions 3::2 over all positions", "as trained"), median, term, note)


def odd_positions(results: Results) -> str:
    """Return the positions that the error on odd positions covers, counted from 0, as ``3, 5, ..., 49``."""
    lengths = {int(r.info["input_length"]) for r in results.rows if ODD.metric in r.metrics}
    last = f", {range(FIRST, lengths.pop(), STRIDE)[-1]}" if len(lengths) == 1 else ""
    return f"{FIRST}, {FIRST + STRIDE}, ...{last}"
