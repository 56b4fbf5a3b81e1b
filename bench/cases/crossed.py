"""A case for each of several models, on one dataset, that a suite's file defines itself."""

import fnmatch
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bench.cases.base import Case, make_dataset, make_model
from bench.cases.in_place import CaseName, Named, split_named
from bench.errors import BenchError
from bench.models.base import models
from bench.recipe import Recipe
from bench.registry import close_matches


class CrossedCase(BaseModel):
    """A dataset, and the models that are to answer it: ``{ name, dataset, models, recipe }``.

    Attributes:
        name: Of the family: its cases are called ``NAME/MODEL``.
        dataset: A registered name, or a table of a name and its parameters.
        models: Registered names, each at its default size; or globs, such as ``"*"``, which stand for models that are
            ``general``: architectures for any task, and baselines.
        recipe: Of those that are trained.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: CaseName
    dataset: Named
    models: Annotated[list[str], Field(min_length=1)]
    recipe: Recipe | None = None

    def resolve(self) -> dict[str, list[Case]]:
        """Return the cases that each entry of ``models`` stands for.

        Raises:
            BenchError: The dataset or a model is unknown, or a parameter does not fit.
        """
        dataset = make_dataset(*split_named(self.dataset, "dataset", self.name))

        def case(name: str) -> Case:
            model = make_model(name, {})
            recipe = self.recipe if model.trained else None
            return Case(dataset, model, recipe, name.replace("_", " "), name=f"{self.name}/{name}")

        return {entry: [case(name) for name in _matched(entry)] for entry in self.models}


def is_glob(entry: str) -> bool:
    """Return whether an entry stands for what it matches, and not for a model of its name."""
    return entry not in models.names()


def _matched(entry: str) -> list[str]:
    if not is_glob(entry):
        return [entry]
    found = [name for name in fnmatch.filter(models.names(), entry) if models.get(name).general]
    if not found:
        raise BenchError(f"unknown model {entry!r}; {close_matches(entry, models.names())}")
    return found
