"""Make takes its variables from its command line, as they stand, and says which it does not know."""

import re
import shlex
import subprocess
import sys
import tomllib

import pytest

from bench.pasting import MADE, environment_folder
from bench.preflight import make_command
from tests.clones import environ, make, make_clone
from tests.committed import ROOT

FAKE = f"""#!/bin/sh
case "$*" in
*preflight.py*|"-ESs bench/install.py") exec {shlex.quote(sys.executable)} "$@";;
*install.py*) exit 0;;
esac
printf '%s\\0' "$@"
"""
"""Stands for the environment's Python: it is always ready, and prints the words that it is called with."""
VARIABLES = ["SUITE", "DEVICE", "SEEDS", "CASES", "EPOCHS", "WORKERS", "THROUGHPUT", "PORT", "BENCHES", "SLOWER"]
VARIABLES += ["FAULTS", "FUZZ", "PROPERTIES", "SEED", "NODES", "DRAWS", "PYTHON", "BACKEND", "PART"]
OF_BENCH = ["bench", "plan", "sync", "report", "ui", "doctor"]
TARGETS = [
    *OF_BENCH,
    "test",
    "test-variants",
    "test-all",
    "microbench",
    "microbench-compare",
    "torture",
    "torture-cluster",
]
TARGETS += ["cluster", "simulate"]


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    clone = make_clone(tmp_path_factory.mktemp("made") / "a clone")
    for name in (".venv", ".venv-gpu", ".venv-jax"):
        python = clone / name / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(FAKE)
        python.chmod(0o755)
    return clone


def words(done):
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\0")[:-1]


ODD = [
    "a b",
    "*rnn*",
    "it's",
    'a "quoted" one',
    "$HOME $$ ${HOME} $(HOME)",
    "$(shell touch hacked)",
    "`touch hacked`; touch hacked & touch hacked #",
    "a\\b\\",
    "% : = , ? ~",
    "-x",
    "é 測 🙂",
    "blank at the end ",
]


@pytest.mark.parametrize("value", ODD)
def test_a_value_is_one_word_as_it_was_typed(clone, value):
    assert words(make(clone, "bench", f"CASES={value}", f"SUITE={value}")) == [
        *("-m", "bench", "run", value, "--cases", value)
    ]
    assert words(make(clone, "torture", f"SEED={value}"))[-1] == value
    assert words(make(clone, "simulate", f"DRAWS={value}")) == ["-m", "tests.simulate", "--draws", value]
    assert words(make(clone, "ui", f"PORT={value}"))[-1] == value
    assert value in words(make(clone, "microbench", f"BENCHES={value}"))
    assert f"--benchmark-compare-fail={value}" in words(make(clone, "microbench-compare", f"SLOWER={value}"))
    assert not (clone / "hacked").exists()


@pytest.mark.parametrize("name", ["SUITE", "SEEDS", "DEVICE", "PYTHON"])
def test_a_value_of_two_lines_is_refused(clone, name):
    done = make(clone, "bench", f"{name}=a\ntouch hacked")
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(rf"Makefile:\d+: \*\*\* {name} has more than one line\.  Stop\.\n", done.stderr)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("flags", [{}, {"MAKEFLAGS": "e"}])
def test_nothing_is_taken_from_the_environment(clone, target, flags):
    names = [*VARIABLES, "ENV", "EXTRA", "RUN", "SELECTION", "OPTIONS", "BENCH", "MICROBENCH", "PYTHONS"]
    exported = dict.fromkeys(names, "gpu")
    assert words(make(clone, target, **exported, **flags)) == words(make(clone, target))


def test_the_readme_lists_every_variable_and_no_other():
    text = (ROOT / "README.md").read_text()
    table = text.partition("takes these variables")[2].partition("\n\n|")[2].partition("\n\n")[0]
    listed = [name for row in table.splitlines()[2:] for name in re.findall(r"`([A-Z]+)`", row.split("|")[2])]
    assert sorted(listed) == sorted(VARIABLES)


@pytest.mark.parametrize(
    ("target", "given", "unknown"),
    [
        ("bench", ["SEED=3"], "SEED"),
        ("bench", ["SEEDS=3", "suite=smoke"], "suite"),
        ("torture", ["SEEDS=3"], "SEEDS"),
        ("ui", ["SUITE=smoke", "PORT=1"], "SUITE"),
        ("check", ["ENV=.venv"], "ENV"),
        ("bench", ["default.SUITE=smoke"], "default.SUITE"),
    ],
)
def test_a_variable_that_a_target_does_not_take_is_named(clone, target, given, unknown):
    done = make(clone, target, *given)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(
        rf"Makefile:\d+: \*\*\* make {target} takes no {unknown}, only [A-Z ]+\.  Stop\.\n", done.stderr
    )


