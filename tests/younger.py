"""Networks younger than the chapter: `make test` tries two of them in each file, `make test-all` every one."""

from bench.cases.base import cases

QUICK = {"lru", "patch_tst"}
"""A scan, and attention with batch norm."""
VARIANTS = {name.rpartition("/")[2] for name in cases.names() if name.startswith("waves/")} - QUICK
"""The others, by the names of their cases, which are those of their models."""
