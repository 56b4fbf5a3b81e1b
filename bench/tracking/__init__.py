"""Mirrors records to MLflow: a copy for looking at, never the truth, and sendable again at any time."""

from bench.tracking.client import MlflowTracker, Tracker
from bench.tracking.mirror import Mirror, Outcome
from bench.tracking.models import ServedModel
from bench.tracking.summary import sweep_params
from bench.tracking.uris import safe_uri, tracking_uri

__all__ = ["Mirror", "MlflowTracker", "Outcome", "ServedModel", "Tracker", "safe_uri", "sweep_params", "tracking_uri"]
