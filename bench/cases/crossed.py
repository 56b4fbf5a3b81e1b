"""A case for each of several models, on one dataset, that a suite's file defines itself."""

import fnmatch
from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from bench.cases.base import Case, make_dataset, make_model
from bench.cases.in_place import LONGEST, CaseName, Named, split_named
from bench.errors import BenchError
from bench.models.base import models
from bench.recipe import Recipe
from bench.registry import close_matches
from bench.text.lines import fit


class CrossedCase(BaseModel):
    """A dataset, and the models that are to answer it: ``{ name, dataset, models, recipe }``.

    Attributes:
        name: Of the family: its cases are called ``NAME/MODEL``.
        dataset: A registered name, or a table of a name and its parameters.
        models: Registered names, each at its default size; tables of a name and parameters, which may have a ``label``
            for tables and figures; or globs, such as ``"*"``, which stand for models that are ``general``:
            architectures for any task, and baselines.
        recipe: Of those that are trained.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: CaseName
    dataset: Named
    models: Annotated[list[Named], Field(min_length=1)]
    recipe: Recipe | None = None

    @field_validator("models")
    @classmethod
    def _labelled(cls, entries: list[Named]) -> list[Named]:
        for label in (entry["label"] for entry in entries if isinstance(entry, dict) and "label" in entry):
            if not isinstance(label, str) or not 0 < len(label) <= LONGEST:
                raise ValueError(f"a label is text of 1 to {LONGEST} characters")
            fit(label)
        return entries

    def resolve(self) -> list[tuple[Named, list[Case]]]:
        """Return each entry of ``models`` with the cases that it stands for.

        Raises:
            BenchError: The dataset or a model is unknown, a parameter does not fit, or a model is named twice; one that
                a glob stands for may be named for its parameters.
        """
        named = [split_named(entry, "model", self.name)[0] for entry in self.models]
        twice = [name for name in named if not is_glob(name) and named.count(name) > 1]
        if twice:
            raise BenchError(f"its models name {twice[0]} twice; put one into a [[cases]] with a name of its own")
        dataset = make_dataset(*split_named(self.dataset, "dataset", self.name))

        def case(named: Named) -> Case:
            name, params = split_named(named, "model", self.name)
            label: str = params.pop("label", name.replace("_", " "))
            model = make_model(name, params)
            recipe = self.recipe if model.trained else None
            return Case(dataset, model, recipe, label, name=f"{self.name}/{name}")

        return [(entry, [case(named) for named in _matched(entry)]) for entry in self.models]


def is_glob(entry: Named) -> bool:
    """Return whether an entry stands for what it matches, and not for a model of its name."""
    return isinstance(entry, str) and entry not in models.names()


def _matched(entry: Named) -> Sequence[Named]:
    if not isinstance(entry, str) or not is_glob(entry):
        return [entry]
    found = [name for name in fnmatch.filter(models.names(), entry) if models.get(name).general]
    if not found:
        raise BenchError(f"unknown model {entry!r}; {close_matches(entry, models.names())}")
    return found
