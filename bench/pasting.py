"""Commands for pasting into a shell: whole, quoted, and by make where make does the same."""

import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bench.install import STAMP
from bench.preflight import gpus, make_command

Option = tuple[str, str]
"""An option as `bench` takes it and its value; a flag's is empty."""
CLONE = Path(__file__).resolve().parents[1]
TARGETS = {"run": "bench"}
"""Targets of the Makefile that are not called as the verb that they call."""
MAKE_NAMES = {
    "--cases": "CASES",
    "--seeds": "SEEDS",
    "--device": "DEVICE",
    "--backend": "BACKEND",
    "--epochs": "EPOCHS",
    "--workers": "WORKERS",
    "--port": "PORT",
}
MAKE_FLAGS = {"--no-throughput": "THROUGHPUT=no"}
MAKE_SAFE = re.compile(r"\w+=[\w.,:/@+*?=\[\]][\w.,:/@+*?=\[\]-]*", re.ASCII)
"""A variable whose value make and its shell hand on letter by letter, and that a program takes for no option."""
USUAL_SUITE = "chapter15"
MADE = ("tensorflow", "jax", "torch")
"""Backends that make sets up."""
EXTRA = re.compile(r"pip install 'sequence-bench\[([\w-]+)\]'")
PLUGIN_VARIABLES = ("BENCH_PLUGINS", "PYTHONPATH")
"""Without them a command knows none of the cases that come from outside."""


def command(verb: str, suite: str, options: Sequence[Option], *, in_file: bool = False) -> str:
    """Return the command line that calls a verb, to be pasted in the folder that this process runs in.

    It is one of make where the command runs in a clone's own environment and make passes all of it on.

    Args:
        verb: Such as ``run``.
        suite: Its name or the path of its file; empty for a verb that takes none.
        options: Those that differ from their defaults.
        in_file: It stands in a file, which others read too, and not on this screen.
    """
    made = _by_make(verb, suite, options)
    if made is not None:
        return made
    last = ["--", suite] if suite.startswith("-") else []
    program = ["bench"] if in_file else _program()
    words = [*program, verb, *([suite] if suite and not last else [])]
    for name, value in options:
        words += [f"{name}={value}"] if value.startswith("-") else [name, value] if value else [name]
    words += last
    return shell(words, _plugins(), encoding="utf-8" if in_file else None)


def shell(words: Iterable[str], variables: Mapping[str, str] | None = None, *, encoding: str | None = None) -> str:
    """Return words as one line that a POSIX shell takes apart into the same words, ``variables`` set before it.

    ``encoding`` is that of the text that the line stands in; None for standard output's.
    """
    set_before = [f"{name}={quote(value, encoding)}" for name, value in (variables or {}).items()]
    return " ".join([*set_before, *(quote(word, encoding) for word in words)])


def quote(word: str, encoding: str | None = None) -> str:
    """Return a word as a POSIX shell reads it, on one line and in characters that the encoding has.

    What cannot be shown (a line break, a control character, a byte that is no text) is written by printf.
    """
    encoding = encoding or sys.stdout.encoding or "ascii"
    if all(_is_shown(letter, encoding) for letter in word):
        return shlex.quote(word)
    body = word.rstrip("\n")  # which "$(...)" would lose
    escaped = "".join(_escaped(letter, encoding) for letter in body)
    return f"\"$(printf '{escaped}')\"" + (f"'{word[len(body) :]}'" if body != word else "")


def _is_shown(letter: str, encoding: str) -> bool:
    """Return whether a letter stands in the encoding as the byte or bytes that a program gets."""
    try:
        same = letter.isascii() or letter.encode(encoding) == os.fsencode(letter)
    except UnicodeEncodeError:
        return False
    return same and letter.isprintable()


def _escaped(letter: str, encoding: str) -> str:
    """Return a letter as printf's format has it, between single quotes that stand in double ones."""
    if letter == "%":
        return "%%"
    if letter not in "\\'!-" and _is_shown(letter, encoding):
        return letter
    try:
        octets = os.fsencode(letter)
    except UnicodeEncodeError:
        octets = letter.encode()
    return "".join(f"\\{octet:03o}" for octet in octets)


