"""What a suite is: a selection of cases, seeds, devices and backends, as checked data."""

import fnmatch
from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PositiveFloat,
    PositiveInt,
    Tag,
    ValidationInfo,
    field_validator,
)

from bench.cases.base import Case, Published, cases
from bench.cases.crossed import CrossedCase, is_glob
from bench.cases.in_place import InPlaceCase
from bench.cases.variants import variants
from bench.digest import digest
from bench.errors import BenchError
from bench.metrics.base import metrics
from bench.models.base import models
from bench.recipe import RecipeGrid, RecipeOverrides
from bench.record import IN_WORDS, RANKED, Weights
from bench.registry import close_matches
from bench.text.files import is_folder_name
from bench.text.lines import fit

LEAST_SEEDS = 10
"""A rule that looks at the seeds and may stop before so many gives intervals that cover too seldom."""
MOST_SEEDS = 1000


def _file_name(text: str) -> str:
    if not is_folder_name(text):
        raise ValueError(
            "a suite's name is 1 to 100 letters, digits, '-', '_' and '.', the first a letter or digit, the last no "
            "'.', and not con or another device of Windows"
        )
    return text


def _one(seeds: list[int]) -> list[int]:
    if len(seeds) > 1:
        raise ValueError(
            'is one seed, or "seeds": then each run draws its data from its own seed, too; for several draws write '
            f'seeds = {seeds} and data_seeds = "seeds"'
        )
    return seeds


def _form(value: Any) -> str:
    return "text" if isinstance(value, str) else "other"


def _form_of_case(value: Any) -> str:
    crossed = isinstance(value, CrossedCase) or (isinstance(value, dict) and "models" in value)
    return "crossed" if crossed else _form(value)


SuiteName = Annotated[str, AfterValidator(_file_name)]
Title = Annotated[str, Field(max_length=300), AfterValidator(fit)]
Seed = Annotated[int, Field(ge=0, lt=2**32, strict=True)]
SeedList = Annotated[list[Seed], Field(min_length=1)]
Seeds = Annotated[
    Annotated[Literal["auto"], Tag("text")] | Annotated[SeedList, Tag("other")],
    Discriminator(_form),
]
DataSeeds = Annotated[
    Annotated[Literal["seeds"], Tag("text")] | Annotated[SeedList, AfterValidator(_one), Tag("other")],
    Discriminator(_form),
]
Accept = Literal["here", "any", "one"]
Entry = Annotated[
    Annotated[str, Tag("text")] | Annotated[InPlaceCase, Tag("other")] | Annotated[CrossedCase, Tag("crossed")],
    Discriminator(_form_of_case),
]


