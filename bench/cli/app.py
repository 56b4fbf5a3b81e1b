"""The application, and the one place where bad input becomes a line and an exit code."""

import os
import sys
from typing import Annotated

import typer
from typer.exceptions import TyperException

from bench.errors import BenchError
from bench.extras import extra_of, without
from bench.interrupt import keep_exit_code
from bench.preflight import script_fault
from bench.registry import PLUGINS
from bench.streams import dropped, prepare_streams, say
from bench.text.screen import safe

OK, RUNS_FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 3
TYPER_INTERRUPTED = 130
"""What Typer makes of a KeyboardInterrupt."""

app = typer.Typer(
    help="""Compare sequence architectures on data, over seeds and devices, and see which differences are real.

    A suite (suites/NAME.toml) selects cases, each a data set, a model and the recipe that trains it. `bench run`
    runs what is not recorded yet and writes a report; `bench report` writes it again from the records.

    Exit codes: 0 all recorded, 1 some runs failed (or a report differs), 2 bad input, 3 interrupted.""",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line and exit with its code."""
    keep_exit_code()
    prepare_streams()
    fault = script_fault(sys.argv[0], sys.executable)  # type: ignore[no-untyped-call]
    sys.exit(_complain(fault) if fault else call(sys.argv[1:]))


def call(arguments: list[str]) -> int:
    """Run one command; turn every kind of bad input into one line on stderr and exit code 2.

    Output that its reader has left, as in ``bench plan | head -1``, ends a command without a word and with code 1, for
    what was not said may be that a run failed; output that cannot be written for another reason is bad input.
    """
    prepare_streams()
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        code = RUNS_FAILED
    except SystemExit as left:  # Typer and Rich leave so when a pipe breaks
        code = left.code if isinstance(left.code, int) else RUNS_FAILED
    except OSError as error:
        where = error.filename or "standard output or a file"
        code = _complain(f"{where}: {error.strerror or error}; what was recorded before is kept")
    with dropped(sys.stdout):  # or the interpreter tries it at its end, and says what it thinks of that
        sys.stdout.flush()
    return code


def _run(arguments: list[str]) -> int:
    try:
        code = app(arguments or ["--help"], prog_name="bench", standalone_mode=False)
    except BenchError as error:
        return _complain(str(error))
    except ModuleNotFoundError as error:
        extra = extra_of(error.name)
        if not extra:
            raise
        return _complain(without(str(error.name), extra, "this command"))
    except TyperException as error:
        return _complain(error.format_message().rstrip(".") + "; see bench --help")
    except (typer.Abort, KeyboardInterrupt):
        code = TYPER_INTERRUPTED
    if code == TYPER_INTERRUPTED:
        say("bench: interrupted; records written so far are kept")
        return INTERRUPTED
    return code if isinstance(code, int) else OK


def _complain(message: str) -> int:
    """Print a message on one line, with nothing in it that would act on a terminal; return the exit code."""
    say("bench: " + safe(" ".join(line.strip() for line in message.splitlines() if line.strip())))
    return BAD_INPUT


def _say_version(asked: bool) -> None:
    if asked:
        from bench.extras import version_of

        print(f"bench {version_of('sequence-bench') or 'of an unknown version'}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say it and exit.")]


Plugins = Annotated[
    list[str] | None,
    typer.Option("--plugin", metavar="MODULE", help="Imported besides, for what it registers; may be given again."),
]


@app.callback()
def _before_the_verb(version: Version = False, plugin: Plugins = None) -> None:
    if plugin:  # for this process and those that it starts, and in every command that is printed to go on with
        os.environ[PLUGINS] = ",".join(dict.fromkeys([*filter(None, os.environ.get(PLUGINS, "").split(",")), *plugin]))
