"""A compute node that has a backend and no more: runs are recorded, and sent and reported where MLflow and pandas are.

Every package that is not among the requirements is hidden, from the driver and from its workers.
"""

import os
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bench.cli import call
from bench.doctor import Check, machine
from bench.extras import MODULES, extra_of, lacking
from bench.pasting import installing
from bench.store import Store
from tests.committed import ROOT

HIDING = """
import os, sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in os.environ["HIDDEN"].split():
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
"""
SUITE = """\
name = "t"
seeds = [1]
cases = ["chapter15/naive_next_step", "chapter15/linear"]

[recipe]
epochs = 1
"""
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EVERYWHERE = Requirement(*PROJECT["optional-dependencies"]["all"]).extras


def closure(required):
    """Return the distributions that some requirements bring, as far as they are installed."""
    found, left = set(), [(requirement, "") for requirement in map(Requirement, required)]
    while left:
        requirement, extra = left.pop()
        name = canonicalize_name(requirement.name)
        if (requirement.marker and not requirement.marker.evaluate({"extra": extra})) or name in found:
            continue
        try:
            needs = requires(name) or []
        except PackageNotFoundError:
            continue
        found.add(name)
        left += [(Requirement(need), each) for need in needs for each in ("", *requirement.extras)]
    return found


def hidden(kept):
    """Return the top-level modules of all other installed distributions."""
    modules = packages_distributions().items()
    return [m for m, owners in modules if not kept & {*map(canonicalize_name, owners)} and m not in ("bench", "tests")]


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """A folder with a suite, and what runs `bench` there, on the bare node or (``whole``) where all is installed."""
    folder = tmp_path_factory.mktemp("node")
    (folder / "t.toml").write_text(SUITE)
    (folder / "hiding").mkdir()
    (folder / "hiding" / "sitecustomize.py").write_text(HIDING)
    kept = closure([*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["tensorflow"]])
    lacks = " ".join(hidden(kept))

    def bench(*words, whole=False):
        path = [str(ROOT)] if whole else [str(folder / "hiding"), str(ROOT)]
        return subprocess.run(
            [sys.executable, "-m", "bench", *words],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path), "HIDDEN": lacks},
            capture_output=True,
            text=True,
        )

    bench.folder, bench.lacks = folder, lacks.split()
    return bench


def test_what_an_extra_brings_is_what_the_project_says():
    for extra, modules in MODULES.items():
        wanted = {canonicalize_name(Requirement(r).name) for r in PROJECT["optional-dependencies"][extra]}
        named = {"markdown_it": "markdown-it-py", "sklearn": "scikit-learn"}
        assert {canonicalize_name(named.get(module, module)) for module in modules} == wanted
        assert lacking(extra) == "" or extra not in EVERYWHERE, "what tests run in has all"
    assert (extra_of("pandas.core"), extra_of("mlflow"), extra_of("keras"), extra_of(None)) == (
        "report",
        "track",
        "",
        "",
    )


@pytest.mark.slow
def test_a_node_without_mlflow_and_what_reports_need_records_and_another_sends_and_reports(node):
    assert {"mlflow", "matplotlib", "pandas", "statsmodels", "jinja2", "pyarrow", "tabulate"} <= {*node.lacks}
    done = node("run", "t.toml", "--workers", "1", "--processes", "1", "--cases", "*naive*")
    assert done.returncode == 0, done.stdout + done.stderr
    sent, written, *_, last = done.stdout.splitlines()
    assert sent.startswith("mlflow is not installed here, so nothing is mirrored; the records are kept, and ")
    assert sent.endswith(f"bench sync t.toml --cases '*naive*' sends them where it is: {installing('track')}")
    assert written.startswith("jinja2 is not installed here, so no report is written; the records are kept, and ")
    assert last == "1 of 1 runs recorded in results"
    store = Store(node.folder / "results")
    assert [record.status for record in store.read()] == ["done"]
    assert len(store.read_measurements()) == 1
    assert not (node.folder / "results/mlflow.db").exists()

    synced = node("sync", "t.toml", "--cases", "*naive*", whole=True)
    assert (synced.returncode, synced.stdout) == (0, "2 records sent, 0 were there, 0 missing\n"), synced.stderr
    reported = node("report", "t.toml", whole=True)
    assert reported.stdout == "reports/t/README.md\n", reported.stderr


@pytest.mark.variant  # of the one above, with a network
@pytest.mark.slow
def test_who_asks_for_neither_hears_nothing_of_them(node):
    """The network's run: the backend is imported where all the rest is hidden."""
    options = "--cases *linear --workers 1 --no-throughput --no-track --no-report"
    done = node("run", "t.toml", *options.split())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not installed" not in done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "1 of 1 runs recorded in results"
    (run,) = [record for record in Store(node.folder / "results").read() if record.spec.model_seed is not None]
    assert run.status == "done"
    assert not list((node.folder / "results").glob("reports/t-*"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (("report", "t.toml"), "report"),
        pytest.param(("compare", "results", "results"), "report", marks=pytest.mark.variant),
        pytest.param(("results", "t.toml"), "report", marks=pytest.mark.variant),
        (("sync", "t.toml"), "track"),
        pytest.param(("ui",), "track", marks=pytest.mark.variant),
    ],
)
def test_a_verb_that_needs_more_says_so_in_a_line(node, words, extra):
    done = node(*words)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("bench: ")
    assert line.endswith(f" is not installed; install it: {installing(extra)}".replace(" is", ", which is", 1))


def test_the_doctor_of_such_a_node_warns(monkeypatch):
    monkeypatch.setitem(MODULES, "track", ("keras", "no_such_module"))
    assert machine.check_extra("track", "MLflow", "file") == Check(
        "MLflow", "warn", "no_such_module is not installed: runs are recorded all the same", installing("track")
    )
    assert machine.check_extra("report", "reports", "can be written") == Check("reports", "ok", "can be written")
    assert machine.check_packages(PROJECT["dependencies"]).status == "ok"


def test_a_command_that_goes_on_says_what_it_leaves_out():
    from bench.commands import RunOptions

    assert RunOptions(report=False, track=False).to_go_on == [("--no-track", ""), ("--no-report", "")]


def test_a_module_that_no_extra_brings_is_a_fault_of_the_program(monkeypatch):
    def broken(kind):
        raise ModuleNotFoundError("No module named 'nowhere'", name="nowhere")

    monkeypatch.setattr("bench.listing.listing", broken)
    with pytest.raises(ModuleNotFoundError):
        call(["list"])
