"""Holds two sets of results against each other: which scores changed, by how much, and whether by chance."""

from bench.compare.scores import TOLERANCE, Change, Lost, Scores, Verdict, compare_scores
from bench.compare.sets import ResultSet, read_set, standing_for
from bench.compare.throughput import SpeedChange, Throughput, compare_throughput

__all__ = [
    "TOLERANCE", "Change", "Lost", "ResultSet", "Scores", "SpeedChange", "Throughput", "Verdict", "compare_scores",
    "compare_throughput", "read_set", "standing_for",
]  # fmt: skip
