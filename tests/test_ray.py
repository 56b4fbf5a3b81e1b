"""A cluster of Ray of two nodes on this machine; skipped where Ray is not installed."""

import json
import os
import socket
from pathlib import Path

import pytest

from bench.cli import call
from bench.executors import ray_node
from bench.executors.base import Setting, executors
from bench.jobs import RunEnded, RunStarted, make_jobs
from bench.plan import expand
from bench.store import RESULTS, Store
from bench.suite import Suite

ray = pytest.importorskip("ray", reason="Ray is not installed here: the extra ray brings it")
pytestmark = [pytest.mark.variant, pytest.mark.filterwarnings("default")]
ROOT = Path(__file__).parent.parent


def started(**head):
    from ray.cluster_utils import Cluster

    return Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False} | head)


@pytest.fixture(scope="module")
def nodes():
    """Two nodes of a core each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", f"{ROOT}:{os.environ.get('PYTHONPATH', '')}")
        made = started()
        made.add_node(num_cpus=1)
        yield made
        made.shutdown()


def run(suite, address, *options):
    return call(["run", suite, "--executor", "ray", "--address", address, "--no-track", "--no-report", *options])


def test_a_sweep_on_a_cluster_records_what_a_sweep_here_records(nodes, far, capsys):
    suite = far()
    assert run(suite, nodes.address) == 0
    assert "6 runs to do, 0 done; an unknown time on 2 workers" in capsys.readouterr().out
    there = {r.run_id: r for r in Store(RESULTS).read()}
    assert len(there) == 6
    assert call(["run", suite, "--no-track", "--no-report", "--results", "here"]) == 0
    for record in Store(Path("here")).read():
        assert there[record.run_id].scores == record.scores
        assert there[record.run_id].environment == record.environment


def test_what_a_lost_node_leaves_is_run_elsewhere_and_each_run_ends_once(nodes, engine_plugins, tmp_path):
    other = nodes.add_node(num_cpus=1)
    cases = [
        {"name": f"lost/{n}", "dataset": "test_ramps", "model": {"name": "test_constant", "value": n, "wait_s": 1.0}}
        for n in range(4)
    ]
    suite = Suite(name="lost", cases=cases, seeds=[1, 2], data_seeds="seeds")
    jobs = make_jobs(expand(suite, suite.select()))
    running = executors.get("ray").told([("--address", nodes.address)]).start(jobs, Setting(("cpu",), tmp_path))
    seen = []
    for event in running.run(jobs):
        seen.append(event)
        if sum(isinstance(e, RunStarted) for e in seen) == 3 and other is not None:
            nodes.remove_node(other, allow_graceful=False)
            other = None
    ended = [event.record.run_id for event in seen if isinstance(event, RunEnded)]
    assert sorted(ended) == sorted(spec.run_id for job in jobs for spec in job.specs)
    assert {event.record.status for event in seen if isinstance(event, RunEnded)} == {"done"}


def test_a_node_that_has_another_package_is_named_before_anything_runs(nodes, far, monkeypatch, capsys):
    monkeypatch.setattr(ray_node, "code", lambda: "0.4.0, code 12345678")
    assert run(far(), nodes.address, "--results", "other") == 2
    line = capsys.readouterr().err
    assert line.startswith(f"bench: node {socket.gethostname()} (") or line.startswith("bench: node "), line
    assert "another sequence-bench (" in line
    assert line.endswith("than this machine (0.4.0, code 12345678); install the same, or send it: --runtime-env\n")
    assert not Store(Path("other")).read()


SERIES = """name = "series"
seeds = [1]
throughput = false
baseline = "series/naive"

[[cases]]
name = "series/naive"
model = "naive"
[cases.dataset]
name = "table"
path = "{path}"
targets = ["y"]
horizon = 2
input_length = 4
"""
