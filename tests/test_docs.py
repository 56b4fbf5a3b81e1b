"""The documents say what is there: every verb, target and suite, and nothing that is not."""

import re
import shutil
import sys
import types
from pathlib import Path

import pytest

from bench.cases.base import cases
from bench.cli import app
from bench.datasets.base import datasets
from bench.models.base import models
from bench.report.build import check_report
from bench.suite import read_suite

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()


def verbs():
    return [c.name or c.callback.__name__.rstrip("_") for c in app.registered_commands]


@pytest.mark.parametrize("verb", verbs())
def test_every_verb_is_in_the_readme(verb):
    assert f"bench {verb}" in README


def test_every_make_target_in_the_readme_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"(?:`|^    )make ([a-z]+)", README, re.M))
    assert named <= targets
    assert {"bench", "test", "ui", "report", "check", "microbench"} <= named


def test_every_link_leads_somewhere():
    for document in (README, ARCHITECTURE, (ROOT / "CONTRIBUTING.md").read_text()):
        for link in re.findall(r"\]\(([^)#]+)", document):
            if not link.startswith("http"):
                assert (ROOT / link).exists(), link


def test_every_guarantee_names_a_test_that_is_there():
    table = README.partition("## What it guarantees")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 8
    for row in rows:
        held_by = row.split("|")[2]
        tests = re.findall(r"`(tests/\w+\.py)`", held_by)
        assert tests, row
        assert all((ROOT / test).exists() for test in tests), row


def test_every_module_stands_on_a_floor():
    contracts = (ROOT / "pyproject.toml").read_text()
    for path in sorted((ROOT / "bench").iterdir()):
        name = path.stem if path.suffix == ".py" else path.name if (path / "__init__.py").exists() else ""
        if name and name not in ("__init__", "__main__", "preflight"):
            assert f"bench.{name}" in contracts, name
            assert re.search(rf"`{name}[/`]", ARCHITECTURE), name


def test_every_committed_report_is_of_a_suite_and_says_how_to_run_it():
    for report in (ROOT / "reports").glob("*/README.md"):
        suite = read_suite(report.parent.name)
        assert "make bench" in report.read_text()
        assert suite.title in report.read_text()


def test_every_related_suite_has_a_committed_report():
    for path in (ROOT / "suites").glob("*.toml"):
        for name in read_suite(str(path)).related:
            assert read_suite(name)
            assert (ROOT / "reports" / name / "README.md").exists()


@pytest.mark.slow
@pytest.mark.parametrize("report", sorted((ROOT / "reports").glob("*/README.md")), ids=lambda p: p.parent.name)
def test_every_committed_report_is_what_its_csvs_give(report):
    assert check_report(report.parent) == []


def test_a_report_that_was_edited_by_hand_is_found_out(tmp_path):
    original = ROOT / "reports" / "chapter15"
    shutil.copytree(original, tmp_path / "chapter15")
    readme = tmp_path / "chapter15" / "README.md"
    readme.write_text(readme.read_text().replace("leads with", "wins with", 1))
    next((tmp_path / "chapter15" / "figures").glob("scores*.png")).unlink()
    found = check_report(tmp_path / "chapter15")
    assert any(line.startswith("-") and "wins with" in line for line in found)
    assert any(line.startswith("missing: ") for line in found)


def test_the_readme_excerpt_stands_in_the_report():
    excerpt = README.partition("## What the report looks like")[2].partition("The whole report")[0]
    report = (ROOT / "reports" / "chapter15" / "README.md").read_text()
    report = re.sub(r" \(\[.*?\)\)", "", report)  # the excerpt has no links to the report's own tables
    rows = [line for line in excerpt.splitlines() if line.startswith("| ") or line.startswith("> ")]
    assert len(rows) > 5
    for row in rows:
        assert row.removeprefix("> ") in report, row


def test_the_readme_example_files_are_valid(monkeypatch):
    """The code blocks that show how to add things are run."""
    blocks = re.findall(r"```python\n# an? \w+: bench/([^\n]*)\.py\n(.*?)```", README, re.S)
    assert len(blocks) >= 3
    before = set(cases.names())
    for path, block in blocks:
        name = "bench." + path.replace("/", ".")
        module = types.ModuleType(name)
        monkeypatch.setitem(sys.modules, name, module)
        exec(compile(block, "README", "exec"), module.__dict__)
    (added,) = set(cases.names()) - before
    case = cases.get(added)
    for registry, name in ((cases, added), (datasets, case.dataset.name), (models, case.model.name)):
        registry.remove(name)
    splits = case.dataset.load(1)
    network = case.model.build(splits.train.task)
    assert network(splits.train.x[:2]).shape == splits.train.y[:2].shape


def test_the_readme_example_suite_is_valid(tmp_path):
    (text,) = re.findall(r"```toml\n(.*?)```", README, re.S)
    name = re.search(r'^name = "(\w+)"', text, re.M).group(1)
    (tmp_path / f"{name}.toml").write_text(text)
    assert read_suite(str(tmp_path / f"{name}.toml")).select()
