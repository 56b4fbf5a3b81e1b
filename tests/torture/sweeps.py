"""A sweep in a scratch folder, by real processes of the command line, and what must hold of it at any time."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from bench.record import FINISHED, RunRecord
from bench.store import Store

ROOT = Path(__file__).parent.parent.parent
BORN_AN_ORPHAN = re.compile(
    r'Traceback \(most recent call last\):\n  File "<string>", line 1, in <module>\n'
    r"(?:  .*\n)*?  .* in spawn_main\n(?:  .*\n)*EOFError: Ran out of input\n"
)
"""What the interpreter says in a process that was to be a worker, whose driver was killed before it had said so."""
FATE_S = 2.0
"""A worker is gone so soon after its driver; the check is lenient by a factor of three, for a busy machine."""
RAMPS = 'dataset = { name = "test_ramps", windows = 8 }'
TRAINED_DATA = 'dataset = { name = "waves_next_step", n_series = 400 }'
SUITES = {
    "plain": f"""
name = "plain"
seeds = {list(range(25))}
data_seeds = "seeds"
baseline = "naive"
throughput = false
cases = [
    {{ name = "t/quick", {RAMPS}, model = {{ name = "torture_constant", wait_s = 0.02 }} }},
    {{ name = "t/slow", {RAMPS}, model = {{ name = "torture_constant", factor = 0.5, wait_s = 0.15 }} }},
    {{ name = "t/naive", {RAMPS}, model = "naive" }},
    {{ name = "t/steady", {RAMPS}, model = {{ name = "torture_constant", factor = 2.0, wait_s = 0.06 }} }},
]
""",
    "trained": f"""
name = "trained"
seeds = [1, 2, 3]
baseline = "naive"
throughput = false
cases = [
    {{ name = "t/naive", {TRAINED_DATA}, model = "naive" }},
    {{ name = "t/linear", {TRAINED_DATA}, model = "linear", recipe = {{ epochs = 3 }} }},
    {{ name = "t/rnn", {TRAINED_DATA}, model = {{ name = "simple_rnn", units = [4] }}, recipe = {{ epochs = 2 }} }},
]
""",
}
SUITES["cluster"] = f"""
name = "cluster"
seeds = {list(range(12))}
baseline = "naive"
backends = ["torture_seeded"]
throughput = false
recipe = {{ epochs = 2, batch_size = 4 }}
cases = [
    {{ name = "t/naive", {RAMPS}, model = "naive" }},
    {{ name = "t/one", {RAMPS}, model = {{ name = "torture_network", number = 1 }} }},
    {{ name = "t/two", {RAMPS}, model = {{ name = "torture_network", number = 2 }} }},
    {{ name = "t/three", {RAMPS}, model = {{ name = "torture_network", number = 3 }} }},
    {{ name = "t/four", {RAMPS}, model = {{ name = "torture_network", number = 4 }} }},
]
"""
TRACKED = SUITES["plain"].replace('"plain"', '"tracked"').replace(str(list(range(25))), str(list(range(8))))
SUITES["tracked"] = TRACKED
PLUGINS = {
    "BENCH_PLUGINS": "tests.plugins,tests.torture.plugins",
    "PYTHONPATH": str(ROOT),
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PYTHONFAULTHANDLER": "1",
}


def fault_points() -> list[str]:
    """Return the named points of the package, as its text has them."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "bench").rglob("*.py"))
    return sorted(set(re.findall(r"faults\.point\(\"([\w.]+)\"\)", text)))


