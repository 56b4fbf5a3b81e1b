"""A short torture of a cluster of Ray: `make torture-cluster` puts in 100 faults, of more kinds."""

import pytest

from tests.torture.on_cluster import HARMS, torture
from tests.torture.sweeps import PLUGINS

KINDS = "node_lost", "task_killed"


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_few_faults_on_a_cluster_lose_nothing(tmp_path, monkeypatch):
    for name, value in PLUGINS.items():
        monkeypatch.setenv(name, value)
    tally = torture(tmp_path, 2, 1, KINDS)
    assert sum(tally.injected.values()) == 2
    assert {harm: tally.harms[harm] for harm in HARMS} == dict.fromkeys(HARMS, 0), "\n".join(tally.notes)
