"""What the verbs do that takes more than a call: a sweep with its lane, its mirror and its report."""

from bench.commands.run import Wishes, run_suite
from bench.commands.selection import Selection, environments_here
from bench.commands.sync import sync_suite

__all__ = ["Selection", "Wishes", "environments_here", "run_suite", "sync_suite"]
