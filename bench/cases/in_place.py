"""A case that a suite's file defines itself."""

import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bench.cases.base import Case, Published, make_dataset, make_model
from bench.errors import BenchError
from bench.recipe import Recipe
from bench.text.lines import fit

Named = str | dict[str, Any]
LONGEST = 300
"""Characters of a name or a label."""


def _name(text: str) -> str:
    text = unicodedata.normalize("NFC", text)  # or two names that look the same would be two
    if "," in text:
        raise ValueError("a case's name holds no comma, which parts two names on the command line")
    if text != text.strip() or any(part in ("", ".", "..") for part in text.split("/")):
        raise ValueError("a case's name is NAME or FAMILY/NAME, without empty parts, '..' or spaces around it")
    return text


CaseName = Annotated[str, Field(min_length=1, max_length=LONGEST), AfterValidator(fit), AfterValidator(_name)]


class InPlaceCase(BaseModel):
    """A case that a suite defines itself: ``{ name, dataset, model, recipe, published }``.

    ``dataset`` and ``model`` are a registered name, or a table of a name and its parameters.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: CaseName
    dataset: Named
    model: Named
    recipe: Recipe | None = None
    label: Annotated[str, Field(max_length=LONGEST), AfterValidator(fit)] = ""
    published: Published = Published()

    def resolve(self) -> Case:
        """Return the case with its plug-ins looked up.

        Raises:
            BenchError: A plug-in is unknown or a parameter does not fit.
        """
        dataset = make_dataset(*split_named(self.dataset, "dataset", self.name))
        model = make_model(*split_named(self.model, "model", self.name))
        label = self.label or self.name.rpartition("/")[2]
        return Case(dataset, model, self.recipe, label, self.published, name=self.name)


def split_named(named: Named, kind: str, case: str) -> tuple[str, dict[str, Any]]:
    """Return the name of a plug-in and its parameters.

    Raises:
        BenchError: A table has no name.
    """
    if isinstance(named, str):
        return named, {}
    params = dict(named)
    name = params.pop("name", None)
    if not isinstance(name, str):
        raise BenchError(f'case {case!r}: {kind} needs a name, as in {kind} = {{ name = "..." }}')
    return name, params
