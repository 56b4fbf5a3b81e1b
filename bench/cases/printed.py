"""What sources printed besides the values of a case: learning curves, and values that no case here stands for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.registry import Registry

if TYPE_CHECKING:
    import pandas as pd

curves: "Registry[Callable[[str], pd.DataFrame | None]]" = Registry("printed curve", "bench.cases", part="printed")
"""From a name as in `Published.curve` to what was printed, an epoch a row; None where the source is another.

Columns: epoch, and ``valid_METRIC`` of validation; NaN where nothing was printed.
"""


@dataclass(frozen=True)
class NotRun:
    """A printed value that no case stands for.

    Attributes:
        task: In words.
        model: In words.
        metric: In words, such as ``"bits per character"``.
        value: As printed.
        why: In one clause, why it is not run here.
    """

    task: str
    model: str
    metric: str
    value: float
    why: str


not_run: Registry[tuple[NotRun, ...]] = Registry("printed table", "bench.cases", part="printed")
"""By family: reports that hold a case of the family list them after what they hold against seeds."""
