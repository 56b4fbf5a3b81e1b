"""`python -m tests.torture.on_cluster`: sweeps on a cluster on this machine whose nodes, head and driver fail."""

import argparse
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.torture.injections import at_random
from tests.torture.sweeps import PLUGINS, STARTUP_CODES, Process, ScratchSweep, compare, undisturbed, wait_for
from tests.torture.trials import RESUMES, Tally, write

HARMS = (
    "runs_lost",
    "runs_doubled",
    "differing_results",
    "wrong_exit_codes",
    "tracebacks",
    "left_running",
    "never_done",
)
"""What is counted; each must be 0."""
FAULTS_A_SWEEP = 5
NODES = 3
"""Nodes beside the head; there are more or fewer while faults go on."""
QUICK = {
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 1000,
    "health_check_failure_threshold": 3,
}
"""Ray calls a node that does not answer lost after seconds, and not after most of a minute."""
CUT_S = 8.0
"""So long a node is cut off that Ray takes it for lost."""
LOST = "and when it answers again the same command goes on"


class Nodes:
    """A head without a core, and nodes of a core each, all on this machine; the head's address stays the same."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("", 0))
            self._port = free.getsockname()[1]
        self.begin()

    def begin(self) -> None:
        """Start all of it."""
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 0, "include_dashboard": False, "gcs_server_port": self._port}
        head["_system_config"] = dict(QUICK)  # which Ray adds to, and the next head must not have what it added
        self._cluster = Cluster(initialize_head=True, head_node_args=head)
        for _ in range(NODES):
            self.add()

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    def add(self) -> None:
        self._cluster.add_node(num_cpus=1)

    def see_one(self) -> None:
        """Add a node where none is left: a raylet that the machine keeps waiting is taken for lost, and ends."""
        raylets = [held for node in self._cluster.worker_nodes for held in node.all_processes.get("raylet", [])]
        if all(held.process.poll() is not None for held in raylets):
            self.add()

    def any(self, rng: random.Random) -> Any:
        """Return one of the nodes beside the head, and see that it is not the only one."""
        nodes = sorted(self._cluster.worker_nodes, key=lambda node: node.node_id)
        if len(nodes) < 2:
            self.add()
        return rng.choice(nodes or sorted(self._cluster.worker_nodes, key=lambda node: node.node_id))

    def remove(self, node: Any) -> None:
        """Kill a node, whatever is left of it."""
        found = processes_of(node)
        self._cluster.remove_node(node, allow_graceful=False)
        for process in found:  # a worker ends by itself when its raylet has; one that was stopped cannot
            with suppress(psutil.Error):
                process.kill()

    def restart(self) -> None:
        """Kill the head and with it all nodes, whose state is lost, and start all again."""
        self.end()
        self.begin()

    def end(self) -> None:
        for node in [*self._cluster.worker_nodes, self._cluster.head_node]:
            with suppress(AssertionError):
                self.remove(node)

    def workers(self) -> list[psutil.Process]:
        """Return the processes that run jobs on any node."""
        found = [p for node in self._cluster.list_all_nodes() for p in processes_of(node)]
        return [p for p in found if "spawn_main" in command_of(p)]


def command_of(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def processes_of(node: Any) -> list[psutil.Process]:
    """Return a node's raylet and all that it started."""
    found = []
    for held in node.all_processes.get("raylet", []):
        with suppress(psutil.Error):
            raylet = psutil.Process(held.process.pid)
            found += [raylet, *raylet.children(recursive=True)]
    return found


Codes = tuple[int, ...] | None
"""Exit codes of the driver that are right; None while it goes on."""


@dataclass(frozen=True)
class Fault:
    """A kind of fault: how often it is chosen, and what puts it in."""

    weight: int
    strike: Callable[[Nodes, Process, random.Random], Codes]


def lose_node(nodes: Nodes, process: Process, rng: random.Random) -> Codes:
    nodes.remove(nodes.any(rng))
    return None


