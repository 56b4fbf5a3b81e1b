"""Trials: a sweep is hit by faults and resumed until it is done, and then held to one that nothing disturbed."""

import json
import random
import shutil
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.files import written_whole
from tests.torture.injections import INJECTIONS, SERVER_GONE, Injection, Server, Strike
from tests.torture.sweeps import Process, ScratchSweep, compare, doubled_in_mlflow, undisturbed

HARMS = (
    "runs_lost",
    "runs_doubled",
    "differing_results",
    "records_gone_again",
    "bad_records",
    "orphans",
    "wrong_exit_codes",
    "tracebacks",
    "doubled_in_mlflow",
    "never_done",
)
"""What is counted; each must be 0."""
FAULTS_A_TRIAL = {"plain": 25, "tracked": 8, "trained": 6}
RESUMES = 4
"""A sweep must be done after so many undisturbed starts: one tries again what crashed too often in the one before."""


@dataclass
class Tally:
    """What all trials did and found, counted by several threads."""

    wanted: int
    injected: Counter[str] = field(default_factory=Counter)
    harms: Counter[str] = field(default_factory=Counter)
    sweeps: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def enough(self) -> bool:
        """True when as many faults as wanted were injected."""
        return sum(self.injected.values()) >= self.wanted

    def count(self, kind: str) -> None:
        with self.lock:
            self.injected[kind] += 1

    def harm(self, kind: str, number: int, note: str) -> None:
        """Count harm that was done, if it was."""
        if number:
            with self.lock:
                self.harms[kind] += number
                self.notes.append(f"{kind}: {note}")
                print(f"  {kind}: {note}", file=sys.stderr, flush=True)

    def as_dict(self) -> dict[str, Any]:
        return {
            "faults": sum(self.injected.values()),
            "faults_by_kind": dict(sorted(self.injected.items())),
            "sweeps_by_kind": dict(sorted(self.sweeps.items())),
            **{harm: self.harms[harm] for harm in HARMS},
            "notes": self.notes,
        }


class Trial:
    """One sweep under faults.

    Args:
        sweep: In a folder of its own.
        reference: The results of one that nothing disturbed.
        rng: Decides which faults, and when.
        tally: Counts.
    """

    def __init__(self, sweep: ScratchSweep, reference: Mapping[str, dict[str, Any]], rng: random.Random, tally: Tally):
        self.sweep, self.reference, self.rng, self.tally = sweep, reference, rng, tally
        self.track = sweep.kind == "tracked"
        self.name = sweep.folder.name

    def run(self) -> None:
        """Inject faults until there were enough or the sweep is done, resume it, and compare."""
        process: Process | None = None
        left = FAULTS_A_TRIAL[self.sweep.kind]
        while left and not self.tally.enough:
            injection = self._choose(running=process is not None)
            if process is None:
                process = self.sweep.start(track=self.track, **injection.variables(self.rng, self.track))
            strike = injection.strike(self.sweep, process, self.rng)
            if strike.happened:
                self.tally.count(injection.kind)
                left -= 1
            ended = strike.codes is not None or not process.alive
            if ended and self._end(process, strike, injection.kind) == 0:
                process = None
                break
            process = None if ended else process
            self._look(injection.kind)
        if process is not None:
            self._end(process, Strike(False, (0, 1)), "none")
        self._finish()

    def _choose(self, *, running: bool) -> Injection:
        fit = [i for i in INJECTIONS if not running or i.strike.__name__ != "armed"]
        return self.rng.choices(fit, [i.weight for i in fit])[0]

    def _end(self, process: Process, strike: Strike, what: str) -> int:
        """Wait for a driver's end and hold it to what its fault allows; return its exit code."""
        code = process.wait()
        place = f"{self.name} start {self.sweep.starts}, {what}"
        allowed = strike.codes or (0, 1)
        self.tally.harm("wrong_exit_codes", code not in allowed, f"{place}: code {code}, {process.printed[-1500:]}")
        raised = process.raised and not strike.raised
        self.tally.harm("tracebacks", raised, f"{place}: {process.printed[-3000:]}")
        self.tally.harm("orphans", process.orphans(), place)
        return code

    def _look(self, what: str) -> None:
        place = f"{self.name} start {self.sweep.starts}, after {what}"
        try:
            missing, _ = self.sweep.look()
        except BenchError as error:
            self.tally.harm("bad_records", 1, f"{place}: {error}")
        else:
            self.tally.harm("records_gone_again", missing, place)

    def _finish(self) -> None:
        """Resume until done, once in a while towards a tracking server that is gone; then compare."""
        server = None
        if not self.track and self.sweep.kind == "plain" and not self.tally.enough and self.rng.random() < 0.4:
            server = Server(listens=self.rng.random() < 0.5)
        for _ in range(RESUMES):
            variables = {"MLFLOW_TRACKING_URI": server.uri} if server else {}
            process = self.sweep.start(track=self.track or server is not None, **variables)
            strike = SERVER_GONE.strike(self.sweep, process, self.rng) if server else Strike(False)
            if strike.happened:
                self.tally.count(SERVER_GONE.kind)
            code = self._end(process, Strike(False, (0, 1)), "resumed")
            if server is not None:
                server.close()
                server = None
            if code == 0:
                break
        else:
            self.tally.harm("never_done", 1, f"{self.name}: {process.printed[-1500:]}")
        self._look("the end")
        for harm, number in compare(self.reference, self.sweep.store.read()).items():
            self.tally.harm(harm, number, self.name)
        if self.track:
            self.tally.harm("doubled_in_mlflow", doubled_in_mlflow(self.sweep.store.results), self.name)
        self.tally.sweeps[self.sweep.kind] += 1


def torture(
    folder: Path,
    faults: int,
    seed: int,
    *,
    kinds: tuple[str, ...] = ("plain", "tracked", "trained"),
    options: tuple[str, ...] = (),
) -> Tally:
    """Inject ``faults`` faults into sweeps, two at a time, and return what came of it.

    Args:
        folder: For scratch; made, and left behind where harm was done.
        faults: How many.
        seed: Decides which faults hit when, as far as processes repeat themselves.
        kinds: Of sweeps. Of trained and tracked ones there is one each for every hundred faults, begun first.
        options: Further ones of each sweep's command.
    """
    tally = Tally(faults)
    references = {kind: undisturbed(folder / f"reference-{kind}", kind, options) for kind in kinds}
    special = [kind for kind in kinds if kind != "plain"] * (1 + faults // 150)
    numbers = iter(range(10_000))

    def trial_after_trial() -> None:
        while not tally.enough:
            with tally.lock:
                number = next(numbers)
                kind = special.pop() if special else "plain"
            sweep = ScratchSweep(folder / f"{number:03}-{kind}", kind, options)
            began, harmed = time.monotonic(), sum(tally.harms.values())
            try:
                Trial(sweep, references[kind], random.Random(f"{seed}-{number}"), tally).run()
            except Exception:
                tally.harm("never_done", 1, traceback.format_exc())
            done = sum(tally.injected.values())
            seconds = time.monotonic() - began
            print(f"{sweep.folder.name}: {sweep.starts} starts, {seconds:.0f} s; {done} faults", flush=True)
            if sum(tally.harms.values()) == harmed:
                shutil.rmtree(sweep.folder, ignore_errors=True)

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(trial_after_trial) for _ in range(2)]:
            done.result()
    return tally


def write(path: Path, report: dict[str, Any]) -> None:
    """Write a report as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as new:
        new.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
