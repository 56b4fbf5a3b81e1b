"""An environment is set up where that is due: not made here, for another Python, half made, or behind its pins."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bench import install
from bench.install import (
    SetUpError,
    Stamp,
    clean,
    make_ready,
    pins,
    pip_settings,
    read_stamp,
    this_python,
    why_due,
    write_stamp,
)
from bench.preflight import script_fault
from tests.clones import make, make_clone, make_index

ENVIRONMENT = ".venv"


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A clone whose environment is ready, and the working folder; nothing is installed."""
    folder = make_clone(tmp_path / "clone")
    monkeypatch.chdir(folder)
    fake_environment()
    write_stamp(ENVIRONMENT, Stamp(str(folder), this_python(), ("tensorflow",), pins()))
    return folder


def fake_environment():
    """Make what the `venv` module makes, without pip."""
    python = Path(ENVIRONMENT, "bin", "python")
    python.parent.mkdir(parents=True, exist_ok=True)
    python.unlink(missing_ok=True)
    python.symlink_to(sys.executable)
    Path(ENVIRONMENT, "pyvenv.cfg").write_text(f"home = {Path(sys.executable).parent}\n")


@pytest.fixture
def commands(monkeypatch):
    """What would be run; `venv` makes an environment, and pip ends with the code of the list's attribute."""

    class Commands(list):
        pip_code = 0

    ran = Commands()

    def run(command, variables):
        ran.append((list(command), dict(variables)))
        if "venv" in command:
            shutil.rmtree(ENVIRONMENT, ignore_errors=True)
            fake_environment()
            return 0
        return ran.pip_code

    monkeypatch.setattr(install, "_run", run)
    monkeypatch.setattr(install, "_configured", lambda pip: "")
    return ran


def kinds(commands):
    return [command[3] for command, _ in commands]


def test_a_ready_environment_is_left_alone(clone, commands):
    assert why_due(ENVIRONMENT, ["tensorflow"]) == ""
    make_ready(ENVIRONMENT, ["tensorflow"])
    assert commands == []


def test_a_ready_environment_needs_no_write_permission(clone, commands, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    make_ready(ENVIRONMENT, ["tensorflow"])
    assert commands == []


def test_touched_pins_are_the_same_pins(clone):
    for name in install.PINS:
        (clone / name).touch()
    assert why_due(ENVIRONMENT, ["tensorflow"]) == ""


@pytest.mark.parametrize("name", install.PINS)
def test_changed_pins_are_brought_in(clone, commands, name, capfd):
    (clone / name).write_text((clone / name).read_text() + "# changed\n")
    make_ready(ENVIRONMENT, ["tensorflow"])
    assert kinds(commands) == ["pip"]
    assert why_due(ENVIRONMENT, ["tensorflow"]) == ""
    assert capfd.readouterr().err == "bench: bringing .venv up to date\n"


def test_what_development_needs_is_added_and_kept(clone, commands):
    assert why_due(ENVIRONMENT, ["tensorflow", "dev"]) == "it lacks what the extra dev brings"
    make_ready(ENVIRONMENT, ["tensorflow", "dev"])
    (clone / "constraints.txt").write_text("six==1.17.0\n")
    make_ready(ENVIRONMENT, ["tensorflow"])
    assert [command[-1] for command, _ in commands] == [".[tensorflow,dev]", ".[tensorflow,dev]"]


def copied(clone, monkeypatch):
    copy = clone.parent / "copy"
    shutil.copytree(clone, copy, symlinks=True)
    monkeypatch.chdir(copy)


def moved(clone, monkeypatch):
    monkeypatch.chdir(clone.rename(clone.parent / "moved"))


def without_its_python(clone, monkeypatch):
    python = clone / ENVIRONMENT / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")


def with_a_broken_python(clone, monkeypatch):
    python = clone / ENVIRONMENT / "bin" / "python"
    python.unlink()
    python.write_text("no program")
    python.chmod(0o755)


def of_another_python(clone, monkeypatch):
    write_stamp(ENVIRONMENT, read_stamp(ENVIRONMENT)._replace(python="cpython-310 x86_64-linux-gnu x86_64"))


def half_made(clone, monkeypatch):
    (clone / ENVIRONMENT / install.STAMP).unlink()


def of_an_older_make(clone, monkeypatch):
    (clone / ENVIRONMENT / install.STAMP).write_text("")


def half_a_stamp(clone, monkeypatch):
    stamp = clone / ENVIRONMENT / install.STAMP
    stamp.write_text(stamp.read_text()[:10])


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (copied, "it was made in "),
        (moved, "it was made in "),
        (without_its_python, "it was made for another Python"),
        (with_a_broken_python, "it was made for another Python"),
        (of_another_python, "it was made for another Python"),
        (half_made, "it is half made, or not made by make"),
        (of_an_older_make, "it is half made, or not made by make"),
        (half_a_stamp, "it is half made, or not made by make"),
    ],
)
def test_an_environment_that_cannot_be_kept_is_made_anew(clone, commands, monkeypatch, capfd, happens, why):
    happens(clone, monkeypatch)
    assert why_due(ENVIRONMENT, ["tensorflow"]).startswith(why)
    make_ready(ENVIRONMENT, ["tensorflow"])
    assert kinds(commands) == ["venv", "pip"]
    assert "--clear" in commands[0][0]
    assert why_due(ENVIRONMENT, ["tensorflow"]) == ""
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"bench: setting up .venv anew: {why}")


