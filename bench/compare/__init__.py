"""Holds two sets of results against each other: which scores and verdicts changed, and whether by chance."""

from bench.compare.scores import TOLERANCE, Change, Lost, Scores, Verdict, compare_scores
from bench.compare.sets import ResultSet, rank_of, read_set, standing_for
from bench.compare.throughput import SpeedChange, Throughput, compare_throughput
from bench.compare.verdicts import Flip, Standing, Verdicts, compare_verdicts

__all__ = [
    "TOLERANCE", "Change", "Flip", "Lost", "ResultSet", "Scores", "SpeedChange", "Standing", "Throughput", "Verdict",
    "Verdicts", "compare_scores", "compare_throughput", "compare_verdicts", "rank_of", "read_set", "standing_for",
]  # fmt: skip
