"""Explicit versions of what can change a run's numbers.

A run id digests them beside the version of the run's own dataset and model. Raise the one whose
change alters numbers; the golden test fails until it is raised.
"""

ENGINE = "1"
"""Training loop, initial weights, order of windows, compiled epoch."""
LAYERS = "1"
"""The custom Keras layers."""
METRICS = "1"
"""Definitions of the metrics."""
LANE = "1"
"""How throughput is measured: what a round is, and when enough are taken. Part of a measurement's id alone."""