def test_a_clone_seen_under_two_paths_is_one(clone, monkeypatch):
    (clone.parent / "link").symlink_to(clone)
    for folder in (clone.parent / "link", clone):
        monkeypatch.chdir(folder)
        assert why_due(ENVIRONMENT, ["tensorflow"]) == ""


def test_an_environment_that_stands_elsewhere_is_used_through_its_link(clone):
    (clone / ENVIRONMENT).rename(clone.parent / "roomy")
    (clone / ENVIRONMENT).symlink_to(clone.parent / "roomy")
    assert why_due(ENVIRONMENT, ["tensorflow"]) == ""


def test_what_pip_could_not_bring_up_to_date_stays_as_it_was(clone, commands):
    before = read_stamp(ENVIRONMENT)
    (clone / "constraints.txt").write_text("six==1.17.0\n")
    commands.pip_code = 1
    with pytest.raises(SetUpError, match=r"pip failed, as it says above; \.venv is as it was"):
        make_ready(ENVIRONMENT, ["tensorflow"])
    assert read_stamp(ENVIRONMENT) == before


def test_what_pip_could_not_make_is_half_made(clone, commands):
    shutil.rmtree(ENVIRONMENT)
    commands.pip_code = 1
    assert install.main([ENVIRONMENT, "tensorflow"]) == 2
    assert read_stamp(ENVIRONMENT) is None


@pytest.mark.parametrize("killed", [KeyboardInterrupt, SystemExit])
def test_what_was_interrupted_is_made_anew(clone, commands, monkeypatch, killed):
    def run(command, variables):
        raise killed

    (clone / "constraints.txt").write_text("six==1.17.0\n")
    monkeypatch.setattr(install, "_run", run)
    with pytest.raises(killed):
        make_ready(ENVIRONMENT, ["tensorflow"])
    assert why_due(ENVIRONMENT, ["tensorflow"]) == "it is half made, or not made by make"


