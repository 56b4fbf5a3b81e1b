"""Learning rates, made in NumPy from the recipe alone, so that every backend takes the same numbers."""

import math
from collections.abc import Sequence

import numpy as np

from bench.recipe import Recipe
from bench.task import Array

DECAY_FACTOR = 0.1
STEP_EPOCHS = 10
PLATEAU_EPOCHS = 10


def varies(recipe: Recipe) -> bool:
    """True where the learning rate is not the same at every step."""
    return recipe.schedule is not None or recipe.warmup_steps is not None


def total_steps(recipe: Recipe, steps_per_epoch: int) -> int:
    """Return how many batches a recipe trains on."""
    return recipe.steps if recipe.steps is not None else (recipe.epochs or 0) * steps_per_epoch


def learning_rates(recipe: Recipe, epoch: int, steps_per_epoch: int, watched: Sequence[float] = ()) -> Array:
    """Return the learning rate of each step of an epoch.

    A warm-up multiplies the schedule's rate by ``(i + 1) / warmup_steps`` at step i; cosine begins where it ends.

    Args:
        recipe: Its schedule, warm-up and budget.
        epoch: Counted from 0.
        steps_per_epoch: Of a whole epoch; the last one of a budget of steps may be shorter.
        watched: The validation value after each epoch before this one, which a plateau is seen in; less is better.

    Returns:
        float32 ``(steps_per_epoch,)``.
    """
    step = epoch * steps_per_epoch + np.arange(steps_per_epoch)
    warmup = recipe.warmup_steps or 0
    factor = DECAY_FACTOR if recipe.decay_factor is None else recipe.decay_factor
    least = recipe.min_learning_rate or 0.0
    rate = np.full(steps_per_epoch, recipe.learning_rate)
    if recipe.schedule == "cosine":
        # Loshchilov and Hutter, "SGDR", 2017, equation 5, without restarts
        done = np.clip((step - warmup) / max(total_steps(recipe, steps_per_epoch) - warmup, 1), 0, 1)
        rate = least + (rate - least) * (1 + np.cos(math.pi * done)) / 2
    elif recipe.schedule == "step":
        rate = rate * factor ** (epoch // (recipe.step_epochs or STEP_EPOCHS))
    elif recipe.schedule == "plateau":
        rate = np.maximum(rate * factor ** plateaus(watched, recipe.plateau_epochs or PLATEAU_EPOCHS), least)
    if warmup:
        rate = rate * np.minimum((step + 1) / warmup, 1)
    return rate.astype(np.float32)


def plateaus(watched: Sequence[float], patience: int) -> int:
    """Return how often ``patience`` epochs in a row were not better than the best before them."""
    best, wait, found = math.inf, 0, 0
    for value in watched:
        if value < best:
            best, wait = value, 0
        else:
            wait += 1
        if wait == patience:
            found, wait = found + 1, 0
    return found
