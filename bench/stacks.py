"""How many seeds one program trains: the width of a stack, by what was asked, the backend, the device and the suite.

Numbers depend on the width, so it is one for a whole suite on a device, and part of the environment of its runs.
"""

from bench.engines.base import NO_ENGINE, engines
from bench.errors import BenchError
from bench.suite import Suite

AUTO, OFF = "auto", "off"
WIDEST = 128
"""Lanes of the widest stack that is chosen unasked. On an H100 a hundred seeds of a recurrent network took 1.4 to 1.6
times as long as one, and a thousand seeds of a WaveNet a fifth less a seed than a hundred."""

MOST = 1_024
"""Lanes of the widest stack that can be asked for: idle ones take memory, too, on the CPU the machine's own."""


def check_stack(asked: str, suite: Suite) -> None:
    """See that a suite can be run in the stacks that were asked for.

    Raises:
        BenchError: It is no width, or no backend of the suite can stack.
    """
    if asked in (AUTO, OFF):
        return
    if not (asked.isascii() and asked.isdecimal() and len(asked) < 6 and 1 <= int(asked) <= MOST):
        raise BenchError(
            f"--stack {asked!r}: expected auto, off or the number of seeds in one program, as in 16, at most {MOST:,}"
        )
    if int(asked) > 1 and not any(engines.get(backend).stacks for backend in suite.backends):
        able = ", ".join(name for name in engines.names() if engines.get(name).stacks)
        one = " and ".join(suite.backends)
        raise BenchError(f"--stack {asked}: {one} trains one seed at a time; leave it out, or use --backend {able}")


def stack_width(asked: str, suite: Suite, backend: str, kind: str) -> int:
    """Return how many seeds of a suite one program trains on a backend and a kind of device; 1 for one at a time.

    Unasked, that is one on the CPU, where a stack hardly pays, and on a GPU the least power of two that holds the
    suite's seeds, up to `WIDEST`: there one wide stack takes less time than two narrow ones.
    """
    if asked == OFF or backend == NO_ENGINE or not engines.get(backend).stacks:
        return 1
    if asked != AUTO:
        return int(asked)
    seeds = suite.auto_seeds.cap if suite.seeds == "auto" else len(suite.seeds_on.get(backend, suite.seeds))
    return 1 if kind == "cpu" else min(1 << (seeds - 1).bit_length(), WIDEST)
