"""A report's figures: one file and one decorator each."""

from bench.report.figures.base import draw_all

__all__ = ["draw_all"]
