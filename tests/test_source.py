"""The commit of our own repository or none, and why; with the git that is installed here."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bench.doctor.machine import check_source
from bench.environment import provenance
from bench.frames.runs import environments_rows
from bench.frames.selection import Shown
from bench.provenance import Provenance
from bench.source import LIMIT_S, Source, read_source, source
from bench.tracking.items import Tag
from bench.tracking.run_items import record_items
from tests.fakes import fake_record

NO_REPOSITORY = "the sources are in no git repository of their own"


def git(folder: Path, *arguments: str) -> str:
    """Ask git as a user would, without the settings of whoever runs the tests."""
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=A", "-c", "user.email=a@b", "-c", "protocol.file.allow=always"]
    done = subprocess.run(
        ["git", *who, "-C", str(folder), *arguments], capture_output=True, text=True, env=os.environ | settings
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def sources(folder: Path, name: str = "sequence-bench") -> Path:
    """Write what makes a folder one of our sources."""
    for part in ("bench/datasets", "suites"):
        (folder / part).mkdir(parents=True)
    (folder / "pyproject.toml").write_text(f'[project]\nname = "{name}"\n')
    (folder / "bench" / "task.py").write_text("HORIZON = 1\n")
    (folder / "suites" / "small.toml").write_text('name = "small"\n')
    return folder


def committed(folder: Path) -> Path:
    """Make a folder a repository with one commit of all that is in it."""
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")
    return folder


def head(folder: Path) -> str:
    return git(folder, "rev-parse", "--short=12", "HEAD")


@pytest.fixture(autouse=True)
def no_outer_git(monkeypatch):
    """Tests may be run by a hook of git, which names a repository of its own."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)


@pytest.fixture
def ours(tmp_path):
    return committed(sources(tmp_path / "ours"))


def test_our_own_repository_gives_its_commit(ours):
    assert read_source(ours) == Source(commit=head(ours))


@pytest.mark.parametrize(
    ("file", "mark"),
    [
        ("bench/task.py", "+"),
        ("suites/small.toml", "+"),
        ("bench/datasets/mine.py", "+"),
        ('bench/datasets/a "b" ü.py', "+"),
        ("bench/datasets/notes.txt", ""),
        ("suites/mine.toml", ""),
        ("mine.py", ""),
    ],
)
def test_what_differs_from_the_commit_is_marked(ours, file, mark):
    (ours / file).write_text("changed = True\n")
    assert read_source(ours) == Source(commit=head(ours) + mark)


def test_a_file_that_was_moved_or_removed_is_a_change(ours):
    git(ours, "mv", "bench/task.py", "bench/tasks.py")
    assert read_source(ours).commit == head(ours) + "+"


def test_sources_inside_another_repository_have_no_commit(tmp_path):
    outer = tmp_path / "outer"
    inner = sources(outer / "vendor" / "bench-0.2")
    (outer / "pyproject.toml").write_text('[project]\nname = "theirs"\n')
    committed(outer)
    assert read_source(inner) == Source(why_none=NO_REPOSITORY)


@pytest.mark.parametrize("name", ["theirs", ""])
def test_a_package_that_was_installed_has_no_commit(tmp_path, name):
    """The folder beside an installed package is not ours, though it be the top of a repository."""
    folder = committed(sources(tmp_path / "site-packages", name))
    if not name:
        (folder / "pyproject.toml").unlink()
    assert read_source(folder).why_none == "installed as a package, not run from its sources"


def test_a_git_folder_that_is_broken_is_not_taken_for_the_repository_around_it(tmp_path):
    outer = tmp_path / "outer"
    inner = sources(outer / "inner")
    committed(outer)
    (inner / ".git").mkdir()
    assert "does not take the .git of the sources" in read_source(inner).why_none


@pytest.mark.parametrize("content", [None, "gitdir: /nowhere/at/all\n", "no such thing\n"])
def test_a_git_folder_that_is_broken_says_so(tmp_path, content):
    folder = sources(tmp_path / "ours")
    if content is None:
        (folder / ".git").mkdir()
    else:
        (folder / ".git").write_text(content)
    found = read_source(folder)
    assert not found.commit
    assert found.why_none.startswith("git says 'fatal: ")
    assert str(folder) not in found.why_none


def test_a_repository_without_a_commit_says_so(tmp_path):
    folder = sources(tmp_path / "ours")
    git(folder, "init", "-q")
    assert read_source(folder).why_none.startswith("git finds no commit: none was made")


def test_a_repository_whose_objects_are_gone_has_no_commit(ours):
    shutil.rmtree(ours / ".git" / "objects")
    (ours / ".git" / "objects").mkdir()
    assert read_source(ours).why_none.startswith("git finds no commit: ")


def test_a_bare_repository_has_no_sources(ours):
    git(ours, "config", "core.bare", "true")
    assert "must be run in a work tree" in read_source(ours).why_none


def test_a_worktree_a_submodule_and_a_shallow_clone_are_ours(ours, tmp_path):
    git(ours, "worktree", "add", "-q", str(tmp_path / "tree"))
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-q")
    git(outer, "submodule", "--quiet", "add", f"file://{ours}", "inner")
    git(outer, "commit", "-qm", "another commit")
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{ours}", "shallow")
    for folder in (tmp_path / "tree", outer / "inner", tmp_path / "shallow"):
        assert read_source(folder) == Source(commit=head(ours)), folder


