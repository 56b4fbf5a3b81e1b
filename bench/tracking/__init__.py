"""Mirrors records to MLflow: a copy for looking at, never the truth, and sendable again at any time."""

from bench.tracking.client import MlflowTracker, Tracker, safe_uri, tracking_uri
from bench.tracking.mirror import Mirror, Outcome, sweep_params

__all__ = ["Mirror", "MlflowTracker", "Outcome", "Tracker", "safe_uri", "sweep_params", "tracking_uri"]
