"""The MLflow UI over what was mirrored, bound to this machine."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from bench.errors import BenchError
from bench.tracking.uris import safe_uri, tracking_uri

HOST = "127.0.0.1"


def serve_ui(results: Path, port: int) -> int:
    """Serve until interrupted; return the exit code.

    Raises:
        BenchError: Nothing is mirrored in ``results``, a server has what was mirrored, or the port is taken.
    """
    uri = tracking_uri(results)
    if uri.startswith(("http://", "https://")):
        raise BenchError(f"MLFLOW_TRACKING_URI names a server, which has a UI of its own: open {safe_uri(uri)}")
    if "MLFLOW_TRACKING_URI" not in os.environ and not (results / "mlflow.db").exists():
        raise BenchError(f"nothing to show: {results / 'mlflow.db'} does not exist yet; run a suite first: make bench")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise BenchError(
                f"port {port} cannot be used ({error.strerror}); name another: make ui PORT=5001"
            ) from None
    environment = os.environ | {
        "PYTHONWARNINGS": "ignore",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_BACKEND_STORE_URI": uri,  # not an argument: everybody can read a command line
        "MLFLOW_DEFAULT_ARTIFACT_ROOT": (results.resolve() / "artifacts").as_uri(),
    }
    command = [sys.executable, "-m", "mlflow", "ui", "--host", HOST, "--port", str(port), "--workers", "1"]
    print(f"MLflow UI: http://{HOST}:{port}/#/experiments?workflowType=machine_learning (Ctrl-C ends it)", flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # In a session of its own: MLflow starts further processes, and all of them have to end with this one.
    server = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
