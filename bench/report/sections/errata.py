"""Errata: each fault of the source, its variants, and what it did to the score."""

from collections.abc import Iterator

from bench.frames.scores import Key
from bench.metrics.traits import Axis
from bench.record import IN_WORDS
from bench.report.errata import Variant, further, told, told_by, variants
from bench.report.markdown import NONE, effect, escape, fixed, paragraphs, score, table
from bench.report.parts import section
from bench.report.recipe_words import recipe_difference
from bench.report.results import Results
from bench.report.solved import solving


@section("errata", "Errata: what each fault of the source cost", order=30)
def errata_table(results: Results) -> tuple[str, list[str]] | None:
    """Return each fault's variants, with scores and the ratio to the corrected variant."""
    found = variants(results)
    if not found:
        return None
    columns = dict(_columns(results, found))
    lines = []
    for v in found:
        recipe = escape(recipe_difference(v.row, {}).replace("optimizer ", ""))
        scores = [score(v.row.centre(key)) if key.metric in v.row.metrics else NONE for key in columns.values()]
        lines.append([str(v.number), escape(v.row.name), escape(v.variant), recipe, *scores, effect(v.effect)])
    asides, headings = told(results), {v.row.metrics[v.key.metric].heading for v in found}
    of = escape(headings.pop()) if len(headings) == 1 else "error"
    for aside in asides:
        place = max(i for i, line in enumerate(lines) if line[0] == str(aside.number)) + 1
        lines.insert(place, [str(aside.number), *aside.words, *[NONE] * len(columns), fixed(aside.ratio, 2)])
    notes = paragraphs(
        "errata",
        faults=dict.fromkeys((v.number, escape(v.fault)) for v in found),
        further=[escape(fault) for fault in further(results)],
        mixed=_solved_by_some(results, found),
        scores=f"{IN_WORDS.get(found[0].key.split, found[0].key.split)} {of}s",
        asides=asides,
        paired=any(v.paired for v in found),
    )
    headers = ["no.", "case", "variant", "recipe", *columns, "× corrected"]
    return table(headers, lines, text_columns=4), notes


def _solved_by_some(results: Results, found: list[Variant]) -> list[str]:
    """Return the cases of which some seeds solve a task, and others do not, by name."""
    told = {each.row.place for board in results.tasks for each in solving(results, board) if each.solved_by_some}
    return list(dict.fromkeys(escape(v.row.name) for v in found if v.row.place in told))


def _columns(results: Results, found: list[Variant]) -> Iterator[tuple[str, Key]]:
    """Yield headings and scores: what costs are told by, then what else tables show of the same errors."""
    tasks = {str(v.row.info["task"]) for v in found}
    boards = [board for board in results.tasks if board.tasks & tasks]
    for board in boards:
        key = board.beside(told_by(board))
        yield f"{key.split} {escape(told_by(board).heading)}", key
    for board in boards:
        for metric in board.shown:
            if metric.log and metric.axis is Axis.NONE and metric.name != told_by(board).name:
                yield escape(metric.heading), board.beside(metric)
