"""Where preflight lets through there is a wheel of every pinned package, and where it does not there is not."""

import os
import re
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import pytest
import uv
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bench.install import pip_settings
from bench.preflight import MACHINES, NEWEST, OLDEST, OLDEST_GLIBC, OLDEST_MACOS
from tests.committed import ROOT

PINS = (ROOT / "constraints.txt").read_text().splitlines()[1:]
PYTHONS = [f"3.{minor}" for minor in range(OLDEST[1], NEWEST[1] + 1)]
GLIBC = "_".join(map(str, OLDEST_GLIBC))
PLATFORMS = {"linux": lambda machine: f"{machine}-manylinux_{GLIBC}", "darwin": lambda _: "aarch64-apple-darwin"}
"""What uv calls the oldest system that preflight lets through; that of macOS is in an environment variable."""
HERE = [(system, machine) for system, machines in MACHINES.items() for machine in machines]
PLANS = [
    *((PLATFORMS[system](machine), python, "cpu,dev") for system, machine in HERE for python in PYTHONS),
    *((PLATFORMS["linux"]("x86_64"), python, "gpu,dev") for python in PYTHONS),
]
MADE = {extra for *_, extras in PLANS for extra in extras.split(",")}
"""The extras that make installs."""
REFUSED = [("x86_64-apple-darwin", "3.12"), ("x86_64-unknown-linux-musl", "3.12"), ("x86_64-manylinux_2_17", "3.12")]


def pinned():
    pairs = (line.split("==") for line in PINS)
    return {canonicalize_name(name): version for name, version in pairs}


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def compiled(platform, python, *arguments):
    settings = pip_settings(os.environ, "")
    index = {"UV_DEFAULT_INDEX": settings["PIP_INDEX_URL"]} if "PIP_INDEX_URL" in settings else {}
    return subprocess.run(
        [
            *(uv.find_uv_bin(), "pip", "compile", "--no-config", "--quiet", "--no-header", "--no-annotate"),
            *("--python", sys.executable, "--no-python-downloads", "--only-binary", ":all:"),
            *("--python-platform", platform, "--python-version", python, *arguments),
        ],
        cwd=ROOT,
        env=os.environ | index | {"MACOSX_DEPLOYMENT_TARGET": f"{OLDEST_MACOS}.0"},
        capture_output=True,
        text=True,
        check=False,
    )


def plan(platform, python, extras):
    chosen = [argument for extra in extras.split(",") for argument in ("--extra", extra)]
    return compiled(platform, python, "-c", "constraints.txt", *chosen, "pyproject.toml")


@pytest.fixture(scope="module")
def plans():
    """What each installs, made at the same time: nearly all of it is waiting for the package index."""
    asked = subprocess.run(
        [uv.find_uv_bin(), "pip", "compile", "--no-config", "--no-cache", "--quiet", "-"],
        input="six",
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode:
        pytest.skip(f"no package index can be reached: {asked.stderr.strip()[-200:]}")
    wanted = [*PLANS, *((*refused, "cpu") for refused in REFUSED)]
    with ThreadPoolExecutor(8) as pool:
        return dict(zip(wanted, pool.map(lambda each: plan(*each), wanted), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize(("platform", "python", "extras"), PLANS)
def test_every_package_has_a_wheel_at_its_pin(plans, platform, python, extras):
    done = plans[platform, python, extras]
    assert done.returncode == 0, done.stderr
    chosen = dict(line.split("==") for line in done.stdout.splitlines())
    assert len(chosen) > 100
    assert {name: version for name, version in chosen.items() if pinned().get(name) != version} == {}


@pytest.mark.slow
@pytest.mark.parametrize(("platform", "python"), REFUSED)
def test_what_preflight_refuses_has_no_wheel(plans, platform, python):
    done = plans[platform, python, "cpu"]
    assert done.returncode == 1
    assert re.search(r"no (usable )?wheels|Wheels are", done.stderr), done.stderr


@pytest.mark.parametrize(("system", "machine"), HERE)
def test_one_tensorflow_is_asked_for_everywhere(system, machine):
    there = {"sys_platform": system, "platform_machine": machine}
    extras = project()["optional-dependencies"]
    (cpu,) = [r.name for r in map(Requirement, extras["cpu"]) if r.marker.evaluate(there)]
    assert cpu == ("tensorflow-cpu" if (system, machine) == ("linux", "x86_64") else "tensorflow")
    assert [Requirement(r).name for r in extras["gpu"]] == ["tensorflow"]


def test_every_direct_requirement_is_pinned_within_its_bounds():
    extras = [required for extra, required in project()["optional-dependencies"].items() if extra in MADE]
    for requirement in map(Requirement, [*project()["dependencies"], *chain(*extras)]):
        assert requirement.specifier.contains(pinned()[canonicalize_name(requirement.name)]), requirement


def test_the_pins_name_no_package_index():
    assert [line for line in PINS if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
