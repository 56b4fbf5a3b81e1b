"""How a network is trained: data, not code."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt


class Recipe(BaseModel):
    """One training recipe.

    Attributes:
        loss: What training minimises, averaged over the batch.
        optimizer: A Keras optimizer with its default settings.
        learning_rate: Its step size.
        epochs: Passes over the training windows; the incomplete last batch of each is left out.
        batch_size: Windows in a batch.
        early_stopping_epochs: Stop after so many epochs without a better validation loss; None
            trains all epochs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    loss: Literal["mse", "mae", "huber", "binary_crossentropy"] = "mse"
    optimizer: Literal["adam", "adamw", "nadam", "rmsprop", "sgd"] = "adam"
    learning_rate: PositiveFloat = 0.001
    epochs: PositiveInt = 20
    batch_size: PositiveInt = 32
    early_stopping_epochs: PositiveInt | None = None


class RecipeOverrides(BaseModel):
    """Recipe fields that a suite or a command sets for all its cases; None leaves the case's own."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    loss: Literal["mse", "mae", "huber", "binary_crossentropy"] | None = None
    optimizer: Literal["adam", "adamw", "nadam", "rmsprop", "sgd"] | None = None
    learning_rate: PositiveFloat | None = None
    epochs: PositiveInt | None = None
    batch_size: PositiveInt | None = None
    early_stopping_epochs: PositiveInt | None = None

    def apply(self, recipe: Recipe) -> Recipe:
        """Return ``recipe`` with the fields that are set here put in its place."""
        return Recipe.model_validate(recipe.model_dump() | self.model_dump(exclude_none=True))
