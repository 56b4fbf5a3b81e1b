"""Variants of a case: the same dataset and model under other recipes."""

from dataclasses import replace
from typing import Any

from bench.cases.base import Case, Published
from bench.recipe import Recipe, RecipeGrid, differences


def variants(case: Case, grid: RecipeGrid) -> list[Case]:
    """Return a case at every combination of a grid's values; a predictor, and a case under an empty grid, as it is.

    The combination that is the case's own recipe is the case itself. The others are named and labelled by
    what differs from it, ``chapter15/seq2seq_gru@learning_rate=0.003`` and ``GRU, learning rate 0.003``, and
    have no published values and no errata.
    """
    if case.recipe is None or not grid.keys:
        return [case]
    return [_variant(case, case.recipe, recipe) for recipe in grid.recipes(case.recipe)]


def _variant(case: Case, own: Recipe, recipe: Recipe) -> Case:
    changed = {key: _text(value) for key, value in differences(recipe, own).items()}
    if not changed:
        return case
    return replace(
        case,
        recipe=recipe,
        name=case.name + "".join(f"@{key}={value}" for key, value in changed.items()),
        label=", ".join([case.label, *(f"{key.replace('_', ' ')} {value}" for key, value in changed.items())]),
        published=Published(),
        errata=(),
        variant_of=case.name,
    )


def _text(value: Any) -> str:
    """Return a value as short as it can be without meaning another."""
    short = f"{value:g}" if isinstance(value, float) else ""
    return short if short and float(short) == value else str(value)
