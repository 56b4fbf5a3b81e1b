"""The frame of the leaders' worst windows."""

from collections.abc import Iterable, Mapping
from typing import Any

from bench.frames.base import frame
from bench.frames.schemas import WORST
from bench.frames.selection import Shown


@frame("worst", WORST, optional=True)
def no_rows(shown: Shown) -> Iterable[Mapping[str, Any]]:
    """Return nothing: who leads is known to the report, which adds the rows (`bench.report.worst`)."""
    return []
