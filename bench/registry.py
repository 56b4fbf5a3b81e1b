"""A registry that plug-in files fill with a decorator; nobody keeps a central list.

A registry finds plug-ins in its own package, in the part of every family (``bench/families/NAME/PART``) that it looks
into, and in what is installed beside this package or named by the user: see `outside`.
"""

import difflib
import importlib
import inspect
import os
import pkgutil
import sys
import threading
from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Generic, TypeVar

from bench.errors import BenchError

T = TypeVar("T")
FAMILIES = "bench.families"
PLUGINS = "BENCH_PLUGINS"
"""Environment variable: modules outside this package that register plug-ins, comma-separated."""
GROUP = "bench.plugins"
"""Group of entry points by which an installed distribution names such modules."""

MOST = 20
"""A hint names so many, at most."""


def close_matches(name: str, known: list[str]) -> str:
    """Return a hint for an unknown name: close matches where there are any, else all names, or the first `MOST`."""
    matches = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if matches:
        return f"did you mean {' or '.join(matches)}?"
    more = f" and {len(known) - MOST} more" if len(known) > MOST else ""
    return f"known: {', '.join(known[:MOST]) or 'none'}{more}"


class Registry(Generic[T]):
    """Names to plug-ins of one kind, found by importing every module of a package once.

    Args:
        kind: What an entry is called in messages, such as ``"dataset"``.
        package: Dotted name of the package whose modules register entries, or None where a test
            registers by hand.
        part: Of a family, that registers entries too; the package's own last name unless given.
    """

    def __init__(self, kind: str, package: str | None = None, part: str = ""):
        self.kind = kind
        self._package = package
        self._part = part or (package or "").rpartition(".")[2]
        self._entries: dict[str, T] = {}
        self._sources: dict[str, object] = {}
        self._origins: dict[str, str] = {}
        self._loaded = package is None
        self._loading = threading.RLock()

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that files its object under ``name``.

        Raises:
            BenchError: The name is taken; the message names both places.
        """

        def decorate(entry: T) -> T:
            self.add(name, entry)
            return entry

        return decorate

    def add(self, name: str, entry: T, source: object | None = None) -> None:
        """File an entry; ``source`` is the class or function that errors should point at."""
        source = entry if source is None else source
        if name in self._entries:
            places = _place(self._sources[name]), _place(source)
            raise BenchError(f"{self.kind} {name!r} is registered twice: in {places[0]} and in {places[1]}; rename one")
        self._entries[name] = entry
        self._sources[name] = source
        self._origins[name] = getattr(source, "__module__", "") or type(source).__module__

    def remove(self, name: str) -> None:
        """Forget an entry (for tests that register one for a while)."""
        del self._entries[name], self._sources[name], self._origins[name]

    def get(self, name: str) -> T:
        """Return the entry called ``name``.

        Raises:
            BenchError: There is none; the message offers close matches.
        """
        self._load()
        if name not in self._entries:
            raise BenchError(f"unknown {self.kind} {name!r}; {close_matches(name, self.names())}")
        return self._entries[name]

    def origin(self, name: str) -> str:
        """Return the module that an entry comes from.

        Raises:
            BenchError: There is no such entry.
        """
        self.get(name)
        return self._origins[name]

    def names(self) -> list[str]:
        """Return all names, in the order in which their files registered them."""
        self._load()
        return list(self._entries)

    def entries(self) -> list[T]:
        """Return all entries, in the order of `names`."""
        self._load()
        return list(self._entries.values())

    def _load(self) -> None:
        with self._loading:  # another thread waits until all is there; a module that is imported here goes on
            if self._loaded:
                return
            self._loaded = True
            assert self._package is not None
            for place in (self._package, *_family_parts(self._part)):
                self._import_all(place, "mend it or move it away")
            for module, named_by in outside().items():
                self._import(module, named_by)
                for place in _parts(module, self._part):
                    self._import_all(place, named_by)

    def _import_all(self, place: str, advice: str) -> None:
        self._import(place, advice)
        for name in _modules(place):
            self._import(name, advice)

    def _import(self, name: str, advice: str) -> None:
        """Import a module of plug-ins.

        Raises:
            BenchError: It cannot be imported; the message says why.
        """
        try:
            importlib.import_module(name)
        except BenchError:
            raise
        except Exception as error:
            self._loaded = False  # or the next question would be answered without it
            reason = f"{type(error).__name__}: {error}"
            if isinstance(error, ModuleNotFoundError) and error.name == name:
                advice += ", and PYTHONPATH has to name the folder that it is in, or it has to be installed"
            raise BenchError(f"module {name!r} cannot be imported ({reason}); {advice}") from None


def outside() -> dict[str, str]:
    """Return the modules outside this package that register plug-ins, each with what names it.

    A module is imported as it is. Of a package the parts are looked into besides, as those of a family are: datasets in
    ``PACKAGE.datasets``, sections of the report in ``PACKAGE.report``, so that a worker imports nothing of the latter.
    """
    named = [name.strip() for name in os.environ.get(PLUGINS, "").split(",")]
    return {name: f"{PLUGINS} or --plugin names it" for name in named if name} | _installed(tuple(sys.path))


@cache
def _installed(path: tuple[str, ...]) -> dict[str, str]:
    """Return the modules that entry points name, with their distributions."""
    points = sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value))
    return {p.value: f"{p.dist.name if p.dist else 'a distribution'}, which is installed, names it" for p in points}


def _modules(package: str) -> list[str]:
    """Return the names of all modules of a package; none of a module that is no package."""
    path = getattr(importlib.import_module(package), "__path__", [])
    return [module.name for module in pkgutil.walk_packages(path, prefix=f"{package}.")]


def _inside(package: str) -> list[str]:
    """Return the names of what lies right in a package; nothing in it is imported."""
    path = getattr(importlib.import_module(package), "__path__", [])
    return [module.name for module in pkgutil.iter_modules(path, prefix=f"{package}.")]


def _family_parts(part: str) -> list[str]:
    """Return the names of a part of every family, each a module or a package."""
    return [name for family in _inside(FAMILIES) for name in _parts(family, part)]


def _parts(package: str, part: str) -> list[str]:
    """Return the name of a package's part, if it has it; none of a module that is no package."""
    return [name for name in _inside(package) if name.rpartition(".")[2] == part]


def _place(entry: object) -> str:
    try:
        file = inspect.getsourcefile(entry)  # type: ignore[arg-type]
        line = inspect.getsourcelines(entry)[1]  # type: ignore[arg-type]
    except (TypeError, OSError):
        return f"{type(entry).__module__}.{type(entry).__qualname__}"
    return f"{Path(file).name if file else '?'}:{line}"
