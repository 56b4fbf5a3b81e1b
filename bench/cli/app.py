"""The application, and the one place where bad input becomes a line and an exit code."""

import os
import sys

import typer
from rich.console import Console
from typer.exceptions import TyperException

from bench.errors import BenchError
from bench.interrupt import keep_exit_code

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
    sys.exit(call(sys.argv[1:]))


def call(arguments: list[str]) -> int:
    """Run one command; turn every kind of bad input into one line on stderr and exit code 2."""
    try:
        code = app(arguments or ["--help"], prog_name="bench", standalone_mode=False)
    except BenchError as error:
        return _complain(str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return RUNS_FAILED  # as Rich leaves, for what was not said may be that a run failed
    except OSError as error:
        return _complain(f"{error.filename or 'a file'}: {error.strerror or error}; what was recorded before is kept")
    except TyperException as error:
        return _complain(error.format_message().rstrip(".") + "; see bench --help")
    except (typer.Abort, KeyboardInterrupt):
        code = TYPER_INTERRUPTED
    if code == TYPER_INTERRUPTED:
        print("bench: interrupted; records written so far are kept", file=sys.stderr)
        return INTERRUPTED
    return code if isinstance(code, int) else OK


def _complain(message: str) -> int:
    print("bench: " + " ".join(message.split()), file=sys.stderr)
    return BAD_INPUT


def console() -> Console:
    """Return a console that takes names from files as they are, and is wide where nobody looks at it."""
    return Console(width=None if sys.stdout.isatty() else 120, markup=False, highlight=False)
