"""Records as pandas frames: the long tidy table for exports, and the ones beside a report that it is made from."""

from bench.frames.base import (
    Fetched,
    Frames,
    made_frames,
    make_frames,
    read_frame,
    read_frames,
    typed,
    with_types,
    write_frames,
)
from bench.frames.selection import Shown, select
from bench.frames.tidy import means, tidy

__all__ = [
    "Fetched", "Frames", "Shown", "made_frames", "make_frames", "means", "read_frame", "read_frames", "select", "tidy",
    "typed", "with_types", "write_frames",
]  # fmt: skip
