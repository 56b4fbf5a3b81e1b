"""How a network is trained: data, not code. `Recipe` is the one definition; all else here is made from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Self, TypeVar, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    ValidationError,
    ValidationInfo,
    create_model,
    field_validator,
    model_validator,
)

from bench.errors import BenchError, reason_of
from bench.task import Task

Loss = Literal["mse", "mae", "huber", "binary_crossentropy", "sparse_categorical_crossentropy", "quantile"]
Optimizer = Literal["adam", "adamw", "nadam", "rmsprop", "sgd"]
Schedule = Literal["constant", "cosine", "step", "plateau"]
Precision = Literal["float32", "bfloat16", "float16"]
Above0 = Annotated[float, Field(gt=0, allow_inf_nan=False)]
From0 = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Between0And1 = Annotated[float, Field(gt=0, lt=1)]
From0Below1 = Annotated[float, Field(ge=0, lt=1)]


@dataclass(frozen=True)
class OptionOf:
    """Marks a field that means something under some choices of another field alone."""

    field: str
    choices: tuple[str, ...]


ADAM = OptionOf("optimizer", ("adam", "adamw", "nadam"))
ALTERNATIVES = (("epochs", "steps"), ("clip_norm", "clip_value"))
"""Fields of which a recipe sets one."""


class _Strict(BaseModel):
    """Holds fields to one another, in a recipe, in overrides and in a grid alike."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)

    @field_validator("*")
    @classmethod
    def _goes_with_the_others(cls, value: Any, info: ValidationInfo) -> Any:
        name = str(info.field_name)
        if value is None:
            return value
        for first, second in ALTERNATIVES:
            if name == second and info.data.get(first) is not None:
                raise ValueError(f"set {first} or {second}, not both")
        option = OPTIONS.get(name)
        chosen = cls._choices(info.data.get(option.field)) if option else []
        if option and chosen and not set(chosen) & set(option.choices):
            *most, last = option.choices
            owners = f"{', '.join(most)} and {last} have" if most else f"{last} has"
            raise ValueError(f"{option.field} {chosen[0]} has no {name}; {owners} it")
        return value

    @classmethod
    def _choices(cls, value: Any) -> list[str]:
        """Return what a field chooses, one value or those of a grid; empty where that is not known."""
        return value if isinstance(value, list) else [] if value is None else [value]


