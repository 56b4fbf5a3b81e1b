"""Recipes in words: what is usual in a table, and in what a row differs."""

from collections import Counter

import pandas as pd

from bench.frames.schemas import RECIPE
from bench.report.rows import Row

NONE = "none"


def recipe_difference(row: Row, usual: dict[str, str]) -> str:
    """Return the fields of a row's recipe that are not the usual ones of its table."""
    if not row.trained:
        return NONE
    own = recipe_of(row)
    return ", ".join(f"{recipe_word(k)} {v}" for k, v in own.items() if v != usual.get(k, NONE)) or "usual"


def recipe_of(row: Row) -> dict[str, str]:
    """Return each field of a trained row's recipe in words; ``none`` for one that it does not set."""
    return {k: str(row.info[k]) if pd.notna(row.info[k]) and row.info[k] != "" else NONE for k in RECIPE}


def usual_recipe(rows: list[Row]) -> dict[str, str]:
    """Return each recipe field's most frequent value among trained rows, of the fields that some row sets."""
    recipes = [recipe_of(r) for r in rows if r.trained]
    used = [k for k in RECIPE if any(recipe[k] != NONE for recipe in recipes)]
    counts = {k: Counter(recipe[k] for recipe in recipes) for k in used}
    return {k: min(found, key=lambda value: (-found[value], value != NONE, value)) for k, found in counts.items()}


def recipe_word(key: str) -> str:
    """Return a recipe field in words."""
    return key.replace("_", " ").replace("early stopping epochs", "patience")
