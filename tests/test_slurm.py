"""Array jobs of Slurm: what the script asks for, its steps as plain processes, and a real queue where there is one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cli import call
from bench.commands.numbered import JobNumber, job_number, jobs_digest, numbered, only
from bench.commands.selection import Selection
from bench.commands.slurm import slurm_script
from bench.errors import BenchError
from bench.plan import make_plan
from bench.store import REPORTS, RESULTS, Store
from bench.suite import Suite
from tests.fakes import fake_record
from tests.slurm_queue import PACKAGES, found, queue, until_empty

ROOT = Path(__file__).parent.parent
SBATCH = """#!/bin/bash
# As sbatch, but the tasks run here, one after the other.
echo "$@" >> asked.txt
for word in "$@"; do case $word in --array=0-*) last=${word#--array=0-};; esac; done
for ((task = 0; task <= last; task++)); do SLURM_ARRAY_TASK_ID=$task bash "${@: -3}"; done
"""
BENCH = f"""#!/bin/bash
exec {sys.executable} -m bench "$@"
"""


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """Programs of a cluster's node, found before any other; a function that runs a script of bash."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in (("bench", BENCH), ("sbatch", SBATCH)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return lambda *words: subprocess.run(["bash", *words], capture_output=True, text=True, timeout=300)


def small_suite(**changes):
    fields = {
        "name": "small",
        "cases": ["chapter15/deep_rnn", "chapter15/naive_ten_steps"],
        "seeds": [1, 2, 3],
        "devices": ["cpu", "gpu:1"],
        "throughput": False,
    }
    return Suite(**fields | changes)


def chosen_of(suite, tmp_path):
    return Selection("small", suite, suite, tmp_path, REPORTS)


def test_jobs_are_grouped_by_what_they_need_and_what_is_done_is_left_out(tmp_path):
    suite = small_suite()
    specs = make_plan(suite, []).specs
    done = [fake_record(s.case, s.model_seed).model_copy(update={"spec": s, "run_id": s.run_id}) for s in specs[:1]]
    plan = make_plan(suite, done)
    jobs = numbered(plan)
    assert [(job.device, job.backend, len(job.specs)) for job in jobs] == [
        ("cpu", "numpy", 1), ("cpu", "tensorflow", 3), ("gpu:1", "tensorflow", 3)
    ]  # fmt: skip
    text = slurm_script(chosen_of(suite, tmp_path), plan)
    assert "\njobs_cpu=(0 1:2,3)\n" in text, "seed 1 is recorded"
    assert "\njobs_gpu2=(2)\n" in text
    assert "submit gpu2 1 --nodes=1 --ntasks=1 --cpus-per-task=4 --gres=gpu:2 " in text
    assert "submit cpu 2 --nodes=1 --ntasks=1 --cpus-per-task=1 " in text
    assert f'--job "$job@{jobs_digest(jobs)}"' in text
    assert "CUDA_VISIBLE_DEVICES" not in text, "it is the scheduler's to set"


def test_a_number_means_the_same_runs_whatever_is_recorded(tmp_path):
    plan = make_plan(small_suite(), [])
    chosen = only(plan, JobNumber(1, (2, 3), jobs_digest(numbered(plan))))
    assert [(s.case, s.device, s.model_seed) for s in chosen.specs] == [
        ("chapter15/deep_rnn", "cpu", 2), ("chapter15/deep_rnn", "cpu", 3)
    ]  # fmt: skip
    assert [case.name for case in chosen.cases] == ["chapter15/deep_rnn"]
    assert str(job_number("1:2,3@0123abcd")) == "1:2,3@0123abcd"
    assert job_number("12") == JobNumber(12)


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ("3", "suite 'small' has 3 jobs, numbered from 0"),
        ("1:9", "job 1 has no seed 9"),
        ("1@00000000", "the jobs of suite 'small' are others here"),
        ("x", "--job 'x': expected a number"),
        ("-1", "--job '-1': expected a number"),
    ],
)
def test_a_job_that_is_none_is_one_line(asked, complaint):
    with pytest.raises(BenchError, match=complaint):
        only(make_plan(small_suite(), []), job_number(asked))


def test_jobs_that_depend_on_what_is_recorded_have_no_numbers():
    with pytest.raises(BenchError, match='has seeds = "auto"'):
        numbered(make_plan(small_suite(seeds="auto", data_seeds=[42]), []))


