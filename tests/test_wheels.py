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
from bench.preflight import CUDA, MACHINES, NEWEST, OLDEST, OLDEST_GLIBC, OLDEST_MACOS, TORCH_MACOS
from tests.committed import ROOT

PINS = (ROOT / "constraints.txt").read_text().splitlines()[1:]
PYTHONS = [f"3.{minor}" for minor in range(OLDEST[1], NEWEST[1] + 1)]
GLIBC = "_".join(map(str, OLDEST_GLIBC))
PLATFORMS = {"linux": lambda machine: f"{machine}-manylinux_{GLIBC}", "darwin": lambda _: "aarch64-apple-darwin"}
"""What uv calls the oldest system that preflight lets through; that of macOS is in an environment variable."""
HERE = [(system, machine) for system, machines in MACHINES.items() for machine in machines]
BACKENDS = "tensorflow", "jax", "torch"
WITH_CUDA = {name: (("linux", "x86_64"), *CUDA.get(name, ())) for name in BACKENDS}
PLANS = [
    *((place, python, "tensorflow,all,dev") for place in HERE for python in PYTHONS),
    *((place, python, f"{name},all") for name in BACKENDS[1:] for place in HERE for python in PYTHONS[::2]),
    *((place, PYTHONS[0], f"{name}-gpu,all,dev") for name in BACKENDS for place in WITH_CUDA[name]),
    (("linux", "x86_64"), PYTHONS[-1], "jax-gpu,torch-gpu,all"),
    *((place, python, "jax,all,classical") for place in HERE for python in PYTHONS),
]
MADE = {extra for *_, extras in PLANS for extra in extras.split(",")} | {"classical", "digits", "report", "track"}
"""The extras that make installs."""
REFUSED = ["x86_64-apple-darwin", "x86_64-unknown-linux-musl", "x86_64-manylinux_2_17"]


def pinned():
    pairs = (line.split("==") for line in PINS)
    return {canonicalize_name(name): version for name, version in pairs}


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def compiled(platform, python, *arguments, macos=OLDEST_MACOS):
    settings = pip_settings(os.environ, "")
    index = {"UV_DEFAULT_INDEX": settings["PIP_INDEX_URL"]} if "PIP_INDEX_URL" in settings else {}
    return subprocess.run(
        [
            *(uv.find_uv_bin(), "pip", "compile", "--no-config", "--quiet", "--no-header", "--no-annotate"),
            *("--python", sys.executable, "--no-python-downloads", "--only-binary", ":all:"),
            *("--python-platform", platform, "--python-version", python, *arguments),
        ],
        cwd=ROOT,
        env=os.environ | index | {"MACOSX_DEPLOYMENT_TARGET": f"{macos}.0"},
        capture_output=True,
        text=True,
        check=False,
    )


def plan(place, python, extras):
    """What is installed on a system and processor, or on what uv calls a platform."""
    platform = place if isinstance(place, str) else PLATFORMS[place[0]](place[1])
    chosen = [argument for extra in extras.split(",") for argument in ("--extra", extra)]
    macos = TORCH_MACOS if "torch" in extras else OLDEST_MACOS
    return compiled(platform, python, "-c", "constraints.txt", *chosen, "pyproject.toml", macos=macos)


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
    wanted = [*PLANS, *((refused, "3.12", extra) for refused in REFUSED for extra in BACKENDS[:2])]
    with ThreadPoolExecutor(8) as pool:
        return dict(zip(wanted, pool.map(lambda each: plan(*each), wanted), strict=True))


@pytest.mark.slow
@pytest.mark.variant
@pytest.mark.parametrize(("place", "python", "extras"), PLANS)
def test_every_package_has_a_wheel_at_its_pin(plans, place, python, extras):
    done = plans[place, python, extras]
    assert done.returncode == 0, done.stderr
    chosen = dict(line.split("==") for line in done.stdout.splitlines())
    assert len(chosen) > 100
    assert {name: version for name, version in chosen.items() if pinned().get(name) != version} == {}
    backends = {"tensorflow": {"tensorflow", "tensorflow-cpu"}, "jax": {"jax"}, "torch": {"torch", "triton"}}
    asked = {name for name in BACKENDS if name in extras} | ({"jax"} if "dev" in extras else set())
    for name in {*BACKENDS} - asked:
        assert not backends[name] & {*chosen}, f"{name} comes with {extras}, which do not ask for it"
    assert ("nvidia-cudnn-cu13" in chosen or "nvidia-cudnn-cu12" in chosen) == (
        "-gpu" in extras or (place[0] == "linux" and "torch" in extras)
    )


@pytest.mark.slow
@pytest.mark.variant
@pytest.mark.parametrize("extra", BACKENDS[:2])
@pytest.mark.parametrize("platform", REFUSED)
def test_what_preflight_refuses_has_no_wheel(plans, platform, extra):
    done = plans[platform, "3.12", extra]
    assert done.returncode == 1
    assert re.search(r"no (usable )?wheels|Wheels are", done.stderr), done.stderr


@pytest.mark.parametrize(("system", "machine"), HERE)
def test_one_tensorflow_is_asked_for_everywhere(system, machine):
    there = {"sys_platform": system, "platform_machine": machine}
    extras = project()["optional-dependencies"]
    (cpu,) = [r.name for r in map(Requirement, extras["tensorflow"]) if r.marker.evaluate(there)]
    assert cpu == ("tensorflow-cpu" if (system, machine) == ("linux", "x86_64") else "tensorflow")
    assert [Requirement(r).name for r in extras["tensorflow-gpu"]] == ["tensorflow"]


def test_every_direct_requirement_is_pinned_within_its_bounds():
    extras = [required for extra, required in project()["optional-dependencies"].items() if extra in MADE - {"all"}]
    for requirement in map(Requirement, [*project()["dependencies"], *chain(*extras)]):
        assert requirement.specifier.contains(pinned()[canonicalize_name(requirement.name)]), requirement


def test_the_pins_name_no_package_index():
    assert [line for line in PINS if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
