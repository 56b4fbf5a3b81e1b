"""Explicit versions of what can change a run's numbers.

A run id digests them beside the versions of the run's own dataset, model and engine. Raise the one whose
change alters numbers; the golden test fails until it is raised.
"""

LAYERS = "1"
"""The custom Keras layers."""
METRICS = "1"
"""Definitions of the metrics."""
THROUGHPUT = "2"
"""How throughput is measured: what a round is, and how many are taken. Part of a measurement's id alone."""
