"""Commands that are printed can be pasted: a real shell gives a program the words that were meant."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench import pasting
from bench.cli import call
from bench.cli.options import selection
from bench.commands import RunOptions
from bench.pasting import command, installing, quote, shell
from bench.store import Store

ROOT = Path(__file__).parent.parent
BYTES = os.fsdecode(b"not \xff text")
ODD = [
    "plain", "two  words", "it's", 'say "it"', "$HOME", "$(id)", "`id`", "!!", "a;b|c&d>e<f", "*?[ab]", "#no", "~",
    "\\n", "-leading", "--results", "tab\there", "line\nbreak", "last line\n\n", "\x1b[31mred", "50 %",
    "été ≥ 日本 😀", BYTES, "'\n!-%\\", "\N{RIGHT-TO-LEFT OVERRIDE}x", "",
]  # fmt: skip


@pytest.fixture
def stubs(tmp_path):
    """A folder with a ``bench`` and a ``make`` that print what they are called with, as JSON."""
    folder = tmp_path / "stubs"
    folder.mkdir()
    for name in ("bench", "make"):
        code = "import json, os, sys; print(json.dumps([sys.argv[1:], os.environ.get('BENCH_PLUGINS')]))"
        (folder / name).write_text(f"#!{sys.executable}\n{code}\n")
        (folder / name).chmod(0o755)
    return folder


def pasted(line, stubs):
    """Return the words that a program gets from a line in a shell."""
    path = f"{stubs}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(["sh", "-c", os.fsencode(line)], capture_output=True, env=os.environ | {"PATH": path})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_a_shell_takes_a_line_apart_into_the_same_words(encoding, stubs):
    line = shell(["bench", *ODD], {"BENCH_PLUGINS": "it's, $x"}, encoding=encoding)
    assert pasted(line, stubs) == [ODD, "it's, $x"]
    line.encode(encoding)


@pytest.mark.parametrize("word", ODD)
def test_a_word_can_be_shown_and_a_line_is_one_line(word):
    shown = quote(word, "ascii")
    assert shown.isascii()
    assert shown.rstrip("'\n").isprintable()


@pytest.mark.parametrize("value", [word for word in ODD if word])
def test_an_option_keeps_its_value(value, stubs):
    line = command("run", "smoke", [("--results", value), ("--no-track", "")], in_file=True)
    words = [f"--results={value}"] if value.startswith("-") else ["--results", value]
    assert pasted(line, stubs)[0] == ["run", "smoke", *words, "--no-track"]


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A clone in whose own environment this runs."""
    folder = (tmp_path / "clone").resolve()
    folder.mkdir()
    (folder / "Makefile").touch()
    monkeypatch.setattr(pasting, "CLONE", folder)
    monkeypatch.setattr(sys, "prefix", str(folder / ".venv"))
    monkeypatch.delenv("BENCH_PLUGINS", raising=False)
    monkeypatch.chdir(folder)
    return folder


def test_make_is_named_where_it_does_the_same(clone, stubs):
    assert command("run", "chapter15", []) == "make bench"
    assert command("report", "smoke", [("--seeds", "42,43")]) == "make report SUITE=smoke SEEDS=42,43"
    line = command("run", "smoke", [("--cases", "seq2seq*,t/[ab]?"), ("--workers", "2"), ("--no-throughput", "")])
    assert pasted(line, stubs)[0] == ["bench", "SUITE=smoke", "CASES=seq2seq*,t/[ab]?", "WORKERS=2", "THROUGHPUT=no"]


@pytest.mark.parametrize("value", ["it's", "$x", "a b", "`id`", "a#b", 'a"b', "a;b", "é", "a\nb", "a\\b", "(a)"])
def test_make_is_not_named_where_it_may_read_a_value_otherwise(value, clone, stubs):
    assert pasted(command("run", "smoke", [("--cases", value)]), stubs)[0] == ["run", "smoke", "--cases", value]


def test_make_is_not_named_for_what_begins_like_an_option(clone, stubs):
    assert pasted(command("run", "-odd.toml", [("--seeds", "1")]), stubs)[0] == [
        "run",
        "--seeds",
        "1",
        "--",
        "-odd.toml",
    ]


@pytest.mark.parametrize("option", [("--results", "other"), ("--reports", "other"), ("--no-track", ""), ("--wait", "")])
def test_make_is_not_named_for_what_it_does_not_pass_on(option, clone):
    assert command("run", "smoke", [option]).startswith("bench run smoke --")


