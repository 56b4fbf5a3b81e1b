"""What many runs cost the driver: plan, a sweep whose workers answer at once, store, `bench plan`, report; its lags."""

import json
import subprocess
import sys

import pytest

RUNS = (1_000, 10_000)
LAGGING_RUNS = 1_000
"""The mirror draws a learning curve a run, which takes it tens of milliseconds."""


def measured(*words):
    """Return what a process of its own prints."""
    command = [sys.executable, "-m", "tests.microbench.scale", *map(str, words)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.parametrize("runs", RUNS)
def test_scale_of_runs(benchmark, runs, tmp_path):
    """``extra_info`` holds the CPU seconds of each step and the memory after it."""
    cost = benchmark.pedantic(measured, (runs, tmp_path), rounds=1)
    benchmark.extra_info |= {"scale": runs, **cost}
    assert cost["report_s"] > 0


def test_scale_of_lags(benchmark, tmp_path):
    """``extra_info`` holds by how much store, mirror and report lag behind the answers of 64 workers."""
    lags = benchmark.pedantic(measured, (LAGGING_RUNS, tmp_path, "lag"), rounds=1)
    benchmark.extra_info |= {"lags_of": LAGGING_RUNS, "lags": lags}
    assert lags["report, most"] >= lags["store, median"] > 0
