"""Makes an environment such as ``.venv`` or ``.venv-gpu-jax`` ready: sets it up where that is due, and says why.

Run by make in the clone, with the Python that the environment has or shall have. Standard library only, and what is
slow to import only where something is to be done: every make command asks whether the environment is ready.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

STAMP = ".ready"
"""Written last and whole: an environment without it is half made, or somebody else's."""
PINS = "pyproject.toml", "constraints.txt"
KEPT_OF_PIP = {
    *("index-url", "pypi-url", "extra-index-url", "no-index", "find-links", "keyring-provider"),
    *("trusted-host", "cert", "client-cert", "proxy", "timeout", "default-timeout", "retries", "resume-retries"),
    *("cache-dir", "no-cache-dir"),
}
"""Settings of a user's pip that say where packages are and how to get there. All others are left out, so that none that
pip learns tomorrow changes what is installed."""
OPTIONAL = {"dev", "ray"}
"""Extras that an environment keeps when it is brought up to date without them."""
DOWNLOADED_GB = {"tensorflow-gpu": 3.4, "jax-gpu": 2.2, "torch-gpu": 2.7}
"""What the extras with CUDA's libraries fetch, which is worth a word before; PyTorch has no other wheels for Linux."""
BAD_INPUT, INTERRUPTED = 2, 3


class SetUpError(Exception):
    """What a user has to know and to do, in one line."""


class Stamp(NamedTuple):
    """What an environment was made of.

    Attributes:
        folder: The clone that it was made in.
        python: What `this_python` said.
        extras: Of the package, such as ``jax`` and ``dev``.
        pins: The text of `PINS`.
    """

    folder: str
    python: str
    extras: tuple[str, ...]
    pins: str


def this_python() -> str:
    """Return what of an interpreter decides which packages work with it."""
    build = sys.implementation
    return f"{build.cache_tag} {getattr(build, '_multiarch', sys.platform)} {os.uname().machine}"


def pins() -> str:
    """Return what the clone asks for."""
    return "\n".join(map(_read, PINS))


def read_stamp(environment: str) -> Stamp | None:
    """Return an environment's stamp, or None where it has none, or one of another form."""
    parts = _read(f"{environment}/{STAMP}").split("\n", 3)
    return Stamp(parts[0], parts[1], tuple(parts[2].split()), parts[3]) if len(parts) == 4 else None