class Recipe(_Strict):
    """One training recipe. A field that is None is off, or has the library's default.

    An option that the optimizer, loss or schedule does not have is an error, and so are two fields of which one
    decides, such as ``epochs`` and ``steps``.
    """

    optimizer: Optimizer = "adam"
    """A Keras optimizer."""
    learning_rate: Above0 = 0.001
    """Its step size, before a schedule changes it."""
    epochs: PositiveInt | None = 20
    """Passes over the training windows; the incomplete last batch of each is left out. None where ``steps`` are set."""
    batch_size: PositiveInt = 32
    """Windows in a batch."""
    loss: Loss = "mse"
    """What training minimises, averaged over the batch and, where a task is masked, over what is not masked."""
    early_stopping_epochs: PositiveInt | None = None
    """Stop after so many epochs without a better validation value; None trains to the end of the budget."""

    huber_delta: Annotated[Above0 | None, OptionOf("loss", ("huber",))] = None
    """Error up to which Huber's loss is squared (Huber, 1964); 1 by default."""
    quantile: Annotated[Between0And1 | None, OptionOf("loss", ("quantile",))] = None
    """Level of the quantile that the pinball loss fits (Koenker and Bassett, 1978); 0.5 by default."""

    beta_1: Annotated[From0Below1 | None, ADAM] = None
    """Decay of the mean of gradients."""
    beta_2: Annotated[From0Below1 | None, ADAM] = None
    """Decay of the mean of squared gradients."""
    rho: Annotated[From0Below1 | None, OptionOf("optimizer", ("rmsprop",))] = None
    """Decay of the mean of squared gradients."""
    epsilon: Annotated[Above0 | None, OptionOf("optimizer", (*ADAM.choices, "rmsprop"))] = None
    """Added to the root of that mean."""
    amsgrad: Annotated[bool | None, OptionOf("optimizer", ("adam", "adamw"))] = None
    """Divide by the largest mean so far (Reddi et al., 2018)."""
    momentum: Annotated[From0Below1 | None, OptionOf("optimizer", ("rmsprop", "sgd"))] = None
    """Share of the last step that the next one keeps."""
    nesterov: Annotated[bool | None, OptionOf("optimizer", ("sgd",))] = None
    """Take the gradient ahead of that step (Nesterov, 1983)."""
    centered: Annotated[bool | None, OptionOf("optimizer", ("rmsprop",))] = None
    """Divide by the estimated standard deviation of the gradient."""

    weight_decay: From0 | None = None
    """Decoupled: each step takes this share, times the learning rate, off every weight (Loshchilov and Hutter, 2019).
    None leaves the optimizer's own default, which is 0.004 for adamw and none for the others."""
    clip_norm: Above0 | None = None
    """Longest gradient, all weights' together (Pascanu et al., 2013); a longer one is shortened to it."""
    clip_value: Above0 | None = None
    """Largest size of a single number of the gradient."""
    keep_gradients: bool | None = None
    """A fault, to be priced: each step adds its gradients to those of all before, as where ``zero_grad`` is missing.
    What is clipped then is the sum so far, before the new gradients are added to it."""

    schedule: Schedule | None = None
    """How the learning rate changes; ``"constant"`` is the same as None."""
    warmup_steps: PositiveInt | None = None
    """Steps over which the learning rate first grows in a straight line; the last of them has all of it."""
    min_learning_rate: Annotated[From0 | None, OptionOf("schedule", ("cosine", "plateau"))] = None
    """Where the schedule ends; 0 by default."""
    decay_factor: Annotated[Between0And1 | None, OptionOf("schedule", ("step", "plateau"))] = None
    """What the learning rate is multiplied by each time that it falls; 0.1 by default."""
    step_epochs: Annotated[PositiveInt | None, OptionOf("schedule", ("step",))] = None
    """Epochs between two falls; 10 by default."""
    plateau_epochs: Annotated[PositiveInt | None, OptionOf("schedule", ("plateau",))] = None
    """Epochs without a better validation value before a fall; 10 by default."""

    steps: PositiveInt | None = None
    """Batches to train on, as the budget in place of ``epochs``; the last epoch is shorter where they end within it."""
    precision: Precision | None = None
    """What layers compute in; weights, their updates, the loss and forecasts stay float32 (Micikevicius et al., 2018).
    For float16 the loss is scaled, as `bench.engines.keras_recipe.scaling_optimizer` says. ``"float32"`` is the same as
    None. A backend that cannot leaves the case out."""

    @model_validator(mode="before")
    @classmethod
    def _steps_or_epochs(cls, data: Any) -> Any:
        """Take ``epochs`` for not set where ``steps`` are, unless both are set by hand."""
        return {"epochs": None, **data} if isinstance(data, dict) and data.get("steps") is not None else data

    @field_validator("schedule")
    @classmethod
    def _one_spelling(cls, value: str | None) -> str | None:
        """Let equal recipes be equal."""
        return None if value == "constant" else value

    @field_validator("keep_gradients")
    @classmethod
    def _none_is_usual(cls, value: bool | None) -> bool | None:
        """Likewise."""
        return value or None

    @field_validator("precision")
    @classmethod
    def _whole_is_usual(cls, value: str | None) -> str | None:
        """Likewise."""
        return None if value == "float32" else value

    @classmethod
    def _choices(cls, value: Any) -> list[str]:
        return super()._choices(value) or ["constant"]

    @model_validator(mode="after")
    def _has_a_budget_and_an_order_of_rates(self) -> Self:
        if self.epochs is None and self.steps is None:
            raise ValueError("set epochs or steps")
        if self.min_learning_rate is not None and self.min_learning_rate > self.learning_rate:
            raise ValueError(f"min_learning_rate {self.min_learning_rate:g} is above the learning rate")
        return self

    def unfit(self, task: Task) -> str:
        """Return in one line why the loss cannot train a task; empty where it can."""
        if task.quantiles and (self.loss != "quantile" or self.quantile is not None):
            return f"task {task.name!r} forecasts quantiles, which loss quantile without a level of its own fits alone"
        several = task.target.is_class and task.classes > 2
        if self.loss == "sparse_categorical_crossentropy":
            fits, needs = several, "more than two classes"
        elif self.loss == "binary_crossentropy":
            fits, needs = task.target.is_class and not several, "two classes"
        else:
            fits, needs = not several, "real values or two classes"
        asked = f"{task.classes} classes" if task.target.is_class else "real values"
        return "" if fits else f"loss {self.loss} needs {needs}; task {task.name!r} forecasts {asked}"


