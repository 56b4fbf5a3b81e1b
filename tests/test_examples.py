"""The plug-ins of `examples/` are run as their first lines say."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench.store import Store
from tests.committed import ROOT

EXAMPLE = ROOT / "examples" / "torch_model.py"
needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")


def bench(results: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run the example's own command, with a verb and options of the test's."""
    (command,) = re.findall(r"^    (BENCH_PLUGINS=.*)$", EXAMPLE.read_text(), re.M)
    *variables, program, _, suite = command.split()
    assert program == "bench"
    plugins = dict(variable.split("=") for variable in variables)
    places = os.pathsep.join([str(ROOT / plugins.pop("PYTHONPATH")), str(ROOT), os.environ.get("PYTHONPATH", "")])
    verb, *options = arguments
    line = [sys.executable, "-m", "bench", verb, str(ROOT / suite), "--results", str(results), *options]
    environment = os.environ | plugins | {"PYTHONPATH": places}
    return subprocess.run(line, cwd=results.parent, env=environment, capture_output=True, text=True)


@pytest.mark.slow
@needs_torch
def test_a_plain_module_is_trained_and_reported(tmp_path):
    reports = ["--reports", str(tmp_path / "reports"), "--no-track", "--no-throughput", "--workers", "1"]
    done = bench(tmp_path / "results", "run", "--seeds", "1,2", "--epochs", "1", *reports)
    assert done.returncode == 0, done.stdout + done.stderr
    records = [record for record in Store(tmp_path / "results").read() if record.spec.model.name == "example_torch_gru"]
    assert [(record.status, record.environment.backend) for record in records] == [("done", "torch")] * 2
    weights = 3 * 20 * (1 + 20 + 2) + 20 * 20 + 20 + 20 + 1
    assert {record.parameters for record in records} == {weights}
    assert len({record.score("mse", "valid", "last") for record in records}) == 2, "two seeds"
    (readme,) = tmp_path.rglob("README.md")
    assert "my GRU" in readme.read_text()


def test_another_backend_leaves_it_out_and_says_why(tmp_path):
    done = bench(tmp_path / "results", "plan", "--backend", "tensorflow")
    assert done.returncode == 0, done.stdout + done.stderr
    said = " ".join(done.stdout.split())
    assert "skipped example/torch_gru: model 'example_torch_gru' runs on torch alone, not on tensorflow" in said
