"""A short torture: `python -m tests.torture` injects 200 faults, of more kinds and also into sweeps that train."""

from types import SimpleNamespace

import pytest

from bench.record import Score
from tests.torture import trials
from tests.torture.sweeps import Process, ScratchSweep, compare, content, fault_points
from tests.torture.trials import HARMS, torture


@pytest.mark.slow
@pytest.mark.parametrize("faults", [2, pytest.param(4, marks=pytest.mark.variant)])
def test_a_few_faults_lose_nothing(faults, tmp_path, monkeypatch):
    monkeypatch.setitem(trials.FAULTS_A_TRIAL, "plain", faults)
    tally = torture(tmp_path, faults, 3, kinds=("plain",), options=("--no-report",))
    assert sum(tally.injected.values()) >= faults
    assert {harm: tally.harms[harm] for harm in HARMS} == dict.fromkeys(HARMS, 0), "\n".join(tally.notes)


def test_the_points_of_a_write_and_of_a_run_are_there_to_be_armed():
    assert {
        *("store.begin", "store.half_written", "store.written", "store.synced", "store.linked"),
        *("sweep.received", "worker.ran", "worker.sent"),
    } <= set(fault_points())


def test_what_is_lost_doubled_or_different_is_counted(tmp_path):
    """The comparison that the torture rests on sees each kind of harm."""
    from tests.fakes import fake_record

    sweep = ScratchSweep(tmp_path / "sweep", "plain")
    sweep.store.prepare()
    kept, crashed, lost = (fake_record("fake/rnn", seed) for seed in (1, 2, 3))
    reference = {r.run_id: content(r) for r in (kept, crashed, lost)}
    sweep.store.write(kept)
    sweep.store.write(crashed.model_copy(update={"status": "crashed"}))
    sweep.store.write(crashed)
    assert sweep.look()[0] == 0
    assert compare(reference, sweep.store.read()) == {"runs_lost": 1, "runs_doubled": 0, "differing_results": 0}
    again = sweep.store.write(lost)
    sweep.store.write(lost)
    assert compare(reference, sweep.store.read()) == {"runs_lost": 0, "runs_doubled": 1, "differing_results": 0}
    (sweep.store.folder / f"{kept.key}.json").unlink()
    assert sweep.look()[0] == 1
    wrong = again.model_copy(update={"scores": (Score("valid", "last", "mse", "", "", 1.0),)})
    assert compare(reference, [kept, crashed, wrong])["differing_results"] == 1


@pytest.mark.parametrize(("code", "more", "raised"), [(-9, "", False), (1, "", True), (-9, "Traceback (most", True)])
def test_a_worker_that_is_born_an_orphan_is_no_fault(tmp_path, code, more, raised):
    """Its interpreter complains of the pipe that its driver, killed meanwhile, did not fill."""
    said = (
        "[1/2] t/quick: valid mse 1 in 0.1 s\n"
        "Traceback (most recent call last):\n"
        '  File "<string>", line 1, in <module>\n'
        '  File "/python/multiprocessing/spawn.py", line 122, in spawn_main\n'
        "    exitcode = _main(fd, parent_sentinel)\n"
        "EOFError: Ran out of input\n"
    )
    log = tmp_path / "log"
    log.write_text(said + more)
    assert Process(SimpleNamespace(returncode=code), log).raised is raised
