"""Learning rates in plain numbers: known answers for each schedule, its warm-up and its budget."""

import math

import numpy as np
import pytest

from bench.recipe import Recipe
from bench.schedules import learning_rates, plateaus, total_steps, varies


def rates(recipe, epochs, steps_per_epoch, watched=()):
    made = [learning_rates(recipe, epoch, steps_per_epoch, watched[:epoch]) for epoch in range(epochs)]
    assert all(part.dtype == np.float32 and part.shape == (steps_per_epoch,) for part in made)
    return np.concatenate(made).tolist()


def test_a_constant_rate_varies_only_while_it_warms_up():
    assert not varies(Recipe())
    assert not varies(Recipe(schedule="constant"))
    warm = Recipe(learning_rate=0.5, warmup_steps=4)
    assert varies(warm)
    assert rates(warm, 2, 3) == [0.125, 0.25, 0.375, 0.5, 0.5, 0.5]


def test_cosine_falls_from_the_rate_to_the_least_over_the_budget():
    recipe = Recipe(learning_rate=1.0, schedule="cosine", epochs=2, min_learning_rate=0.2)
    expected = [0.2 + 0.4 * (1 + math.cos(math.pi * step / 4)) for step in range(4)]
    assert rates(recipe, 2, 2) == pytest.approx(expected, rel=1e-6)


def test_cosine_begins_where_the_warm_up_ends_and_a_budget_of_steps_is_its_length():
    recipe = Recipe(learning_rate=1.0, schedule="cosine", steps=6, warmup_steps=2)
    expected = [0.5, 1.0, *((1 + math.cos(math.pi * step / 4)) / 2 for step in range(4)), 0.0, 0.0]
    assert rates(recipe, 2, 4) == pytest.approx([*expected[:2], *expected[2:]], abs=1e-7)


def test_steps_fall_every_so_many_epochs():
    recipe = Recipe(learning_rate=0.5, schedule="step", step_epochs=2, decay_factor=0.5)
    assert rates(recipe, 5, 1) == [0.5, 0.5, 0.25, 0.25, 0.125]
    assert rates(Recipe(learning_rate=1.0, schedule="step"), 11, 1)[-2:] == pytest.approx([1.0, 0.1])


def test_a_plateau_is_seen_in_what_came_before():
    recipe = Recipe(learning_rate=0.5, schedule="plateau", plateau_epochs=2, decay_factor=0.5, min_learning_rate=0.2)
    watched = [3.0, 2.0, 2.0, 2.5, 1.0, 1.5, 1.5, 1.5, 1.5]
    assert rates(recipe, 9, 1, watched) == pytest.approx([0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2, 0.2])
    assert rates(recipe.model_copy(update={"warmup_steps": 2}), 2, 1, watched) == [0.25, 0.5]


@pytest.mark.parametrize(
    ("watched", "found"),
    [([], 0), ([1.0], 0), ([1.0, 1.0, 1.0], 1), ([1.0, 2.0, 0.5, 0.5, 0.4], 0), ([1.0] * 6, 2), ([math.nan] * 2, 1)],
)
def test_a_plateau_is_a_row_of_epochs_that_are_not_better(watched, found):
    assert plateaus(watched, 2) == found


def test_the_budget_is_in_epochs_or_in_steps():
    assert total_steps(Recipe(epochs=3), 7) == 21
    assert total_steps(Recipe(steps=20), 7) == 20
