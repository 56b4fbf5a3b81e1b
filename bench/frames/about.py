"""What a report says of itself: the suite, how it was planned, and how to make it again."""

import json
from collections.abc import Iterator
from typing import Any

from bench.frames.base import frame
from bench.frames.schemas import ABOUT
from bench.frames.selection import Shown
from bench.plan import UNSEEDED


@frame("about", ABOUT)
def about_rows(shown: Shown) -> Iterator[dict[str, Any]]:
    """Yield a key and a text a row; who writes the report adds to them."""
    plan = shown.plan
    texts = {
        "suite": plan.suite.name,
        "title": plan.suite.title or plan.suite.name,
        "n_planned": len(plan.specs),
        "left_out": shown.left_out,
        "seeds": len(plan.seeds),
        "seeds_rule": plan.suite.seeds_rule,
        "rank": plan.suite.rank,
        "equivalence": plan.suite.equivalence,
        "equivalence_points": plan.suite.equivalence_points,
        "not_kept": len(shown.not_kept),
        "not_kept_why": next(iter(shown.not_kept), ""),
        "data_seeds": len({spec.data_seed for spec in plan.specs} - {UNSEEDED}) or 1,
    }
    if plan.suite.seeds_on:
        texts["seeds_on"] = json.dumps({backend: len(seeds) for backend, seeds in plan.suite.seeds_on.items()})
    if own := sorted({case.task.name for case in plan.cases if case.dataset.own_series}):
        texts["own_series"] = json.dumps(own)
    return ({"key": key, "text": str(text)} for key, text in texts.items())
