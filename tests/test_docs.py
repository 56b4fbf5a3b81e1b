"""The documents say what is there: every verb, target and suite, and nothing that is not."""

import re
import sys
import types

import pytest

from bench.cases.base import cases
from bench.cli import app
from bench.datasets.base import datasets
from bench.metrics.base import metrics
from bench.models.base import models
from bench.report.build import build_report, check_report
from bench.report.folder import check_folder
from bench.report.index import index_text
from bench.suite import read_suite
from tests.committed import ROOT, all_reports, check_out, reports, suites, tracked
from tests.conftest import with_variants
from tests.fakes import fake_plan, fake_record
from tests.report_fakes import RNN

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
    assert "\nexhaustive = true\n" in (ROOT / "pyproject.toml").read_text(), "import-linter holds the contracts to it"
    for path in sorted((ROOT / "bench").iterdir()):
        name = path.stem if path.suffix == ".py" else path.name if (path / "__init__.py").exists() else ""
        if name and name not in ("__init__", "__main__", "install", "preflight"):
            assert re.search(rf"`{name}[/`]", ARCHITECTURE), name


def test_every_committed_report_is_of_a_suite_and_says_how_to_run_it(tmp_path):
    assert reports()
    for name in reports():
        text = (check_out(f"reports/{name}", tmp_path) / "README.md").read_text()
        assert "make bench" in text
        assert read_suite(name).title in text


def test_every_related_suite_has_a_committed_report():
    for suite in suites():
        for name in read_suite(suite).related:
            assert read_suite(name)
            assert f"reports/{name}/README.md" in tracked("reports")


def test_what_a_user_runs_stays_out_of_the_repository():
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {"/results/*", "!/results/README.md", "/reports/*"} <= set(ignored)
    kept = [line.removeprefix("!/reports/").strip("/") for line in ignored if line.startswith("!/reports/")]
    assert sorted(kept) == sorted({path.split("/")[1] for path in tracked("reports")})
    assert not [path for path in tracked("reports") if path.endswith(".html")]
    assert tracked("results") == ("results/README.md",)


@pytest.mark.slow
@pytest.mark.parametrize("name", with_variants(all_reports(), {*all_reports()} - {"chapter15"}))
def test_every_committed_report_is_what_its_csvs_give(name, tmp_path):
    assert check_folder(check_out(f"reports/{name}", tmp_path)) == []


def test_the_list_of_reports_is_what_the_reports_say(tmp_path):
    folder = check_out("reports", tmp_path)
    assert (folder / "README.md").read_text() == index_text(folder)
    assert index_text(folder).count("\n- [") == len(all_reports())


def test_a_report_that_was_edited_by_hand_is_found_out(tmp_path):
    """A small one: that the committed ones are what their CSVs give, each, is held above."""
    readme = build_report(fake_plan([RNN], [fake_record(RNN, seed) for seed in (42, 43)]), tmp_path)
    assert check_report(tmp_path) == []
    text = readme.read_text()
    readme.write_text(text.replace("gave a result", "gave no result", 1))
    assert readme.read_text() != text
    next((tmp_path / "figures").glob("scores*.svg")).unlink()
    found = check_report(tmp_path)
    assert any(line.startswith("-") and "gave no result" in line for line in found)
    assert any(line.startswith("missing: ") for line in found)


def test_the_readme_excerpt_stands_in_the_report_and_each_column_is_explained(tmp_path):
    excerpt, _, explained = README.partition("## What the report looks like")[2].partition("| column |")
    report = (check_out("reports/chapter15-matched", tmp_path) / "README.md").read_text()
    report = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", report)  # the excerpt has no links to the report's own tables
    rows = [line for line in excerpt.splitlines() if line.startswith("| ") or line.startswith("> ")]
    assert len(rows) > 5
    for row in rows:
        assert row.removeprefix("> ") in report, row
    header = next(row for row in rows if row.startswith("| "))
    columns = [cell.strip() for cell in header.strip("|").split("|")]
    told = re.findall(r"^\| ([^|]+) \|", explained.partition("\n\n")[0], re.M)
    assert set(columns) - {"model"} <= set(told)


def test_the_readme_answers_on_its_first_screen():
    first = "\n".join(README.splitlines()[:45])
    assert "Hands-On Machine Learning" in first
    assert "## Your own series" in first
    assert "make bench" in first


def test_the_readme_example_files_are_valid(monkeypatch):
    """The code blocks that show how to add things are run."""
    blocks = re.findall(r"```python\n# an? \w+: bench/([^\n]*)\.py\n(.*?)```", README, re.S)
    assert len(blocks) >= 3
    before = {registry: set(registry.names()) for registry in (cases, datasets, models, metrics)}
    for path, block in blocks:
        name = "bench." + path.replace("/", ".")
        module = types.ModuleType(name)
        monkeypatch.setitem(sys.modules, name, module)
        exec(compile(block, "README", "exec"), module.__dict__)
    added = {registry: set(registry.names()) - names for registry, names in before.items()}
    (case,) = map(cases.get, added[cases])
    for registry, names in added.items():
        for name in names:
            registry.remove(name)
    assert {registry.kind: len(names) for registry, names in added.items()} == {
        "case": 1,
        "dataset": 1,
        "model": 1,
        "metric": 1,
    }
    splits = case.dataset.load(1)
    network = case.model.build(splits.train.task)
    assert network(splits.train.x[:2]).shape == splits.train.y[:2].shape


def test_the_readme_example_suite_is_valid(tmp_path):
    (text,) = re.findall(r"```toml\n(.*?)```", README, re.S)
    name = re.search(r'^name = "(\w+)"', text, re.M).group(1)
    (tmp_path / f"{name}.toml").write_text(text)
    assert read_suite(str(tmp_path / f"{name}.toml")).select()
