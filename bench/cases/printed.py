"""What sources printed besides the values of a case: learning curves, and values and faults without a case here."""

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
    """A printed value that no case stands for, or one that was looked for and not found.

    Attributes:
        task: In words.
        model: In words.
        metric: In words, such as ``"bits per character"``.
        value: As printed; None where no copy was found to take it from.
        why: In one clause, why it is not run here.
        like: The name of a case on the same task, whose best predictor stands beside the value; empty for none.
    """

    task: str
    model: str
    metric: str
    value: float | None
    why: str
    like: str = ""


not_run: Registry[tuple[NotRun, ...]] = Registry("printed table", "bench.cases", part="printed")
"""By family: reports that hold a case of the family list them after what they hold against seeds."""

further_faults: Registry[tuple[str, ...]] = Registry("list of further faults", "bench.cases", part="printed")
"""By family: faults of the source, one clause each, that change no score here, so that no case has them. Reports that
hold a case of the family list them under what its other faults cost."""