def join_late(nodes: Nodes, process: Process, rng: random.Random) -> Codes:
    nodes.add()
    return None


def stop_for(processes: list[psutil.Process], seconds: float) -> None:
    for number in (signal.SIGSTOP, signal.SIGCONT):
        for each in processes:
            with suppress(psutil.Error):
                each.send_signal(number)
        if number == signal.SIGSTOP:
            time.sleep(seconds)


def slow_node(nodes: Nodes, process: Process, rng: random.Random) -> Codes:
    stop_for(processes_of(nodes.any(rng)), rng.uniform(0.2, 1.5))
    return None


def stopped_raylet(nodes: Nodes, process: Process, rng: random.Random) -> Codes:
    """Its tasks go on, and what they send comes, while the cluster takes the node for lost."""
    node = nodes.any(rng)
    stop_for(processes_of(node)[:1], rng.uniform(0.2, CUT_S))
    return None


def cut_off(nodes: Nodes, process: Process, rng: random.Random) -> Codes:
    """All of a node is silent for so long that it is taken for lost, and then goes on as if nothing had been."""
    node = nodes.any(rng)
    stop_for(processes_of(node), CUT_S)
    time.sleep(rng.uniform(0, 1))
    nodes.remove(node)
    return None


def kill_task(nodes: Nodes, process: Process, rng: random.Random) -> Codes:
    found = [p for p in processes_of(nodes.any(rng)) if command_of(p).startswith("ray::")]
    if found:
        with suppress(psutil.Error):
            rng.choice(found).kill()
    return None


def kill_driver(nodes: Nodes, process: Process, rng: random.Random) -> Codes:
    process.popen.kill()
    return (-signal.SIGKILL,)


def kill_link(nodes: Nodes, process: Process, rng: random.Random) -> Codes:
    """The process of the driver that speaks to Ray."""
    for link in process.find_workers():
        with suppress(psutil.Error):
            link.kill()
    return (0, 2)


def interrupt(nodes: Nodes, process: Process, rng: random.Random) -> Codes:
    begun = "runs to do" in process.printed
    process.signal_group(signal.SIGINT)
    return (0, 3) if begun else (0, *STARTUP_CODES)


def hung_driver(nodes: Nodes, process: Process, rng: random.Random) -> Codes:
    with suppress(psutil.Error):
        driver = psutil.Process(process.popen.pid)
        stop_for([driver, *driver.children()], rng.uniform(0.2, CUT_S))
    return None


def restart_head(nodes: Nodes, process: Process, rng: random.Random) -> Codes:
    nodes.restart()
    return (0, 2)


FAULTS = {
    "node_lost": Fault(5, lose_node),
    "node_joins": Fault(4, join_late),
    "node_slow": Fault(3, slow_node),
    "raylet_stopped": Fault(3, stopped_raylet),
    "node_cut_off": Fault(3, cut_off),
    "task_killed": Fault(3, kill_task),
    "driver_hung": Fault(2, hung_driver),
    "driver_killed": Fault(2, kill_driver),
    "link_killed": Fault(2, kill_link),
    "interrupted": Fault(2, interrupt),
    "head_restarted": Fault(2, restart_head),
}


