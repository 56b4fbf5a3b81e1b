"""A cluster of Ray of two nodes on this machine."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.cli import call
from bench.engines.base import NO_ENGINE
from bench.environment import cpu_model
from bench.errors import BenchError
from bench.executors import ray_node
from bench.executors.base import Machines, Setting, executors
from bench.executors.ray_cluster import whole_of
from bench.jobs import NoRoom, RunEnded, RunStarted, make_jobs
from bench.lock import hold, read_holder
from bench.measurement import measure_spec
from bench.plan import expand
from bench.store import RESULTS, Store
from bench.suite import Suite, read_suite
from bench.throughput.benchmark import CaseMeasured, LeftOut, MachineLost, Terms, machine_folder
from tests.elsewhere import environment_of

pytestmark = [pytest.mark.variant, pytest.mark.filterwarnings("default")]
ROOT = Path(__file__).parent.parent


def started(**head):
    from ray.cluster_utils import Cluster

    return Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False} | head)


@pytest.fixture(scope="module")
def patched():
    """What processes of Ray inherit: where the package is, and where a machine's lock is looked for."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as own:
        patch.setenv("PYTHONPATH", f"{ROOT}:{os.environ.get('PYTHONPATH', '')}")
        patch.setenv("RAY_TMPDIR", tempfile.gettempdir())
        patch.setenv("TMPDIR", own)  # of the machine's lock, which a benchmark of this machine may hold
        patch.setattr(tempfile, "tempdir", own)
        yield


@pytest.fixture(scope="module")
def nodes(patched):
    """Two nodes of a core each."""
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
    there = executors.get("ray").told([("--address", nodes.address)])
    running = there.start(jobs, Setting(("cpu",), tmp_path))
    seen = []
    for event in running.run(jobs):
        seen.append(event)
        if sum(isinstance(e, RunStarted) for e in seen) == 3 and other is not None:
            nodes.remove_node(other, allow_graceful=False)
            other = None
            assert len(there.environments("cpu", NO_ENGINE, 1)) == 1, "it answers while it works"
    ended = [event.record.run_id for event in seen if isinstance(event, RunEnded)]
    assert sorted(ended) == sorted(spec.run_id for job in jobs for spec in job.specs)
    assert {event.record.status for event in seen if isinstance(event, RunEnded)} == {"done"}


def test_a_sweep_says_that_no_node_has_a_core_and_goes_on_when_one_joins(far, tmp_path, patched):
    read = read_suite(far())
    jobs = make_jobs(expand(read, read.select()))
    made = started(num_cpus=0)
    try:
        there = executors.get("ray").told([("--address", made.address)])
        seen = []
        for event in there.start(jobs, Setting(("cpu",), tmp_path)).run(jobs):
            seen.append(event)
            if isinstance(event, NoRoom):
                made.add_node(num_cpus=1)
        said = [event.line for event in seen if isinstance(event, NoRoom)]
        assert said == ["no node of the cluster has a core now; the runs go on when one joins"]
        assert seen[0].line == said[0]
        assert sum(isinstance(event, RunEnded) for event in seen) == 6
    finally:
        made.shutdown()


def test_throughput_is_measured_on_whole_nodes_as_it_is_here(nodes, far, capsys):
    suite = Path(far())
    suite.write_text(suite.read_text(encoding="utf-8").replace("throughput = false", ""), encoding="utf-8")
    assert run("far.toml", nodes.address, "--processes", "2") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "throughput: 2 cases to measure alone on 2 whole nodes, in 4 fresh processes; about " in said
    assert "[4/4] far/" in said
    measured = Store(RESULTS).read_measurements()
    assert sorted((m.spec.case, m.attempt) for m in measured) == [
        ("far/one", 1), ("far/one", 2), ("far/two", 1), ("far/two", 2)
    ]  # fmt: skip
    assert {m.status for m in measured} == {"done"}
    assert {m.environment.digest for m in measured} == {environment_of(NO_ENGINE, cpu_model()).digest}
    assert {m.provenance.host for m in measured} == {socket.gethostname()}
    assert call(["run", "far.toml", "--no-track", "--no-report", "--processes", "2"]) == 0
    assert "to measure" not in capsys.readouterr().out, "a measurement here is of the same kind"


class Kept(list):
    """Keeps measurements, as store and as sink."""

    def write_measurement(self, measurement):
        return measurement

    def send(self, measurement):
        self.append(measurement)


