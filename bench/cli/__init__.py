"""The command line: parses and calls, nothing else. One file a group of verbs."""

from bench.cli import compare, data, doctor, forecast, look, report, speed, sweep  # noqa: F401  # importing a file adds its verbs
from bench.cli.app import app, call, main

__all__ = ["app", "call", "main"]