def test_two_targets_take_what_either_takes(clone):
    both = words(make(clone, "-j2", "plan", "torture", "SEEDS=1", "SEED=2"))
    assert {"--seeds", "--seed", "bench", "tests.torture"} <= {*both}


def test_a_make_above_may_pass_on_what_it_was_given(clone):
    (clone / "above.mk").write_text("all:\n\t@$(MAKE) --no-print-directory plan\n")
    done = make(clone, "-f", "above.mk", "PREFIX=/usr", "SEEDS=7")
    assert words(done)[-2:] == ["--seeds", "7"]


@pytest.mark.parametrize(("value", "option"), [("no", ["--no-throughput"]), ("yes", []), ("", [])])
def test_throughput_is_yes_or_no(clone, value, option):
    assert words(make(clone, f"THROUGHPUT={value}"))[4:] == option
    assert "THROUGHPUT=0: expected yes or no" in make(clone, "THROUGHPUT=0").stderr


def test_a_part_of_the_variants_is_a_group_of_so_many(clone):
    assert words(make(clone, "test-variants", "PART=2/4"))[-6:] == [
        *("--group", "2", "--splits", "4", "--splitting-algorithm", "least_duration")
    ]
    assert words(make(clone, "test-variants"))[-2:] == ["-m", "variant"]
    for odd in ("2", "1/2/3", "one of two three", "0/4", "5/4", "a/b", "/4", "1/", "$(touch odd)/4", "1/`touch odd`"):
        assert f"PART={odd}: expected K/N, as in 1/4" in make(clone, "test-variants", f"PART={odd}").stderr
    assert not (clone / "odd").exists()


@pytest.mark.parametrize(
    ("given", "folder", "extras"),
    [
        ([], ".venv", "tensorflow all"),
        (["BACKEND=tensorflow"], ".venv", "tensorflow all"),
        (["BACKEND=jax"], ".venv-jax", "jax all"),
        (["BACKEND=torch, jax", "DEVICE=cpu"], ".venv-jax-torch", "jax torch all"),
        (["BACKEND=tensorflow,jax"], ".venv-jax-tensorflow", "jax tensorflow all"),
        (["DEVICE=cpu,gpu"], ".venv-gpu-jax", "jax-gpu all"),
        (["DEVICE=all"], ".venv-gpu-jax", "jax-gpu all"),
        (["DEVICE=gpu:1", "BACKEND=tensorflow"], ".venv-gpu", "tensorflow-gpu all"),
        (["DEVICE=gpu", "BACKEND=torch"], ".venv-gpu-torch", "torch-gpu all"),
    ],
)
def test_an_environment_is_made_for_what_is_asked(clone, given, folder, extras):
    asked = dict(each.split("=") for each in given)
    for target in OF_BENCH:
        done = make(clone, "-n", target, *given)
        assert f"bench/install.py {folder} {extras};;" in done.stdout, done.stderr
        assert f"exec {folder}/bin/python -m bench " in done.stdout
        assert ("bench: a GPU without BACKEND runs jax" in done.stdout) == (folder == ".venv-gpu-jax")
    assert f"bench/install.py {folder} {extras} dev;;" in make(clone, "-n", "env", *given).stdout
    backend = "jax" if folder == ".venv-gpu-jax" else asked.get("BACKEND", "")
    assert ("--backend" in done.stdout) is False, "the doctor looks at all of them"
    line = make(clone, "-n", "plan", *given).stdout.splitlines()[-1]
    assert shlex.split(line)[-2:] == (["--backend", backend] if backend else ["plan", "chapter15"])
    assert environment_folder(asked.get("DEVICE", ""), asked.get("BACKEND", "")) == folder
    command = make_command("plan", folder).split()[2:]
    assert f" {folder}/bin/python -m bench plan" in make(clone, "-n", "plan", *command).stdout


def test_what_a_gpu_runs_by_itself_is_one_line_beside_what_is_printed(clone):
    fake_python(clone / ".venv-gpu-jax" / "bin", "python", 'case "$*" in *bench\\ plan*) echo "$@";; esac')
    done = make(clone, "plan", "DEVICE=gpu")
    assert done.stdout == "-m bench plan chapter15 --device gpu --backend jax\n"
    assert done.stderr == (
        "bench: a GPU without BACKEND runs jax, which stacks seeds there; name another: BACKEND=tensorflow\n"
    )


