"""Notes under a leaderboard: what its signs mean, what ranks, and how far its seeds settle the order."""

import re
from collections.abc import Mapping
from itertools import combinations

from bench import stats
from bench.metrics.traits import Scale
from bench.report.columns.costs import speeds_in_words
from bench.report.columns.scores import scattered
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import escape, paragraphs
from bench.report.recipe_words import recipe_difference, recipe_word
from bench.report.results import Results
from bench.report.rows import names
from bench.text.markdown import code, plain


def notes(results: Results, board: Leaderboard, usual: Mapping[str, str]) -> list[str]:
    """Return a leaderboard's notes in order, under the recipe that is usual in it."""
    partial = [r for r in board.rows if board.partial(r)]
    scores = [board.score.on(split) for split in ("valid", "test", *board.extra)]
    trained = board.trained
    apart = (
        [board.differ(a, b) for a, b in combinations(trained, 2)]
        if sum(len(r.values(board.score)) > 1 for r in trained) > 1
        else []
    )
    return paragraphs(
        "notes",
        board=board,
        usual=", ".join(f"{recipe_word(k)} {escape(v)}" for k, v in usual.items()),
        differ=any(r.trained and recipe_difference(r, dict(usual)) != "usual" for r in board.rows),
        partial={p.positions: escape(names(r for r in partial if r.positions == p.positions)) for p in partial},
        about=_about(results, board),
        data=[escape(note) for note in dict.fromkeys(n for r in board.rows for n in r.runs["data_notes"]) if note],
        unlogged=_unlogged(results, board),
        zero=board.metric.log and any(row.mean(board.score) == 0 for row in board.rows),
        chance=stats.FRAGILE,
        speeds=speeds_in_words(board.rows),
        scattered=any(scattered(r, board, key) for r in board.rows for key in scores),
        data_seeds=any(r.done["data_seed"].nunique() > 1 for r in board.rows),
        alike=bool(apart) and not any(apart),
        agreed=board.agreement,
        simulated=_simulated(board),
    )


def _simulated(board: Leaderboard) -> float:
    """Return how often letters would find a difference among equal models with these seeds."""
    sizes = stats.sizes_of(board.samples)
    return stats.simultaneous_error(sizes, family=stats.Family.PAIRS) if len(sizes) > 1 else 0.0


def _about(results: Results, board: Leaderboard) -> dict[str, str]:
    """Return what each metric says of itself, by heading, that the suite or the task asked for besides the usual."""
    known = results.frames["metrics"]
    about = dict(known.loc[known["about"] != "", ["metric", "about"]].drop_duplicates("metric").to_numpy())
    wanted = [m for m in board.shown if m.name in about.keys() - {board.monitor.name, board.metric.at_last}]
    return {escape(m.heading): _in_markdown(about[m.name]) for m in wanted}


def _unlogged(results: Results, board: Leaderboard) -> list[str]:
    """Return the headings of the shown errors that have no logs, since a value lies below zero."""
    known = results.frames["metrics"]
    declared = set(known.loc[known["scale"] == Scale.LOG.value, "metric"])
    return [escape(m.heading) for m in (board.metric, *board.shown) if m.name in declared and not m.log]


def _in_markdown(text: str) -> str:
    """Return what a metric says of itself, in which two backticks begin and end what is code."""
    return re.sub(r"\\`\\`(.+?)\\`\\`", lambda found: code(plain(found[1])), escape(text))
