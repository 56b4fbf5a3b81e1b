"""A suite: a selection of cases, seeds, devices and backends, read strictly from one TOML file."""

import fnmatch
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, ValidationError, field_validator

from bench.cases.base import Case, Published, cases, make_dataset, make_model
from bench.digest import digest
from bench.errors import BenchError
from bench.models.base import models
from bench.recipe import Recipe, RecipeOverrides
from bench.registry import close_matches

SUITES = Path("suites")
Seed = Annotated[int, Field(ge=0, lt=2**32, strict=True)]
Named = str | dict[str, Any]


class InPlaceCase(BaseModel):
    """A case that a suite defines itself: ``{ name, dataset, model, recipe, published }``.

    ``dataset`` and ``model`` are a registered name, or a table of a name and its parameters.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    dataset: Named
    model: Named
    recipe: Recipe | None = None
    label: str = ""
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


class Suite(BaseModel):
    """What is run and compared. A suite with the same digest plans the same runs.

    Attributes:
        name: Same as the file's.
        title: A heading for the report.
        cases: Registered names or globs such as ``"chapter15/*"``, or tables that define a case.
        seeds: Model seeds: initial weights and the order of windows.
        data_seeds: Seeds of the data sets.
        devices: ``cpu``, ``gpu`` or ``gpu:1``.
        backends: ``tensorflow``.
        baseline: The model that skill is measured against, on each task that has it.
        recipe: Overrides for every trained case.
        time_limit_s: A run that takes longer is ended and recorded as timed out; None for no limit.
        crash_retries: How often a run whose worker died is tried again within the sweep. A run that failed,
            diverged or timed out is not: it would do so again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str = ""
    cases: list[str | InPlaceCase] = Field(min_length=1)
    seeds: list[Seed] = Field(min_length=1)
    data_seeds: list[Seed] = Field(default=[42], min_length=1)
    devices: list[str] = Field(default=["cpu"], min_length=1)
    backends: list[str] = Field(default=["tensorflow"], min_length=1)
    baseline: str = "naive"
    recipe: RecipeOverrides = RecipeOverrides()
    time_limit_s: PositiveFloat | None = None
    crash_retries: Annotated[int, Field(ge=0, le=10, strict=True)] = 1

    @field_validator("devices")
    @classmethod
    def _short(cls, values: list[str]) -> list[str]:
        """Name the first device of a kind in one way: ``gpu:0`` is ``gpu``."""
        return [value.removesuffix(":0") for value in values]

    @field_validator("seeds", "data_seeds", "devices", "backends")
    @classmethod
    def _distinct(cls, values: list[Any]) -> list[Any]:
        if len(set(values)) != len(values):
            raise ValueError("names one value twice")
        return values

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits that name this selection."""
        return digest(self.model_dump(mode="json", exclude={"title", "time_limit_s", "crash_retries"}), 8)

    def select(self) -> list[Case]:
        """Return the cases, in the suite's order, each once, with the suite's recipe applied.

        Raises:
            BenchError: A name or a glob matches nothing, or two cases share a name.
        """
        models.get(self.baseline)
        chosen: dict[str, Case] = {}
        for entry in self.cases:
            if isinstance(entry, InPlaceCase):
                if entry.name in chosen:
                    raise BenchError(f"suite {self.name!r}: case {entry.name!r} is defined twice; rename one")
                chosen[entry.name] = entry.resolve()
            else:
                for name in match_cases(entry, cases.names()):
                    chosen.setdefault(name, cases.get(name))
        return [_with_recipe(case, self.recipe) for case in chosen.values()]


def match_cases(pattern: str, known: list[str]) -> list[str]:
    """Return the names that a name or a glob stands for; a name may leave out its family.

    Raises:
        BenchError: It matches none.
    """
    if pattern in known:
        return [pattern]
    found = fnmatch.filter(known, pattern) or [n for n in known if fnmatch.fnmatch(n.rpartition("/")[2], pattern)]
    if not found:
        short = [n.rpartition("/")[2] for n in known]
        raise BenchError(f"unknown case {pattern!r}; {close_matches(pattern, known + short)}")
    return found


def read_suite(name_or_path: str) -> Suite:
    """Read ``suites/<name>.toml``, or a path that ends in ``.toml``.

    Raises:
        BenchError: No such file, not TOML, or a key that does not fit; names file, key and what
            was expected.
    """
    path = Path(name_or_path) if name_or_path.endswith(".toml") else SUITES / f"{name_or_path}.toml"
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BenchError(f"{path}: not UTF-8 text") from None
    except (OSError, ValueError):
        known = sorted(p.stem for p in SUITES.glob("*.toml"))
        raise BenchError(
            f"no suite {name_or_path!r} ({path} cannot be read); {close_matches(name_or_path, known)}"
        ) from None
    try:
        suite = Suite.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BenchError(f"{path}: not valid TOML: {error}") from None
    except ValidationError as error:
        raise BenchError(f"{path}: {explain(error, Suite)}") from None
    if suite.name != path.stem:
        raise BenchError(f"{path}: key 'name' is {suite.name!r}, expected {path.stem!r}, the file's own name")
    return suite


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """Return the first fault of a validation as one clause: the key and what was expected."""
    first = next((e for e in error.errors() if e["type"] == "extra_forbidden"), error.errors()[0])
    key = ".".join(str(part) for part in first["loc"] if not str(part).startswith("function-"))
    if first["type"] == "extra_forbidden":
        known = list(model.model_fields)
        field = model.model_fields.get(str(first["loc"][0])) if len(first["loc"]) > 1 else None
        nested = getattr(field, "annotation", None)
        if isinstance(nested, type) and issubclass(nested, BaseModel):
            known = list(nested.model_fields)
        elif len(first["loc"]) > 1:
            known = list(InPlaceCase.model_fields)
        return f"unknown key {key!r}; {close_matches(str(first['loc'][-1]), known)}"
    if first["type"] == "missing":
        return f"key {key!r} is missing"
    return f"key {key!r}: {first['msg'][:1].lower()}{first['msg'][1:]}, is {first['input']!r:.60}"


def _split(named: Named, kind: str, case: str) -> tuple[str, dict[str, Any]]:
    if isinstance(named, str):
        return named, {}
    params = dict(named)
    name = params.pop("name", None)
    if not isinstance(name, str):
        raise BenchError(f'case {case!r}: {kind} needs a name, as in {kind} = {{ name = "..." }}')
    return name, params


def _with_recipe(case: Case, overrides: RecipeOverrides) -> Case:
    """Return a case with a suite's recipe; under another recipe its published values are none to be held to."""
    if case.recipe is None:
        return case
    recipe = overrides.apply(case.recipe)
    return case if recipe == case.recipe else replace(case, recipe=recipe, published=Published())


def override(
    suite: Suite,
    *,
    cases: list[str] | None = None,
    seeds: list[int] | None = None,
    devices: list[str] | None = None,
    epochs: int | None = None,
) -> Suite:
    """Return the suite with what a command says put in its place; equal to it where that changes nothing.

    Raises:
        BenchError: A case is not in the suite, or a value does not fit.
    """
    changes: dict[str, Any] = {}
    if cases:
        known = [case.name for case in suite.select()]
        names = [name for pattern in cases for name in match_cases(pattern, known)]
        in_place = {entry.name: entry for entry in suite.cases if isinstance(entry, InPlaceCase)}
        if set(names) != set(known):
            changes["cases"] = [in_place.get(name, name) for name in known if name in names]
    if seeds:
        changes["seeds"] = seeds
    if devices:
        changes["devices"] = devices
    if epochs:
        changes["recipe"] = suite.recipe.model_copy(update={"epochs": epochs})
    try:
        return Suite.model_validate(suite.model_dump() | changes) if changes else suite
    except ValidationError as error:
        raise BenchError(explain(error, Suite)) from None
