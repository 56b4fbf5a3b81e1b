"""Reading a suite strictly from its TOML file, and what is wrong with one in a line."""

import tomllib
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ValidationError

from bench.cases.base import Published
from bench.cases.crossed import CrossedCase
from bench.cases.in_place import InPlaceCase
from bench.errors import BenchError, reason_of
from bench.recipe import Recipe, RecipeGrid, RecipeOverrides
from bench.registry import close_matches
from bench.suite.model import AutoSeeds, Suite

SUITES = Path("suites")


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
    parts = [part for part in first["loc"] if part not in ("text", "other")]  # the tags of a key of two forms
    key = ".".join(str(part) for part in parts if part != "crossed" and not str(part).startswith("function-"))
    if first["type"] == "extra_forbidden":
        return f"unknown key {key!r}; {close_matches(str(parts[-1]), _known_keys(model, parts[:-1]))}"
    if first["type"] == "missing":
        return f"key {key!r} is missing"
    return f"key {key!r}: {reason_of(first)}, is {first['input']!r:.60}"


def _known_keys(model: type[BaseModel], path: Sequence[int | str]) -> list[str]:
    """Return the keys of the table that a path of keys and indices leads to; an index leads to a case."""
    tables: dict[str, type[BaseModel]] = {"grid": RecipeGrid, "auto_seeds": AutoSeeds, "published": Published}
    for part in path:
        if isinstance(part, int):
            model = InPlaceCase
        elif part == "crossed":
            model = CrossedCase
        elif part == "recipe":
            model = Recipe if model in (InPlaceCase, CrossedCase) else RecipeOverrides
        else:
            model = tables.get(part, model)
    return list(model.model_fields)
