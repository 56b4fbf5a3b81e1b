"""A suite with what a command says put in its place."""

from typing import Any

from pydantic import ValidationError

from bench.cases.crossed import CrossedCase
from bench.cases.in_place import InPlaceCase
from bench.errors import BenchError
from bench.suite.model import AutoSeeds, Entry, Suite, match_cases, matching
from bench.suite.read import explain


def override(
    suite: Suite,
    *,
    cases: list[str] | None = None,
    seeds: list[int] | None = None,
    devices: list[str] | None = None,
    backends: list[str] | None = None,
    epochs: int | None = None,
) -> Suite:
    """Return the suite with what a command says put in its place; equal to it where that changes nothing.

    Other seeds are those of every backend. Of a suite with a grid, a name or glob that matches a case chooses all of
    its variants, too.

    Raises:
        BenchError: A case is not in the suite, or a value does not fit.
    """
    changes: dict[str, Any] = {}
    if cases:
        changes |= _choose(suite.model_copy(update={"backends": backends}) if backends else suite, cases)
    if seeds:
        changes |= {"seeds": seeds, "auto_seeds": AutoSeeds()}
        if seeds != suite.seeds:
            changes["seeds_on"] = {}
    if devices:
        changes["devices"] = devices
    if backends:
        left = changes.get("seeds_on", suite.seeds_on)
        changes |= {"backends": backends, "seeds_on": {name: left[name] for name in left if name in backends}}
    if epochs:
        for key in {"epochs", "steps"} & set(suite.grid.keys):
            raise BenchError(f"suite {suite.name!r} compares numbers of {key} in its grid; leave --epochs out")
        changes["recipe"] = suite.recipe.model_copy(update={"epochs": epochs, "steps": None})
    try:
        return Suite.model_validate(suite.model_dump() | changes) if changes else suite
    except ValidationError as error:
        raise BenchError(explain(error, Suite)) from None


def _choose(suite: Suite, patterns: list[str]) -> dict[str, Any]:
    """Return what changes in a suite so that it has only the cases of some names and globs.

    Raises:
        BenchError: A pattern matches none of its cases, or such as no backend of the suite can run.
    """
    selected = suite.select()
    bases = list(dict.fromkeys(case.variant_of or case.name for case in selected))
    known = list(dict.fromkeys([*bases, *(case.name for case in selected)]))
    for pattern in patterns:
        reasons = {} if matching(pattern, known) else suite.left_out
        for name in matching(pattern, reasons):
            raise BenchError(f"suite {suite.name!r}: case {name!r} cannot be run: {reasons[name]}")
    matched = {name for pattern in patterns for name in match_cases(pattern, known)}
    kept = [case for case in selected if case.name in matched or case.variant_of in matched]
    if len(kept) == len(selected):
        return {}
    left = list(dict.fromkeys(case.variant_of or case.name for case in kept))
    defined: dict[str, Entry] = {entry.name: entry for entry in suite.cases if isinstance(entry, InPlaceCase)}
    for entry in suite.cases:
        if isinstance(entry, CrossedCase):
            for named, made in entry.resolve():
                for case in made:
                    own = named if isinstance(named, dict) else case.model.name
                    defined[case.name] = entry.model_copy(update={"models": [own]})
    there = [case for case in selected if (case.variant_of or case.name) in left]
    only = [] if len(kept) == len(there) and not suite.only else [case.name for case in kept]
    return {"cases": [defined.get(name, name) for name in left], "only": only}
