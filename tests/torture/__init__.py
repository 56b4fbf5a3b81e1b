"""Sweeps under faults, malformed input, and reports of odd scores and texts: `python -m tests.torture --help`."""
