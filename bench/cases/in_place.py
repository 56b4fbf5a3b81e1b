"""A case that a suite's file defines itself."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bench.cases.base import Case, Published, make_dataset, make_model, printable
from bench.errors import BenchError
from bench.recipe import Recipe

Named = str | dict[str, Any]
FORBIDDEN = "|`\\,"
"""They end a table's cell or its code, or part two names on the command line."""


def _name(text: str) -> str:
    if any(letter in FORBIDDEN for letter in text):
        raise ValueError(f"a case's name holds none of {' '.join(FORBIDDEN)}")
    if text != text.strip() or any(part in ("", ".", "..") for part in text.split("/")):
        raise ValueError("a case's name is NAME or FAMILY/NAME, without empty parts, '..' or spaces around it")
    return text


CaseName = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(printable), AfterValidator(_name)]


class InPlaceCase(BaseModel):
    """A case that a suite defines itself: ``{ name, dataset, model, recipe, published }``.

    ``dataset`` and ``model`` are a registered name, or a table of a name and its parameters.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: CaseName
    dataset: Named
    model: Named
    recipe: Recipe | None = None
    label: Annotated[str, Field(max_length=100), AfterValidator(printable)] = ""
    published: Published = Published()

    def resolve(self) -> Case:
        """Return the case with its plug-ins looked up.

        Raises:
            BenchError: A plug-in is unknown or a parameter does not fit.
        """
        dataset = make_dataset(*_split(self.dataset, "dataset", self.name))
        model = make_model(*_split(self.model, "model", self.name))
        label = self.label or self.name.rpartition("/")[2]
        return Case(dataset, model, self.recipe, label, self.published, name=self.name)


def _split(named: Named, kind: str, case: str) -> tuple[str, dict[str, Any]]:
    if isinstance(named, str):
        return named, {}
    params = dict(named)
    name = params.pop("name", None)
    if not isinstance(name, str):
        raise BenchError(f'case {case!r}: {kind} needs a name, as in {kind} = {{ name = "..." }}')
    return name, params
