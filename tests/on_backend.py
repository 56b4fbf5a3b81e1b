"""Tests and sweeps on another backend than this process has: each in a process of its own."""

import os
import subprocess
import sys

from bench.store import Store
from tests.committed import ROOT

START = """
import sys, pytest
from bench.engines.base import load_engine
load_engine(sys.argv[1], "cpu")
sys.exit(pytest.main(sys.argv[2:]))
"""
"""Keras is imported as a worker does it: without what it takes along to no use."""


def run_tests(backend, files, *options):
    """Run files of tests with Keras on a backend, in one process; none may fail or be skipped."""
    named = [f"tests/{file}.py" for file in files]
    command = [sys.executable, "-c", START, backend, "-q", "-p", "no:benchmark", "-p", "no:xdist", *named]
    variables = os.environ | {"KERAS_BACKEND": backend, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*command, *options], env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "skipped" not in done.stdout


def sweep_without_tensorflow(folder, backend, cases):
    """Run cases of chapter15 for an epoch where importing TensorFlow raises; return their records by case.

    Each has to be done: networks on the backend, the naive forecast on NumPy.
    """
    (folder / "tensorflow.py").write_text(f"raise ImportError('a run on {backend} has imported TensorFlow')")
    names = ", ".join(f'"chapter15/{name}"' for name in cases)
    (folder / "t.toml").write_text(f'name = "t"\nseeds = [1]\ncases = [{names}]\n\n[recipe]\nepochs = 1\n')
    places = os.pathsep.join([str(folder), str(ROOT), os.environ.get("PYTHONPATH", "")])
    options = f"--backend {backend} --workers 1 --no-track --no-throughput --results results --reports reports"
    done = subprocess.run(
        [sys.executable, "-m", "bench", "run", "t.toml", *options.split()],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": places},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    records = {record.spec.case.removeprefix("chapter15/"): record for record in Store(folder / "results").read()}
    assert {name: (record.status, record.environment.backend) for name, record in records.items()} == {
        name: ("done", "numpy" if name.startswith("naive") else backend) for name in cases
    }
    assert f"--backend {backend}" in next((folder / "results/reports").glob("*/README.md")).read_text()
    return records
