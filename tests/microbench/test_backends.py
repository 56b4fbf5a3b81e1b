"""Seconds an epoch of each network on one pinned core, on every backend that is installed, in turn within one run.

The benchmark's own time is a part of JAX's epoch of one seed, or of the first backend's where JAX is not there; the
table at the end counts all for whole epochs and for one seed. *Fused* are PyTorch's own recurrent layers, where a case
has them; *eager* is Keras's network on PyTorch.
"""

import pytest

from bench.cases.base import cases
from bench.devices import find_device, usable_cores
from bench.environment import backend_version
from bench.process import Slot
from tests.microbench.test_networks import NETWORKS
from tests.microbench.ways import Way, ask, in_turn, prepared

ROUNDS = 3
LANES = 16
"""Seeds in one program: as many as pay on a CPU."""


def ways_of(case: str) -> list[Way]:
    """Return how a case can be trained by what is installed here."""
    found = [Way("TensorFlow", "tensorflow", case), Way("JAX", "jax", case), Way("JAX stacked", "jax", case, LANES)]
    if fused := [name for name in cases.names() if name == f"{case}_torch"]:
        found.append(Way("PyTorch fused", "torch", fused[0]))
    found.append(Way("PyTorch eager", "torch", case))
    return [way for way in found if backend_version(way.backend) and cases.get(way.case).runs_on(way.backend)]


@pytest.mark.parametrize("network", NETWORKS)
def test_epoch_by_backend(network, benchmark, tmp_path):
    ways = ways_of(f"chapter15/{network}")
    place = find_device("cpu"), usable_cores()[-1]
    backends = list(dict.fromkeys(way.backend for way in ways))
    groups = [(Slot("cpu", *place, name), [way for way in ways if way.backend == name]) for name in backends]
    with prepared(groups, tmp_path / "log") as ready:
        seconds = in_turn(ready, ROUNDS)
        process, number, _ = next((entry for entry in ready if entry[2].name == "JAX"), ready[0])
        benchmark.pedantic(ask, (process, number), rounds=ROUNDS)
    assert min(seconds.values()) > 0
    benchmark.extra_info["backends_of"] = network
    benchmark.extra_info["s_per_epoch"] = {way.name: value for way, value in seconds.items()}
    if not backend_version("torch"):
        benchmark.extra_info["left_out"] = "PyTorch, which is not installed: make microbench BACKEND=torch"
