"""The MLflow UI over what was mirrored, bound to this machine."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.errors import BenchError
from bench.extras import TRACK, require
from bench.interrupt import HANG_UP, SIGNALS, ignores_hang_up
from bench.pasting import USUAL_SUITE, command
from bench.store import RESULTS
from bench.streams import Lasting
from bench.text.screen import safe
from bench.tracking.client import check, set_up
from bench.tracking.database import ARTIFACTS, Unusable, prepare, read_experiments
from bench.tracking.uris import explain, safe_uri, tracking_uri
from bench.tracking.views import address, view_keys

HOST = "127.0.0.1"


def serve_ui(results: Path, port: int) -> int:
    """Serve until interrupted; return the exit code.

    Raises:
        BenchError: MLflow is not installed, nothing is mirrored in ``results``, a server has what was mirrored, or the
            port is taken.
    """
    require(TRACK, "bench ui")
    moved = [] if results == RESULTS else [("--results", str(results))]
    uri = tracking_uri(results)
    if uri.lower().startswith(("http:", "https:", "databricks")):
        raise BenchError(f"MLFLOW_TRACKING_URI names a server, which has a UI of its own: open {safe_uri(uri)}")
    if not os.environ.get("MLFLOW_TRACKING_URI", "").strip() and not (results / "mlflow.db").exists():
        first = command("run", USUAL_SUITE, moved)
        raise BenchError(f"nothing to show: {results / 'mlflow.db'} does not exist yet; run a suite first: {first}")
    database = _usable(uri)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            other = command("ui", "", [("--port", str(port % 65535 + 1)), *moved])
            raise BenchError(f"port {port} cannot be used ({error.strerror}); name another: {other}") from None
    environment = os.environ | {
        "PYTHONWARNINGS": "ignore",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_BACKEND_STORE_URI": uri,  # not an argument: everybody can read a command line
        "MLFLOW_REGISTRY_STORE_URI": uri,
        "MLFLOW_DEFAULT_ARTIFACT_ROOT": (database or results.resolve() / "mlflow.db").with_name(ARTIFACTS).as_uri(),
    }
    set_up(environment)
    environment.pop("MLFLOW_STATIC_PREFIX", None)  # the address below has none
    words = [sys.executable, "-m", "mlflow", "ui", "--host", HOST, "--port", str(port), "--workers", "1"]
    shown = _views(database, f"http://{HOST}:{port}") if database else []
    out = Lasting(sys.stdout)
    out.write(f"MLflow UI: http://{HOST}:{port}/#/experiments?workflowType=machine_learning (Ctrl-C ends it)\n")
    out.write("".join(f"{line}\n" for line in shown))
    out.flush()
    numbers = [number for number in SIGNALS if not (number == HANG_UP and ignores_hang_up())]
    heard: list[int] = []
    for number in numbers:  # taken down until the server is known, so that it is ended with this process
        signal.signal(number, lambda number, _: heard.append(number))
    with tempfile.TemporaryDirectory(prefix="bench-ui-", ignore_cleanup_errors=True) as private:
        environment["TMPDIR"] = private  # MLflow keeps a lock there that no other user could open
        # In a session of its own: MLflow starts further processes, and all of them have to end with this one.
        server = subprocess.Popen(words, env=environment, start_new_session=True)
        try:
            for number in numbers:
                signal.signal(number, signal.default_int_handler)
            return 0 if heard else server.wait()
        except KeyboardInterrupt:
            return 0
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
            server.wait(30)


def _views(database: Path, server: str) -> list[str]:
    """Return a line on each view of the experiment that was changed last, of those that have any."""
    for found in read_experiments(database):
        if keys := view_keys(found.tags):
            addresses = {name: address(server, found.experiment_id, key) for key, name in keys.items()}
            return [safe(f"open: {where} ({found.name}, {name})") for name, where in addresses.items()]
    return []


def _usable(uri: str) -> Path | None:
    """Return the SQLite file that an address names, ready for MLflow; None where it names another kind of store.

    Raises:
        BenchError: It cannot be used.
    """
    set_up(os.environ)
    try:
        file = prepare(uri)
        if file is None:
            check(uri)
        return file
    except Unusable as error:
        raise BenchError(f"MLflow at {safe_uri(uri)}: {error}") from None
    except Exception as error:
        raise BenchError(f"MLflow at {safe_uri(uri)} cannot be used now ({explain(error, uri)}); try again") from None
