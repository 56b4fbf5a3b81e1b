"""What a case is, and the registry that finds them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, FiniteFloat, ValidationError

from bench.datasets.base import Dataset, datasets
from bench.datasets.loaded import declared
from bench.digest import digest_of_file
from bench.errors import BenchError, reason_of
from bench.models.base import Model, Network, Support, models
from bench.recipe import Recipe
from bench.record import Component, Weights
from bench.registry import Registry, close_matches
from bench.task import Task
from bench.text.lines import fit

Line = Annotated[str, AfterValidator(fit)]
AS_PRINTED = "as printed"
CORRECTED = "corrected"
"""What an erratum's variant is called where it is the source's, and where the fault is mended."""


class Published(BaseModel):
    """Values printed in the source, and where.

    Attributes:
        values: What was printed, by metric.
        source: Where, in words.
        curve: Names its series in the published curves.
        data_seed: Of the data that they are of; a suite on other data holds nothing to them.
        note: In one clause, a fact about the source that can make its values differ from ours.
        split: What it was printed of: validation, test, or an extra test set by its name.
        weights: After the last epoch, or of the best one.
        any_draw: The source drew data of its own, so that any draw is one more like it.
        why_not: In one clause, why a suite of its family may leave this case out; empty for no reason to.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    values: dict[str, FiniteFloat] = {}
    source: Line = ""
    curve: Line = ""
    data_seed: ClassVar[int] = 42
    note: Line = ""
    split: Line = "valid"
    weights: Weights = "last"
    any_draw: bool = False
    why_not: Line = ""


@dataclass(frozen=True)
class Erratum:
    """A fault of the source that this case carries, or lacks.

    Attributes:
        number: As listed in the report.
        fault: One clause that says what is wrong, the same in each case of the number.
        variant: What this case has, such as `AS_PRINTED` or `CORRECTED`.
    """

    number: int
    fault: str
    variant: str


@dataclass(frozen=True)
class Case:
    """A dataset, a model and the recipe that trains it, with what the source printed.

    Attributes:
        name: The name it is registered under, ``family/case``.
        label: Short name for tables and figures.
        recipe: None for a predictor.
        faulty: True for a variant that stands for a fault of its source alone: it ranks on no leaderboard.
        variant_of: The name of the case that this one varies in its recipe; empty for a case of its own.
    """

    dataset: Dataset
    model: Model
    recipe: Recipe | None = None
    label: str = ""
    published: Published = field(default_factory=Published)
    errata: tuple[Erratum, ...] = ()
    faulty: bool = False
    name: str = ""
    variant_of: str = ""

    def __post_init__(self) -> None:
        """Give a trained model the default recipe where none is named.

        Raises:
            BenchError: A predictor comes with a recipe.
        """
        if self.model.trained and self.recipe is None:
            object.__setattr__(self, "recipe", Recipe())
        if not self.model.trained and self.recipe is not None:
            raise BenchError(f"case {self.name!r}: model {self.model.name!r} is not trained; leave the recipe out")

    @property
    def task(self) -> Task:
        """What it is asked.

        Raises:
            BenchError: Its dataset cannot say it.
        """
        return declared(self.dataset)[1]

    def supports(self) -> Support:
        """Say whether its model fits its task, and its loss what it is trained on."""
        taught, asked = declared(self.dataset)
        fits = self.model.supports(asked, taught)
        if fits and self.recipe is not None:
            return Support(self.recipe.unfit(taught))
        return fits

    def runs_on(self, backend: str) -> Support:
        """Say whether a backend can run its model; any process can run a predictor."""
        return self.model.runs_on(backend) if isinstance(self.model, Network) else Support()


cases: Registry[Case] = Registry("case", "bench.cases")


def case(name: str) -> Callable[[Callable[[], Case]], Callable[[], Case]]:
    """Register the `Case` that the decorated function returns under ``name``."""

    def decorate(make: Callable[[], Case]) -> Callable[[], Case]:
        made = make()
        label = made.label or name.rpartition("/")[2]
        cases.add(name, replace(made, name=name, label=label), source=make)
        return make

    return decorate


def component(plugin: Dataset | Model) -> Component:
    """Return a plug-in as data, what was set told from what is a default, and files named by their content.

    Raises:
        BenchError: A file that a parameter names cannot be read, or fetched.
    """
    dumped = plugin.model_dump(mode="json")
    checks = set(plugin.checks) if isinstance(plugin, Dataset) else set()
    params = plugin.model_dump(mode="json", exclude_defaults=True, exclude=checks)
    files = {key: dumped[key] for key in plugin.files if dumped.get(key)}
    if isinstance(plugin, Dataset):
        files = {key: plugin.located(key) for key in files}
    return Component(
        name=plugin.name,
        params=params,
        version=plugin.version,
        defaults={key: value for key, value in dumped.items() if key not in params},
        contents={key: _content(plugin.name, named) for key, named in files.items()},
    )


def _content(name: str, named: str | list[str]) -> str:
    """Return the digest of the content of a file, or of several, as an id holds it.

    Raises:
        BenchError: One cannot be read.
    """
    digests = []
    file = ""
    try:
        for file in [named] if isinstance(named, str) else named:
            digests.append(f"sha256:{digest_of_file(file)}")
        return " ".join(digests)
    except OSError as error:
        raise BenchError(
            f"dataset {name!r}: cannot read {file} ({error.strerror}); name a file that is there"
        ) from None


def make_dataset(name: str, params: dict[str, Any]) -> Dataset:
    """Return the registered dataset ``name`` with its parameters.

    Raises:
        BenchError: The name is unknown or a parameter does not fit.
    """
    made: Dataset = _make("dataset", datasets.get(name), name, params)
    return made


def make_model(name: str, params: dict[str, Any]) -> Model:
    """Return the registered model ``name`` with its parameters.

    Raises:
        BenchError: The name is unknown or a parameter does not fit.
    """
    made: Model = _make("model", models.get(name), name, params)
    return made


def _make(kind: str, cls: Any, name: str, params: dict[str, Any]) -> Any:
    try:
        # As JSON, because strict JSON takes a list for a tuple, and "3" for no number.
        return cls.model_validate_json(json.dumps(params), strict=True)
    except (TypeError, ValueError) as error:
        if not isinstance(error, ValidationError):
            raise BenchError(f"{kind} {name!r}: its parameters are not plain data ({error})") from None
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = list(cls.model_fields)
            raise BenchError(f"{kind} {name!r} has no parameter {where!r}; {close_matches(where, known)}") from None
        at = f"parameter {where!r}: " if where else ""
        given = f", is {json.dumps(first['input'])}" if where else ""
        raise BenchError(f"{kind} {name!r}: {at}{reason_of(first)}{given}") from None