@pytest.mark.parametrize("backend", ["keras", "jax tensor flow", "jax;id", "$(shell touch hacked)", "%"])
def test_a_backend_that_make_cannot_set_up_is_named(clone, backend):
    done = make(clone, f"BACKEND={backend}")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"*** BACKEND={backend}: expected one of tensorflow jax torch, or several with commas" in done.stderr
    assert not (clone / "hacked").exists()


def test_tests_have_tensorflow_whatever_is_asked_for(clone):
    done = make(clone, "-n", "test")
    assert "bench/install.py .venv tensorflow all dev;;" in done.stdout
    assert "make test takes no DEVICE" in make(clone, "test", "DEVICE=gpu").stderr
    with_torch = make(clone, "-n", "check", "BACKEND=torch").stdout
    assert "bench/install.py .venv-tensorflow-torch tensorflow torch all dev;;" in with_torch
    assert "\n.venv-tensorflow-torch/bin/python -m ruff check" in with_torch
    both = make(clone, "-n", "plan", "check", "DEVICE=gpu").stdout
    assert "bench/install.py .venv-gpu-jax jax-gpu all;;" in both
    assert "bench/install.py .venv tensorflow all dev;;" in both
    assert "\n.venv/bin/python -m ruff check" in both


def test_what_make_sets_up_is_an_extra_for_each_kind_of_device():
    (known,) = re.findall(r"^override known := (.*)$", (ROOT / "Makefile").read_text(), re.M)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert known.split() == list(MADE)
    assert {name + kind for name in MADE for kind in ("", "-gpu")} | {
        *("all", "classical", "dev", "digits", "ray", "report", "track")
    } == {*extras}


def test_from_another_folder(clone, tmp_path):
    assert words(make(tmp_path, "--no-print-directory", "-C", str(clone), "plan"))[:3] == ["-m", "bench", "plan"]
    done = make(tmp_path, "-f", str(clone / "Makefile"), "plan")
    assert done.returncode == 2
    assert done.stderr.endswith("*** run it in its folder: make -C FOLDER plan.  Stop.\n")


def test_an_exported_home_of_python_breaks_nothing(clone):
    python = clone / ".venv" / "bin" / "python"
    python.write_text(FAKE.replace("printf", 'echo "<$PYTHONHOME>"; printf'))
    try:
        assert make(clone, "plan", PYTHONHOME="/nowhere").stdout.startswith("<>")
    finally:
        python.write_text(FAKE)


@pytest.fixture
def bare(tmp_path):
    return make_clone(tmp_path / "bare")


def fake_python(folder, name, text):
    folder.mkdir(exist_ok=True, parents=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def test_the_first_python_that_can_is_used(bare, tmp_path):
    old = "echo 'bench: Python 3.9 cannot run this' >&2; exit 2"
    fake_python(tmp_path / "bin", "python3", old)
    fake_python(tmp_path / "bin", "python3.13", "echo 'shim: not found' >&2; exit 127")
    path = f"{tmp_path / 'bin'}:/nonexistent"
    shell = {name: subprocess.check_output(["which", name], text=True).strip() for name in ("sh", "printf")}
    for name in shell:
        (tmp_path / "bin" / name).symlink_to(shell[name])
    done = make_with(bare, path)
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, "bench: Python 3.9 cannot run this")
    fake_python(tmp_path / "bin", "python3.12", 'case "$*" in *preflight*) exit 0;; esac; echo "$@"; exit 5')
    assert make_with(bare, path).stdout == "-ESs bench/install.py .venv tensorflow all\n"
    fake_python(tmp_path / "bin", "python3", "echo 'bench: DEVICE=gpu: no GPU' >&2; exit 3")
    assert make_with(bare, path).stderr.splitlines()[0] == "bench: DEVICE=gpu: no GPU"


def make_with(bare, path):
    command = [subprocess.check_output(["which", "make"], text=True).strip(), "plan"]
    return subprocess.run(command, cwd=bare, env=environ(PATH=path), capture_output=True, text=True, check=False)


def test_a_python_that_is_not_there_is_said(bare):
    done = make(bare, "plan", "PYTHON=/no where/python3")
    assert done.returncode == 2
    assert done.stderr.splitlines()[0].startswith("bench: no Python can be run; install 3.11")
    assert not (bare / ".venv").exists()
