"""The faults: each is put into a running sweep at a random moment, and says what the driver's end must look like."""

import random
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bench import faults
from tests.torture.sweeps import STARTUP_CODES, Process, ScratchSweep, fault_points, wait_for

LONGEST_S = 4.0
"""A moment by the clock falls within these seconds after the start."""


@dataclass
class Strike:
    """What an injection did.

    Attributes:
        happened: False where the sweep had ended before.
        codes: Exit codes of the driver that are right; None while the driver goes on.
        raised: A traceback of the driver's is part of the fault.
    """

    happened: bool
    codes: tuple[int, ...] | None = None
    raised: bool = False


@dataclass(frozen=True)
class Injection:
    """A kind of fault.

    Attributes:
        strike: Puts it into a running sweep, and waits for the driver's end where it ends it.
        weight: How often it is chosen.
        variables: What the driver is started with.
    """

    kind: str
    weight: int
    strike: Callable[[ScratchSweep, Process, random.Random], Strike]
    variables: Callable[[random.Random, bool], dict[str, str]] = field(default=lambda rng, track: {})
    track: bool = False


def at_random(sweep: ScratchSweep, process: Process, rng: random.Random) -> bool:
    """Wait for a random moment: by the clock, or a little after so many further records; False if the driver ended."""
    if rng.random() < 0.4:
        moment = time.monotonic() + rng.uniform(0, LONGEST_S)
        wait_for(lambda: not process.alive or time.monotonic() > moment, LONGEST_S)
    else:
        target = sweep.recorded() + rng.randint(1, 8)
        wait_for(lambda: not process.alive or sweep.recorded() >= target, 60)
        time.sleep(rng.uniform(0, 0.05))
    process.find_workers()
    return process.alive


def kill_driver(sweep: ScratchSweep, process: Process, rng: random.Random) -> Strike:
    if not at_random(sweep, process, rng):
        return Strike(False, (0, 1))
    process.popen.kill()
    return Strike(True, (-signal.SIGKILL,))


def kill_worker(number: int) -> Callable[[ScratchSweep, Process, random.Random], Strike]:
    def strike(sweep: ScratchSweep, process: Process, rng: random.Random) -> Strike:
        if not at_random(sweep, process, rng) or not wait_for(lambda: bool(process.find_workers()), 5):
            return Strike(False)
        workers = process.find_workers()
        with suppress(psutil.Error, IndexError):
            rng.choice(workers).send_signal(number)
            return Strike(True)
        return Strike(False)

    return strike


def interrupt(*numbers: int) -> Callable[[ScratchSweep, Process, random.Random], Strike]:
    def strike(sweep: ScratchSweep, process: Process, rng: random.Random) -> Strike:
        if not at_random(sweep, process, rng):
            return Strike(False, (0, 1))
        begun = "runs to do" in process.printed
        for i, number in enumerate(numbers):
            if i:
                time.sleep(rng.uniform(0, 0.5))
            if number == signal.SIGINT:
                process.signal_group(number)
            elif process.alive:
                process.popen.send_signal(number)
        process.wait()
        over = "report: " in process.printed and "interrupted: " not in process.printed
        if over:  # the signal came when all was done, and the interpreter about to end
            return Strike(True, (0, *STARTUP_CODES))
        return Strike(True, (3,) if begun else STARTUP_CODES, raised=not begun)

    return strike


def armed(sweep: ScratchSweep, process: Process, rng: random.Random) -> Strike:
    """Wait until the fault that a driver was started with has happened; end one that it does not end.

    A fault in a worker happens to its successors too, so that driver is interrupted.
    """

    def hit() -> str:
        logs = [process.log, *sorted((sweep.store.results / "logs").glob("worker-*.log"))]
        lines = [line for path in logs for line in _read(path).splitlines() if line.startswith(faults.MARK)]
        return lines[0] if lines else ""

    for log in (sweep.store.results / "logs").glob("worker-*.log"):
        log.unlink()
    wait_for(lambda: bool(hit()) or not process.alive, 300)
    process.find_workers()
    if not hit():
        return Strike(False, (0, 1))
    place, _, action = hit().removeprefix(faults.MARK).strip().partition(": ")
    if place.startswith("worker."):
        time.sleep(rng.uniform(0, 1))
        process.signal_group(signal.SIGINT)
        return Strike(True, (0, 1, 3))
    if action == "kill":
        return Strike(True, (-signal.SIGKILL,))
    if place.startswith(("store.", "sweep.")):
        return Strike(True, (2,) if action == "enospc" else (1,), raised=action == "raise")
    return Strike(True, (0, 1))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def arm_point(rng: random.Random, track: bool) -> dict[str, str]:
    places = [p for p in fault_points() if track or p.partition(".")[0] in ("store", "sweep", "worker")]
    place = rng.choice(places)
    action = rng.choice(["kill", "enospc", "raise"])
    return {faults.VARIABLE: f"{place}:{action}:{rng.randint(1, 12)}"}


def arm_full_disk(rng: random.Random, track: bool) -> dict[str, str]:
    place = rng.choice(["store.begin", "store.half_written", "store.written", "store.synced", "store.linked"])
    return {faults.VARIABLE: f"{place}:enospc:{rng.randint(1, 30)}"}


class Server:
    """A tracking server that is gone: nobody listens, or every connection is closed as soon as it is made."""

    def __init__(self, *, listens: bool):
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.uri = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        if listens:
            self._socket.listen()
            threading.Thread(target=self._drop, daemon=True).start()

    def _drop(self) -> None:
        with suppress(OSError):
            while True:
                self._socket.accept()[0].close()

    def close(self) -> None:
        """Free the port."""
        self._socket.close()


def survive_server(sweep: ScratchSweep, process: Process, rng: random.Random) -> Strike:
    """The driver ends as if there were no tracking, but for a warning."""
    code = process.wait()
    return Strike(code == 0 and "warning: MLflow" in process.printed, (0,))


INJECTIONS = [
    Injection("driver killed (SIGKILL)", 22, kill_driver),
    Injection("worker killed (SIGKILL)", 14, kill_worker(signal.SIGKILL)),
    Injection("worker killed (SIGSEGV)", 12, kill_worker(signal.SIGSEGV)),
    Injection("driver interrupted (SIGINT)", 7, interrupt(signal.SIGINT)),
    Injection("driver interrupted (SIGTERM)", 5, interrupt(signal.SIGTERM)),
    Injection("driver interrupted twice", 6, interrupt(signal.SIGINT, signal.SIGINT)),
    Injection("driver told SIGTERM, then SIGINT", 2, interrupt(signal.SIGTERM, signal.SIGINT)),
    Injection("disk full", 7, armed, arm_full_disk),
    Injection("fault point", 25, armed, arm_point),
]
SERVER_GONE = Injection("tracking server gone", 0, survive_server, track=True)
