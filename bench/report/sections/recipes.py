"""Recipes: whether the order of the models under their default recipe survives when each has its best of a grid."""

from collections.abc import Callable
from operator import attrgetter

from bench import stats
from bench.frames.scores import Key
from bench.report.amounts import difference, spread
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import NONE, escape, paragraphs, table
from bench.report.parts import section
from bench.report.results import Results
from bench.report.sections.grids import GridCase, grid_cases, means
from bench.report.sections.orders import agrees, lead, places, tau

DEFAULT, BEST = attrgetter("default"), attrgetter("best")


@section("recipes", "Recipes: the order under the default and under the best recipe", order=50)
def recipes_table(results: Results) -> tuple[str, list[str]] | None:
    """Return each varied case under its default and its best recipe, with ranks under both; None without a grid."""
    boards = [(board, found) for board in results.leaderboards if (found := grid_cases(board))]
    if not boards:
        return None
    headers = [
        "table", "model", "best recipe", "default: valid", "default: test", "best: valid", "best: test", "best: runs",
        "test, best ÷ default", "rank, default", "rank, best", "group", "best, fresh seeds",
    ]  # fmt: skip
    lines, orders = [], []
    for board, found in boards:
        order, significant = on_test(found)
        lines += _lines(board, found, stats.letters(order, significant))
        orders += paragraphs(
            "recipes_order",
            title=escape(board.title),
            ranked=[escape(c.name) for c in found if c.ranks],
            valid=kept(found, board.choosing),
            test=kept(found, board.on_test),
            leads=leads(found),
            first=escape(order[0]) if order else "",
            near=[escape(name) for name in order[1:] if frozenset((order[0], name)) not in significant],
            agrees=agrees,
        )
    notes = paragraphs(
        "recipes",
        shares=any(board.metric.share for board, _ in boards),
        chosen_by=boards[0][0].choosing.in_words("score"),
        scored_by=boards[0][0].score.in_words("score"),
        edges=_by_table(boards, lambda c: [f"{escape(c.name)} ({escape(', '.join(c.edges))})"] if c.edges else []),
        two=dict.fromkeys(word for _, found in boards for c in found for word in c.two_tried),
        passed=dict.fromkeys(escape(r.name) for _, found in boards for c in found for r in c.passed_over),
        unranked=_by_table(boards, lambda c: [] if c.ranks else [escape(c.name)]),
    )
    return table(headers, lines, text_columns=3), [*notes, *orders]


def _lines(board: Leaderboard, found: list[GridCase], letters: dict[str, str]) -> list[list[str]]:
    metric, keys = board.metric, (board.choosing, board.on_test)
    before, after = (places(means(found, pick, board.choosing), metric.sign) for pick in (DEFAULT, BEST))
    lines = []
    for c in found:
        cells = [escape(board.title), escape(c.name) + ("" if c.ranks else " ‡")]
        cells.append((escape(c.recipe) or NONE) if c.tuned else "default")
        cells += [spread(row.interval(key), metric) if row else NONE for row in (c.default, c.best) for key in keys]
        cells += [f"{len(c.best.done)} of {c.best.info['n_planned']}", difference(c.gain(), metric)]
        cells += [str(ranks.get(c.name, NONE)) for ranks in (before, after)]
        lines.append([*cells, letters.get(c.name, NONE), spread(c.fresh(), metric)])
    return lines


def _by_table(boards: list[tuple[Leaderboard, list[GridCase]]], words: Callable[[GridCase], list[str]]) -> str:
    """Return what is said of some cases, by the tables that they stand in; empty where nothing is."""
    said = {board.title: [text for c in found for text in words(c)] for board, found in boards}
    return " ".join(f"{escape(title)}: {'; '.join(texts)}." for title, texts in said.items() if texts)


def kept(found: list[GridCase], key: Key) -> tuple[float, int] | None:
    """Return Kendall's tau-b between the order under default recipes and under the best, and of how many cases."""
    return tau(means(found, DEFAULT, key), means(found, BEST, key))


def on_test(found: list[GridCase]) -> tuple[list[str], set[frozenset[str]]]:
    """Return the names of the ranked cases by test score under their best recipes, and the pairs that differ."""
    metric, key = found[0].board.metric, found[0].test
    samples = {c.name: c.best.sample(key) for c in found if c.ranks and len(c.best.values(key))}
    mean = means(found, BEST, key)
    return sorted(samples, key=lambda name: metric.sign * mean[name]), stats.significant_pairs(samples, log=metric.log)


def leads(found: list[GridCase]) -> str:
    """Return who leads under the default recipes, and who under the best."""
    board = found[0].board
    before, after = (lead(places(means(found, pick, board.choosing), board.metric.sign)) for pick in (DEFAULT, BEST))
    if before == after:
        return f"{before} under both"
    start = f"{before} under the default recipes, " if before else ""
    return f"{start}{after} under the best{'' if before else ' recipes'}"
