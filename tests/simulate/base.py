"""What a simulation is, and how all of them are found and run."""

import importlib
import inspect
import pkgutil
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

import tests.simulate
from bench import stats

COVER, ERR = (0.945, 0.955), (0.045, 0.055)
"""What an interval and a test at 5 % promise, to half a point."""
Rng = np.random.Generator
Floats = stats.Float64


@dataclass(frozen=True)
class Found:
    """One number of a simulation.

    Attributes:
        setting: What was simulated, in words.
        quantity: What was counted or measured.
        value: The share or the mean.
        low: Lower end of its 95 % interval over the draws: Wilson's for a share.
        high: Upper end.
        draws: How many draws it is over.
        promised: Range that the statistics promise it in; None where they promise nothing.
        log: Whether it is a mean of logs, not a share.
    """

    setting: str
    quantity: str
    value: float
    low: float
    high: float
    draws: int
    promised: tuple[float, float] | None = None
    log: bool = False

    @property
    def kept(self) -> bool:
        """Whether an interval twice as wide, which leaves out one number in ten thousand, meets what is promised."""
        if self.promised is None:
            return True
        low, high = 2 * self.low - self.value, 2 * self.high - self.value
        return low <= self.promised[1] and high >= self.promised[0]


@dataclass(frozen=True)
class Simulation:
    """A function from a number of draws and a generator to what was found.

    Attributes:
        dear: Whether it takes many seconds, however few the draws.
    """

    name: str
    title: str
    about: str
    run: Callable[[int, Rng], Iterable[Found]]
    dear: bool = False

    def __call__(self, draws: int) -> list[Found]:
        """Return what it finds with so many draws; the generator's seed is its name's."""
        return list(self.run(draws, np.random.default_rng(zlib.crc32(self.name.encode()))))


_KNOWN: dict[str, Simulation] = {}


def simulation(title: str, *, dear: bool = False) -> Callable[[Callable[[int, Rng], Iterable[Found]]], Simulation]:
    """Register a function; its docstring says what was simulated."""

    def register(run: Callable[[int, Rng], Iterable[Found]]) -> Simulation:
        name = run.__name__
        _KNOWN[name] = Simulation(name, title, " ".join((inspect.getdoc(run) or "").split()), run, dear)
        return _KNOWN[name]

    return register


def simulations() -> list[Simulation]:
    """Return all simulations in order of their modules."""
    for module in sorted(m.name for m in pkgutil.iter_modules(tests.simulate.__path__) if m.name[0] != "_"):
        importlib.import_module(f"tests.simulate.{module}")
    return list(_KNOWN.values())


def share(setting: str, quantity: str, hits: np.ndarray, promised: tuple[float, float] | None = None) -> Found:
    """Return how often something was so; ``hits`` holds one truth value a draw."""
    n, value = int(np.size(hits)), float(np.mean(hits)) if np.size(hits) else 0.0
    low, high = stats.wilson(value, n) if n else (0.0, 1.0)
    return Found(setting, quantity, value, low, high, n, promised)


def mean(setting: str, quantity: str, values: np.ndarray, promised: tuple[float, float] | None = None) -> Found:
    """Return the mean of one log a draw, with Student's t interval."""
    made = stats.interval(values, log=False)
    assert made is not None
    low, high = (made.centre if end is None else end for end in (made.low, made.high))
    return Found(setting, quantity, made.centre, low, high, made.n, promised, log=True)


def welch(a: Floats, b: Floats) -> tuple[Floats, Floats, Floats]:
    """Return how far b's means lie above a's, the standard errors and Welch's freedom, from (draws, seeds) each."""
    va, vb = (values.var(axis=-1, ddof=1) / values.shape[-1] for values in (a, b))
    freedom = (va + vb) ** 2 / (va**2 / (a.shape[-1] - 1) + vb**2 / (b.shape[-1] - 1))
    return b.mean(axis=-1) - a.mean(axis=-1), np.sqrt(va + vb), freedom