@dataclass
class Process:
    """One command that was started, and what it printed."""

    popen: subprocess.Popen[bytes]
    log: Path
    workers: set[psutil.Process] = field(default_factory=set)

    @property
    def alive(self) -> bool:
        """True until it ended."""
        return self.popen.poll() is None

    @property
    def printed(self) -> str:
        """What it said so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def raised(self) -> bool:
        """Whether a traceback was printed; that of a worker which a dead driver left half started is not counted."""
        text = BORN_AN_ORPHAN.sub("", self.printed) if self.popen.returncode == -signal.SIGKILL else self.printed
        return "Traceback" in text

    def find_workers(self) -> list[psutil.Process]:
        """Return its workers that live."""
        with suppress(psutil.Error):
            found = [p for p in psutil.Process(self.popen.pid).children() if "spawn_main" in " ".join(p.cmdline())]
            self.workers.update(found)
            return found
        return []

    def signal_group(self, number: int) -> None:
        """Send a signal as a terminal does: to the driver and its workers."""
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, number)

    def wait(self, seconds: float = 600.0, meanwhile: Callable[[], None] = lambda: None) -> int:
        """Wait until it has ended; return its exit code. One that hangs is killed, and gives -99."""
        deadline = time.monotonic() + seconds
        while self.alive and time.monotonic() < deadline:
            meanwhile()
            time.sleep(0.05)
        if self.alive:
            self.popen.send_signal(signal.SIGABRT)  # where its threads stand goes to its log
            self.popen.wait()
            return -99
        return self.popen.returncode

    def orphans(self) -> int:
        """Return how many workers live on after their driver, and end them."""
        _, left = psutil.wait_procs(list(self.workers), timeout=3 * FATE_S)
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        return len(left)


@dataclass
class ScratchSweep:
    """A suite and its folders.

    Attributes:
        options: Further ones of its command.
        seen: Run ids that were found recorded with a result so far: none may go missing again.
        started: Its commands.
    """

    folder: Path
    kind: str
    options: tuple[str, ...] = ()
    seen: set[str] = field(default_factory=set)
    started: list[Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.suite.write_text(SUITES[self.kind], encoding="utf-8")

    @property
    def starts(self) -> int:
        return len(self.started)

    @property
    def suite(self) -> Path:
        return self.folder / f"{self.kind}.toml"

    @property
    def store(self) -> Store:
        return Store(self.folder / "results")

    def start(self, *, workers: int = 2, track: bool = False, **variables: str) -> Process:
        """Start the one command that begins the sweep and goes on with it."""
        log = self.folder / f"driver-{self.starts + 1}.log"
        command = [
            *(sys.executable, "-m", "bench", "run", str(self.suite), "--workers", str(workers)),
            *("--results", str(self.store.results), "--reports", str(self.folder / "reports")),
            *([] if track else ["--no-track"]),
            *self.options,
        ]
        environment = dict(os.environ) | PLUGINS | variables
        with log.open("wb") as out:
            popen = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=out, stderr=out, stdin=-3, start_new_session=True
            )
        self.started.append(Process(popen, log))
        return self.started[-1]

    def end(self) -> None:
        """Kill what still runs of it."""
        for process in self.started:
            if process.alive:
                process.signal_group(signal.SIGKILL)
                process.popen.wait()

    def recorded(self) -> int:
        """Return how many records there are, read or not."""
        return len(list(self.store.folder.glob("*.json")))

    def look(self) -> tuple[int, list[RunRecord]]:
        """Read the store, as another process may at any time; return how many runs went missing since the last look."""
        records = self.store.read()
        now = {r.run_id for r in records if r.status in FINISHED}
        missing = len(self.seen - now)
        self.seen |= now
        return missing, records


def content(record: RunRecord) -> dict[str, Any]:
    """Return what a run's spec alone decides."""
    return record.model_dump(mode="json", exclude={"timing", "provenance", "attempt"})


def compare(reference: Mapping[str, dict[str, Any]], records: list[RunRecord]) -> dict[str, int]:
    """Return how many runs of the undisturbed sweep are lost, doubled or different in another's records."""
    results = [r for r in records if r.status in FINISHED]
    times = Counter(r.run_id for r in results)
    return {
        "runs_lost": len(set(reference) - set(times)),
        "runs_doubled": sum(n > 1 for n in times.values()) + len(set(times) - set(reference)),
        "differing_results": sum(content(r) != reference.get(r.run_id) for r in results),
    }


def doubled_in_mlflow(results: Path) -> int:
    """Return how many records MLflow's database holds twice."""
    query = "select value from tags where key = 'bench.record_key' group by value having count(*) > 1"
    with closing(sqlite3.connect(results / "mlflow.db")) as connection:
        return len(connection.execute(query).fetchall())


def undisturbed(folder: Path, kind: str, options: tuple[str, ...] = ()) -> dict[str, dict[str, Any]]:
    """Run a sweep on one worker without a fault; return its results by run id.

    Raises:
        RuntimeError: It failed.
    """
    sweep = ScratchSweep(folder, kind, options)
    process = sweep.start(workers=1)
    if process.wait() != 0:
        raise RuntimeError(f"the undisturbed sweep failed:\n{process.printed}")
    return {r.run_id: content(r) for r in sweep.store.read()}


def wait_for(holds: Callable[[], bool], seconds: float) -> bool:
    """Wait until something holds; return whether it does."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


STARTUP_CODES = (1, 2, 3, 130, -signal.SIGINT, -signal.SIGTERM)
"""Of a driver that was interrupted before it began: the interpreter itself may end on the signal."""
