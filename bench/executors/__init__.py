"""Where runs are run."""

LOCAL = "local"
"""The executor where none is named: this machine."""