def test_make_is_not_named_outside_of_its_environment(clone, tmp_path, monkeypatch):
    assert command("run", "smoke", [("--device", "gpu")]) == "bench run smoke --device gpu"
    monkeypatch.setattr(sys, "prefix", str(clone / ".venv-gpu"))
    on_gpu = [("--device", "gpu"), ("--backend", "tensorflow")]
    assert command("run", "smoke", on_gpu) == "make bench SUITE=smoke DEVICE=gpu BACKEND=tensorflow"
    assert command("run", "smoke", on_gpu[:1]) == "bench run smoke --device gpu", "make would take JAX"
    assert command("run", "smoke", []) == "bench run smoke"
    monkeypatch.setattr(sys, "prefix", str(clone / ".venv-jax-torch"))
    assert command("run", "smoke", [("--backend", "torch,jax")]) == "make bench SUITE=smoke BACKEND=torch,jax"
    assert command("run", "smoke", [("--backend", "jax")]) == "bench run smoke --backend jax"
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "another"))
    assert command("run", "smoke", [("--device", "gpu")]) == "bench run smoke --device gpu"
    monkeypatch.setattr(sys, "prefix", str(clone / ".venv"))
    assert command("run", "smoke", []) == "make bench SUITE=smoke"
    monkeypatch.setenv("BENCH_PLUGINS", "mine")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert command("run", "smoke", []) == "BENCH_PLUGINS=mine bench run smoke"
    monkeypatch.delenv("BENCH_PLUGINS")
    monkeypatch.chdir(tmp_path)
    assert command("run", "smoke", []) == "bench run smoke"


def test_a_program_that_no_shell_finds_is_called_as_it_was(clone, stubs, monkeypatch):
    monkeypatch.setenv("PATH", str(clone))
    option = [("--wait", "")]
    monkeypatch.setattr(sys, "argv", ["some where/bin/bench", "plan"])
    assert command("run", "smoke", option) == "'some where/bin/bench' run smoke --wait"
    monkeypatch.setattr(sys, "argv", ["/a/clone/bench/__main__.py", "plan"])
    monkeypatch.setattr(sys, "orig_argv", [".venv/bin/python", "-m", "bench", "plan"])
    assert command("run", "smoke", option) == ".venv/bin/python -m bench run smoke --wait"
    assert command("run", "smoke", option, in_file=True) == "bench run smoke --wait"
    monkeypatch.setenv("PATH", str(stubs))
    assert command("run", "smoke", option).startswith(".venv/bin/python"), "the bench that a shell finds is another"
    monkeypatch.setattr(sys, "executable", str(stubs / "python"))
    assert command("run", "smoke", option) == "bench run smoke --wait"


def test_all_that_was_given_and_matters_is_said_again(stubs, monkeypatch):
    monkeypatch.setattr(pasting, "CLONE", Path("/nowhere"))
    given = {"cases": "seq2seq*, linear", "seeds": "1,2", "device": "cpu", "epochs": 3}
    chosen = selection("smoke", Path("my results"), Path("it's"), **given)
    options = RunOptions(rerun=True, track=False, throughput=False, workers=2, wait_s=float("inf"))
    assert pasted(chosen.command("run", options.to_go_on), stubs)[0] == [
        *("run", "smoke", "--cases", "seq2seq*, linear", "--seeds", "1,2", "--device", "cpu", "--epochs", "3"),
        *("--results", "my results", "--reports", "it's", "--workers", "2", "--no-track", "--no-throughput", "--wait"),
    ]
    assert selection("smoke", Path("results"), Path("reports")).command() == "bench run smoke"