def test_nodes_wait_for_the_lock_of_their_machine_and_what_a_lost_one_leaves_is_measured_elsewhere(
    nodes, far, tmp_path
):
    plan = read_suite(far())
    specs = list({measure_spec(s).measure_id: measure_spec(s) for s in expand(plan, plan.select())}.values()) * 3
    there = executors.get("ray").told([("--address", nodes.address)])
    other = nodes.add_node(num_cpus=1)
    (kind,) = there.machines("cpu", [NO_ENGINE], None)
    assert (kind.number, kind.workers) == (3, 1)
    kept, events, waits = Kept(), [], []

    def lose(_):
        waits.append(len(kept))
        if len(waits) == 3:
            nodes.remove_node(other, allow_graceful=False)
            lock.close()

    with ExitStack() as lock:
        lock.enter_context(hold(machine_folder()))
        terms = Terms(5, kept, kept, tmp_path, on_event=events.append, on_wait=lose)
        result = there.measure(specs, {"cpu": kind}, terms)
    assert waits[:3] == [0, 0, 0], "none measures while another holds the machine"
    assert sum(isinstance(e, MachineLost) for e in events) == 1
    assert sorted(m.measure_id for m in kept) == sorted(spec.measure_id for spec in specs)
    assert {m.status for m in kept} == {"done"}
    counted = [(e.number, e.total) for e in events if isinstance(e, CaseMeasured)]
    assert counted == [(n, 6) for n in range(1, 7)]
    assert (result.left_out, result.interrupted) == (0, False)


def test_a_machine_is_held_by_the_command_that_was_typed_and_not_by_rays_worker(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["bench", "run", "smoke"])
    driver = ray_node.Driver.here()
    monkeypatch.setattr(sys, "argv", ["default_worker.py"])
    driver.enter()
    with hold(tmp_path):
        assert read_holder(tmp_path).command == "bench run smoke"


def test_without_a_node_of_the_kind_processes_are_left_out_and_what_failed_is_tried_no_more(
    nodes, engine_plugins, tmp_path
):
    cases = [{"name": "t/raises", "dataset": "test_ramps", "model": {"name": "test_constant", "fault": "raise"}}]
    suite = Suite(name="t", cases=cases, seeds=[1])
    specs = [measure_spec(spec) for spec in expand(suite, suite.select())] * 5
    there = executors.get("ray").told([("--address", nodes.address)])
    events, kept = [], Kept()
    terms = Terms(5, kept, kept, tmp_path, on_event=events.append)
    other = Machines((environment_of(NO_ENGINE),))
    assert there.measure(specs, {"cpu": other}, terms).left_out == 5
    assert (events, kept) == ([LeftOut(5)], [])
    (kind,) = there.machines("cpu", [NO_ENGINE], None)
    result = there.measure(specs, {"cpu": kind}, terms)
    assert {m.failure.reason for m in kept} == {"RuntimeError: on purpose"}
    assert len(kept) == result.total <= kind.number, "one on each node at most"


def test_only_nodes_of_the_kind_measure_and_each_is_taken_whole(nodes, engine_plugins, tmp_path):
    cases = [{"name": "t/one", "dataset": "test_ramps", "model": "test_constant"}]
    suite = Suite(name="t", cases=cases, seeds=[1])
    specs = [measure_spec(spec) for spec in expand(suite, suite.select())] * 2
    there = executors.get("ray").told([("--address", nodes.address)])
    other = nodes.add_node(num_cpus=2, env_vars={"BLIS_ARCH_TYPE": "7"})
    try:
        kinds = {kind.named: kind for kind in there.machines("cpu", [NO_ENGINE], None)}
        odd = kinds["1 whole node"]
        assert (len(kinds), odd.workers, kinds["2 whole nodes"].workers) == (2, 2, 1)
        assert there.machines("gpu", [NO_ENGINE], None) == []
        kept = Kept()
        there.measure(specs, {"cpu": odd}, Terms(5, kept, kept, tmp_path))
    finally:
        nodes.remove_node(other)
    assert [m.environment.variables for m in kept] == ["BLIS_ARCH_TYPE=7"] * 2
    assert {m.environment.digest for m in kept} == set(odd.digests)
    whole = {"NodeID": "ab" * 28, "Resources": {"CPU": 16.0, "GPU": 2.0}}
    asked = [(o["num_cpus"], o["num_gpus"]) for o in (whole_of(whole, "cpu"), whole_of(whole, "gpu"))]
    assert asked == [(16.0, 0), (16.0, 2.0)]


def test_a_node_that_has_another_package_is_named_before_anything_runs(nodes, far, monkeypatch, capsys):
    monkeypatch.setattr(ray_node, "code", lambda: "0.4.0, code 12345678")
    assert run(far(), nodes.address, "--results", "other") == 2
    line = capsys.readouterr().err
    assert re.match(r"bench: node \S+ \(\w{8}\): it has another sequence-bench \(", line), line
    assert line.endswith("than this machine (0.4.0, code 12345678); install the same, or send it: --runtime-env\n")
    assert not Store(Path("other")).read()


def test_a_node_that_came_late_with_another_package_is_named(nodes, far, tmp_path, monkeypatch):
    suite = read_suite(far())
    jobs = make_jobs(expand(suite, suite.select()))
    monkeypatch.setattr(ray_node, "code", lambda: "0.4.0, code 12345678")
    running = executors.get("ray").told([("--address", nodes.address)]).start(jobs, Setting(("cpu",), tmp_path))
    with pytest.raises(BenchError, match=f"^node {socket.gethostname()}: it has another sequence-bench"):
        list(running.run(jobs))


