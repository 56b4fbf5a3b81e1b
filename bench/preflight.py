# Run by make before anything is installed, by any Python: are this Python and this machine able to run the project?
# Standard library only, and no syntax that an old interpreter cannot read.
# mypy: ignore-errors
"""One line and exit 2 where another Python may help, or exit 3 where a GPU is asked for and there is none."""

import os
import re
import sys

OLDEST, NEWEST = (3, 11), (3, 13)
MACHINES = {"linux": ("x86_64", "aarch64"), "darwin": ("arm64",)}
"""What every pinned package has wheels for; tests/test_wheels.py holds them to it."""
OLDEST_GLIBC = (2, 28)
OLDEST_MACOS = 12
TORCH_MACOS = 14
"""PyTorch asks for more."""
CUDA = {"jax": (("linux", "aarch64"),), "torch": (("linux", "aarch64"),)}
"""Where a backend has wheels with CUDA, beside Linux on x86_64."""
DARWIN_OF_MACOS = 9
"""Darwin 21 is macOS 12, and so on."""
NAME_ANOTHER = "install one, or name it: make PYTHON=/path/to/python3.12"


def python_fault(version):
    """Return what is wrong with an interpreter's version, or an empty text."""
    if OLDEST <= tuple(version[:2]) <= NEWEST:
        return ""
    return "Python %d.%d cannot run this: it needs 3.11, 3.12 or 3.13 (there are no wheels for others); %s" % (
        tuple(version[:2]) + (NAME_ANOTHER,)
    )


def build_fault(implementation, abiflags, maxsize):
    """Return what is wrong with the way an interpreter was built, or an empty text."""
    if implementation != "cpython":
        kind = "a Python that is not CPython (%s)" % implementation
    elif "t" in abiflags:
        kind = "a free-threaded Python"
    elif maxsize < 2**32:
        kind = "a 32-bit Python"
    else:
        return ""
    return "%s cannot run this: no backend has wheels for it; it needs a usual 64-bit CPython: %s" % (
        kind,
        NAME_ANOTHER,
    )


def machine_fault(system, machine, libc, release):
    """Return what is wrong with a machine, or an empty text.

    Args:
        system: As `sys.platform` says it.
        machine: Processor, as `os.uname` says it.
        libc: Such as ``"glibc 2.36"``; anything else on Linux is taken for musl.
        release: Of the kernel.
    """
    if system not in MACHINES:
        return "%s cannot run this: it needs Linux or macOS (on Windows: WSL)" % system
    if machine not in MACHINES[system]:
        if system == "darwin":
            return (
                "no backend has wheels for macOS on %s any more (TensorFlow since 2.17); nothing was installed; "
                "on Apple silicon name an arm64 Python: make PYTHON=/path/to/python3.12" % machine
            )
        return "there are no wheels for Linux on %s, only for %s; nothing was installed" % (
            machine,
            " and ".join(MACHINES[system]),
        )
    if system == "darwin":
        macos = int(release.split(".")[0]) - DARWIN_OF_MACOS
        return "" if macos >= OLDEST_MACOS else "this macOS is older than %d, the oldest with wheels" % OLDEST_MACOS
    name, _, version = libc.partition(" ")
    needed = "%d.%d" % OLDEST_GLIBC
    if name != "glibc":
        return "no backend has wheels for musl (Alpine); nothing was installed; use a Linux with glibc %s" % needed
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_GLIBC:
        return "this Linux has glibc %s, and there are wheels from %s on; nothing was installed" % (version, needed)
    return ""


def venv_fault(executable, stdlib, version):
    """Return what is wrong where an environment is to be made by an interpreter that lacks the means."""
    in_environment = os.path.exists(os.path.join(os.path.dirname(os.path.dirname(executable)), "pyvenv.cfg"))
    if in_environment or os.path.exists(os.path.join(stdlib, "ensurepip")):
        return ""
    return (
        "Python %d.%d at %s has no venv; install it (Debian and Ubuntu: apt install python%d.%d-venv), "
        "or name another Python: make PYTHON=/path/to/python3.12"
        % (tuple(version[:2]) + (executable,) + tuple(version[:2]))
    )


def device_fault(devices):
    """Return what is wrong with a list of devices whatever the machine has, or an empty text; no list is no fault."""
    for name in devices.split(",") if devices else ():
        kind, colon, number = name.strip().partition(":")
        if kind not in ("cpu", "gpu") + ("all",) * (not colon):
            return (
                "DEVICE=%s: expected cpu, gpu, gpu:1 or all, or several with commas between them; nothing was installed"
                % devices
            )
        if colon and not number.isdigit():
            return "DEVICE=%s: expected a number after the colon, as in %s:0; nothing was installed" % (devices, kind)
    return ""


def gpus(devices):
    """Return the GPUs of a list such as ``cpu,gpu:1``; ``all`` is every one."""
    return [d.strip() for d in devices.split(",") if d.strip() == "all" or d.strip().startswith("gpu")]


def backend_fault(backends, system, release):
    """Return what is wrong with a machine for one of some backends, or an empty text.

    Args:
        backends: Names with blanks between them.
        system: As `sys.platform` says it.
        release: Of the kernel.
    """
    if (
        system != "darwin"
        or int(release.split(".")[0]) - DARWIN_OF_MACOS >= TORCH_MACOS
        or "torch" not in backends.split()
    ):
        return ""
    return "BACKEND=torch: there are wheels from macOS %d on; nothing was installed; use another backend" % TORCH_MACOS


