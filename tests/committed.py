"""What is committed or staged, whatever a user has run since: another report may stand in a committed one's place.

Sources without a repository around them are taken as they are.
"""

import shutil
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from bench.report.folder import FOLDERS
from bench.report.index import RUNS

ROOT = Path(__file__).parent.parent


@cache
def tracked(folder: str) -> tuple[str, ...]:
    """Return the paths below a folder that the repository holds, from the root; without a repository, all there are."""
    try:
        top = _git("rev-parse", "--show-toplevel").strip()
        if Path(top).resolve() == ROOT.resolve():
            return tuple(filter(None, _git("ls-files", "-z", "--", folder).split("\0")))
    except (OSError, subprocess.CalledProcessError):
        pass
    return tuple(p.relative_to(ROOT).as_posix() for p in sorted((ROOT / folder).rglob("*")) if p.is_file())


def suites() -> list[str]:
    """Return the names of the suites."""
    return sorted(Path(path).stem for path in tracked("suites") if path.endswith(".toml"))


def reports(tables: Iterable[str] = (RUNS,)) -> list[str]:
    """Return the names of the reports that have one of these tables: those of suites have one of runs."""
    names = {tuple(path.split("/")[1:]) for path in tracked("reports")}
    return sorted({folder for folder, *rest in names for table in tables if rest == [table]})


def all_reports() -> list[str]:
    """Return the names of the reports of every kind."""
    return reports(FOLDERS)


def check_out(folder: str, target: Path) -> Path:
    """Copy what the repository holds below a folder to another place; return the copy."""
    paths = tracked(folder)
    try:
        _git("checkout-index", "--force", f"--prefix={target}/", "--", *paths)
    except (OSError, subprocess.CalledProcessError):
        for path in paths:
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, target / path)
    return target / folder


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "--no-optional-locks", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout
