"""How often intervals of a speed hold it, two names of one program are told apart, and steady rounds seem to drift.

Rounds of a process are an AR(1) series of log speeds around the process's own, which differs between processes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, t

from bench.measurement import PROCESSES
from bench.timing import ROUNDS, drift

Float = NDArray[np.float64]
Bools = NDArray[np.bool_]
LEVEL = 0.95
BOOTSTRAPS = 400


@dataclass(frozen=True)
class Machine:
    """How speeds scatter on a log scale: between rounds of a process and between processes, in standard deviations.

    Attributes:
        within: Between rounds.
        between: Between processes.
        rho: Correlation of a round with the one before it.
        slow: Share of rounds that take a tenth longer.
    """

    within: float = 0.03
    between: float = 0.015
    rho: float = 0.0
    slow: float = 0.0


MACHINES = {
    f"rho {rho:g}, processes {100 * between:g} % apart, {100 * slow:g} % slow rounds": Machine(0.03, between, rho, slow)
    for rho in (0.0, 0.25, 0.5)
    for between, slow in ((0.0, 0.0), (0.015, 0.0), (0.03, 0.0), (0.015, 0.05))
}
"""What large simulations go through, by what is said of each."""
COVERS = "the interval over processes holds the speed"
BOOTSTRAP = "a percentile bootstrap over processes, then rounds, holds it"
ROUNDS_ALONE = "the binomial interval of the median of all rounds holds it"
TOLD_APART = "two names of one program are told apart by their ratio"
APART = "their two intervals lie apart"
DRIFTS = "rounds that do not drift seem to at 5 %"


def simulate(
    machine: Machine,
    draws: int,
    processes: int = PROCESSES,
    rounds: int = ROUNDS,
    rng: np.random.Generator | None = None,
) -> dict[str, Bools]:
    """Return what holds in each of so many measurements, and pairs of them, of one program on a machine.

    What an interval is to hold is what measurements without end would give: the mean log of a process's median.
    """
    rng = rng or np.random.default_rng(0)
    truth = float(np.mean(np.median(_logs(rng, machine, 20_000, 1, rounds), axis=2)))
    a, b = (_logs(rng, machine, draws, processes, rounds) for _ in range(2))
    first, second = _students(a), _students(b)
    return {
        COVERS: _holds(truth, first),
        BOOTSTRAP: _holds(truth, _bootstrap(rng, a)),
        ROUNDS_ALONE: _holds(truth, _binomial(a)),
        TOLD_APART: ~_holds(0.0, _welch(a, b)),
        APART: (first[0] > second[1]) | (second[0] > first[1]),
        DRIFTS: np.array([_drifts(each) for each in a]),
    }


def _logs(rng: np.random.Generator, machine: Machine, size: int, processes: int, rounds: int) -> Float:
    """Return log speeds, of shape (size, processes, rounds)."""
    noise = rng.standard_normal((size, processes, rounds))
    for n in range(1, rounds):
        noise[..., n] = machine.rho * noise[..., n - 1] + np.sqrt(1 - machine.rho**2) * noise[..., n]
    slow = rng.random(noise.shape) < machine.slow
    own = machine.between * rng.standard_normal((size, processes, 1))
    return np.asarray(own + machine.within * noise - np.log(1.1) * slow)


def _students(logs: Float) -> tuple[Float, Float]:
    medians = np.median(logs, axis=2)
    n = medians.shape[1]
    reach = t.ppf((1 + LEVEL) / 2, n - 1) * medians.std(axis=1, ddof=1) / np.sqrt(n)
    return medians.mean(axis=1) - reach, medians.mean(axis=1) + reach


def _welch(a: Float, b: Float) -> tuple[Float, Float]:
    a, b = np.median(a, axis=2), np.median(b, axis=2)
    n = a.shape[1]
    first, second = a.var(axis=1, ddof=1) / n, b.var(axis=1, ddof=1) / n
    freedom = (first + second) ** 2 * (n - 1) / (first**2 + second**2)
    gap, reach = a.mean(axis=1) - b.mean(axis=1), t.ppf((1 + LEVEL) / 2, freedom) * np.sqrt(first + second)
    return gap - reach, gap + reach


def _bootstrap(rng: np.random.Generator, logs: Float) -> tuple[Float, Float]:
    size, processes, rounds = logs.shape
    each = np.arange(size)[:, None, None]
    means = np.empty((BOOTSTRAPS, size))
    for i in range(BOOTSTRAPS):
        chosen = rng.integers(processes, size=(size, processes, 1))
        drawn = logs[each, chosen, rng.integers(rounds, size=logs.shape)]
        means[i] = np.median(drawn, axis=2).mean(axis=1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return low, high


def _binomial(logs: Float) -> tuple[Float, Float]:
    ordered = np.sort(logs.reshape(len(logs), -1), axis=1)
    k = int(binom.ppf((1 - LEVEL) / 2, ordered.shape[1], 0.5))
    return ordered[:, k - 1], ordered[:, -k]


def _drifts(logs: Float) -> bool:
    found = drift(np.exp(logs).tolist())
    return found is not None and found.p_value < 1 - LEVEL


def _holds(truth: float, ends: tuple[Float, Float]) -> Bools:
    return np.asarray((ends[0] <= truth) & (truth <= ends[1]))
