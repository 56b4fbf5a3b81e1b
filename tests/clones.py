"""A clone in small: the real Makefile and what it runs to set up, around a package that says where it is."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.committed import ROOT

PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "small"
version = "1"

[project.optional-dependencies]
tensorflow = ["found"]
jax = ["found"]
all = []
dev = []
"""
BACKEND = """
import os, zipfile

def make_wheel(folder, name, metadata="", files=()):
    info = f"{name}-1.dist-info/"
    files = {
        **dict(files),
        info + "METADATA": f"Metadata-Version: 2.1\\nName: {name}\\nVersion: 1\\n{metadata}",
        info + "WHEEL": "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    with zipfile.ZipFile(os.path.join(folder, f"{name}-1-py3-none-any.whl"), "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
        wheel.writestr(info + "RECORD", "".join(f"{path},,\\n" for path in files))
    return f"{name}-1-py3-none-any.whl"

def build_editable(folder, settings=None, metadata=None):
    extras = "".join(f"Provides-Extra: {extra}\\n" for extra in ("tensorflow", "jax", "all", "dev"))
    scripts = "[console_scripts]\\nbench = bench.__main__:main\\n"
    files = {"small.pth": os.getcwd(), "small-1.dist-info/entry_points.txt": scripts}
    return make_wheel(folder, "small", extras + "Requires-Dist: found; extra == 'tensorflow'\\n", files)
"""
PACKAGE = """
import json, sys
from bench.preflight import script_fault

def main():
    print(json.dumps([script_fault(sys.argv[0], sys.executable), __file__, *sys.argv[1:]]))

if __name__ == "__main__":
    main()
"""


def make_clone(folder: Path) -> Path:
    """Make one that installs without a network."""
    (folder / "bench").mkdir(parents=True)
    for name in ("Makefile", "bench/preflight.py", "bench/install.py"):
        shutil.copy(ROOT / name, folder / name)
    for name, text in {
        "pyproject.toml": PROJECT,
        "constraints.txt": "",
        "backend.py": BACKEND,
        "bench/__init__.py": "",
        "bench/__main__.py": PACKAGE,
    }.items():
        (folder / name).write_text(text)
    return folder


def environ(**variables: str) -> dict[str, str]:
    """Return the environment of a shell in which no make runs, of a user who sets nothing of pip's but these."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PIP_"))}
    return inherited | variables


def make(clone: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run make in a clone."""
    return subprocess.run(
        ["make", *arguments], cwd=clone, env=environ(**variables), capture_output=True, text=True, check=False
    )


def make_index(folder: Path) -> Path:
    """Make a folder with the one package that such a clone requires."""
    folder.mkdir()
    backend: dict[str, Any] = {}
    exec(BACKEND, backend)
    backend["make_wheel"](folder, "found")
    return folder
