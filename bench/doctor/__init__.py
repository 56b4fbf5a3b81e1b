"""Says whether this machine can do the work: what is installed and found here, and whether a run repeats its bits."""

from bench.doctor.check import Check
from bench.doctor.determinism import Finding, check_determinism
from bench.doctor.machine import check_machine
from bench.doctor.repetition import Repetition

__all__ = ["Check", "Finding", "Repetition", "check_determinism", "check_machine"]
