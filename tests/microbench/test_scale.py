"""What many runs cost the driver: plan, a sweep whose workers answer at once, store, `bench plan`, report."""

import json
import subprocess
import sys

import pytest

RUNS = (1_000, 10_000)


@pytest.mark.parametrize("runs", RUNS)
def test_scale_of_runs(benchmark, runs, tmp_path):
    """In a process of its own, of which ``extra_info`` holds the CPU seconds of each step and the memory after it."""

    def measured():
        command = [sys.executable, "-m", "tests.microbench.scale", str(runs), str(tmp_path)]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    cost = benchmark.pedantic(measured, rounds=1)
    benchmark.extra_info |= {"scale": runs, **cost}
    assert cost["report_s"] > 0
