"""How a network is trained: data, not code."""

from itertools import product
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

Loss = Literal["mse", "mae", "huber", "binary_crossentropy"]
Optimizer = Literal["adam", "adamw", "nadam", "rmsprop", "sgd"]


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

    loss: Loss = "mse"
    optimizer: Optimizer = "adam"
    learning_rate: PositiveFloat = 0.001
    epochs: PositiveInt = 20
    batch_size: PositiveInt = 32
    early_stopping_epochs: PositiveInt | None = None


class RecipeOverrides(BaseModel):
    """Recipe fields that a suite or a command sets for all its cases; None leaves the case's own."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    loss: Loss | None = None
    optimizer: Optimizer | None = None
    learning_rate: PositiveFloat | None = None
    epochs: PositiveInt | None = None
    batch_size: PositiveInt | None = None
    early_stopping_epochs: PositiveInt | None = None

    def apply(self, recipe: Recipe) -> Recipe:
        """Return ``recipe`` with the fields that are set here put in its place."""
        return Recipe.model_validate(recipe.model_dump() | self.model_dump(exclude_none=True))


T = TypeVar("T")


def _distinct(values: list[T]) -> list[T]:
    if len(set(values)) != len(values):
        raise ValueError("names one value twice")
    return values


Choices = Annotated[list[T], Field(min_length=1), AfterValidator(_distinct)]


class RecipeGrid(BaseModel):
    """Values of recipe fields that every trained case is compared over; None leaves a field alone."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    loss: Choices[Loss] | None = None
    optimizer: Choices[Optimizer] | None = None
    learning_rate: Choices[PositiveFloat] | None = None
    epochs: Choices[PositiveInt] | None = None
    batch_size: Choices[PositiveInt] | None = None
    early_stopping_epochs: Choices[PositiveInt] | None = None

    @property
    def keys(self) -> list[str]:
        """The fields that it names."""
        return [key for key in RecipeGrid.model_fields if getattr(self, key) is not None]

    def recipes(self, recipe: Recipe) -> list[Recipe]:
        """Return ``recipe`` at every combination of the values, the last field varying fastest."""
        values: list[list[Any]] = [getattr(self, key) for key in self.keys]
        combinations = (dict(zip(self.keys, chosen, strict=True)) for chosen in product(*values))
        return [Recipe.model_validate(recipe.model_dump() | chosen) for chosen in combinations]


def differences(recipe: Recipe, other: Recipe) -> dict[str, Any]:
    """Return the fields of ``recipe`` that differ from ``other``'s."""
    return {key: value for key, value in recipe.model_dump().items() if value != getattr(other, key)}