def test_a_node_that_has_no_such_package_is_named(nodes, far, tmp_path, capsys):
    suite = far()
    older = tmp_path / "older" / "bench"
    (older / "executors").mkdir(parents=True)
    for package in (older, older / "executors"):  # with the first alone, an editable install's finder lends the second
        (package / "__init__.py").touch()
    Path("env.json").write_text(json.dumps({"py_modules": [str(older)]}), encoding="utf-8")
    assert run(suite, nodes.address, "--runtime-env", "env.json", "--results", "none") == 2
    line = capsys.readouterr().err
    assert re.match(r"bench: node \S+ \(\w{8}\) does not answer: .*No module named 'bench\.executors\.", line), line
    assert line.count("\n") == 1


SERIES = """name = "series"
seeds = [1]
throughput = false
baseline = "naive"

[[cases]]
name = "series/naive"
model = "naive"
[cases.dataset]
name = "table"
path = "hours.csv"
targets = ["y"]
horizon = 2
input_length = 4
"""


def test_a_node_without_the_data_is_named_and_gets_them_by_a_runtime_environment(nodes, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{hour},{hour % 7}\n" for hour in range(60))
    Path("sent").mkdir()
    for folder in (".", "sent"):
        Path(folder, "hours.csv").write_text(f"hour,y\n{rows}", encoding="utf-8")
    Path("series.toml").write_text(SERIES, encoding="utf-8")
    Path("env.toml").write_text('working_dir = "sent"\n', encoding="utf-8")
    assert run("series.toml", nodes.address, "--runtime-env", "env.toml") == 0
    assert len(Store(RESULTS).read()) == 1
    Path("sent/hours.csv").unlink()
    Path("sent/else.txt").touch()
    Path("env.json").write_text(json.dumps({"working_dir": "sent"}), encoding="utf-8")
    assert run("series.toml", nodes.address, "--runtime-env", "env.json", "--rerun") == 2
    assert re.fullmatch(
        r"bench: node \S+ \(\w{8}\): dataset 'table': cannot read hours.csv \(No such file or directory\); "
        "name a file that is there\n",
        capsys.readouterr().err,
    )
    assert len(Store(RESULTS).read()) == 1


def test_another_version_of_ray_is_one_line(nodes, far, capsys):
    from ray._common.usage import usage_constants
    from ray._raylet import GcsClient

    clients, key = GcsClient(address=nodes.address), usage_constants.CLUSTER_METADATA_KEY
    told = clients.internal_kv_get(key, b"cluster", timeout=10)
    other = json.loads(told) | {"ray_version": "2.1.0"}
    clients.internal_kv_put(key, json.dumps(other).encode(), True, b"cluster", timeout=10)
    try:
        assert run(far(), nodes.address) == 2
    finally:
        clients.internal_kv_put(key, told, True, b"cluster", timeout=10)
    line = capsys.readouterr().err
    assert line.startswith(f"bench: the cluster of Ray at {nodes.address} does not take this machine: "), line
    assert "Ray: 2.1.0" in line
    assert line.count("\n") == 1


def test_where_nobody_answers_the_address_is_named(far, capsys):
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unheard.getsockname()[1]}"
        assert run(far(), address) == 2
    assert capsys.readouterr().err == (
        f"bench: nobody answers at {address} (Connection refused); "
        "name the head of a running cluster of Ray by --address HOST:PORT\n"
    )


def test_where_somebody_else_answers_it_is_said_in_time(far, monkeypatch, capsys):
    monkeypatch.setattr("bench.executors.ray.JOIN_S", 3.0)
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        assert run(far(), address) == 2
    assert capsys.readouterr().err == (
        f"bench: no cluster of Ray answers at {address} within 3 s; name the head of one by --address HOST:PORT\n"
    )


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--address", "ray://there:10001"], "address 'ray://there:10001': expected HOST:PORT of a cluster's head, "),
        (["--address", "there"], "address 'there': expected HOST:PORT of a cluster's head, "),
        (["--runtime-env", "none.toml"], "--runtime-env none.toml: cannot be read (No such file or directory); "),
        (["--runtime-env", "far.json"], "--runtime-env far.json: no TOML, or JSON where its name ends so ("),
    ],
)
def test_options_that_cannot_be_used_are_one_line(options, line, far, capsys):
    suite = far()
    Path("far.json").write_text("{", encoding="utf-8")
    assert call(["run", suite, "--executor", "ray", *options]) == 2
    assert capsys.readouterr().err.startswith(f"bench: {line}")


def test_a_small_cluster_says_what_to_paste_and_ends_with_ctrl_c():
    command = [sys.executable, str(ROOT / "tools" / "cluster.py"), "--nodes", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as cluster:
        assert cluster.stdout.readline() == "a cluster of 1 nodes, until Ctrl-C; in another terminal:\n"
        words = cluster.stdout.readline().split()
        host, port = words[-1].split(":")
        socket.create_connection((host, int(port)), 5.0).close()
        cluster.send_signal(signal.SIGINT)
        assert cluster.stdout.read() == "the cluster has ended\n"
    assert cluster.returncode == 0
    assert words[1:-1] == ["run", "smoke", "--executor", "ray", "--address"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), 5.0)
