"""Networks younger than the chapter: `make test` tries two of them in each file, `make test-variants` the others."""

from bench.cases.base import cases

QUICK = {"min_gru", "n_hits"}
"""A scan, and a forecast between knots, both cheap to compile."""
VARIANTS = {name.rpartition("/")[2] for name in cases.names() if name.startswith("waves/")} - QUICK
"""The others, by the names of their cases, which are those of their models."""
