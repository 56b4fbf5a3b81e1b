"""Sweeps under faults, and malformed input: `python -m tests.torture --help`."""
