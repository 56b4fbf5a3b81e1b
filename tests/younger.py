"""Networks younger than the chapter: `make test` tries two of them in each file, `make test-variants` the others."""

from bench.cases.base import cases
from bench.registry import FAMILIES

QUICK = {"min_gru", "n_hits"}
"""A scan, and a forecast between knots, both cheap to compile."""
YOUNGER = {cases.get(name).model.name for name in cases.names() if not cases.origin(name).startswith(FAMILIES)}
"""Models of the cases that are no source's, which are called as their models are."""
VARIANTS = YOUNGER - QUICK
"""The others."""
