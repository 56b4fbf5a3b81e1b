"""Who leads each leaderboard, what does not differ significantly from it, and what to bear in mind of that."""

from collections.abc import Mapping

from bench import stats
from bench.report.amounts import validated
from bench.report.columns.scores import WIDE
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import Table, between, count, escape, factor, paragraphs, score, thousands
from bench.report.parts import finding
from bench.report.recipe_words import recipe_of
from bench.report.results import Results
from bench.report.rows import LISTED, Row, names
from bench.report.sections.training_order import courses

FAR = 0.1
"""How far below test an extra test set's share is worth a "but"."""
HIGH, LOW = 0.95, 0.05
"""Shares of seeds that have learnt a rule, and of those that have not."""


@finding("leaders", order=10)
def leaders(results: Results, tables: Mapping[str, Table]) -> list[str]:
    """Return a sentence for each leaderboard that leads; those ranked by shares stand in one, last."""
    boards = results.leading()
    made = [leader(results, board, tables) for board in boards if not board.metric.share]
    shares = [leader(results, board, tables) for board in boards if board.metric.share]
    return [*made, *([" ".join(shares)] if shares else [])]


def leader(results: Results, board: Leaderboard, tables: Mapping[str, Table]) -> str:
    """Return who leads, what does not differ significantly from it, the fastest of those, and who still improves."""
    title, link = escape(board.title), tables[board.table].link
    if not board.ranked:
        return " ".join(paragraphs("leader", title=title, link=link, first=None))
    group = board.leaders()
    first, *others = group
    fastest, best = _fastest(group), board.untrained
    found = courses(results, board) if board.metric.log else []
    level = [row for row in others if board.standing(row) == board.standing(first)]
    unlike = [row for row in others if row not in level]
    text = paragraphs(
        "leader",
        title=title,
        link=link,
        first=first,
        others=others,
        alone=len(board.ranked) == 1,
        scores=_score(first, board) + _on_test(first, board),
        listed=escape(names(unlike, LISTED)),
        unlike=len(unlike),
        only_trained=first.trained and len(board.trained) == 1,
        best=best,
        best_score=_score(best, board) if best else "",
        unranked=any(board.partial(r) for r in board.rows),
        level=escape(names(level, LISTED)),
        single=all(len(r.values(board.score)) < 2 for r in group),
        caveats=_caveats(group, board) if others else [],
        fastest=fastest,
        speed=thousands(fastest.speed) if fastest else "",
        trained=len(found),
        still=sum(bool(course.improving) for course in found),
    )
    return " ".join(text)


def _score(row: Row, board: Leaderboard) -> str:
    """Return a row's ranking score, whether it is exact, and of shares how many seeds are stuck."""
    text = escape(validated(row, board)) + ("" if row.trained else ", exact")
    values = row.seeds(board.score)
    low = len(board.stuck(values)) if board.metric.share else 0
    return text + (f" in the mean, {low} of {count(len(values), 'seed')} stuck far below the others" if low else "")


def _caveats(group: list[Row], board: Leaderboard) -> list[str]:
    """Return what to bear in mind of rows that do not differ: their recipes, and the least difference to be seen."""
    recipes = {tuple(recipe_of(r).values()) for r in group if r.trained}
    notes = ["each with its recipe, and these differ"] if len(recipes) > 1 else []
    gap = board.detectable() if sum(r.trained for r in group) > 1 else None
    if gap:
        least = f"{100 * gap:.2g} points" if board.metric.share else score(gap, 2)
        size = f"a ratio of × {factor(gap)}" if board.metric.log else f"a difference of {least}"
        notes.append(f"{size} would be detected with 80 % power")
    return notes


def _on_test(row: Row, board: Leaderboard) -> str:
    """Return the range of shares over seeds on test, and how the seeds do on every extra test set."""
    test = row.seeds(board.score.on("test"))
    if not board.metric.share or not board.extra or not len(test):
        return ""
    text = f"; its {count(len(test), 'seed')} reach" if len(test) > 1 else "; it reaches"
    parts = [f"{between(test)} on test"]
    for name in board.extra:
        values = row.seeds(board.score.on(name))
        if len(values):
            turn = "but " if values.min() < test.min() - FAR else ""
            parts.append(f"{turn}on the extra test set *{escape(name.replace('_', ' '))}* {_split(values)}")
    last = parts.pop()
    joint = ", " if last.startswith("but ") else " and "
    return f"{text} {', '.join(parts)}{joint}{last}"


def _split(values: stats.Float64) -> str:
    """Return the range of shares, or where seeds fall apart how many lie at either end."""
    summary = stats.summarise(values)
    if summary is None or (summary.sd or 0.0) <= WIDE:
        return between(values)
    high, low = int((values > HIGH).sum()), int((values < LOW).sum())
    rest = len(values) - high - low
    parts = [(high, f"at over {100 * HIGH:.0f} %"), (low, f"at under {100 * LOW:.0f} %"), (rest, "in between")]
    return ", ".join(f"{number} {words}" for number, words in parts if number)


def _fastest(group: list[Row]) -> Row | None:
    """Return the fastest of the group's trained models, where its seeds are all faster than the runner-up's."""
    fast = sorted((r for r in group if len(r.speeds)), key=lambda r: -(r.speed or 0))
    places = {(r.device, r.backend, e) for r in fast for e in r.speed_environments}
    unlike = len(places) > 1 or len({r.alone for r in fast}) > 1 or any(r.contended for r in fast)
    if len(fast) < 2 or unlike or fast[0].speeds.min() <= fast[1].speeds.max():
        return None
    return fast[0]