class Trial:
    """One sweep under faults, resumed until it is done, and held to one that nothing disturbed."""

    def __init__(
        self, sweep: ScratchSweep, nodes: Nodes, reference: Mapping[str, Any], rng: random.Random, tally: Tally
    ):
        self.sweep, self.nodes, self.reference, self.rng, self.tally = sweep, nodes, reference, rng, tally

    def run(self, kinds: list[str]) -> None:
        process = None
        for kind in kinds:
            process = process or self.sweep.start(workers=4)
            if not at_random(self.sweep, process, self.rng):
                break
            codes = FAULTS[kind].strike(self.nodes, process, self.rng)
            self.tally.count(kind)
            if codes is not None:
                code = self.end(process, codes, kind)
                process = None
                if code == 0:
                    break
        for _ in range(RESUMES):
            process = process or self.sweep.start(workers=4)
            if self.end(process, (0, 1, 2), "resumed") == 0:
                break
            process = None
        else:
            self.tally.harm("never_done", 1, self.sweep.folder.name)
        for harm, number in compare(self.reference, self.sweep.store.read()).items():
            self.tally.harm(harm, number, self.sweep.folder.name)
        self.tally.sweeps["cluster"] += 1

    def end(self, process: Process, codes: tuple[int, ...], kind: str) -> int:
        """Wait for a driver's end and hold it to what its fault allows; return its exit code."""
        code = process.wait(240, self.nodes.see_one)
        place = f"{self.sweep.folder.name} start {self.sweep.starts}, {kind}"
        said = process.printed[-1500:]
        wrong = code not in codes or (code == 2 and LOST not in said)
        self.tally.harm("wrong_exit_codes", wrong, f"{place}: code {code}, {said}")
        by_python = code == -signal.SIGINT  # which the interpreter ends on before it has begun, with its traceback
        self.tally.harm("tracebacks", process.raised and not by_python, f"{place}: {said}")
        gone = wait_for(lambda: not self.nodes.workers(), 30)
        self.tally.harm("left_running", not gone, place)
        return code


def torture(folder: Path, faults: int, seed: int, kinds: tuple[str, ...] = tuple(FAULTS)) -> Tally:
    """Put faults into sweeps on a cluster, one after the other, until there were enough; return what came of it."""
    os.environ.update(PLUGINS)  # which nodes inherit
    tally = Tally(faults)
    reference = undisturbed(folder / "reference", "cluster", ("--no-report",))
    nodes = Nodes()
    try:
        while not tally.enough:
            number = tally.sweeps["cluster"]
            rng = random.Random(f"{seed}-{number}")
            weights = [FAULTS[kind].weight for kind in kinds]
            left = min(FAULTS_A_SWEEP, faults - sum(tally.injected.values()))
            options = ("--executor", "ray", "--address", nodes.address, "--no-report")
            sweep = ScratchSweep(folder / f"{number:03}-cluster", "cluster", options)
            began, harmed = time.monotonic(), sum(tally.harms.values())
            chosen = rng.choices(kinds, weights, k=left)
            try:
                Trial(sweep, nodes, reference, rng, tally).run(chosen)
            finally:
                sweep.end()
            done, seconds = sum(tally.injected.values()), time.monotonic() - began
            print(f"{sweep.folder.name}: {sweep.starts} starts, {seconds:.0f} s; {done} faults: {chosen}", flush=True)
            if sum(tally.harms.values()) == harmed:
                shutil.rmtree(sweep.folder, ignore_errors=True)
    finally:
        nodes.end()
    return tally


def main() -> int:
    """Run it; return 1 where a run was lost, doubled or different, or a driver ended as it should not."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture.on_cluster", description=__doc__)
    parser.add_argument("--faults", type=int, default=100, help="faults to put in")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, default=Path("results/torture_cluster.json"), help="where to write counts")
    parser.add_argument("--folder", type=Path, help="for scratch; without it a temporary one")
    options = parser.parse_args()
    began = time.monotonic()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="torture-"))
    tally = torture(folder, options.faults, options.seed)
    report = {
        "seed": options.seed,
        "faults": sum(tally.injected.values()),
        "faults_by_kind": dict(sorted(tally.injected.items())),
        "sweeps": tally.sweeps["cluster"],
        **{harm: tally.harms[harm] for harm in HARMS},
        "faults_s": round(time.monotonic() - began),
        "notes": tally.notes,
    }
    write(options.json, report)
    for key, value in report.items():
        print(f"{key}: {value}")
    return int(any(report[harm] for harm in HARMS))


if __name__ == "__main__":
    sys.exit(main())
