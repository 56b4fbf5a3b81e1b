"""Orders of models by a score: their ranks, who leads, and how far two orders agree."""

import math
from collections.abc import Mapping

import pandas as pd

from bench.report.markdown import escape

AGREEMENT = {0.8: "agrees with", 0.5: "largely agrees with", 0.2: "partly agrees with", -0.2: "says little of"}


def places(scores: Mapping[str, float], sign: int = 1) -> dict[str, int]:
    """Return the ranks of scores by name, the lowest first (the highest with ``sign`` -1); equal ones share the better.

    Args:
        scores: By name; empty for none.
        sign: As `bench.metrics.traits.Traits.sign`.
    """
    ranks = (sign * pd.Series(scores, dtype="float64")).rank(method="min").astype(int)
    return {str(name): int(place) for name, place in ranks.items()}


def tau(first: Mapping[str, float], second: Mapping[str, float]) -> tuple[float, int] | None:
    """Return Kendall's tau-b between two orders of the names that both have, and how many those are.

    None below two names, and where one score is all there is.

    Source: Kendall, The treatment of ties in ranking problems, Biometrika 33 (1945).
    """
    both = pd.DataFrame({"first": first, "second": second}).dropna()
    found = both["first"].corr(both["second"], method="kendall") if len(both) > 1 else math.nan
    return None if math.isnan(found) else (found, len(both))


def agrees(found: float) -> str:
    """Return in words how an order with this Kendall's tau stands to another."""
    if found > 1 - 1e-9:
        return "is"
    return next((words for least, words in AGREEMENT.items() if found >= least), "runs against")


def lead(ranks: Mapping[str, int]) -> str:
    """Return who leads, with the verb: ``GRU leads``; empty without ranks."""
    first = [escape(name) for name, place in ranks.items() if place == 1]
    return f"{' and '.join(first)} lead{'s' if len(first) == 1 else ''}" if first else ""