def test_a_repository_under_another_path_is_the_same(ours, tmp_path):
    (tmp_path / "link").symlink_to(ours)
    assert read_source(tmp_path / "link") == Source(commit=head(ours))


def test_what_the_environment_says_of_another_repository_is_not_heard(ours, tmp_path, monkeypatch):
    """A hook of git that calls make names its own repository, its index and its working tree."""
    other, expected = committed(sources(tmp_path / "other")), Source(commit=head(ours))
    (other / "bench" / "task.py").write_text("HORIZON = 2\n")
    git(other, "commit", "-qam", "second")
    for name, value in {
        "GIT_DIR": other / ".git",
        "GIT_WORK_TREE": other,
        "GIT_INDEX_FILE": tmp_path / "no index",
        "GIT_OBJECT_DIRECTORY": tmp_path,
        "GIT_CEILING_DIRECTORIES": tmp_path,
    }.items():
        monkeypatch.setenv(name, str(value))
    assert read_source(ours) == expected


def test_a_program_that_a_user_has_git_start_is_not_started(ours, tmp_path, monkeypatch):
    program, config = tmp_path / "monitor", tmp_path / "config"
    program.write_text(f"#!/bin/sh\ntouch '{tmp_path / 'ran'}'\n")
    program.chmod(0o755)
    git(ours, "config", "--file", str(config), "core.fsmonitor", str(program))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    assert read_source(ours) == Source(commit=head(ours))
    assert not (tmp_path / "ran").exists()


def test_no_lock_is_taken_and_the_index_stays(ours):
    os.utime(ours / "bench" / "task.py", (1, 1))  # git would write down that the file is unchanged all the same
    before = (ours / ".git" / "index").read_bytes()
    assert read_source(ours) == Source(commit=head(ours))
    assert (ours / ".git" / "index").read_bytes() == before
    (ours / ".git" / "index.lock").touch()
    assert read_source(ours) == Source(commit=head(ours))
    assert (ours / ".git" / "index").read_bytes() == before
    assert (ours / ".git" / "index.lock").exists()


def fake_git(folder: Path, script: str, monkeypatch) -> None:
    (folder / "bin").mkdir()
    (folder / "bin" / "git").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "bin" / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:/usr/bin:/bin")


def test_a_folder_that_git_does_not_trust_is_said(ours, tmp_path, monkeypatch):
    words = f"fatal: detected dubious ownership in repository at '{ours}'"
    fake_git(tmp_path, f'echo "{words}" >&2; exit 128', monkeypatch)
    assert "dubious ownership" in read_source(ours).why_none


def test_git_that_is_not_there_takes_too_long_or_cannot_be_started_is_said(ours, tmp_path, monkeypatch):
    fake_git(tmp_path, "exec sleep 60", monkeypatch)
    monkeypatch.setattr("bench.source.LIMIT_S", 0.05)
    assert read_source(ours).why_none == "git took longer than 0.05 s"
    monkeypatch.setattr("bench.source.LIMIT_S", LIMIT_S)
    (tmp_path / "bin" / "git").write_text("#!/no/such/shell\n")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert read_source(ours).why_none == "git is not installed"
    (tmp_path / "bin" / "git").unlink()
    assert read_source(ours).why_none == "git is not installed"


def test_a_commit_whose_changes_are_not_known_is_none(ours, tmp_path, monkeypatch):
    real, commit = shutil.which("git"), head(ours)
    fake_git(tmp_path, f'case "$*" in *status*) exit 3;; esac\nexec {real} "$@"', monkeypatch)
    found = read_source(ours)
    assert found == Source(
        why_none=f"at {commit}, but git does not say whether the sources are changed (git says 'code 3')"
    )


def test_git_is_asked_once_a_process(monkeypatch):
    source()
    monkeypatch.setattr("bench.source.read_source", lambda folder: pytest.fail("asked again"))
    made = provenance("then", "now", None)
    assert (made.git_commit, made.no_commit) == (source().commit, source().why_none)
    assert bool(made.git_commit) != bool(made.no_commit)


def without_commit(why: str):
    record = fake_record()
    return record.model_copy(
        update={"provenance": record.provenance.model_copy(update={"git_commit": "", "no_commit": why})}
    )


def test_why_there_is_none_stands_where_the_commit_would():
    record = without_commit(NO_REPOSITORY)
    (row,) = environments_rows(Shown(None, [record]))
    assert row["git_commit"] == f"none: {NO_REPOSITORY}"
    assert Tag("no_commit", NO_REPOSITORY) in record_items(record)
    assert not [i for i in record_items(fake_record()) if isinstance(i, Tag) and i.key == "no_commit"]
    (before,) = environments_rows(Shown(None, [without_commit("")]))
    assert before["git_commit"] == ""
    known = fake_record().provenance.model_dump(exclude={"no_commit"})
    assert Provenance.model_validate(known).no_commit == ""


def test_the_doctor_says_the_commit_or_why_there_is_none():
    assert check_source(Source(commit="0123456789ab")).status == "ok"
    assert "changes" in check_source(Source(commit="0123456789ab+")).found
    none = check_source(Source(why_none=NO_REPOSITORY))
    assert (none.status, none.found) == ("warn", f"none: {NO_REPOSITORY}")