def write_stamp(environment: str, stamp: Stamp) -> None:
    """Write an environment's stamp, whole or not at all."""
    new = f"{environment}/{STAMP}.new"
    with open(new, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write("\n".join([stamp.folder, stamp.python, " ".join(stamp.extras), stamp.pins]))
    os.replace(new, f"{environment}/{STAMP}")


def why_anew(environment: str, stamp: Stamp | None) -> str:
    """Return why what is in an environment cannot be kept, or an empty text."""
    if stamp is None:
        return "it is half made, or not made by make"
    if not (os.path.exists(stamp.folder) and os.path.samefile(stamp.folder, ".")):
        return f"it was made in {stamp.folder}"
    if stamp.python != this_python() or not _runs(environment):
        return "it was made for another Python"
    return ""


def why_due(environment: str, extras: Sequence[str]) -> str:
    """Return why an environment must be set up before it is used, or an empty text where it is ready."""
    stamp = read_stamp(environment)
    anew = why_anew(environment, stamp)
    if anew or stamp is None:
        return anew
    if stamp.pins != pins():
        return f"{' or '.join(PINS)} has changed"
    lack = " and ".join(sorted({*extras} - {*stamp.extras}))
    return f"it lacks what the extra {lack} brings" if lack else ""


def make_ready(environment: str, extras: Sequence[str]) -> None:
    """Set an environment up where that is due.

    Raises:
        SetUpError: It cannot be.
    """
    if why_due(environment, extras):
        with _alone():
            why = why_due(environment, extras)  # another make may have done it
            if why:
                _hold_to_place(environment, why)
                set_up(environment, extras)


def set_up(environment: str, extras: Sequence[str]) -> None:
    """Make an environment anew, or bring it up to what is asked for.

    Raises:
        SetUpError: It could not be; an environment that pip left as it was keeps its stamp.
    """
    variables = clean(os.environ)
    stamp = read_stamp(environment)
    anew = why_anew(environment, stamp)
    if anew or stamp is None:
        _say(
            f"setting up {environment}{f' anew: {anew}' if os.path.exists(environment) else ''} "
            f"(a few minutes{size(extras, sys.platform)})"
        )
        base = getattr(sys, "_base_executable", "") or sys.executable
        if _run([base, "-I", "-m", "venv", "--clear", environment], variables):
            raise SetUpError(f"{environment} could not be made; what is wrong stands above")
        before = "half made"
    else:
        extras = [*extras, *sorted(OPTIONAL & {*stamp.extras} - {*extras})]
        _say(f"bringing {environment} up to date")
        os.unlink(f"{environment}/{STAMP}")
        before = "as it was"
    pip = [f"{environment}/bin/python", "-I", "-m", "pip"]
    install = [*pip, "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:", "-c", PINS[1]]
    if _run([*install, "-e", f".[{','.join(extras)}]"], variables | pip_settings(os.environ, _configured(pip))):
        if stamp and not anew:
            write_stamp(environment, stamp)
        raise SetUpError(f"pip failed, as it says above; {environment} is {before}, and the same command tries again")
    write_stamp(environment, Stamp(os.getcwd(), this_python(), tuple(extras), pins()))


def size(extras: Iterable[str], system: str) -> str:
    """Return how much is fetched, and how it would be less, where extras bring CUDA; else an empty text."""
    cuda = [f"{extra}-gpu" if extra == "torch" and system == "linux" else extra for extra in extras]
    gigabytes = sum(DOWNLOADED_GB.get(extra, 0.0) for extra in cuda)
    if not gigabytes:
        return ""
    smaller = "; PyTorch's own index of builds for the CPU, named in PIP_EXTRA_INDEX_URL, makes it less"
    return f"; {gigabytes:.1f} GB are downloaded, for CUDA is in it{smaller if 'torch' in extras else ''}"


def clean(environ: Mapping[str, str]) -> dict[str, str]:
    """Return environment variables without those that change what Python and pip do."""
    return {name: value for name, value in environ.items() if not name.startswith(("PYTHON", "__PYVENV", "PIP_"))}


def pip_settings(environ: Mapping[str, str], configured: str) -> dict[str, str]:
    """Return the variables that give pip the user's index, network and cache, and nothing else of the user's settings.

    Args:
        environ: Environment variables, which come before files.
        configured: What ``pip config list`` prints of files.
    """
    import ast

    found = {}
    lines = [line.partition("=") for line in configured.splitlines()]
    for section in ("global.", "install."):
        for key, _, value in lines:
            if key.startswith(section):
                found[key.removeprefix(section)] = str(ast.literal_eval(value))
    found |= {
        name.removeprefix("PIP_").lower().replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith("PIP_") and value
    }
    kept = {f"PIP_{key.upper().replace('-', '_')}": found[key] for key in KEPT_OF_PIP & {*found}}
    return kept | {"PIP_CONFIG_FILE": os.devnull}


def main(arguments: list[str]) -> int:
    """Make an environment ready with some extras, or say which Python this is; return the exit code."""
    if not arguments:
        print(this_python())
        return 0
    environment, *extras = arguments
    try:
        make_ready(environment, extras)
    except SetUpError as error:
        _say(str(error))
        return BAD_INPUT
    except OSError as error:
        _say(f"{environment} could not be set up: {error.filename}: {error.strerror}")
        return BAD_INPUT
    except KeyboardInterrupt:
        _say(f"interrupted; the same command sets {environment} up")
        return INTERRUPTED
    return 0


def _hold_to_place(environment: str, why: str) -> None:
    """Raise SetUpError where an environment cannot be made."""
    clone = os.getcwd()
    if ":" in clone or "\n" in clone:
        raise SetUpError(f"an environment cannot be made in a folder with a colon or a line break: rename {clone!r}")
    there = os.path.exists(environment)
    for folder in (clone, environment) if there else (clone,):
        if not os.access(folder, os.W_OK):
            raise SetUpError(
                f"{environment} must be set up ({why}), and you cannot write to {folder}: "
                "ask its owner to give this command, or work in a clone of your own"
            )
    if there and os.listdir(environment) and not os.path.exists(f"{environment}/pyvenv.cfg"):
        raise SetUpError(f"{clone}/{environment} is no virtual environment: move it away")


def _runs(environment: str) -> bool:
    """Say whether an environment's interpreter is this one, or one like it."""
    python = f"{environment}/bin/python"
    if not os.access(python, os.X_OK):
        return False
    if os.path.samefile(os.path.dirname(sys.executable), f"{environment}/bin"):
        return True
    import subprocess

    with suppress(OSError):
        asked = subprocess.run([python, "-ESs", __file__], capture_output=True, text=True, check=False)
        return asked.stdout.strip() == this_python()
    return False


@contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other make sets up in this clone; where there are no locks, do not."""
    import fcntl

    folder = os.open(".", os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("waiting for another make, which sets up here")
            fcntl.flock(folder, fcntl.LOCK_EX)
        except OSError:
            pass
        yield
    finally:
        os.close(folder)


def _configured(pip: Sequence[str]) -> str:
    """Return what pip's files say; without the last four, those files could change what is listed."""
    import subprocess

    variables = clean(os.environ) | {key: os.environ[key] for key in ("PIP_CONFIG_FILE",) if key in os.environ}
    variables |= dict.fromkeys(("PIP_USER", "PIP_GLOBAL", "PIP_SITE", "PIP_QUIET"), "0")
    return subprocess.run([*pip, "config", "list"], env=variables, stdout=-1, text=True, check=False).stdout


def _run(command: Sequence[str], variables: Mapping[str, str]) -> int:
    import subprocess

    return subprocess.run(command, env=variables, check=False).returncode


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return ""


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
