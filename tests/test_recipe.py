"""A recipe is written once: what goes with what, and what overrides, grids and tables make of it."""

import pytest
from pydantic import ValidationError

from bench.cases.base import Case
from bench.cases.variants import variants
from bench.datasets.waves import WavesNextStep
from bench.errors import BenchError
from bench.frames import typed
from bench.frames.schemas import RECIPE
from bench.models.linear import Linear
from bench.recipe import KINDS, OPTIONS, Recipe, RecipeGrid, RecipeOverrides, changed, differences
from bench.task import TargetKind, Task


def test_every_field_is_described_and_can_be_overridden_and_compared():
    assert all(field.description for field in Recipe.model_fields.values())
    assert (
        list(RecipeOverrides.model_fields) == list(RecipeGrid.model_fields) == list(Recipe.model_fields) == list(KINDS)
    )
    assert set(RecipeOverrides().model_dump().values()) == {None} == set(RecipeGrid().model_dump().values())
    assert set(KINDS.values()) == {str, int, float, bool}


def test_a_table_has_a_type_for_every_field():
    frame = typed([dict.fromkeys(KINDS)], RECIPE)
    types = {str: "string", int: "Int64", float: "float64", bool: "boolean"}
    assert {key: str(frame[key].dtype) for key in KINDS} == {key: types[kind] for key, kind in KINDS.items()}


@pytest.mark.parametrize(
    ("fields", "where", "message"),
    [
        ({"momentum": 0.9}, "momentum", "optimizer adam has no momentum; rmsprop and sgd have it"),
        ({"optimizer": "sgd", "epsilon": 1e-7}, "epsilon", "optimizer sgd has no epsilon; adam, adamw, nadam and"),
        ({"quantile": 0.9}, "quantile", "loss mse has no quantile; quantile has it"),
        ({"loss": "mae", "huber_delta": 1.0}, "huber_delta", "loss mae has no huber_delta; huber has it"),
        ({"decay_factor": 0.5}, "decay_factor", "schedule constant has no decay_factor; step and plateau have it"),
        ({"schedule": "cosine", "step_epochs": 3}, "step_epochs", "schedule cosine has no step_epochs; step has it"),
        ({"steps": 5, "epochs": 3}, "steps", "set epochs or steps, not both"),
        ({"clip_norm": 1.0, "clip_value": 1.0}, "clip_value", "set clip_norm or clip_value, not both"),
        ({"epochs": None}, None, "set epochs or steps"),
        ({"schedule": "cosine", "min_learning_rate": 0.1}, None, "min_learning_rate 0.1 is above the learning rate"),
        ({"clip_norm": 0.0}, "clip_norm", "greater than 0"),
        ({"weight_decay": float("nan")}, "weight_decay", "finite"),
    ],
)
def test_what_does_not_go_together_is_said_in_one_line(fields, where, message):
    with pytest.raises(ValidationError) as raised:
        Recipe(**fields)
    first = raised.value.errors()[0]
    assert message in first["msg"]
    assert "\n" not in first["msg"]
    assert first["loc"] == ((where,) if where else ())


def test_overrides_and_grids_are_held_to_the_same():
    with pytest.raises(ValidationError, match="sgd has no beta_1"):
        RecipeOverrides(optimizer="sgd", beta_1=0.9)
    with pytest.raises(ValidationError, match="set epochs or steps, not both"):
        RecipeGrid(epochs=[1], steps=[2])
    with pytest.raises(ValidationError, match="adam has no momentum"):
        RecipeGrid(optimizer=["adam", "nadam"], momentum=[0.9])
    with pytest.raises(BenchError, match=r"^recipe: momentum: optimizer adam has no momentum"):
        RecipeGrid(optimizer=["adam", "sgd"], momentum=[0.9]).recipes(Recipe())
    with pytest.raises(BenchError, match=r"^recipe: momentum: optimizer adam has no momentum"):
        RecipeOverrides(momentum=0.9).apply(Recipe())


def test_a_budget_of_steps_survives_and_takes_the_place_of_epochs():
    recipe = Recipe(steps=5)
    assert recipe.epochs is None
    assert Recipe.model_validate(recipe.model_dump()) == recipe
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe
    assert RecipeOverrides(steps=5).apply(Recipe(epochs=7)) == recipe
    assert RecipeOverrides(epochs=7).apply(recipe) == Recipe(epochs=7)


def test_a_change_takes_the_options_of_what_it_replaces_with_it():
    adam = Recipe(optimizer="adam", beta_1=0.8, epsilon=1e-5, schedule="step", step_epochs=3)
    assert changed(adam, {"optimizer": "rmsprop"}) == Recipe(
        optimizer="rmsprop", epsilon=1e-5, schedule="step", step_epochs=3
    )
    assert changed(adam, {"schedule": "constant"}) == Recipe(optimizer="adam", beta_1=0.8, epsilon=1e-5)
    assert changed(Recipe(clip_norm=1.0), {"clip_value": 2.0}) == Recipe(clip_value=2.0)
    assert changed(adam, {}) == adam


def test_equal_recipes_are_spelled_alike_and_a_variant_says_what_it_has():
    assert Recipe(schedule="constant") == Recipe()
    case = Case(WavesNextStep(), Linear(), Recipe(schedule="cosine"), label="linear", name="linear")
    grid = RecipeGrid(schedule=["constant", "cosine"], nesterov=None)
    assert [c.name for c in variants(case, grid)] == ["linear@schedule=constant", "linear"]
    assert differences(Recipe(steps=5), Recipe()) == {"steps": 5}
    assert differences(Recipe(), Recipe(steps=5)) == {"epochs": 20}


REAL = Task("real", TargetKind.LAST_STEP, 5)
TWO = Task("two", TargetKind.LABEL, 5)
TEN = Task("ten", TargetKind.LABEL_EVERY_STEP, 5, classes=10)


@pytest.mark.parametrize(
    ("loss", "fits"),
    [
        ("sparse_categorical_crossentropy", [TEN]),
        ("binary_crossentropy", [TWO]),
        ("mse", [REAL, TWO]),
        ("quantile", [REAL, TWO]),
    ],
)
def test_a_loss_says_which_task_it_cannot_train(loss, fits):
    recipe = Recipe(loss=loss)
    reasons = {task.name: recipe.unfit(task) for task in (REAL, TWO, TEN)}
    assert [name for name, reason in reasons.items() if not reason] == [task.name for task in fits]
    assert all(loss in reason and name in reason for name, reason in reasons.items() if reason)


def test_every_option_names_choices_that_there_are():
    for name, option in OPTIONS.items():
        for choice in option.choices:
            Recipe.model_validate({option.field: choice})
        assert Recipe.model_fields[name].default is None


def test_float32_is_what_a_recipe_has_unless_it_says_otherwise():
    assert Recipe(precision="float32") == Recipe()
    assert Recipe(precision="bfloat16").model_dump(exclude_defaults=True) == {"precision": "bfloat16"}
    assert differences(Recipe(), Recipe(precision="bfloat16")) == {"precision": "float32"}
    with pytest.raises(ValidationError, match="float32"):
        Recipe(precision="half")
