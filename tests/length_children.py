"""What stands in for a process that measures a network at a length: it knows no backend."""

import time

import numpy as np

from bench.measurement import Round
from bench.record import Failure
from bench.task import TargetKind, Task
from bench.throughput.at_length import LacksMemory
from bench.throughput.served_case import Facts, TakeRound, TimeCalls
from bench.timing import Calls

PER_STEP_S = 1e-3


def serve(connection, slot, spec, seed):
    """Take ``PER_STEP_S`` a step; the model's `kind` says what else happens from 100 steps on."""
    trouble = spec.model.params.get("kind", "") if spec.length >= 100 else ""
    if trouble == "raises":
        connection.send(Failure(reason="RuntimeError: on purpose"))
        return
    if trouble == "lacks":
        connection.send(LacksMemory(reason="RESOURCE_EXHAUSTED: on purpose"))
        return
    if trouble == "hangs":
        time.sleep(600)
    if trouble == "grows":
        held = np.ones(2**25)  # 256 MiB
        time.sleep(600)
        assert len(held)
    here = slot.device.environment(spec.backend)
    task = Task("fake", TargetKind.LAST_STEP, spec.length)
    connection.send(Facts(("train", "infer"), here, task, 7, 28, 0.1, 0.2, 2**20 * spec.length + 5, 5))
    while (request := connection.recv()) is not None:
        if isinstance(request, TakeRound):
            shared = trouble == "shared"
            wall_s = PER_STEP_S * spec.length * (2 if request.kind == "train" else 1)
            done = {"kind": request.kind, "number": request.number, "warm_up": request.warm_up, "contended": False}
            connection.send(Round(windows=spec.batch, wall_s=wall_s, cpu_s=wall_s / (2 if shared else 1), **done))
        elif isinstance(request, TimeCalls):
            each = PER_STEP_S * spec.length
            connection.send(Calls((each,) * request.calls, each * request.calls, each * request.calls))
        else:
            connection.send(None)
