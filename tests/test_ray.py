"""A cluster of Ray of two nodes on this machine; skipped where Ray is not installed."""

import os
from pathlib import Path

import pytest

from bench.cli import call
from bench.executors.base import Setting, executors
from bench.jobs import RunEnded, RunStarted, make_jobs
from bench.plan import expand
from bench.store import RESULTS, Store
from bench.suite import Suite

ray = pytest.importorskip("ray", reason="Ray is not installed here: the extra ray brings it")
pytestmark = pytest.mark.variant
ROOT = Path(__file__).parent.parent


@pytest.fixture
def cluster(engine_plugins, monkeypatch):
    """Two nodes of a core each, which find the plug-ins as workers do."""
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{os.environ.get('PYTHONPATH', '')}")
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.add_node(num_cpus=1)
    monkeypatch.setenv("RAY_ADDRESS", made.address)
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.mark.filterwarnings("default")
def test_what_a_lost_node_leaves_is_run_elsewhere_and_each_run_ends_once(cluster, tmp_path):
    cases = [
        {"name": f"lost/{n}", "dataset": "test_ramps", "model": {"name": "test_constant", "value": n, "wait_s": 1.0}}
        for n in range(4)
    ]
    suite = Suite(name="lost", cases=cases, seeds=[1, 2], data_seeds="seeds")
    jobs = make_jobs(expand(suite, suite.select()))
    running = executors.get("ray").start(jobs, Setting(("cpu",), tmp_path))
    (_, other) = cluster.list_all_nodes()
    seen = []
    for event in running.run(jobs):
        seen.append(event)
        if sum(isinstance(e, RunStarted) for e in seen) == 2 and other is not None:
            cluster.remove_node(other, allow_graceful=False)
            other = None
    ended = [event.record.run_id for event in seen if isinstance(event, RunEnded)]
    assert sorted(ended) == sorted(spec.run_id for job in jobs for spec in job.specs)
    assert {event.record.status for event in seen if isinstance(event, RunEnded)} == {"done"}


@pytest.mark.filterwarnings("default")
def test_a_sweep_on_a_cluster_records_what_a_sweep_here_records(cluster, far, capsys):
    suite = far()
    assert call(["run", suite, "--executor", "ray", "--no-track", "--no-report"]) == 0
    assert "6 runs to do, 0 done; an unknown time on 2 workers" in capsys.readouterr().out
    there = {r.run_id: r for r in Store(RESULTS).read()}
    assert len(there) == 6
    assert call(["run", suite, "--no-track", "--no-report", "--results", "here"]) == 0
    for record in Store(Path("here")).read():
        assert there[record.run_id].scores == record.scores
        assert there[record.run_id].environment == record.environment
