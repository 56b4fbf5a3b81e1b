"""A registry that plug-in files fill with a decorator; nobody keeps a central list."""

import difflib
import importlib
import inspect
import os
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from bench.errors import BenchError

T = TypeVar("T")
PLUGINS = "BENCH_PLUGINS"
"""Environment variable: modules outside this package that register plug-ins, comma-separated."""


def close_matches(name: str, known: list[str]) -> str:
    """Return a hint for an unknown name: close matches where there are any, else all names."""
    matches = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if matches:
        return f"did you mean {' or '.join(matches)}?"
    return f"known: {', '.join(known) or 'none'}"


class Registry(Generic[T]):
    """Names to plug-ins of one kind, found by importing every module of a package once.

    Args:
        kind: What an entry is called in messages, such as ``"dataset"``.
        package: Dotted name of the package whose modules register entries, or None where a test
            registers by hand.
    """

    def __init__(self, kind: str, package: str | None = None):
        self.kind = kind
        self._package = package
        self._entries: dict[str, T] = {}
        self._places: dict[str, str] = {}
        self._loaded = package is None

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
        place = _place(source if source is not None else entry)
        if name in self._entries:
            raise BenchError(
                f"{self.kind} {name!r} is registered twice: in {self._places[name]} and in {place}; rename one"
            )
        self._entries[name] = entry
        self._places[name] = place

    def remove(self, name: str) -> None:
        """Forget an entry (for tests that register one for a while)."""
        del self._entries[name], self._places[name]

    def get(self, name: str) -> T:
        """Return the entry called ``name``.

        Raises:
            BenchError: There is none; the message offers close matches.
        """
        self._load()
        if name not in self._entries:
            raise BenchError(f"unknown {self.kind} {name!r}; {close_matches(name, self.names())}")
        return self._entries[name]

    def names(self) -> list[str]:
        """Return all names, in the order in which their files registered them."""
        self._load()
        return list(self._entries)

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        assert self._package is not None
        package = importlib.import_module(self._package)
        for module in pkgutil.walk_packages(package.__path__, prefix=f"{self._package}."):
            self._import(module.name, "mend it or move it away")
        for name in filter(None, os.environ.get(PLUGINS, "").split(",")):
            self._import(name, f"{PLUGINS} names it")

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
            raise BenchError(f"module {name!r} cannot be imported ({reason}); {advice}") from None


def _place(entry: object) -> str:
    try:
        file = inspect.getsourcefile(entry)  # type: ignore[arg-type]
        line = inspect.getsourcelines(entry)[1]  # type: ignore[arg-type]
    except (TypeError, OSError):
        return f"{type(entry).__module__}.{type(entry).__qualname__}"
    return f"{Path(file).name if file else '?'}:{line}"
