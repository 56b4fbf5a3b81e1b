"""Which commit this code is of: that of our own repository, or why there is none. Nothing is locked or written for it.

A repository is ours where its top folder holds this package and its ``pyproject.toml``: a clone, a worktree or a
submodule, but not a repository that an installed package or unpacked sources merely lie in.
"""

import os
import subprocess
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LIMIT_S = 10.0
"""So long one call of git may take."""
PROJECT = "sequence-bench"
QUIET = ("--no-optional-locks", "-c", "core.fsmonitor=false")
"""Git neither locks nor refreshes the index, and starts no program of the user's."""


@dataclass(frozen=True)
class Source:
    """Where the running code comes from.

    Attributes:
        commit: Twelve hexadecimal digits, with ``+`` where the code is changed or has files that no commit has; empty
            where there is none.
        why_none: Why not, in one line; empty where there is one.
    """

    commit: str = ""
    why_none: str = ""


class _NoCommit(Exception):
    """There is none; says why."""


@cache
def source() -> Source:
    """Return where this process's code comes from, asked of git once."""
    return read_source(Path(__file__).parent.parent)


def read_source(folder: Path) -> Source:
    """Return the commit of the code in a folder that holds this package, or why there is none."""
    try:
        return Source(commit=_commit(folder))
    except _NoCommit as none:
        return Source(why_none=str(none))


def _commit(folder: Path) -> str:
    """Return the commit, with ``+`` where the working tree differs from it.

    Raises:
        _NoCommit: There is none.
    """
    if not _ours(folder):
        raise _NoCommit("installed as a package, not run from its sources")
    if not os.path.lexists(folder / ".git"):
        raise _NoCommit("the sources are in no git repository of their own")
    top = Path(os.fsdecode(_git(folder, "rev-parse", "--show-toplevel").rstrip(b"\n")))
    if not top.exists() or not top.samefile(folder):
        raise _NoCommit("git does not take the .git of the sources for a repository; clone them again")
    try:
        head = _git(folder, "rev-parse", "--verify", "--short=12", "HEAD^{commit}").decode().strip()
    except _NoCommit as none:
        raise _NoCommit(f"git finds no commit: none was made, or the repository is broken ({none})") from None
    try:
        changes = _git(folder, "status", "--porcelain", "-z", "--untracked-files=all", "--", "bench", "suites")
    except _NoCommit as none:
        raise _NoCommit(f"at {head}, but git does not say whether the sources are changed ({none})") from None
    return head + ("+" if any(map(_counts, changes.split(b"\0"))) else "")


def _ours(folder: Path) -> bool:
    """Return whether the folder holds our sources, and not only the installed package."""
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
    except (OSError, ValueError):
        return False
    return isinstance(project, dict) and project.get("name") == PROJECT


def _counts(change: bytes) -> bool:
    """Return whether a line of ``git status`` is a change of the code: of new files, those that Python imports."""
    return bool(change) and (not change.startswith(b"?? ") or (change[3:9] == b"bench/" and change.endswith(b".py")))


def _git(folder: Path, *arguments: str) -> bytes:
    """Return what git prints about a folder, whatever repository the environment names.

    Raises:
        _NoCommit: It is not there, takes too long or fails; says which.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k.startswith("GIT_CONFIG_")}
    environment = kept | {"LC_ALL": "C", "GIT_NO_LAZY_FETCH": "1"}
    try:
        done = subprocess.run(
            ["git", *QUIET, "-C", str(folder), *arguments],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=LIMIT_S,
            env=environment,
            check=False,
        )
    except FileNotFoundError:
        raise _NoCommit("git is not installed") from None
    except subprocess.TimeoutExpired:
        raise _NoCommit(f"git took longer than {LIMIT_S:g} s") from None
    except OSError as error:
        raise _NoCommit(f"git cannot be started ({error.strerror})") from None
    if done.returncode == 0:
        return done.stdout
    said = done.stderr.decode(errors="replace")
    if "dubious ownership" in said:
        raise _NoCommit(
            "git does not trust the sources' folder (dubious ownership): see safe.directory in git help config"
        )
    first = next(
        (line for line in said.splitlines() if line.startswith(("fatal:", "error:"))), f"code {done.returncode}"
    )
    raise _NoCommit(f"git says {first.replace(str(folder), '.')[:150]!r}")
