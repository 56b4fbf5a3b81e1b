"""What records can be made without: MLflow, what reports need, one dataset's images, classical forecasts, a cluster.

Each is an extra.
"""

import importlib.util
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from bench.errors import BenchError
from bench.pasting import installing

TRACK, REPORT, DIGITS, CLASSICAL, RAY = "track", "report", "digits", "classical", "ray"
MODULES: dict[str, tuple[str, ...]] = {
    REPORT: ("jinja2", "markdown_it", "matplotlib", "pandas", "pyarrow", "statsmodels", "tabulate"),
    TRACK: ("mlflow", "matplotlib", "pandas"),
    DIGITS: ("sklearn",),
    CLASSICAL: ("sklearn", "statsforecast"),
    RAY: ("ray",),
}
"""Modules that an extra brings."""


def lacking(extra: str) -> str:
    """Return the first module of an extra that is not installed here; empty where all are."""
    return next((name for name in MODULES[extra] if not is_there(name)), "")


def require(extra: str, what: str) -> None:
    """See that an extra is installed.

    Args:
        extra: Its name.
        what: What needs it, as a sentence begins.

    Raises:
        BenchError: A module of it is missing; says what installs it.
    """
    if name := lacking(extra):
        raise BenchError(without(name, extra, what))


def without(module: str, extra: str, what: str) -> str:
    """Return what is said where a module of an extra is missing."""
    return f"{what} needs {module}, which is not installed; install it: {installing(extra)}"


def extra_of(module: str | None) -> str:
    """Return the extra that brings a module; empty where none does."""
    top = (module or "").partition(".")[0]
    return next((extra for extra, modules in MODULES.items() if top in modules), "")


@cache
def version_of(distribution: str) -> str:
    """Return the version of an installed distribution, or an empty text."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def changed(libraries: Mapping[str, str]) -> tuple[str, ...]:
    """Return ``name: then -> now`` for each distribution that is installed here in another version."""
    return tuple(
        f"{name}: {then} -> {now}" for name, then in libraries.items() if (now := version_of(name)) not in ("", then)
    )


def is_there(name: str) -> bool:
    """Return whether a module is installed here; it is not imported."""
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False
