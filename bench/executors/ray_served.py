"""The process that speaks to Ray for a driver: Ray ends, and prints in, the process that it is loaded in."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from bench.child_process import requests
from bench.errors import BenchError
from bench.executors.ray_cluster import Cluster, Gone, MeasureEvent, Measures, Work, line_of
from bench.executors.ray_node import Driver
from bench.jobs import Event

LOOK_S = 2.0
"""How often it asks whether the cluster's head answers."""
GONE_S = 20.0
"""A head that does not answer for so long is gone; Ray itself tries for a minute, and then ends the process."""


@dataclass(frozen=True)
class Answer:
    """What was asked for."""

    value: Any


@dataclass(frozen=True)
class Fault:
    """Why it cannot be had, in one line; ``gone`` where the cluster no longer answers at all."""

    line: str
    gone: bool = False


@dataclass(frozen=True)
class Done:
    """Every job has ended, or was told to; ``line`` says what else ended them."""

    line: str = ""


@dataclass(frozen=True)
class Stop:
    """Asks to end the tasks."""


@dataclass(frozen=True)
class Ask:
    """Asks for what a method of `Cluster` returns."""

    method: Callable[..., Any]
    arguments: tuple[Any, ...]


def serve(connection: Connection, address: str, runtime_env: dict[str, Any], driver: Driver) -> None:
    """Connect to a cluster and do what a driver asks for, until it asks no more."""
    sending = threading.Lock()

    def send(message: Event | MeasureEvent | Answer | Fault | Done) -> None:
        with sending:
            connection.send(message)

    def gone(why: str) -> None:
        send(Fault(why, gone=True))
        os._exit(1)

    def answer(asked: Ask) -> None:
        try:
            send(Answer(asked.method(cluster, *asked.arguments)))
        except BenchError as error:
            send(Fault(str(error)))

    def told() -> bool:
        """Answer what is asked meanwhile; return whether the work is to stop."""
        while connection.poll():
            request = connection.recv()
            if not isinstance(request, Ask):
                return True
            answer(request)
        return False

    def work(asked: Work | Measures) -> Done:
        try:
            events = cluster.work(asked, told) if isinstance(asked, Work) else cluster.measure(asked, told)
            for event in events:
                send(event)
        except BenchError as error:
            return Done(str(error))
        return Done()

    try:
        cluster = Cluster(_connected(address, runtime_env), driver)
    except BenchError as error:
        send(Fault(str(error)))
        return
    threading.Thread(target=_watch, args=(cluster.ray, gone), daemon=True).start()
    send(Answer(cluster.head))
    try:
        for request in requests(connection):
            if isinstance(request, Work | Measures):
                send(work(request))
            elif isinstance(request, Ask):
                answer(request)  # else it is told to stop what has ended already
    except Gone as error:
        gone(str(error))
    except Exception as error:
        gone(line_of(error))


def _connected(address: str, runtime_env: dict[str, Any]) -> Any:
    """Return Ray, connected to a cluster.

    Raises:
        BenchError: It cannot be.
    """
    import ray

    try:
        ray.init(address, runtime_env=runtime_env or None, log_to_driver=False, configure_logging=False)
    except (Exception, SystemExit) as error:
        raise BenchError(f"the cluster of Ray at {address} does not take this machine: {line_of(error)}") from None
    return ray


def _watch(ray: Any, gone: Callable[[str], None]) -> None:
    """Call ``gone`` when the head has not answered for a while, or no longer counts this machine's node."""
    ours, heard = ray.get_runtime_context().get_node_id(), threading.Event()

    def listen() -> None:
        while True:
            with suppress(Exception):
                if ours not in {node["NodeID"] for node in ray.nodes() if node["Alive"]}:
                    gone("this machine's node is no longer part of it")
                heard.set()
            time.sleep(LOOK_S)

    threading.Thread(target=listen, daemon=True).start()
    silent_s = 0.0  # counted, and not by a clock: while this process is stopped nobody is silent
    while silent_s < GONE_S:
        time.sleep(LOOK_S)
        silent_s = 0.0 if heard.is_set() else silent_s + LOOK_S
        heard.clear()
    gone(f"its head does not answer, or was begun anew: nothing was heard of it for {GONE_S:g} s")
