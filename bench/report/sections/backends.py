"""Backends held together: how far each network ends apart on two of them, beside how far its own seeds do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from bench import stats
from bench.metrics.traits import Traits
from bench.report.amounts import difference
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import NONE, Table, count, escape, fixed, paragraphs, score, table
from bench.report.parts import finding, section
from bench.report.results import Results
from bench.report.rows import Row
from bench.text.markdown import link

APART = "**apart**"


@dataclass(frozen=True)
class Twins:
    """One network on two backends, on one board and device."""

    board: Leaderboard
    first: Row
    second: Row
    ends: stats.Ends


def twins(results: Results) -> list[Twins]:
    """Return every network's pairs of backends with a seed in common, in the suite's order."""
    return [found for board in results.leading() for found in _of_board(board)]


def apart(pairs: list[Twins]) -> set[int]:
    """Return the places of pairs whose means differ at 5 % after Holm's correction over all pairs of the report."""
    return stats.holm({place: pair.ends.p_value for place, pair in enumerate(pairs)})


@section("backends", "Backends: the same network from the same start", order=7)
def backends_table(results: Results) -> tuple[str, list[str]] | None:
    """Return a line for each network and pair of backends; None with one backend."""
    pairs = twins(results)
    if not pairs:
        return None
    differ = apart(pairs)
    lines = [_line(pair, APART if place in differ else "not apart") for place, pair in enumerate(pairs)]
    headers = ["table", "model", "backends", "second over first", "one seed", "two seeds", "verdict"]
    log = any(pair.board.metric.log for pair in pairs)
    return table(headers, lines, text_columns=3, text_last=True), paragraphs("backends", pairs=len(pairs), log=log)


@finding("backends", order=3)
def backends(results: Results, tables: Mapping[str, Table]) -> list[str]:
    """Return how many pairs of backends end apart, and how far one seed's runs do; nothing with one backend."""
    pairs = twins(results)
    if not pairs:
        return []
    differ = len(apart(pairs))
    of, ends = f"Of {count(len(pairs), 'pair')} of one network on two backends", f"end{'s' * (differ < 2)}"
    far = [pair.ends.one_seed for pair in pairs if pair.board.metric.log]
    how_far = f" The errors of one seed's two runs end × {fixed(median(far), 3)} apart in the median" if far else ""
    most = f", and × {fixed(max(far), 3)} for the pair of backends where they end farthest apart." if far else ""
    return [f"**{link('Backends', tables['backends'].target)}.** {of}, {differ or 'none'} {ends} apart.{how_far}{most}"]


def _of_board(board: Leaderboard) -> Iterator[Twins]:
    by_network: dict[tuple[str, str], list[Row]] = {}
    for row in board.trained:
        by_network.setdefault((row.case, row.device.partition(":")[0]), []).append(row)
    for rows in by_network.values():
        for first, second in combinations(rows, 2):
            if first.backend != second.backend:
                scores = (row.by_seed(board.score).dropna().to_dict() for row in (first, second))
                if (found := stats.ends(*scores, log=board.metric.log)) is not None:
                    yield Twins(board, first, second, found)


def _line(pair: Twins, verdict: str) -> list[str]:
    metric, ends = pair.board.metric, pair.ends
    places = [escape(pair.board.title), escape(pair.first.label), f"{pair.first.backend}, {pair.second.backend}"]
    distances = [_distance(value, metric) for value in (ends.one_seed, ends.two_seeds)]
    return [*places, difference(ends.ratio, metric), *distances, verdict]


def _distance(value: float | None, metric: Traits) -> str:
    if value is None:
        return NONE
    if metric.log:
        return f"× {fixed(value, 3)}"
    return f"{fixed(100 * value, 2)} points" if metric.share else score(value, 3)
