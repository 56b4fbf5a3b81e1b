"""What a comparison takes for equal: cells that are compared over the rows of a leaderboard."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from bench.digest import digest
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import NONE, escape
from bench.report.recipe_words import recipe_of
from bench.report.rows import Row
from bench.report.sections.grids import grid_cases
from bench.text.markdown import code

NEAR = 0.1
"""Numbers of parameters within this share of their median are equal."""
DIGITS = 8
"""Of a digest, that are shown."""
Cells = Mapping[str, str]
"""What stands under each heading, in Markdown."""


def cells(board: Leaderboard, rows: Sequence[Row]) -> Sequence[Cells]:
    """Return what is compared of each row, in bold where it is not what most of these rows have."""
    tried = recipes_tried(board)
    columns: dict[str, Callable[[Row], str]] = {
        "windows scored": lambda row: escape(_one(row.done["windows"]) + (" ‡" if board.partial(row) else "")),
        "data": _data,
        "input, steps": lambda row: "any" if pd.isna(row.info["input_length"]) else f"{row.info['input_length']:,}",
        "epoch": lambda row: _epoch(board, row),
        "recipes tried": lambda row: str(tried.get(row.place, 1)) if row.trained else NONE,
    }
    made: list[dict[str, str]] = [{} for _ in rows]
    for heading, cell in columns.items():
        texts = [cell(row) for row in rows]
        known = Counter(text for text in texts if text != NONE)
        usual = known.most_common(1)[0][0] if known else NONE
        for own, text in zip(made, texts, strict=True):
            own[heading] = text if text in (usual, NONE) else f"**{text}**"
    sizes = [row.parameters if row.trained else None for row in rows]
    middle = float(np.median([size for size in sizes if size is not None] or [0]))
    for own, size in zip(made, sizes, strict=True):
        text = NONE if size is None else f"{size:,.0f}"
        own["parameters"] = text if size is None or abs(size - middle) <= NEAR * middle else f"**{text}**"
    return made


def unequal(made: Sequence[Cells]) -> list[str]:
    """Return the headings under which a cell is in bold."""
    return [heading for heading in (made[0] if made else ()) if any(own[heading].startswith("**") for own in made)]


def recipes_tried(board: Leaderboard) -> dict[tuple[str, str, str], int]:
    """Return how many recipes were tried of the models that a grid varies, by the place of each recipe's row."""
    return {row.place: len(case.variants) for case in grid_cases(board) for row in case.variants}


def own_recipes(board: Leaderboard, rows: Sequence[Row]) -> bool:
    """Return whether networks differ in their recipes by more than what validation chose from one grid for all."""
    trained = [row for row in rows if row.trained]
    searched = {
        field
        for case in grid_cases(board)
        for field, value in recipe_of(case.best).items()
        if any(recipe_of(row)[field] != value for row in case.variants)
    }
    recipes = {tuple(value for field, value in recipe_of(r).items() if field not in searched) for r in trained}
    tried = recipes_tried(board)
    return len(recipes) > 1 or len({tried.get(row.place, 1) for row in trained}) > 1


def _one(texts: "pd.Series") -> str:
    """Return the one text of a row's runs, or all of them; none without a run."""
    return " or ".join(dict.fromkeys(map(str, texts))) or NONE


def _data(row: Row) -> str:
    """Return a digest of what its runs saw, and of how many draws."""
    drawn = sorted({(int(seed), str(own)) for seed, own in row.done[["data_seed", "data_digest"]].to_numpy()})
    if not drawn or not all(own for _, own in drawn):
        return NONE
    if len(drawn) == 1:
        return code(drawn[0][1][:DIGITS])
    return f"{code(digest(drawn, DIGITS))}, {len(drawn)} draws"


def _epoch(board: Leaderboard, row: Row) -> str:
    """Return which epoch is scored, of how many."""
    if not row.trained:
        return NONE
    steps, epochs, patience = (row.info[name] for name in ("steps", "epochs", "early_stopping_epochs"))
    budget = f"{epochs:,} epochs" if pd.isna(steps) else f"{steps:,} steps"
    stop = "" if pd.isna(patience) else f", patience {patience}"
    return f"{board.rank} of {budget}{stop}"
