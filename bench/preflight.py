# Run by make before anything is installed, by any Python: is this machine able to run the project?
# Standard library only, and no syntax that an old interpreter cannot read.
# mypy: ignore-errors
# ruff: noqa: UP031
"""One line and exit 2 where the Python is unsupported, or a GPU is asked for and there is none."""

import ctypes
import sys

OLDEST, NEWEST = (3, 11), (3, 13)


def python_fault(version):
    """Return what is wrong with an interpreter's version, or an empty text."""
    if OLDEST <= tuple(version[:2]) <= NEWEST:
        return ""
    return (
        "Python %d.%d cannot run this: it needs 3.11, 3.12 or 3.13 (TensorFlow has no wheels for others); "
        "install one, or name it: make PYTHON=/path/to/python3.12" % tuple(version[:2])
    )


def gpu_fault(devices, count):
    """Return what is wrong with a list such as ``cpu,gpu:1`` where ``count()`` GPUs are there."""
    wanted = [d.strip() for d in devices.split(",") if d.strip().startswith("gpu")]
    if not wanted:
        return ""
    found = count()
    for name in wanted:
        number = name.partition(":")[2]
        if number and not number.isdigit():
            return "DEVICE=%s: expected a number after the colon, as in gpu:0" % name
        if found == 0:
            return (
                "DEVICE=%s: no NVIDIA GPU found (NVML does not answer); nothing was installed; "
                "install the driver, or use DEVICE=cpu" % name
            )
        if number and int(number) >= found:
            return "DEVICE=%s: this machine has %d GPU(s), numbered from 0; nothing was installed" % (name, found)
    return ""


def count_gpus():
    """Return how many GPUs the driver's own library knows of."""
    try:
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
        number = ctypes.c_uint(0)
        if nvml.nvmlInit_v2() != 0 or nvml.nvmlDeviceGetCount_v2(ctypes.byref(number)) != 0:
            return 0
        return int(number.value)
    except (OSError, AttributeError):
        return 0


if __name__ == "__main__":
    fault = python_fault(sys.version_info) or gpu_fault(sys.argv[1] if len(sys.argv) > 1 else "", count_gpus)
    if fault:
        sys.stderr.write("bench: %s\n" % fault)
        sys.exit(2)
