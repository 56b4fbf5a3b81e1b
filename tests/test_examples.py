"""The plug-ins of `examples/` are run as their first lines say."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench.store import Store
from tests.committed import ROOT

EXAMPLE = ROOT / "examples" / "torch_model.py"
needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")


def bench(results: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run the example's own command, with a verb and options of the test's."""
    (command,) = re.findall(r"^    (BENCH_PLUGINS=.*)$", EXAMPLE.read_text(), re.M)
    *variables, program, _, suite = command.split()
    assert program == "bench"
    plugins = dict(variable.split("=") for variable in variables)
    places = os.pathsep.join([str(ROOT / plugins.pop("PYTHONPATH")), str(ROOT), os.environ.get("PYTHONPATH", "")])
    verb, *options = arguments
    line = [sys.executable, "-m", "bench", verb, str(ROOT / suite), "--results", str(results), *options]
    environment = os.environ | plugins | {"PYTHONPATH": places}
    return subprocess.run(line, cwd=results.parent, env=environment, capture_output=True, text=True)


@pytest.mark.slow
@needs_torch
def test_a_plain_module_is_trained_and_reported(tmp_path):
    reports = ["--reports", str(tmp_path / "reports"), "--no-track", "--no-throughput", "--workers", "1"]
    done = bench(tmp_path / "results", "run", "--seeds", "1,2", "--epochs", "1", *reports)
    assert done.returncode == 0, done.stdout + done.stderr
    records = [record for record in Store(tmp_path / "results").read() if record.spec.model.name == "example_torch_gru"]
    assert [(record.status, record.environment.backend) for record in records] == [("done", "torch")] * 2
    weights = 3 * 20 * (1 + 20 + 2) + 20 * 20 + 20 + 20 + 1
    assert {record.parameters for record in records} == {weights}
    assert len({record.score("mse", "valid", "last") for record in records}) == 2, "two seeds"
    (readme,) = tmp_path.rglob("README.md")
    assert "my GRU" in readme.read_text()


def test_another_backend_leaves_it_out_and_says_why(tmp_path):
    done = bench(tmp_path / "results", "plan", "--backend", "tensorflow")
    assert done.returncode == 0, done.stdout + done.stderr
    said = " ".join(done.stdout.split())
    assert "skipped example/torch_gru: model 'example_torch_gru' runs on torch alone, not on tensorflow" in said


PACKAGE = ROOT / "examples" / "package"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The example package as pip installs it, in a folder of its own; what runs a module of Python beside it."""
    site = tmp_path_factory.mktemp("site")
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    points = project["entry-points"]["bench.plugins"]
    (folder := site / "seasonal_plugin-0.1.0.dist-info").mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    (folder / "entry_points.txt").write_text("[bench.plugins]\n" + "".join(f"{k} = {v}\n" for k, v in points.items()))
    shutil.copytree(PACKAGE / "seasonal_plugin", site / "seasonal_plugin")
    places = os.pathsep.join([str(site), str(ROOT), os.environ.get("PYTHONPATH", "")])

    def python(*words, **more):
        environment = os.environ | {"PYTHONPATH": places} | more
        return subprocess.run([sys.executable, "-m", *words], cwd=site, env=environment, capture_output=True, text=True)

    python.site = site
    return python


def test_an_installed_package_is_known_by_its_modules_and_a_worker_imports_no_report(installed):
    (installed.site / "look.py").write_text(
        "import json, sys; from bench.listing import listing; print(json.dumps([listing('cases'), [*sys.modules]]))"
    )
    cases, modules = json.loads(installed("look").stdout)
    rows = {row["case"]: row for row in cases}
    assert rows["seasonal/difference"]["from"] == "seasonal_plugin.cases"
    assert rows["seasonal/difference"]["does not fit"] == ""
    assert rows["chapter15/linear"]["from"].startswith("bench.families.")
    assert not {"pandas", "seasonal_plugin.report"} & {*modules}


def test_a_package_that_cannot_be_imported_is_a_line_with_its_name(installed):
    (installed.site / "seasonal_plugin" / "cases.py").rename(installed.site / "kept")
    try:
        (installed.site / "seasonal_plugin" / "cases.py").write_text("import nonesuch_\n")
        done = installed("bench", "list", "cases")
        assert (done.returncode, done.stdout) == (2, "")
        (line,) = done.stderr.splitlines()
        assert line.startswith("bench: module 'seasonal_plugin.cases' cannot be imported (ModuleNotFoundError: ")
        assert line.endswith("; seasonal-plugin, which is installed, names it")
    finally:
        (installed.site / "kept").rename(installed.site / "seasonal_plugin" / "cases.py")


@pytest.mark.slow
def test_it_is_run_and_reported(installed):
    done = installed(
        *("bench", "run", str(PACKAGE / "seasonal.toml"), "--seeds", "1,2,3", "--epochs", "1"),
        *("--no-track", "--no-throughput", "--workers", "1"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (readme,) = installed.site.rglob("README.md")
    text = readme.read_text()
    assert "WAPE" in text
    assert "The smallest network that beats the baseline" in text


@pytest.mark.slow
def test_it_holds_to_the_contract_and_a_plug_in_that_breaks_its_word_does_not(installed, tmp_path):
    (tmp_path / "unseeded.py").write_text(UNSEEDED)
    done = installed(
        *("pytest", "-q", "-rA", "-p", "no:cacheprovider", "-W", "error", "--pyargs", "bench.contract"),
        BENCH_PLUGINS="unseeded",
        PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)]),
    )
    assert done.returncode == 1, done.stdout
    ended = re.findall(r"^(PASSED|FAILED) \S+\[(?:\w+/)?(\w+)\]", done.stdout, re.M)
    assert len(ended) == 6, ended
    assert {name for how, name in ended if how == "FAILED"} == {"unseeded", "upside_down"}, done.stdout
    assert "`seeded` says whether the seed matters" in done.stdout
    assert "upside_down says that lower is better" in done.stdout


UNSEEDED = '''
import numpy as np
from bench.datasets.base import Dataset, dataset
from bench.metrics.base import REAL, metric
from bench.task import Split, Splits, TargetKind, Task

@dataset("unseeded")
class Unseeded(Dataset):
    """The same numbers for every seed. Split in thirds."""

    def task(self):
        return Task("unseeded", TargetKind.LAST_STEP, 3)

    def load(self, data_seed):
        x = np.arange(90, dtype=np.float32).reshape(30, 3, 1) / 90
        return Splits(*(Split(self.task(), x[i::3], x[i::3, -1]) for i in range(3)))

@metric("upside_down", *REAL, heading="R", opt_in=True)
def upside_down(pair):
    """Less is said to be better, and is worse."""
    return -float(np.square(pair.errors()).mean())
'''
