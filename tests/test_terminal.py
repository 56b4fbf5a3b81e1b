"""What a terminal, a log or a pipe gets, and that none of them is in a command's way."""

import errno
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from bench.cli import call
from bench.cli.screen import WIDE, console, show_table
from bench.estimates import Pace
from bench.jobs import EpochEnded, RunEnded, RunStarted
from bench.progress import SweepProgress
from bench.store import Store
from bench.streams import Lasting, is_screen, prepare_streams
from tests.fakes import fake_record

ROOT = Path(__file__).parent.parent
OWN = ("FORCE_COLOR", "NO_COLOR", "COLUMNS", "LINES", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "PYTHONIOENCODING", "TERM",
       "PYTHONUTF8", "PYTHONUNBUFFERED", "LC_ALL", "LANG", "MLFLOW_TRACKING_URI")  # fmt: skip
FORCED = {
    "FORCE_COLOR": "1", "CLICOLOR_FORCE": "1", "PY_COLORS": "1", "TTY_COMPATIBLE": "1", "TTY_INTERACTIVE": "1",
    "GITHUB_ACTIONS": "true", "TERM": "xterm-256color", "COLORTERM": "truecolor", "COLUMNS": "20", "LINES": "5",
    "TERMINAL_WIDTH": "odd",
}  # fmt: skip
SUITE = """
name = "odd"
seeds = [1]
baseline = "test_constant"
cases = [
    { name = "t/naïve ≥ ×", label = "日本 [red]:car: — “a”", dataset = "test_ramps", model = "test_constant" },
    { name = "t/says", dataset = "test_ramps", model = { name = "test_constant", value = 1.0, fault = "FAULT" } },
]
"""
RUN = ("run", "odd.toml", "--no-track", "--no-throughput", "--workers", "1")


def folder(tmp_path, fault="say"):
    (tmp_path / "odd.toml").write_text(SUITE.replace("FAULT", fault), encoding="utf-8")
    return tmp_path


def environment(**variables):
    kept = {name: value for name, value in os.environ.items() if name not in OWN}
    return {**kept, "BENCH_PLUGINS": "tests.plugins", "PYTHONPATH": str(ROOT), "TERM": "xterm", **variables}


def bench(where, *arguments, **variables):
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=where, env=environment(**variables), capture_output=True)


def records(where):
    return Store(where / "results").read()


ASCII = {"PYTHONIOENCODING": "ascii"}
NO_UTF8 = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
EVERY_VERB = """
import sys
from bench.cli import call
for line in '''run odd.toml --no-track --no-throughput --workers 1
plan odd.toml
plan odd.toml --cases says --seeds 7
list cases
list models
results odd.toml
report odd.toml
report odd.toml --check
report odd.toml --under train_s=1
compare results results
plan n\\xf6\\xd7
report \\udcff
--help
run --help'''.splitlines():
    print(f"{line!a} -> {call(line.split())}", flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("variables", [pytest.param(ASCII, marks=pytest.mark.variant), NO_UTF8])
def test_no_character_ends_a_command(variables, tmp_path):
    where = folder(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", EVERY_VERB], cwd=where, env=environment(**variables), capture_output=True
    )
    out, err = done.stdout.decode("latin-1"), done.stderr.decode("latin-1")
    codes = [int(code) for code in re.findall(r" -> (\d+)$", out, re.M)]
    assert codes == [0] * 10 + [2, 2, 0, 0], out + err
    assert "Traceback" not in out + err
    assert "UnicodeEncodeError" not in out + err
    assert r"t/na\xefve \u2265 \xd7: valid MSE" in out
    assert [record.status for record in records(where)] == ["done", "done"]
    assert "×\n" in (where / "results" / "logs" / "worker-0.log").read_text(encoding="utf-8")
    readme = (where / "reports" / "odd" / "README.md").read_text(encoding="utf-8")
    assert "日本" in readme
    assert "×" in readme


def test_a_table_stays_straight_where_characters_are_replaced(monkeypatch):
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    prepare_streams()
    table = Table("case", "b")
    for name in ("≥", "plain", os.fsdecode(b"\xff")):
        table.add_row(name, "1")
    show_table(console(), table)
    out.flush()
    lines = out.buffer.getvalue().decode("ascii").splitlines()
    assert len({len(line) for line in lines}) == 1
    assert any(r"\u2265" in line for line in lines)


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """A sweep's folder and what a log got of it, though colours are forced; encodings that nobody named are told."""
    warned = {"PYTHONWARNDEFAULTENCODING": "1", "PYTHONWARNINGS": "always::EncodingWarning"}
    where = folder(tmp_path_factory.mktemp("logged"))
    done = bench(where, *RUN, **warned, **FORCED)
    assert done.returncode == 0, done.stdout + done.stderr
    return where, done


