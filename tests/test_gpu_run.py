"""`tools/gpu_run.sh` with a Python that only notes what it is asked for: steps in order, codes, time, archives."""

import os
import subprocess
import tarfile

import pytest

from bench.cli import call
from bench.plan import make_plan
from bench.stacks import stack_width
from bench.suite import read_suite
from tests.committed import ROOT
from tests.microbench import seeds

MODELS = ("tcn", "lstm", "gru", "rnn")
SCRIPT = ROOT / "tools" / "gpu_run.sh"
PYTHON = """#!/bin/sh
case "$1 $2" in
    "-m venv") for last; do :; done; mkdir -p "$last/bin"; cp "$0" "$last/bin/python" ;;
    "-m bench" | "-m tests.microbench.seeds") echo "$*" >>"$NOTES"; case "$*" in *"$TROUBLE"*) exit "$CODE" ;; esac ;;
    "-m pip") echo "$*" >>"$NOTES" ;;
    *) cat >/dev/null ;;
esac
"""


@pytest.fixture
def run(tmp_path):
    """Return a function that runs the script with these variables, and gives what it did and what it asked for."""
    (tmp_path / "python").write_text(PYTHON)
    (tmp_path / "python").chmod(0o755)
    notes = tmp_path / "notes"

    def call(**variables):
        notes.unlink(missing_ok=True)
        mine = {"PYTHON": tmp_path / "python", "ENVIRONMENT": tmp_path / "environment", "RESULTS": tmp_path / "results"}
        mine |= {"NOTES": notes, "TROUBLE": "nothing", "CODE": 0}
        given = {name: str(value) for name, value in (mine | variables).items()}
        base = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR")}
        done = subprocess.run([SCRIPT], env=base | given, capture_output=True, text=True, cwd=tmp_path)
        return done, notes.read_text().splitlines() if notes.exists() else []

    return call


def test_each_step_is_asked_for_in_turn(run):
    done, asked = run()
    assert done.returncode == 0, done.stdout + done.stderr
    pip, *steps = asked
    assert pip.startswith("-m pip --python ")
    assert "--no-index" not in pip
    assert [step.split()[2:4] for step in steps] == [
        ["run", "chapter15-gpu"],
        ["run", "chapter15-gpu-torch"],
        ["run", "chapter15-gpu"],
        ["--device", "gpu"],
        ["speed", "seq2seq_rnn,seq2seq_lstm,seq2seq_gru,wavenet"],
    ]
    assert "--no-throughput --stack auto" in steps[0]
    assert "--backend torch" in steps[1]
    assert "--stack" not in steps[1]
    assert "--processes 1 --stack auto" in steps[2]
    assert all("--device gpu" in step for step in steps)


def test_the_printed_sizes_are_run_when_they_are_asked_for(run):
    done, (_, step) = run(STEPS="printed", SEEDS="42,43", CASES="*_tcn")
    assert done.returncode == 0
    assert step.split()[2:4] == ["run", "bai2018-gpu"]
    assert "--device gpu --backend jax" in step
    assert step.endswith("--no-throughput --stack auto --seeds 42,43 --cases *_tcn")


def test_every_command_is_one_that_there_is_with_options_that_it_has(run, capsys):
    """The script's Python takes any words: here bench itself reads them, as far as its help."""
    _, (_, *steps) = run(SEEDS="1,2", CASES="lin*", EPOCHS="1", STACK="2")
    modules = []
    for _, module, *words in map(str.split, steps):
        modules.append(module)
        if module == "bench":
            assert call([*words, "--help"]) == 0, words
            assert call([*words, "--no-such-option", "--help"]) == 2, words
        else:
            with pytest.raises(SystemExit) as left:
                seeds.main([*words, "--help"])
            assert left.value.code == 0, words
            asked = capsys.readouterr().out
            assert all(word in asked for word in words if word.startswith("--")), words
    assert modules == ["bench", "bench", "bench", "tests.microbench.seeds", "bench"]


