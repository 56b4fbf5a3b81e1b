"""Intervals of a speed that was measured alone, over processes."""

from collections.abc import Iterator

from tests.simulate.base import COVER, Found, Rng, share, simulation
from tests.simulate.throughput import COVERS, MACHINES, simulate


@simulation("The interval of a speed over processes")
def speeds(draws: int, rng: Rng) -> Iterator[Found]:
    """Count how often the interval of a speed holds it, and what else is made of the same rounds.

    Rounds of a process are a series of log speeds, each correlated by rho with the one before, 3 % apart; five
    processes of five rounds. A slow round takes a tenth longer. A fifth of the draws, since each is resampled.
    """
    for setting, machine in MACHINES.items():
        promised = COVER if machine.slow == 0 else None
        for quantity, held in simulate(machine, max(20, draws // 5), rng=rng).items():
            yield share(setting, quantity, held, promised if quantity == COVERS else None)