@pytest.mark.parametrize(
    ("arguments", "helps"),
    [
        (["report", "smoke"], ["run", "smoke"]),
        (["report", "smoke", "--check"], ["report", "smoke"]),
        (["report", "smoke", "--seeds", "7", "--check"], ["report", "smoke", "--seeds", "7"]),
        (["report", "smoke", "--under", "parameters=1"], ["report", "smoke"]),
        (["sync", "smoke", "--cases", "linear"], ["run", "smoke", "--cases", "linear"]),
        (["results", "smoke"], ["run", "smoke"]),
        (["ui"], ["run", "chapter15"]),
    ],
)
def test_a_complaint_names_the_command_that_helps(arguments, helps, tmp_path, stubs, capsys, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    results = tmp_path / "it's  my results"
    folders = ["--results", str(results)]
    folders += ["--reports", str(tmp_path / "reports")] if arguments[0] == "report" else []
    assert call([*arguments, *folders]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    found = re.search(r"first: (.*)", line).group(1)
    assert pasted(found, stubs)[0] == [*helps, *folders]


SUITE = """
name = "odd"
seeds = [1]
baseline = "test_constant"
cases = [
    { name = "t/it's", dataset = "test_ramps", model = { name = "test_constant", value = 1.0 } },
    { name = "t/$gated", dataset = "test_ramps", model = { name = "test_constant", fault = "gate" } },
    { name = "t/left out", dataset = "test_ramps", model = { name = "test_constant", value = 2.0 } },
]
"""


@pytest.mark.variant
def test_what_ctrl_c_says_goes_on_with_the_same_runs(tmp_path):
    gate = tmp_path / "gate"
    gate.touch()
    program = tmp_path / "bin" / "bench"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shell([sys.executable])} -m bench "$@"\n')
    program.chmod(0o755)
    (tmp_path / "it's odd").mkdir()
    (tmp_path / "it's odd" / "odd.toml").write_text(SUITE)
    plugins = {"BENCH_PLUGINS": "tests.plugins", "PYTHONPATH": str(ROOT)}
    environment = {
        **{name: value for name, value in os.environ.items() if name not in plugins},
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "TEST_GATE": str(gate),
    }
    options = (
        "--cases",
        "t/it's,*gated",
        "--results",
        "my  results",
        "--reports",
        "-r",
        "--no-track",
        "--workers",
        "1",
    )
    typed = [str(program), "run", "it's odd/odd.toml", *options, "--no-throughput"]
    with subprocess.Popen(typed, cwd=tmp_path, env=environment | plugins, stdout=-1, stderr=-1, text=True) as sweep:
        deadline = time.monotonic() + 120
        while not list(tmp_path.glob("my  results/records/*.json")) and time.monotonic() < deadline:
            time.sleep(0.05)
        sweep.send_signal(signal.SIGINT)
        out, err = sweep.communicate(timeout=60)
    assert sweep.returncode == 3, out + err
    line = re.search(r"1 of 2 runs recorded; go on with: (.*)", out).group(1)
    gate.unlink()
    again = subprocess.run(["sh", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "1 runs to do, 1 done" in again.stdout
    records = Store(tmp_path / "my  results").read()
    assert sorted(record.spec.case for record in records) == ["t/$gated", "t/it's"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bin", "it's odd", "my  results"]
    readme = next((tmp_path / "my  results" / "reports").glob("odd-*/README.md")).read_text(encoding="utf-8")
    assert "--cases 't/it'\"'\"'s,*gated'" in readme


def test_what_installs_an_extra_is_a_command_of_make_in_its_environment_else_of_pip(clone, stubs, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(clone / ".venv"))
    monkeypatch.setattr(sys, "executable", "/a b/python")
    by_pip = "'/a b/python' -m pip install"
    assert installing("jax") == f"{by_pip} 'sequence-bench[jax]'", "not from a clone"
    (clone / "pyproject.toml").touch()
    assert installing("jax-gpu") == shell(["/a b/python", "-m", "pip", "install", "-e", f"{clone}[jax-gpu]"])
    (clone / ".venv").mkdir(exist_ok=True)
    (clone / ".venv" / ".ready").touch()
    assert installing("tensorflow") == "make env"
    assert installing("jax") == "make env BACKEND=jax"
    assert installing("jax", ["numpy", "tensorflow", "mine"]) == "make env BACKEND=jax,tensorflow"
    assert installing("torch-gpu") == "make env DEVICE=gpu BACKEND=torch"
    assert installing("track").startswith(by_pip), "make installs it everywhere"
    assert pasting.pasted("pip install 'sequence-bench[jax]'") == "make env BACKEND=jax"
    assert pasting.pasted("pip install another") == "pip install another"
    brought = pasting.brought_by("pip install 'sequence-bench[torch-gpu]'", ["jax"])
    there = ".venv-gpu-jax-torch/bin/python -m bench is bench with it"
    assert brought == f"this brings it: make env DEVICE=gpu BACKEND=jax,torch, and {there}"
    assert pasting.brought_by("pip install another") == "this brings it: pip install another"