def cuda_fault(devices, backends, system, machine):
    """Return what is wrong with a list of devices where a backend's wheels have no CUDA, or an empty text."""
    wanted = gpus(devices)
    if not wanted or (system, machine) == ("linux", "x86_64"):
        return ""
    where = "macOS" if system == "darwin" else "Linux"
    for name in backends.split() or ["tensorflow"]:
        if (system, machine) not in CUDA.get(name, ()):
            return "DEVICE=%s: there are no wheels of %s with CUDA for %s on %s; nothing was installed; use %s" % (
                (wanted[0], name, where, machine)
                + ("DEVICE=cpu" if system == "darwin" else "BACKEND=jax, or DEVICE=cpu",)
            )
    return ""


def gpu_fault(devices, count):
    """Return what is wrong with a list such as ``cpu,gpu:1`` where ``count()`` GPUs are there."""
    wanted = gpus(devices)
    if not wanted:
        return ""
    found = count()
    for name in wanted:
        number = name.partition(":")[2]
        if found == 0:
            return (
                "DEVICE=%s: no NVIDIA GPU found (NVML does not answer, or CUDA_VISIBLE_DEVICES hides it); nothing was "
                "installed; install the driver, or use DEVICE=cpu" % name
            )
        if number and int(number) >= found:
            return "DEVICE=%s: %d GPU(s) may be used here, numbered from 0; nothing was installed" % (name, found)
    return ""


def script_fault(script, executable):
    """Return what is wrong where an environment's script is run by the Python of another, as in a copied clone."""
    folder = os.path.dirname(os.path.realpath(script))
    environment = os.path.dirname(folder)
    if not os.path.exists(os.path.join(environment, "pyvenv.cfg")):
        return ""
    if os.path.samefile(folder, os.path.dirname(executable)):
        return ""
    return "%s was copied from %s and would run the code there; set it up here: %s" % (
        environment,
        os.path.dirname(os.path.dirname(executable)),
        make_command("env", environment),
    )


def make_command(target, environment):
    """Return the command of make whose environment is a folder such as ``.venv-gpu-jax``."""
    names = os.path.basename(environment).split("-")[1:]
    gpu = names[:1] == ["gpu"]
    backends = names[gpu:] or ["tensorflow"] * gpu
    return " ".join(["make", target] + ["DEVICE=gpu"] * gpu + ["BACKEND=" + ",".join(backends)] * bool(backends))


def visible_gpus(uuids, parts, chosen):
    """Return the UUIDs of the cards that programs may use, in the order in which they number them.

    As CUDA reads ``CUDA_VISIBLE_DEVICES``: numbers, or UUIDs by their beginnings, or parts of cards (MIG); it goes as
    far as the first that names no card, or several, and one that is named twice leaves none.

    Args:
        uuids: Of the cards, in PCI order.
        parts: UUIDs of the parts that cards are divided into.
        chosen: The variable's value; None where it is not set.
    """
    if chosen is None:
        return list(uuids)
    kind = next((k for k in ("GPU-", "MIG-") if chosen.strip().startswith(k)), "")
    found = []
    for name in (n.strip() for n in chosen.split(",")):
        if kind:
            known = uuids if kind == "GPU-" else parts
            named = [u for u in known if name.startswith(kind) and u.startswith(name)]
        else:
            number = re.match(r"\+?([0-9]+)", name)
            named = uuids[int(number.group(1)) :][:1] if number else []
        if len(named) != 1:
            break
        if named[0] in found:
            return []
        found += named
    return found


def count_gpus():
    """Return how many GPUs the driver's own library knows of and ``CUDA_VISIBLE_DEVICES`` shows."""
    import ctypes  # four milliseconds, which every make command would pay

    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    try:
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
        number = ctypes.c_uint(0)
        if nvml.nvmlInit_v2() != 0 or nvml.nvmlDeviceGetCount_v2(ctypes.byref(number)) != 0:
            return 0
        uuids = []
        for index in range(number.value):
            card, text = ctypes.c_void_p(), ctypes.create_string_buffer(96)
            nvml.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(card))
            nvml.nvmlDeviceGetUUID(card, text, 96)
            uuids.append(text.value.decode() or str(index))
    except (OSError, AttributeError):
        return 0
    parts = [name.strip() for name in (chosen or "").split(",") if name.strip().startswith("MIG-") and uuids]
    return len(visible_gpus(uuids, parts, chosen))


def here():
    """Return system, machine, C library and kernel release of this machine."""
    try:
        libc = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, ValueError, OSError):
        libc = ""
    uname = os.uname() if hasattr(os, "uname") else ("", "", "", "", "")
    return sys.platform, uname[4], libc, uname[2]


def fault_of_this_python():
    """Return what is wrong with the interpreter that asks, or an empty text."""
    return (
        python_fault(sys.version_info)
        or build_fault(sys.implementation.name, getattr(sys, "abiflags", ""), sys.maxsize)
        or machine_fault(*here())
        or venv_fault(sys.executable, os.path.dirname(os.__file__), sys.version_info)
    )


if __name__ == "__main__":
    asked, of = (sys.argv[1:] + ["", ""])[:2]
    fault, code = fault_of_this_python(), 2
    if not fault:
        system, machine, _, release = here()
        fault = device_fault(asked) or backend_fault(of, system, release) or cuda_fault(asked, of, system, machine)
        fault, code = fault or gpu_fault(asked, count_gpus), 3
    if fault:
        sys.stderr.write("bench: %s\n" % fault)
        sys.exit(code)
