"""What the verbs do that takes more than a call: a sweep with its throughput benchmark, its mirror and its report."""

from bench.commands.run import run_suite
from bench.commands.run_options import RunOptions
from bench.commands.selection import Selection
from bench.commands.sync import sync_suite

__all__ = ["RunOptions", "Selection", "run_suite", "sync_suite"]