class AutoSeeds(BaseModel):
    """How many seeds a case gets where a suite says ``seeds = "auto"``.

    Seeds count up from ``first``. There are ``least`` of them, then ``step`` more at a time, until the upper
    end of the 95 % interval of the geometric mean is at most ``width`` times that mean or ``cap`` are used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: Annotated[int, Field(ge=0, lt=2**32 - MOST_SEEDS, strict=True)] = 42
    least: Annotated[int, Field(strict=True)] = LEAST_SEEDS
    cap: Annotated[int, Field(le=MOST_SEEDS, strict=True, validate_default=True)] = 30
    step: Annotated[PositiveInt, Field(strict=True)] = 5
    width: Annotated[float, Field(gt=1, allow_inf_nan=False)] = 1.1

    @field_validator("least")
    @classmethod
    def _enough(cls, value: int) -> int:
        if value < LEAST_SEEDS:
            raise ValueError(f"at least {LEAST_SEEDS}: stopping earlier gives 95 % intervals that cover 90 to 92 %")
        return value

    @field_validator("cap")
    @classmethod
    def _above(cls, value: int, info: ValidationInfo) -> int:
        if value < info.data.get("least", LEAST_SEEDS):
            raise ValueError("must not be less than least")
        return value

    def seeds(self, count: int) -> list[int]:
        """Return the first ``count`` seeds."""
        return list(range(self.first, self.first + count))


class Suite(BaseModel):
    """What is run and compared. A suite with the same digest plans the same runs.

    Attributes:
        name: Same as the file's.
        title: A heading for the report.
        cases: Registered names or globs such as ``"chapter15/*"``, or tables that define a case, or one a model.
        seeds: Model seeds: initial weights and the order of windows. ``"auto"`` lets each case have as many as its
            scores ask for.
        auto_seeds: The rule for that; see `AutoSeeds`.
        data_seeds: The seed of the data sets, in a list; or ``"seeds"``: each run draws its data from its own seed,
            too, so that all that varies varies together, and n is the number of runs.
        rank: What ranks: ``"best"`` is the test score of the epoch that was best on validation, ``"last"`` the
            validation score after the last epoch.
        equivalence: Models whose errors differ by no more than this share count as equivalent in practice.
        equivalence_points: Likewise of shares, in points of a per cent.
        devices: ``cpu``, ``gpu``, ``gpu:1``, or ``all``: every GPU, a worker each.
        backends: ``tensorflow``, ``jax``, ``torch``.
        seeds_on: Of a backend that gets fewer seeds, which of them.
        related: Suites whose reports answer what this one's leaves open, each with its question: the report links to
            theirs.
        baseline: The model that skill is measured against, on each task that has it.
        metrics: Metrics that the report's leaderboards show besides the one that ranks; empty for the usual ones. One
            that is not computed otherwise is part of the run's spec.
        slices: What the report slices test scores by: weekday, month, hour, horizon, or a column of the data.
        recipe: Overrides for every trained case.
        grid: Lists of values of recipe fields; each trained case becomes one case a combination.
        only: Of the variants that the grid makes, the names of those that are kept; empty for all. A command's
            choice of cases sets it.
        throughput: Whether the throughput benchmark measures the cases after their runs.
        accept: Which environments' runs count as done: ``"here"`` that of the machine that asks, ``"any"``, or
            ``"one"``: on each device and backend the one with most runs, so that the rest is to be run there, too.
        time_limit_s: A run that takes longer is ended and recorded as timed out; None for no limit.
        crash_retries: How often a run whose worker died is tried again within the sweep. A run that failed,
            diverged or timed out is not: it would do so again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: SuiteName
    title: Title = ""
    related: dict[SuiteName, Title] = {}
    cases: list[Entry] = Field(min_length=1)
    seeds: Seeds
    auto_seeds: AutoSeeds = AutoSeeds()
    data_seeds: DataSeeds = [42]
    rank: Weights = "best"
    equivalence: Annotated[float, Field(gt=0, lt=1)] = 0.05
    equivalence_points: Annotated[float, Field(gt=0, lt=100)] = 1.0
    devices: list[str] = Field(default=["cpu"], min_length=1)
    backends: list[str] = Field(default=["tensorflow"], min_length=1)
    seeds_on: dict[str, SeedList] = {}
    baseline: str = "naive"
    metrics: list[str] = []
    slices: list[str] = []
    recipe: RecipeOverrides = RecipeOverrides()
    grid: RecipeGrid = RecipeGrid()
    only: list[str] = []
    throughput: Annotated[bool, Field(strict=True)] = True
    accept: Accept = "here"
    time_limit_s: PositiveFloat | None = None
    crash_retries: Annotated[int, Field(ge=0, le=10, strict=True)] = 1

    @field_validator("devices")
    @classmethod
    def _short(cls, values: list[str]) -> list[str]:
        """Name the first device of a kind in one way: ``gpu:0`` is ``gpu``."""
        return [value.removesuffix(":0") for value in values]

    @field_validator("seeds", "devices", "backends", "metrics", "slices")
    @classmethod
    def _distinct(cls, values: Any) -> Any:
        if isinstance(values, list) and len(set(values)) != len(values):
            raise ValueError("names one value twice")
        return values

    @field_validator("auto_seeds")
    @classmethod
    def _in_use(cls, value: AutoSeeds, info: ValidationInfo) -> AutoSeeds:
        if value != AutoSeeds() and info.data.get("seeds") != "auto":
            raise ValueError('means nothing where seeds is a list; write seeds = "auto" or leave it out')
        return value

    @field_validator("grid")
    @classmethod
    def _apart(cls, grid: RecipeGrid, info: ValidationInfo) -> RecipeGrid:
        recipe = info.data.get("recipe", RecipeOverrides())
        twice = [key for key in grid.keys if getattr(recipe, key) is not None]
        if twice:
            raise ValueError(f"compares values of {twice[0]}, which recipe sets to one; leave it out of one of the two")
        return grid

    @field_validator("devices")
    @classmethod
    def _alone(cls, values: list[str]) -> list[str]:
        if "all" in values and {*values} - {"all", "cpu"}:
            raise ValueError("all is every GPU; beside it stands cpu at most")
        return values

    @field_validator("seeds_on")
    @classmethod
    def _some(cls, values: dict[str, list[int]], info: ValidationInfo) -> dict[str, list[int]]:
        seeds, backends = info.data.get("seeds", []), info.data.get("backends", [])
        if values and seeds == "auto":
            raise ValueError('means nothing where seeds is "auto"; write a list of seeds, or leave it out')
        for backend, chosen in values.items():
            if backend not in backends:
                raise ValueError(f"{backend!r} is not in backends; name it there, or leave it out here")
            other = [seed for seed in chosen if seed not in seeds or chosen.count(seed) > 1]
            if other:
                raise ValueError(f"{backend} names {other[0]}, which is not in seeds or is there twice; leave it out")
        return values

    @property
    def places(self) -> list[str]:
        """The devices as runs name them: one on any GPU of ``all`` is one on ``gpu``."""
        return ["gpu" if name == "all" else name for name in self.devices]

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits that name this selection; what ranks is in it, since automatic seeds go by that."""
        told = "title", "related", "equivalence", "equivalence_points", "slices", "throughput", "accept", "time_limit_s"
        left_out: dict[str, Any] = dict.fromkeys((*told, "crash_retries"), True) | {
            "cases": {"__all__": {"published": {"note", "why_not"}}}
        }
        return digest(self.model_dump(mode="json", exclude=left_out, exclude_defaults=True), 8)

    @property
    def seeds_rule(self) -> str:
        """How many seeds a case gets, in words; empty where the suite lists them."""
        if self.seeds != "auto":
            return ""
        rule, (split, weights) = self.auto_seeds, RANKED[self.rank]
        score = f"{IN_WORDS.get(split, split)} error {IN_WORDS[weights]}"
        return (
            f"each trained case gets {rule.least} seeds, from {rule.first} on, then {rule.step} more at a time, until "
            "the upper end of the 95 % interval of its geometric mean (of the metric that chooses the epoch, the "
            f"{score}) is at most {rule.width:g} times that mean or {rule.cap} seeds are used"
        )

    def select(self) -> list[Case]:
        """Return the cases, in the suite's order, each once, with the suite's recipe applied and its grid laid out.

        Of those that a glob stands for, the ones that no backend of the suite can run are left out.

        Raises:
            BenchError: A name or a glob matches nothing, or two cases share a name.
        """
        models.get(self.baseline)
        for name in self.metrics:
            metrics.get(name)
        chosen: dict[str, Case] = {}
        for entry in self.cases:
            if isinstance(entry, str):
                for case in self._able([cases.get(name) for name in match_cases(entry, cases.names())]):
                    chosen.setdefault(case.name, case)
                continue
            try:
                made = {case.name: case for case in self._made(entry)}
            except BenchError as error:
                raise BenchError(f"suite {self.name!r}, case {entry.name!r}: {error}") from None
            if twice := next((name for name in made if name in chosen), None):
                raise BenchError(f"suite {self.name!r}: case {twice!r} is defined twice; rename one")
            chosen |= made
        laid_out: dict[str, Case] = {}
        for case in chosen.values():
            try:
                found = variants(_with_recipe(case, self.recipe), self.grid)
            except BenchError as error:
                raise BenchError(f"suite {self.name!r}, case {case.name!r}: {error}") from None
            for variant in found:
                if variant.name in laid_out:
                    raise BenchError(f"suite {self.name!r}: two cases are called {variant.name!r}; rename one")
                laid_out[variant.name] = self._on_source_data(variant)
        for name in self.only:
            if name not in laid_out:
                raise BenchError(f"suite {self.name!r}: unknown case {name!r}; {close_matches(name, list(laid_out))}")
        return [case for name, case in laid_out.items() if not self.only or name in self.only]

    def _made(self, entry: InPlaceCase | CrossedCase) -> list[Case]:
        """Return the cases that a table defines; of those that a glob stands for, the ones that can be run."""
        if isinstance(entry, InPlaceCase):
            return [entry.resolve()]
        found = entry.resolve()
        return [case for name, crossed in found for case in (self._able(crossed) if is_glob(name) else crossed)]

    def _able(self, found: list[Case]) -> list[Case]:
        """Return the cases that some backend of the suite can run; all where none can."""
        return [case for case in found if any(map(case.runs_on, self.backends))] or found

    @property
    def left_out(self) -> dict[str, str]:
        """Registered cases that a glob stands for and no backend of the suite can run, with the reason."""
        globs = [entry for entry in self.cases if isinstance(entry, str)]
        named = [cases.get(name) for entry in globs for name in match_cases(entry, cases.names())]
        taken = {case.name for case in self.select()}
        return {
            case.name: "; ".join(case.runs_on(backend).reason for backend in self.backends)
            for case in named
            if case.name not in taken and not any(map(case.runs_on, self.backends))
        }

    def _on_source_data(self, case: Case) -> Case:
        """Return a case, without its published values where this suite's data are not those that they are of."""
        printed = case.published
        same = printed.any_draw or not case.dataset.varies or self.data_seeds == [printed.data_seed]
        return case if same else replace(case, published=Published())


def matching(pattern: str, known: Iterable[str]) -> list[str]:
    """As `match_cases`, but none where it matches none."""
    names = list(known)
    if pattern in names:
        return [pattern]
    return fnmatch.filter(names, pattern) or [n for n in names if fnmatch.fnmatch(n.rpartition("/")[2], pattern)]


def match_cases(pattern: str, known: list[str]) -> list[str]:
    """Return the names that a name or a glob stands for; a name may leave out its family.

    Raises:
        BenchError: It matches none.
    """
    found = matching(pattern, known)
    if not found:
        short = [n.rpartition("/")[2] for n in known]
        raise BenchError(f"unknown case {pattern!r}; {close_matches(pattern, known + short)}")
    return found


def _with_recipe(case: Case, overrides: RecipeOverrides) -> Case:
    """Return a case with a suite's recipe; under another recipe its published values are none to be held to."""
    if case.recipe is None:
        return case
    recipe = overrides.apply(case.recipe)
    return case if recipe == case.recipe else replace(case, recipe=recipe, published=Published())