def test_files_are_utf_8_by_name(logged):
    where, done = logged
    logs = "".join(path.read_text(encoding="utf-8") for path in (where / "results" / "logs").iterdir())
    said = [line for line in (done.stderr.decode() + logs).splitlines() if "EncodingWarning" in line]
    assert [line for line in said if f"{ROOT}{os.sep}bench{os.sep}" in line] == []
    assert [record.status for record in records(where)] == ["done", "done"]


def test_a_log_has_plain_lines_whatever_is_forced(logged):
    out = logged[1].stdout.decode()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", out)
    assert [line.split()[0] for line in out.splitlines() if line.startswith("[")] == ["[1/2]", "[2/2]"]
    assert "report: reports/odd/README.md\n" in out


def test_a_table_in_a_log_is_neither_cut_nor_wrapped(tmp_path):
    done = bench(folder(tmp_path), "list", "datasets", **FORCED)
    (line,) = [line for line in done.stdout.decode().splitlines() if " waves_iterated_one_grid " in line]
    assert "n_series=10000" in line
    assert "forecast its steps 50-59." in line
    assert b"\x1b" not in done.stdout


def on_a_terminal(where, *arguments, **variables):
    """Return the exit code of a command and what a terminal got from it."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "bench", *arguments]
    with subprocess.Popen(command, cwd=where, env=environment(**variables), stdin=-3, stdout=theirs, stderr=-2) as run:
        os.close(theirs)
        got = read_all(ours)
    return run.returncode, got


def read_all(ours):
    got = b""
    with suppress(OSError):  # EIO: nobody has the terminal any more
        while part := os.read(ours, 2**16):
            got += part
    os.close(ours)
    return got.decode()


@pytest.mark.parametrize(("variables", "bars"), [({"NO_COLOR": "1"}, True), ({"TERM": "dumb"}, False)])
def test_a_terminal_has_bars_where_it_can_redraw_a_line(variables, bars, tmp_path):
    code, got = on_a_terminal(folder(tmp_path), *RUN, "--no-report", **variables)
    assert code == 0, got
    assert ("\x1b[" in got) == bars
    assert ("[1/2]" in got) == ("[2/2]" in got) == (not bars)
    assert "2 of 2 runs recorded in results\r\n" in got
    assert "\x1b[3" not in got, "a colour"


@pytest.mark.parametrize(
    ("variables", "size", "bars"),
    [
        ({}, (24, 80), True),
        ({"TERM": "dumb"}, (24, 80), False),
        ({"TERM": "unknown"}, (24, 80), False),
        ({"TERM": ""}, (24, 80), False),
        ({"TTY_INTERACTIVE": "0"}, (24, 80), False),
        ({"TTY_COMPATIBLE": "0", "FORCE_COLOR": "1"}, (24, 80), False),
        ({}, (0, 0), True),
        ({}, (2, 1), True),
        ({"COLUMNS": "0", "LINES": "0"}, (24, 80), True),
        ({"COLUMNS": "²", "LINES": "-3"}, (24, 80), True),
        ({"COLUMNS": "99999", "LINES": "1"}, (24, 80), True),
        ({"COLUMNS": "9" * 5000, "LINES": "9" * 5000}, (24, 80), True),
    ],
)
def test_no_size_of_a_terminal_is_in_the_way(variables, size, bars, monkeypatch):
    for name in OWN:
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm", **variables}.items():
        monkeypatch.setenv(name, value)
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    record = fake_record(seed=1, mse=0.01)
    reader = ThreadPoolExecutor(1).submit(read_all, ours)
    with os.fdopen(theirs, "w", encoding="ascii", errors="backslashreplace") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        screen = console(lasting=True)
        with SweepProgress([record.spec], Pace(), 1, screen) as progress:
            progress(RunStarted(record.spec))
            progress(EpochEnded(record.run_id, 1, 20))
            progress(RunEnded(record))
        screen.print("report: a/path that is/rather long")
    got = reader.result()
    assert ("\x1b[" in got) == bars
    assert ("[1/1]" in got) == (not bars)
    assert "report: a/path that is/rather long\r\n" in got


@pytest.mark.parametrize("width", [1, 20, 60, 80, 200])
def test_no_screen_is_too_narrow_for_a_table(width):
    names = "chapter15/least_squares_every_step", "a name of more words"
    screen = Console(file=io.StringIO(), width=width, soft_wrap=True)
    table = Table("case", "a number", "what it is about")
    table.add_row(names[0], "12.5", "some words and one_that_is_rather_long")
    table.add_row(names[1], "1", "fewer")
    show_table(screen, table, "/a/path/that is/longer/than/the/screen")
    printed = screen.file.getvalue()
    assert "…" not in printed
    assert all(f" {text} " in printed for text in names)
    assert printed.startswith("/a/path/that is/longer/than/the/screen\n")
    cells = [line.split("│")[3].strip() for line in printed.splitlines() if line.startswith("│")]
    assert "".join(cells).replace(" ", "") == "somewordsandone_that_is_rather_longfewer"
    if width >= 80:
        assert max(map(len, printed.splitlines()[1:])) <= width


def test_what_doctor_advises_can_be_copied_whole(tmp_path, monkeypatch):
    from bench import doctor
    from bench.doctor.machine import Check

    out = io.StringIO()
    advice = "name another with --results, or run what is needed: bench run smoke --results 'my  other results'"
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(doctor, "check_machine", lambda _: [Check("disk", "fail", "in a  folder", advice)])
    monkeypatch.setattr(out, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "20")
    assert call(["doctor"]) == 1
    assert advice in out.getvalue()
    assert "in a  folder" in out.getvalue()


def test_a_console_goes_by_its_stream_alone(monkeypatch):
    for name, value in FORCED.items():
        monkeypatch.setenv(name, value)
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    screen = console()
    assert (screen.is_terminal, screen.is_interactive, screen.color_system, screen.width) == (False, False, None, WIDE)
    screen.print("[red]it stays[/red] :car: " + "long " * 100)
    assert stream.getvalue() == "[red]it stays[/red] :car: " + "long " * 100 + "\n"
    monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    assert is_screen(stream)
    assert console().width == 20


QUIET_START = "import sys; sys.argv = ['bench', *sys.argv[1:]]; from bench.cli import main; main()"


def through_shell(where, redirected, *arguments):
    """Return exit code, output and errors of a command whose streams a shell has redirected."""
    code = f'"$0" -c "$1" "${{@:2}}" {redirected}'
    command = ["bash", "-c", code, sys.executable, QUIET_START, *arguments]
    done = subprocess.run(command, cwd=where, env=environment(), capture_output=True)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize(
    ("redirected", "more"),
    [pytest.param("<&- >&- 2>&-", (), marks=pytest.mark.variant), (">/dev/full", ("--no-report",))],
)
def test_a_sweep_needs_no_stream(redirected, more, tmp_path):
    code, out, err = through_shell(folder(tmp_path), redirected, *RUN, *more)
    assert code == 0, out + err
    assert [record.status for record in records(tmp_path)] == ["done", "done"]
    assert (tmp_path / "reports" / "odd" / "README.md").exists() == (not more)
    full = "bench: standard output cannot be written (No space left on device); the work goes on without it\n"
    assert err == (full if redirected == ">/dev/full" else "")


def test_a_sweep_goes_on_when_its_reader_has_left(tmp_path):
    code, out, err = through_shell(folder(tmp_path), '| head -1; exit "${PIPESTATUS[0]}"', *RUN, "--no-report")
    assert (code, err) == (0, "")
    assert out.startswith("suite odd: 2 runs to do")
    assert [record.status for record in records(tmp_path)] == ["done", "done"]


@pytest.mark.parametrize(
    "verb",
    [
        pytest.param(["list"], marks=pytest.mark.variant),
        ["list", "cases", "--json"],
        pytest.param(["--help"], marks=pytest.mark.variant),
        ["--version"],
        pytest.param(["plan", "odd.toml"], marks=pytest.mark.variant),
    ],
)
def test_output_on_a_full_disk_is_a_line_and_code_2(verb, tmp_path):
    code, _, err = through_shell(folder(tmp_path), ">/dev/full", *verb)
    assert code == 2
    assert err.startswith("bench: standard output or a file: No space left on device")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "verb",
    [
        pytest.param(["list", "suites"], marks=pytest.mark.variant),
        ["list", "cases", "--json"],
        ["--help"],
        pytest.param(["plan", "odd.toml"], marks=pytest.mark.variant),
    ],
)
def test_a_reader_that_leaves_ends_a_look_without_a_word(verb, tmp_path):
    code, _, err = through_shell(folder(tmp_path), '| true; exit "${PIPESTATUS[0]}"', *verb)
    assert (code in (0, 1), err) == (True, "")  # 0 where all was written before the reader left


def test_errors_that_cannot_be_written_keep_their_code(tmp_path):
    assert through_shell(tmp_path, "2>/dev/full", "plan", "nothing") == (2, "", "")
    assert through_shell(tmp_path, "2>&-", "plan", "nothing") == (2, "", "")


def test_a_stream_that_another_process_made_non_blocking_gets_everything(tmp_path):
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    code = "from bench.cli import call; import sys; sys.exit(max(call(['list', 'cases', '--json']) for _ in range(40)))"
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment(), stdout=theirs, stderr=-1) as done:
        os.close(theirs)
        time.sleep(0.2)
        with os.fdopen(ours, "rb") as pipe:
            got = pipe.read()
        err = done.stderr.read()
    assert (done.returncode, err) == (0, b"")
    assert got.count(b'"chapter15/linear"') == 40


def test_a_line_of_an_error_keeps_a_path_and_sends_a_terminal_nothing(tmp_path, capsys):
    assert call(["plan", f"{tmp_path}/two  words\x1b[31m\n.toml"]) == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert "two  words" in printed
    assert "\x1b" not in printed


class Broken(io.StringIO):
    """A stream that cannot be written."""

    def __init__(self, number):
        super().__init__()
        self.number = number

    def write(self, text):
        raise OSError(self.number, os.strerror(self.number))


@pytest.mark.parametrize(("number", "words"), [(errno.EPIPE, 0), (errno.EIO, 1), (errno.ENOSPC, 1)])
def test_a_lasting_stream_raises_nothing(number, words, capsys):
    error = BrokenPipeError if number == errno.EPIPE else OSError
    stream = Broken(number)
    assert Lasting(stream).write("text") == 4
    assert issubclass(error, OSError)
    assert capsys.readouterr().err.count("the work goes on without it") == words


def test_the_version_is_said(capsys):
    assert call(["--version"]) == 0
    assert re.fullmatch(r"bench \d+\.\d+\.\d+\n", capsys.readouterr().out)
