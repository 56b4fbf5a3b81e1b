"""Records as pandas frames: the long tidy table for exports, and the wide ones that a report is made from."""

from bench.csvs import Frames, read_frames, typed, with_types, write_frames
from bench.frames.cases import RECIPE, cases_frame, errata_frame
from bench.frames.measurements import measurements_frame, rounds_frame
from bench.frames.runs import (
    KEY,
    curves_frame,
    environment_frame,
    forecasts_frame,
    groups_frame,
    number,
    retries_frame,
    runs_frame,
)
from bench.frames.tidy import means, tidy

__all__ = [
    "KEY", "RECIPE", "Frames", "cases_frame", "curves_frame", "environment_frame", "errata_frame", "forecasts_frame",
    "groups_frame", "means", "measurements_frame", "number", "read_frames", "retries_frame", "rounds_frame",
    "runs_frame", "tidy", "typed", "with_types", "write_frames",
]  # fmt: skip