def test_ctrl_c_is_one_line(clone, monkeypatch, capsys):
    monkeypatch.setattr(install, "make_ready", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert install.main([ENVIRONMENT, "tensorflow"]) == 3
    assert capsys.readouterr().err == "bench: interrupted; the same command sets .venv up\n"


def test_where_nothing_can_be_written_it_is_said(clone, commands, monkeypatch, capsys):
    moved(clone, monkeypatch)
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    assert install.main([ENVIRONMENT, "tensorflow"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("bench: .venv must be set up (it was made in ")
    assert "ask its owner to give this command" in line
    assert commands == []


def test_a_full_disk_is_one_line(clone, commands, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device", ".venv/.ready.new")

    (clone / "constraints.txt").write_text("six==1.17.0\n")
    monkeypatch.setattr(install, "write_stamp", full)
    assert install.main([ENVIRONMENT, "tensorflow"]) == 2
    assert "could not be set up: .venv/.ready.new: No space left on device" in capsys.readouterr().err


def test_a_folder_that_is_no_environment_is_not_cleared(clone, commands):
    shutil.rmtree(ENVIRONMENT)
    Path(ENVIRONMENT).mkdir()
    Path(ENVIRONMENT, "thesis.tex").write_text("dear to somebody")
    with pytest.raises(SetUpError, match="is no virtual environment: move it away"):
        make_ready(ENVIRONMENT, ["tensorflow"])
    assert Path(ENVIRONMENT, "thesis.tex").exists()


@pytest.mark.parametrize(
    ("extras", "system", "said"),
    [
        (["tensorflow", "all"], "linux", ""),
        (["jax", "all", "dev"], "linux", ""),
        (["torch", "all"], "darwin", ""),
        (["jax-gpu", "all"], "linux", "; 2.2 GB are downloaded, for CUDA is in it"),
        (["jax-gpu", "torch-gpu"], "linux", "; 4.9 GB are downloaded, for CUDA is in it"),
    ],
)
def test_what_is_large_is_said_before(extras, system, said):
    assert install.size(extras, system) == said


def test_pytorch_without_a_gpu_is_large_too_and_said_before_anything_is_installed(clone, commands, capfd, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    shutil.rmtree(ENVIRONMENT)
    commands.pip_code = 1
    assert install.main([ENVIRONMENT, "torch", "all"]) == 2
    first, *_ = capfd.readouterr().err.splitlines()
    assert first == (
        "bench: setting up .venv (a few minutes; 2.7 GB are downloaded, for CUDA is in it; PyTorch's own index of "
        "builds for the CPU, named in PIP_EXTRA_INDEX_URL, makes it less)"
    )


@pytest.mark.parametrize("name", ["a:b", "a\nb"])
def test_a_folder_whose_name_no_environment_can_bear_is_refused(clone, monkeypatch, capsys, name):
    monkeypatch.chdir(clone.rename(clone.parent / name))
    assert install.main([ENVIRONMENT, "tensorflow"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("bench: an environment cannot be made in a folder with a colon or a line break: rename '/")


def test_two_makes_set_up_once(clone, commands, monkeypatch):
    """The second waits for the first, whatever that has left so far, and finds nothing to do."""
    stamp = read_stamp(ENVIRONMENT)
    shutil.rmtree(ENVIRONMENT)
    Path(ENVIRONMENT, "lib").mkdir(parents=True)
    said = threading.Event()
    monkeypatch.setattr(install, "_say", lambda text: said.set())
    other = os.open(clone, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    waiting = threading.Thread(target=make_ready, args=(ENVIRONMENT, ["tensorflow"]))
    waiting.start()
    assert said.wait(60)
    fake_environment()
    write_stamp(ENVIRONMENT, stamp)
    os.close(other)
    waiting.join()
    assert commands == []


def test_without_locks_it_is_set_up_all_the_same(clone, commands, monkeypatch):
    def no_locks(*_):
        raise OSError(37, "No locks available")

    (clone / ENVIRONMENT / install.STAMP).unlink()
    monkeypatch.setattr(fcntl, "flock", no_locks)
    make_ready(ENVIRONMENT, ["tensorflow"])
    assert kinds(commands) == ["venv", "pip"]


def test_pip_keeps_the_index_of_a_user_and_nothing_else():
    files = """a line of another kind
global.index-url='http://mirror.test/simple'
global.extra-index-url='http://a.test\\nhttp://b.test'
global.timeout='5'
global.user='true'
global.require-hashes='1'
install.timeout='60'
install.target='/tmp/x'
download.cache-dir='/nowhere'
"""
    environ = {"PIP_TIMEOUT": "", "PIP_CERT": "/a.pem", "PIP_INDEX_URL": "http://nearer.test", "PIP_USER": "1"}
    assert pip_settings(environ, files) == {
        "PIP_INDEX_URL": "http://nearer.test",
        "PIP_EXTRA_INDEX_URL": "http://a.test\nhttp://b.test",
        "PIP_TIMEOUT": "60",
        "PIP_CERT": "/a.pem",
        "PIP_CONFIG_FILE": os.devnull,
    }


def test_set_up_has_no_variable_that_changes_python_or_pip(clone, commands, monkeypatch):
    for name in ("PYTHONWARNINGS", "PYTHONPATH", "PIP_USER", "PIP_PYTHON", "PIP_NO_DEPS", "__PYVENV_LAUNCHER__"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    shutil.rmtree(ENVIRONMENT)
    make_ready(ENVIRONMENT, ["tensorflow"])
    for command, variables in commands:
        assert "-I" in command
        assert not [name for name in variables if name.startswith(("PYTHON", "__PYVENV"))]
        assert variables["PATH"] == os.environ["PATH"]
    assert {name for name in commands[1][1] if name.startswith("PIP_")} >= {"PIP_CONFIG_FILE", "PIP_NO_INDEX"}
    assert "PIP_USER" not in commands[1][1]
    assert clean({"PIP_USER": "1", "HOME": "/h"}) == {"HOME": "/h"}


def test_a_script_of_a_copied_environment_is_found_out(clone):
    script, python = clone / ENVIRONMENT / "bin" / "bench", clone / ENVIRONMENT / "bin" / "python"
    assert script_fault(str(script), str(python)) == ""
    (clone / "bench-link").symlink_to(script)
    script.touch()
    assert script_fault(str(clone / "bench-link"), str(python)) == ""
    assert script_fault("/usr/bin/bench", "/usr/bin/python3") == script_fault("-c", "/usr/bin/python3") == ""
    assert script_fault(str(script), "/usr/bin/python3") == (
        f"{clone / ENVIRONMENT} was copied from /usr and would run the code there; set it up here: make env"
    )


SWITCHES = """
PIP_USER PIP_REQUIRE_VIRTUALENV PIP_NO_DEPS PIP_DRY_RUN PIP_REQUIRE_HASHES PIP_PRE PIP_NO_BUILD_ISOLATION PIP_QUIET
PYTHONNOUSERSITE PYTHONDONTWRITEBYTECODE PYTHONSAFEPATH PYTHONOPTIMIZE"""
FOLDERS = """
PIP_TARGET PIP_PREFIX PIP_ROOT PIP_PYTHON PIP_CONSTRAINT PIP_LOG PIP_REPORT PYTHONPATH PYTHONHOME PYTHONUSERBASE
PYTHONSTARTUP VIRTUAL_ENV CONDA_PREFIX"""


@pytest.mark.slow
@pytest.mark.variant
def test_a_real_environment_whatever_a_user_has_set_and_after_a_copy_and_a_move(tmp_path):
    """The `venv` module and pip are real; the package is small and needs no network."""
    index = make_index(tmp_path / "index")
    (tmp_path / "pip.conf").write_text(
        f"[global]\nfind-links = {index}\nno-index = true\nuser = true\nquiet = 2\n"
        f"[install]\ntarget = {tmp_path}\nrequire-hashes = true\n"
    )
    hostile = {
        **dict.fromkeys(SWITCHES.split(), "1"),
        **dict.fromkeys(FOLDERS.split(), str(tmp_path / "no" / "such")),
        **{"PIP_NO_BINARY": ":all:", "PYTHONWARNINGS": "error", "PIP_CONFIG_FILE": str(tmp_path / "pip.conf")},
    }
    clone = make_clone(tmp_path / "a clone, $HOME #1 é 'quoted' [x]")
    python = f"PYTHON={sys.executable}"

    done = make(clone, "plan", python, **hostile)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "bench: setting up .venv (a few minutes)\n"
    assert json.loads(done.stdout)[1:] == [str(clone / "bench/__main__.py"), "plan", "chapter15"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [clone.name, "index", "pip.conf"]
    assert make(clone, "plan").stderr == ""

    index = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index)}
    copy = tmp_path / "copy"
    shutil.copytree(clone, copy, symlinks=True)
    done = make(copy, "plan", **index)
    assert done.stderr == f"bench: setting up .venv anew: it was made in {clone} (a few minutes)\n"
    assert json.loads(done.stdout)[1] == str(copy / "bench/__main__.py")
    there = subprocess.run([copy / ".venv/bin/bench"], cwd="/", capture_output=True, text=True, check=True).stdout
    assert json.loads(there)[:2] == ["", str(copy / "bench/__main__.py")]

    shutil.copytree(copy, tmp_path / "second", symlinks=True)
    copied = subprocess.run([tmp_path / "second/.venv/bin/bench"], capture_output=True, text=True, check=True).stdout
    assert json.loads(copied)[0].startswith(f"{tmp_path}/second/.venv was copied from {copy}/.venv and would run")

    moved = copy.rename(tmp_path / "moved")
    done = make(moved, "env", **index)
    assert done.stderr == f"bench: setting up .venv anew: it was made in {copy} (a few minutes)\n"
    assert make(moved, "test", "-n").returncode == 0
    assert make(moved, "plan").stderr == ""
