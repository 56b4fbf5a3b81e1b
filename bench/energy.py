"""Energy that a device has used so far, where the machine tells it: RAPL of a CPU, NVML of a GPU."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from bench.devices import VISIBLE, Device
from bench.nvml import card

Meter = Callable[[], float | None]
"""Returns joules since some moment; None where nothing tells them."""
POWERCAP = Path("/sys/class/powercap")
"""Where Linux shows the counters of RAPL (Intel and AMD): microjoules, readable by root unless its mode was changed."""


def meter(device: Device) -> Meter:
    """Return what reads the energy of a device: of the CPU that of all its packages, other processes' share in it."""
    if device.kind == "gpu":
        return _gpu(device.variables[VISIBLE]) if VISIBLE in device.variables else lambda: None
    return rapl()


def rapl(folder: Path = POWERCAP) -> Meter:
    """Return what adds up the packages' counters; each starts again from 0 at its ``max_energy_range_uj``.

    A counter that went round more than once between two readings is read too low: that takes minutes at least.
    """
    packages = [zone for zone in sorted(folder.glob("*-rapl:*")) if _text(zone / "name").startswith("package")]
    rounds = dict.fromkeys(packages, 0.0)
    before = dict.fromkeys(packages, 0.0)

    def read() -> float | None:
        """Return joules; None where a package does not tell them."""
        if not packages:
            return None
        try:
            for zone in packages:
                now = float(_text(zone / "energy_uj"))
                if now < before[zone]:
                    rounds[zone] += float(_text(zone / "max_energy_range_uj"))
                before[zone] = now
        except ValueError:
            return None
        return (sum(rounds.values()) + sum(before.values())) / 1e6

    return read


def _text(file: Path) -> str:
    """Return what a file holds; nothing where it cannot be read."""
    with suppress(OSError):
        return file.read_text(encoding="ascii", errors="replace").strip()
    return ""


def _gpu(uuid: str) -> Meter:
    """Return what reads a card's counter of millijoules since its driver was loaded (Volta and newer)."""

    def read() -> float | None:
        import pynvml

        with suppress(pynvml.NVMLError, AttributeError), card(uuid) as (nvml, handle):
            return float(nvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1e3
        return None

    return read
