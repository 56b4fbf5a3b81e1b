"""Chapter 15, exercise 7: strings of the embedded Reber grammar, valid or corrupted.

The notebook stops before any classifier, so nothing is published here.
"""

from bench.cases.base import Case, case
from bench.datasets.reber import Reber, ReberExercise
from bench.models.classifier import GRUClassifier
from bench.models.string_predictors import Bigram, LengthOnly, Majority
from bench.recipe import Recipe

RECIPE = Recipe(loss="binary_crossentropy", learning_rate=0.005, epochs=60, batch_size=64)


@case("chapter15/reber_exercise_majority")
def reber_exercise_majority() -> Case:
    """The more frequent class."""
    return Case(dataset=ReberExercise(), model=Majority(), label="majority")


@case("chapter15/reber_exercise_length_only")
def reber_exercise_length_only() -> Case:
    """The more frequent class of strings of that length."""
    return Case(dataset=ReberExercise(), model=LengthOnly(), label="length only")


@case("chapter15/reber_exercise_bigram")
def reber_exercise_bigram() -> Case:
    """Whether a valid training string has each pair of neighbours."""
    return Case(dataset=ReberExercise(), model=Bigram(), label="bigram")


@case("chapter15/reber_exercise_gru")
def reber_exercise_gru() -> Case:
    """A GRU of 32 units on what the exercise asks; see what it makes of outer faults."""
    return Case(dataset=ReberExercise(), model=GRUClassifier(units=32), recipe=RECIPE, label="GRU")


@case("chapter15/reber_majority")
def reber_majority() -> Case:
    """The more frequent class."""
    return Case(dataset=Reber(), model=Majority(), label="majority")


@case("chapter15/reber_length_only")
def reber_length_only() -> Case:
    """The more frequent class of strings of that length."""
    return Case(dataset=Reber(), model=LengthOnly(), label="length only")


@case("chapter15/reber_bigram")
def reber_bigram() -> Case:
    """Whether a valid training string has each pair of neighbours."""
    return Case(dataset=Reber(), model=Bigram(), label="bigram")


@case("chapter15/reber_gru")
def reber_gru() -> Case:
    """The same GRU where a third of the corruptions are at the outer letter."""
    return Case(dataset=Reber(), model=GRUClassifier(units=32), recipe=RECIPE, label="GRU")