def test_a_thousand_jobs_and_more_are_several_arrays(tmp_path, shell, monkeypatch):
    """No array is larger than Slurm takes, and each task gets the job of its place in the whole."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("bench.commands.slurm.MOST_TASKS", 2)
    suite = small_suite(data_seeds="seeds", seeds=[1, 2, 3, 4, 5], cases=["chapter15/naive_ten_steps"], devices=["cpu"])
    Path("run.sh").write_text(slurm_script(chosen_of(suite, tmp_path), make_plan(suite, [])))
    (tmp_path / "bin" / "bench").write_text('#!/bin/bash\necho "$CUDA_VISIBLE_DEVICES: $@"\n')
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5")
    ran = shell("run.sh", "--partition=long")
    assert ran.returncode == 0, ran.stderr
    assert [line.partition(" --results")[0].split()[-1].partition("@")[0] for line in ran.stdout.splitlines()] == [
        "0", "1", "2", "3", "4"
    ]  # fmt: skip
    assert all(line.startswith("5: run small --job ") for line in ran.stdout.splitlines()), "the card that was given"
    asked = Path("asked.txt").read_text().splitlines()
    assert ["--array=0-1" in line for line in asked] == [True, True, False]
    assert all("--partition=long run.sh cpu" in line for line in asked)


def test_the_steps_of_an_array_record_what_a_sweep_records(far, shell, capsys, tmp_path):
    """As plain processes, then merged: equal to the same sweep at one go, but for times."""
    assert call(["plan", far(), "--cases", "far/one", "--seeds", "1,2", "--emit", "slurm", "--to", "run.sh"]) == 0
    assert capsys.readouterr().out == "run.sh written; bash run.sh submits it\n"
    ran = shell("run.sh")
    assert ran.returncode == 0, ran.stderr + ran.stdout
    folders = sorted(Path("results/jobs").iterdir())
    assert [folder.name for folder in folders] == ["0", "1"]
    assert call(["merge", *map(str, folders)]) == 0
    assert capsys.readouterr().out == "2 added to results, 0 were there\n"
    assert call(["merge", *map(str, folders)]) == 0
    assert capsys.readouterr().out == "0 added to results, 2 were there\n"
    assert call(["run", far(), "--no-track", "--no-report", "--results", "at-one-go"]) == 0
    whole = {r.key: r for r in Store(Path("at-one-go")).read()}
    merged = Store(RESULTS).read()
    assert len(merged) == 2
    for record in merged:
        assert record.scores == whole[record.key].scores
        assert record.environment == whole[record.key].environment
    capsys.readouterr()
    assert call(["plan", far(), "--cases", "far/one", "--seeds", "1,2", "--emit", "slurm"]) == 2
    assert "all 2 runs of suite 'far' are done: nothing to emit" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--emit", "pbs"], "--emit 'pbs': expected slurm"),
        (["--to", "run.sh"], "--to goes with --emit slurm"),
        (["--emit", "slurm", "--to", "none/run.sh"], "cannot write none/run.sh"),
    ],
)
def test_what_cannot_be_emitted_is_one_line(far, options, complaint, capsys):
    assert call(["plan", far(), *options]) == 2
    assert complaint in capsys.readouterr().err


needs_queue = pytest.mark.skipif(not found(), reason=f"no Slurm here: Debian's {PACKAGES} bring it")


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """Environment variables of a queue of one node with two cards, and the folder that it logs to."""
    folder = tmp_path_factory.mktemp("slurm")
    with queue(folder) as environ:
        yield environ, folder


def submit(environ, folder, tmp_path):
    (tmp_path / "bin" / "sbatch").unlink()
    environ = {**os.environ, **environ, "PATH": f"{tmp_path / 'bin'}:{environ['PATH']}", "PYTHONPATH": str(ROOT)}
    submitted = subprocess.run(["bash", "run.sh"], env=environ, capture_output=True, text=True, timeout=60)
    assert submitted.returncode == 0, submitted.stderr
    until_empty(environ, folder)


@needs_queue
def test_a_queue_runs_the_array_and_what_it_recorded_is_merged(far, shell, slurm, capsys, tmp_path):
    assert call(["plan", far(), "--cases", "far/one", "--seeds", "1,2", "--emit", "slurm", "--to", "run.sh"]) == 0
    submit(*slurm, tmp_path)
    logs = [path.read_text() for path in Path("results/logs").glob("slurm-*.txt")]
    assert len(logs) == 2
    assert call(["merge", *map(str, Path("results/jobs").iterdir())]) == 0, logs
    assert [r.status for r in Store(RESULTS).read()] == ["done", "done"]
    assert {r.model_dump_json(include={"scores"}) for r in Store(RESULTS).read()} == {
        r.model_dump_json(include={"scores"}) for folder in Path("results/jobs").iterdir() for r in Store(folder).read()
    }
