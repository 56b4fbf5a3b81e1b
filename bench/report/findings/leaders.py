"""Who leads each leaderboard, by how much, how sure that is, what it costs, and who leads by another score."""

from collections.abc import Mapping

from bench import stats
from bench.report.amounts import amount, difference
from bench.report.audit import own_recipes
from bench.report.endings import failing
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import Table, count, escape, paragraphs, thousands
from bench.report.parts import finding
from bench.report.results import Results
from bench.report.rows import Row
from bench.report.shortlist import entries
from bench.report.solved import solving
from bench.text.markdown import link

NAMED = 2
"""Rivals that a sentence names before it counts the rest."""
SOLVERS = 3
"""Networks that solve a task, likewise."""


@finding("leaders", order=10)
def leaders(results: Results, tables: Mapping[str, Table]) -> list[str]:
    """Return a sentence for each leaderboard that leads."""
    return [
        " ".join(filter(None, (f"**{_title(board, tables)}.**", who_solves(results, board), leader(board))))
        for board in results.leading()
    ]


def who_solves(results: Results, board: Leaderboard) -> str:
    """Return in Markdown which networks solve a task with a threshold, of how many seeds; empty for another task.

    Means over seeds of which some do and some do not say little, so this comes first.
    """
    found = solving(results, board)
    if not found:
        return ""
    able = [each for each in found if each.solved]
    unable = [each for each in found if not each.solved]
    names = [f"{escape(_model(each.row, board))} {each.solved} of {len(each.on_test)}" for each in able]
    names[:1] = [f"{name} seeds" for name in names[:1]]
    if len(names) > SOLVERS + 1:
        names = [*names[:SOLVERS], f"{len(names) - SOLVERS} more"]
    none = escape(_model(unable[0].row, board)) if len(unable) == 1 else count(len(unable), "network")
    told = f"test {escape(found[0].threshold_in_words)}"
    if not able:
        return f"No seed of {none} solves it ({told})."
    own = ", each network with its recipe" * own_recipes(board, [each.row for each in found])
    return f"Solved{own} ({told}): {', '.join(names)}{f'; by no seed of {none}' if unable else ''}."


def _title(board: Leaderboard, tables: Mapping[str, Table]) -> str:
    return link(board.title, tables[board.table].target)


def leader(board: Leaderboard, *, brief: bool = False) -> str:
    """Return in Markdown who leads a leaderboard, what is known of the others, and what the leader costs.

    ``brief`` leaves out what holds of other scores and of predictors.
    """
    every = entries(board)
    if not every:
        return "No model has a score yet."
    first, *others = every
    level = [row for row in others if board.standing(row) == board.standing(first)]
    by = {verdict: [r for r in others if board.verdict(r) is verdict and r not in level] for verdict in stats.Verdict}
    worse = by[stats.Verdict.WORSE]
    odd = f" ({fragile}\\*)" if (fragile := sum(bool(board.star(row)) for row in worse)) else ""
    said = {
        "level with it": _named(level, board, gaps=False, stars=False),
        "equivalent": _named(by[stats.Verdict.EQUIVALENT], board),
        "rivals": _named(by[stats.Verdict.UNDECIDED], board),
        "worse": _others(len(worse), len(others)) + odd,
    }
    unequal = own_recipes(board, every)
    clauses = ["each network with its own recipe"] * (unequal and not first.trained)
    clauses += [] if brief else [_untrained(board, every), _instead(board, every), _failing(board, first)]
    text = paragraphs(
        "leader",
        first=escape(first.name),
        alone=len(board.ranked) == 1,
        star=board.star(first),
        sole=[row.trained for row in every] == [True] + [False] * len(others)
        and said["worse"].startswith(("all", "the")),
        score=f"{escape(board.metric.heading)} {amount(first.mean(board.score), board.metric)}",
        costs=_costs(first),
        unequal=unequal and first.trained,
        level=said["level with it"],
        few=_named(by[stats.Verdict.TOO_FEW], board, stars=False),
        worse=len(worse),
        odd=odd,
        others=len(others),
        said={word: rows for word, rows in said.items() if rows},
        clauses=[clause for clause in clauses if clause],
    )
    return " ".join(text)


def _others(number: int, others: int) -> str:
    """Return in words how many rows are worse; empty for none."""
    if not number:
        return ""
    return ("all " if others > 1 else "the ") + count(number, "other") if number == others else count(number, "other")


def _untrained(board: Leaderboard, every: list[Row]) -> str:
    """Return how many networks the best predictor beats, by verdict; empty where it beats none, or is all there is."""
    best, trained = board.untrained, [row for row in every if row.trained]
    if best is None or best is every[0] or len(trained) < 2:
        return ""
    found = [board.beaten_by(best, row) for row in trained]
    worse, undecided, few = (
        found.count(v) for v in (stats.Verdict.WORSE, stats.Verdict.UNDECIDED, stats.Verdict.TOO_FEW)
    )
    said = [f"{undecided} undecided"] * bool(undecided) + [f"{few} too few seeds"] * bool(few)
    if not (worse or said):
        return ""
    return ", ".join([f"{escape(best.name)} beats {worse or 'none'} of {len(trained)} networks", *said])


def _costs(row: Row) -> str:
    """Return what a network costs: numbers in it, and its speed where that was measured alone."""
    found = [f"{row.parameters:,.0f} parameters"] if row.parameters else []
    found += [f"{thousands(row.speed)} windows/s"] if row.speed is not None else []
    return ", ".join(found)


def _named(rows: list[Row], board: Leaderboard, *, gaps: bool = True, stars: bool = True) -> str:
    """Return rows by name, with how far each is from the leader and the sign of a fragile verdict; empty for none."""
    texts = []
    for row in rows[: NAMED if len(rows) > NAMED + 1 else len(rows)]:
        ratio = board.ratio(row)
        alone = difference(stats.Ratio(ratio.value, None, None), board.metric) if ratio else ""
        gap = f" (× {alone})" if board.metric.log else f" ({alone}{' points' * board.metric.share})"
        texts.append(escape(_model(row, board)) + gap * (gaps and ratio is not None) + board.star(row) * stars)
    more = len(rows) - len(texts)
    return ", ".join([*texts, f"{more} more"] if more else texts)


def _instead(board: Leaderboard, every: list[Row]) -> str:
    """Return who leads by the other of the two scores that a suite may rank by; empty where it is the same."""
    other = board.last if board.score != board.last else board.last.on("test").best
    known = [row for row in every if len(row.values(other))]
    best = min(known, key=lambda row: board.metric.sign * row.mean(other), default=every[0])
    if best is every[0] or best.mean(other) == every[0].mean(other):
        return ""
    words = "validation, last epoch" if other == board.last else "test, best epoch"
    return f"{escape(_model(best, board))} leads by {words}"


def _model(row: Row, board: Leaderboard) -> str:
    """Return what a row's model is called without what a grid varies in it, where its own recipe is on the board."""
    base = [each.name for each in board.rows if each.place == (row.info["variant_of"], *row.place[1:])]
    return base[0] if base else row.name


def _failing(board: Leaderboard, row: Row) -> str:
    """Return how many seeds fail on an extra test set, as the table of odd endings has them; empty where none does."""
    found = []
    for split in board.extra:
        failed, seeds = len(failing(board, row, split)), len(row.values(board.score.on(split)))
        if failed:
            found.append(f"{failed} of {count(seeds, 'seed')} fail test *{escape(split.replace('_', ' '))}*")
    return ", ".join(found)
