"""Trained models that a predictor without any training beats."""

from collections.abc import Mapping

from bench.metrics.traits import Direction
from bench.report.amounts import amount
from bench.report.markdown import Table, count, escape, upper
from bench.report.parts import finding
from bench.report.results import Results
from bench.report.rows import LISTED, names


@finding("untrained", order=30)
def untrained(results: Results, tables: Mapping[str, Table]) -> list[str]:
    """Return the trained models whose every seed the best untrained predictor of their table beats."""
    parts = []
    for board in results.leading():
        best = board.untrained
        if best is None:
            continue
        exact, sign = best.mean(board.score), board.metric.sign
        trained = board.trained
        worse = [r for r in trained if float((sign * r.seeds(board.score)).min()) > sign * exact]
        if worse:
            word = "higher" if board.metric.direction is Direction.HIGHER else "lower"
            parts.append(
                f"{escape(best.name)} ({amount(exact, board.metric)}) has a {word} {escape(board.metric.heading)} "
                f"than every seed of {len(worse)} of {count(len(trained), 'trained model')}: "
                f"{escape(names(worse, LISTED))} ({tables[board.table].link})"
            )
    return [f"**Without training.** {upper('; '.join(parts))}."] if parts else []
