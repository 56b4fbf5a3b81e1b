"""Whether a network is worth it on a user's own series: the best of them against the best baseline, first of all."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from bench import stats
from bench.report.amounts import amount, difference
from bench.report.audit import own_recipes
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import Table, count, escape, upper
from bench.report.parts import finding
from bench.report.recipe_words import recipe_of, recipe_word
from bench.report.results import Results
from bench.report.rows import Row
from bench.report.sections.grids import grid_cases
from bench.text.markdown import link

LEVEL = 0.95


@dataclass(frozen=True)
class Candidate:
    """A network as it is held against a baseline.

    Attributes:
        row: That validation chooses.
        sample: Its score of each seed: under the recipe that the other half of the seeds chose, where there is a grid.
        recipes: What was chosen among, in words; empty without a grid.
    """

    row: Row
    sample: stats.Sample
    recipes: str = ""


@finding("baselines", order=1)
def baselines(results: Results, tables: Mapping[str, Table]) -> list[str]:
    """Return a sentence for each leaderboard of a user's own series that has both baselines and networks."""
    own = {*json.loads(results.about.get("own_series", "[]"))}
    found = [(board, against_baselines(board)) for board in results.leading() if board.tasks <= own]
    return [f"**{link('Is a network worth it?', tables[b.table].target)}** {text}" for b, text in found if text]


def against_baselines(board: Leaderboard) -> str:
    """Return in Markdown whether any network beats the best baseline; empty where one of the two is missing.

    Both are the best of their kind on validation; a baseline that is ahead of the network by the score that ranks is
    named. The interval is that of the two alone: over seeds and series (or blocks of time), paired by window, where
    errors a window were kept. "With its recipe" is said where networks differ in theirs.
    """
    predictors = [row for row in board.ranked if not row.trained]
    networks = candidates(board)
    if not predictors or not networks:
        return ""
    base = min(predictors, key=lambda row: _standing(row, board))
    best = min(networks, key=lambda each: _standing(each.row, board))
    ratio, known = held_against(board, best, base)
    score = amount(base.mean(board.score), board.metric)
    first = next(row for row in board.ranked if not row.trained)
    chosen = "" if first.name == base.name else " on validation"
    baseline = f"the best baseline{chosen}, {escape(base.name)} ({escape(board.metric.heading)} {score})"
    gap = f"{'× ' * board.metric.log}{difference(ratio, board.metric)}{' points' * board.metric.share}"
    own = " with its recipe" * own_recipes(board, [each.row for each in networks])
    among = f", the best of {len(networks)} networks on validation," if len(networks) > 1 else ""
    named = f"{escape(best.row.name)}{own}{among}"
    also = sum(board.beaten_by(base, each.row) is stats.Verdict.LEADS for each in networks)
    more = f"; {also} of {count(len(networks), 'network')} do" if also > 1 else ""
    if _apart(ratio, board, better=True):
        ahead = board.ranked.index(first) < board.ranked.index(best.row)
        left = f", but not {escape(first.name)} ({amount(first.mean(board.score), board.metric)})" * ahead
        said, more = f"{upper(escape(best.row.name))}{own} beats {baseline}{left}: it is at", "" if ahead else more
    elif _apart(ratio, board, better=False):
        said, more = f"{upper(named)} does not beat {baseline}: it is at", ""
    elif len(best.sample.values) < stats.ENOUGH:
        said, more = f"Too few seeds to say whether {named} beats {baseline}: it is at", ""
    else:
        said, more = f"{upper(named)} is not shown to beat {baseline}: it is at", ""
    recipes = f" Each network at {best.recipes}." if best.recipes else ""
    return f"{said} {gap}, {_over(best.row, base, known=known)}{more}.{_passed_over(board, best.row, base)}{recipes}"


def candidates(board: Leaderboard) -> list[Candidate]:
    """Return the ranked networks; of one that a grid varies the recipe that validation chooses."""
    grids = [case for case in grid_cases(board) if case.ranks]
    found = []
    for case in grids:
        recipes = [recipe_of(row) for row in case.variants]
        varied = [recipe_word(key) for key in recipes[0] if len({recipe[key] for recipe in recipes}) > 1]
        among = count(len(recipes), varied[0] if len(varied) == 1 else "recipe")
        words = f"the best of {among}, chosen on validation and scored on the seeds that did not choose it"
        fresh = case.chosen_on_validation()
        if fresh is not None and len(fresh.values):
            found.append(Candidate(case.best, fresh, words))
    seen = {row.place for case in grids for row in case.variants}
    alone = [row for row in board.trained if row.place not in seen]
    return [*found, *(Candidate(row, row.sample(board.score)) for row in alone)]


def held_against(board: Leaderboard, network: Candidate, base: Row) -> tuple[stats.Ratio | None, bool]:
    """Return a network's score over a baseline's, with its interval, and whether that is over windows, too."""
    judge, own = replace(board.judge, level=LEVEL), network.row.sample(board.score)
    pair = board.pairs.get((network.row.place, base.place, board.score))
    if pair is not None:
        fresh, all_seeds = (stats.interval(each.values, log=judge.log) for each in (network.sample, own))
        if fresh is not None and all_seeds is not None:
            a, b = fresh.centre, all_seeds.centre
            moved = float(np.log(a / b)) if judge.log else a - b
            pair = replace(pair, value=pair.value + moved)
    return judge.ratio(network.sample, base.sample(board.score), pair), pair is not None


def _over(network: Row, base: Row, *, known: bool) -> str:
    """Return what an interval is over; windows are paired where two rows answer one task."""
    alike = network.info["task"] == base.info["task"]
    return ("paired by window" if alike else "over seeds and windows") if known else "over seeds alone"


def _passed_over(board: Leaderboard, *chosen: Row) -> str:
    """Return a sentence on a row that leads the table and that validation does not choose; empty of none."""
    leader = board.ranked[0]
    if leader.name in {row.name for row in chosen} or board.score == board.choosing:
        return ""
    return f" {upper(escape(leader.name))}, which leads on test, is not what validation chooses."


def _standing(row: Row, board: Leaderboard) -> float:
    value = board.metric.sign * row.mean(board.choosing)
    return value if np.isfinite(value) else np.inf


def _apart(ratio: stats.Ratio | None, board: Leaderboard, *, better: bool) -> bool:
    """Return whether the interval leaves out that there is no difference, on one side."""
    if ratio is None or ratio.low is None or ratio.high is None:
        return False
    none = 1.0 if board.metric.log else 0.0
    return ratio.high < none if better == (board.metric.sign > 0) else ratio.low > none
