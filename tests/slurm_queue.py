"""A queue of Slurm on this machine, of one node: slurmctld and slurmd, started for a test and ended after it."""

import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path

UNPACKED = "SLURM_UNPACKED"
"""Environment variable: a folder that Debian's packages were unpacked to (dpkg -x), where they are not installed."""
PACKAGES = "slurmctld, slurmd and slurm-client"
CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/none
CredType=cred/none
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MpiDefault=none
PluginDir={plugins}
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES State=UP
"""


def found():
    """Return where each program of Slurm is, by its name; empty where one is missing."""
    places = _environment()["PATH"]
    names = {name: shutil.which(name, path=places) or shutil.which(f"{name}-wlm", path=places) for name in
             ("slurmctld", "slurmd", "slurmstepd", "sbatch", "squeue", "sinfo")}  # fmt: skip
    return names if all(names.values()) else {}


@contextmanager
def queue(folder: Path):
    """Run a queue; give the environment variables by which its commands find it."""
    programs, environ = found(), _environment()
    for part in ("state", "spool"):
        (folder / part).mkdir()
    library = Path(os.environ.get(UNPACKED) or "/") / "usr/lib/x86_64-linux-gnu/slurm-wlm"
    host = socket.gethostname()
    text = CONFIGURATION.format(
        host=host, user=os.environ.get("USER", "root"), ports=_free_ports(2), folder=folder, plugins=library,
        cores=min(2, os.cpu_count() or 1),
    )  # fmt: skip
    (folder / "slurm.conf").write_text(text)
    environ["SLURM_CONF"] = str(folder / "slurm.conf")
    started = []
    try:
        with (folder / "printed.txt").open("wb") as printed:
            for command in ([programs["slurmctld"], "-D"], [programs["slurmd"], "-D", "-d", programs["slurmstepd"]]):
                started.append(subprocess.Popen(command, env=environ, stdout=printed, stderr=printed, cwd=folder))
        wait(lambda: "idle" in _said([programs["sinfo"], "-h", "-o", "%T"], environ), 60, folder)
        yield environ
    finally:
        for process in reversed(started):
            process.terminate()
        for process in reversed(started):
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
            process.wait()


def until_empty(environ, folder, seconds=300):
    """Wait until all that was submitted has ended."""
    wait(lambda: not _said([found()["squeue"], "-h"], environ).strip(), seconds, folder)


def wait(condition, seconds, folder):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            logs = [path.read_text(errors="replace")[-2000:] for path in folder.glob("*.log")]
            raise TimeoutError("\n".join([(folder / "printed.txt").read_text()[-2000:], *logs]))
        time.sleep(0.3)


def _said(command, environ):
    return subprocess.run(command, env=environ, capture_output=True, text=True).stdout


def _environment():
    environ = dict(os.environ)
    unpacked = environ.get(UNPACKED)
    if unpacked:
        library = f"{unpacked}/usr/lib/x86_64-linux-gnu"
        environ["PATH"] = f"{unpacked}/usr/bin:{unpacked}/usr/sbin:{environ['PATH']}"
        environ["LD_LIBRARY_PATH"] = f"{library}:{library}/slurm-wlm"
    else:
        environ["PATH"] += ":/usr/sbin:/sbin"
    return environ


def _free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
