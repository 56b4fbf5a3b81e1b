"""Starts a small cluster of Ray on this machine, to try one on: some nodes of a core each, until Ctrl-C."""

import argparse
import shlex
import signal
import sys
import threading
from pathlib import Path


def main() -> int:
    """Start it, print what to paste, wait, and end all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=2, help="nodes of a core each, 1 or more")
    options = parser.parse_args()
    if options.nodes < 1:
        parser.error("--nodes: expected 1 or more")
    from ray.cluster_utils import Cluster

    told = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told.set())
    cluster = Cluster(initialize_head=True, head_node_args={"include_dashboard": False, "num_cpus": 1})
    try:
        for _ in range(options.nodes - 1):
            if not told.is_set():
                cluster.add_node(num_cpus=1)
        bench = Path(sys.executable).parent / "bench"
        words = [str(bench.relative_to(Path.cwd()) if bench.is_relative_to(Path.cwd()) else bench), "run", "smoke"]
        print(f"a cluster of {options.nodes} nodes, until Ctrl-C; in another terminal:", flush=True)
        words += ["--executor", "ray", "--address", f"127.0.0.1:{cluster.address.rpartition(':')[2]}"]
        print(f"    {shlex.join(words)}", flush=True)
        while not told.wait(1.0):  # in steps, or a signal would wait for its end
            pass
    finally:
        cluster.shutdown()
    print("the cluster has ended", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