def test_a_rehearsal_is_on_the_cpu_with_what_is_asked_for(run, tmp_path):
    done, (pip, step) = run(
        DEVICE="cpu", SEEDS="1,2", CASES="lin*", EPOCHS="1", STACK="2", STEPS="runs", WHEELS=tmp_path
    )
    assert done.returncode == 0
    assert f"--no-index --find-links {tmp_path}" in pip
    assert "--device cpu --backend jax" in step
    assert "--stack 2 --seeds 1,2 --cases lin* --epochs 1" in step


@pytest.mark.parametrize(("code", "told"), [(1, 1), (3, 3), (124, 3)])
def test_what_fails_or_is_cut_leaves_the_rest_to_go_on(run, code, told):
    done, asked = run(TROUBLE="chapter15-gpu-torch", CODE=code)
    assert (done.returncode, len(asked)) == (told, 6)


def test_bad_input_ends_it(run, tmp_path):
    done, asked = run(TROUBLE="chapter15-gpu ", CODE=2)
    assert (done.returncode, len(asked)) == (2, 2)
    done, _ = run(WHEELS=tmp_path / "nowhere")
    assert (done.returncode, done.stderr) == (2, f"gpu_run: WHEELS={tmp_path}/nowhere is no folder\n")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"STEPS": "runs fly"}, "STEPS: unknown step fly; expected runs, torch, throughput, seeds, lengths or printed"),
        ({"LIMIT_S": "ten"}, "LIMIT_S=ten: expected a whole number of seconds"),
        ({"PYTHON": "/nowhere/python"}, "PYTHON=/nowhere/python is no program that can be run"),
    ],
)
def test_what_cannot_be_meant_is_said_before_anything_is_set_up(run, wrong, said):
    done, asked = run(**wrong)
    assert (done.returncode, done.stderr, asked) == (2, f"gpu_run: {said}\n", [])


def test_no_step_begins_when_time_is_up(run):
    done, asked = run(LIMIT_S=10)
    assert (done.returncode, len(asked)) == (3, 1)
    assert done.stdout.count("no time for") == 5


def test_records_are_packed_apart_from_what_is_large(run, tmp_path):
    (tmp_path / "results" / "records").mkdir(parents=True)
    for name in ("a.json", "a.npz"):
        (tmp_path / "results" / "records" / name).write_text(name)
    done, _ = run(STEPS="runs", PACK=tmp_path / "pack")
    assert done.returncode == 0, done.stderr
    held = {}
    for path in (tmp_path / "pack").iterdir():
        with tarfile.open(path) as archive:
            held[path.name] = archive.getnames()
    assert "./records/a.json" in held["gpu-records.tar.gz.00"]
    assert held["gpu-kept.tar.gz.00"] == ["./records/a.npz"]
    assert "./records/a.npz" not in held["gpu-records.tar.gz.00"]


def test_its_suites_are_what_it_says():
    chapter, torch = read_suite("chapter15-gpu"), read_suite("chapter15-gpu-torch")
    assert (chapter.backends, chapter.devices, chapter.seeds) == (["jax"], ["gpu"], list(range(42, 142)))
    assert (torch.backends, torch.devices) == (["torch"], ["gpu"])
    assert {case.runs_on("torch").reason for case in torch.select()} == {""}
    names = {case.name for case in read_suite("chapter15").select()}
    assert {case.name for case in chapter.select()} == names


def test_each_seed_of_the_printed_sizes_draws_its_own_data_in_one_stack():
    suite = read_suite("bai2018-gpu")
    assert (suite.backends, suite.devices, len(suite.seeds)) == (["jax"], ["gpu"], 10)
    sizes = {f"bai2018/{task}_{model}" for task in ("adding_600", "copying_1000") for model in MODELS}
    assert {case.name for case in suite.select()} == sizes
    assert all(case.published.values for case in suite.select()), "what is printed is held to these seeds"
    plan = make_plan(suite, [])
    assert all(spec.data_seed == spec.model_seed for spec in plan.specs)
    assert stack_width("auto", suite, "jax", "gpu") >= len(suite.seeds)
