"""What an epoch costs against the number of seeds in one JAX program, on one pinned core; see `seeds` for a GPU.

The benchmark's own time is a part of an epoch at the widest.
"""

from pathlib import Path

import pytest

from tests.microbench.seeds import NETWORKS, WIDTHS, draw, measure, write

FOLDER = Path("results/microbench")


@pytest.fixture(scope="module")
def costs():
    """What each network gave; written and drawn when all have."""
    made: dict[str, dict[int, float]] = {}
    yield made
    write(made, "cpu", FOLDER)
    draw(made, "cpu", FOLDER / "seeds-cpu.svg")


@pytest.mark.parametrize("network", NETWORKS)
def test_seeds_in_one_program(network, benchmark, costs, tmp_path):
    costs[network] = benchmark.pedantic(measure, ("cpu", network, WIDTHS, tmp_path / "log"), rounds=1)
    benchmark.extra_info["seeds_of"] = network
    benchmark.extra_info["s_per_epoch_and_seed"] = {str(width): value for width, value in costs[network].items()}
    assert set(costs[network]) == set(WIDTHS)