def _by_make(verb: str, suite: str, options: Sequence[Option]) -> str | None:
    """Return the command as one of make, or None where make would do something else."""
    parts = [] if suite in ("", USUAL_SUITE) else [f"SUITE={suite}"]
    for name, value in options:
        if name in MAKE_FLAGS:
            parts.append(MAKE_FLAGS[name])
        elif name in MAKE_NAMES:
            parts.append(f"{MAKE_NAMES[name]}={value}")
        else:
            return None
    ours = Path(sys.prefix).parent.resolve() == CLONE and Path.cwd() == CLONE and (CLONE / "Makefile").exists()
    given = dict(options)
    if not ours or Path(sys.prefix).name != environment_folder(given.get("--device", ""), given.get("--backend", "")):
        return None
    if _plugins() or not all(MAKE_SAFE.fullmatch(part) for part in parts):
        return None
    shown = (f"{name}={shlex.quote(value)}" for name, _, value in (part.partition("=") for part in parts))
    return " ".join(["make", TARGETS.get(verb, verb), *shown])


def installing(extra: str, beside: Iterable[str] = ()) -> str:
    """Return the command that brings an extra of this package.

    In make's environment a backend's is one of make, whose environment has the backends ``beside`` it, too; it sets up,
    and runs nothing.
    """
    if folder := _made_folder(extra, beside):
        return str(make_command("env", folder))  # type: ignore[no-untyped-call]
    package = ["-e", f"{CLONE}[{extra}]"] if (CLONE / "pyproject.toml").exists() else [f"sequence-bench[{extra}]"]
    return shell([sys.executable, "-m", "pip", "install", *package])


def pasted(command: str, beside: Iterable[str] = ()) -> str:
    """Return a command that installs something as it can be pasted here; that of an extra is `installing`'s."""
    extra = EXTRA.fullmatch(command)
    return installing(extra[1], beside) if extra else command


def brought_by(command: str, beside: Iterable[str] = ()) -> str:
    """Return the end of a sentence on what is not installed: what brings it, and where it is then, if not here."""
    extra = EXTRA.fullmatch(command)
    folder = _made_folder(extra[1], beside) if extra else ""
    there = f", and {shell([f'{folder}/bin/python', '-m', 'bench'])} is bench with it" if folder else ""
    return f"this brings it: {pasted(command, beside)}{there}"


def _made_folder(extra: str, beside: Iterable[str]) -> str:
    """Return the folder of make's environment that has the backend of an extra; empty where make sets up none here."""
    backend, gpu, _ = extra.partition("-gpu")
    if backend not in MADE or Path(sys.prefix).parent.resolve() != CLONE or not (Path(sys.prefix) / STAMP).exists():
        return ""
    return environment_folder("gpu" if gpu else "", ",".join([backend, *(n for n in beside if n in MADE)]))


def environment_folder(devices: str, backends: str) -> str:
    """Return the folder of make's environment for lists such as ``cpu,gpu`` and ``jax``; as the Makefile names it."""
    gpu = bool(gpus(devices))  # type: ignore[no-untyped-call]
    names = sorted({name.strip() for name in backends.split(",")} - {""}) or ["jax" if gpu else "tensorflow"]
    return "-".join([".venv", *["gpu"] * gpu, *(names if names != ["tensorflow"] else [])])


def _program() -> list[str]:
    """Return the words that call this program: its name where a shell finds it by that, else what was typed."""
    typed, found = Path(sys.argv[0]), shutil.which("bench") or ""
    if found and (found == sys.argv[0] or Path(found).parent == Path(sys.executable).parent):
        return ["bench"]
    if typed.parts[-2:] == ("bench", "__main__.py"):
        return [sys.orig_argv[0], "-m", "bench"]
    return [sys.argv[0] if typed.name == "bench" else "bench"]


def _plugins() -> dict[str, str]:
    if not os.environ.get("BENCH_PLUGINS"):
        return {}
    return {name: os.environ[name] for name in PLUGIN_VARIABLES if os.environ.get(name)}