OPTIONS: Mapping[str, OptionOf] = {
    name: mark for name, field in Recipe.model_fields.items() for mark in field.metadata if isinstance(mark, OptionOf)
}
"""What each option is an option of."""


def _bare(annotation: Any) -> Any:
    """Return a field's type without None."""
    if get_origin(annotation) in (Union, UnionType):
        (annotation,) = (part for part in get_args(annotation) if part is not NoneType)
    return annotation


def _kind(annotation: Any) -> type:
    bare = _bare(annotation)
    if get_origin(bare) is Annotated:
        bare = get_args(bare)[0]
    return bare if isinstance(bare, type) else str


KINDS: Mapping[str, type] = {name: _kind(field.annotation) for name, field in Recipe.model_fields.items()}
"""Each field's plain type: str for a name, int and float for a number (which has an order), bool for a switch."""


T = TypeVar("T")


def _distinct(values: list[T]) -> list[T]:
    if len(set(values)) != len(values):
        raise ValueError("names one value twice")
    return values


Choices = Annotated[list[T], Field(min_length=1), AfterValidator(_distinct)]


def _made(name: str, *, lists: bool) -> Any:
    """Return a model of the recipe's fields, all of them None unless set: to one value, or to a list of them."""
    fields: dict[str, Any] = {}
    for key, field in Recipe.model_fields.items():
        bare: Any = Annotated[(_bare(field.annotation), "", *field.metadata)]
        fields[key] = ((Choices[bare] if lists else bare) | None, None)
    return create_model(name, __base__=_Strict, __module__=__name__, **fields)


class RecipeOverrides(_made("RecipeOverrides", lists=False)):  # type: ignore[misc]  # its base is made from Recipe
    """Recipe fields that a suite or a command sets for all its cases; None leaves the case's own."""

    def apply(self, recipe: Recipe) -> Recipe:
        """Return ``recipe`` with the fields that are set here put in its place; see `changed`."""
        return changed(recipe, self.model_dump(exclude_none=True))


class RecipeGrid(_made("RecipeGrid", lists=True)):  # type: ignore[misc]  # likewise
    """Values of recipe fields that every trained case is compared over; None leaves a field alone."""

    @property
    def keys(self) -> list[str]:
        """The fields that it names."""
        return [key for key in Recipe.model_fields if getattr(self, key) is not None]

    def recipes(self, recipe: Recipe) -> list[Recipe]:
        """Return ``recipe`` at every combination of the values, the last field varying fastest; see `changed`."""
        values: list[list[Any]] = [getattr(self, key) for key in self.keys]
        return [changed(recipe, dict(zip(self.keys, chosen, strict=True))) for chosen in product(*values)]


def changed(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """Return a recipe with some fields set anew.

    What a change makes meaningless is left out: the options that a new optimizer, loss or schedule does not have,
    and of two fields of which one decides, the other.

    Raises:
        BenchError: The fields do not go together.
    """
    kept = recipe.model_dump()
    for name, option in OPTIONS.items():
        if changes.get(option.field, option.choices[0]) not in option.choices:
            kept[name] = None
    for pair in ALTERNATIVES:
        for one, other in (pair, pair[::-1]):
            if one in changes:
                kept[other] = None
    try:
        return Recipe.model_validate(kept | dict(changes))
    except ValidationError as error:
        first = error.errors()[0]
        where = f"{first['loc'][0]}: " if first["loc"] else ""
        raise BenchError(f"recipe: {where}{reason_of(first)}") from None


def differences(recipe: Recipe, other: Recipe) -> dict[str, Any]:
    """Return the fields of ``recipe`` that differ from ``other``'s; one that is off counts where it has a word."""
    off = {"schedule": "constant", "precision": "float32", "keep_gradients": False}
    values = {k: off.get(k) if v is None else v for k, v in recipe.model_dump().items() if v != getattr(other, k)}
    return {key: value for key, value in values.items() if value is not None}
