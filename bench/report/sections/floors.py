"""What a forecast can reach at best, without training, and without thought; and where each model stands between."""

from bench import stats
from bench.report.markdown import NONE, effect, escape, score, table
from bench.report.sections.base import section
from bench.report.summary import Ground, Results, Row

WORSE, NOT_TOLD = "worse", "not told apart"


@section("floors", "Floors and baselines", order=10)
def floors_table(results: Results) -> tuple[str, list[str]] | None:
    """Return what no forecast, an oracle, the best closed form and the baseline reach, and the leader's place."""
    grounds = [g for g in results.grounds if not g.is_label]
    if not (results.commons or any(g.floor or g.oracle for g in results.tasks)):
        return None
    rows = []
    for ground in grounds:
        leader = ground.ranked[0] if ground.ranked else None
        marks = [_cell(row, ground) for row in (ground.oracle, ground.untrained, ground.baseline, leader)]
        rows.append([escape(ground.title), score(ground.floor), *marks, _share(way(leader, ground))])
    headers = ["table", "noise floor", "oracle", "best untrained", "baseline", "leader", "leader's way"]
    parts = [table(headers, rows)]
    notes = ["The floor is the variance of the noise in the target, below which no forecast's expected MSE can go."]
    if any(g.oracle for g in grounds):
        notes.append(
            "The oracle knows how its data were made: a reference that can be reached, neither ranked nor the optimum. "
            "The *way* is (baseline - MSE) / (baseline - oracle): the share of the way from the baseline's MSE to the "
            "oracle's, 0 at the baseline, 1 at the oracle, in MSE and not its logarithm."
        )
    leading = [g for g in results.leading() if not g.is_label]
    flagged = [(ground, row, verdict) for ground in leading for row, verdict in unbeaten(ground)]
    if flagged:
        parts += ["Trained models that do not beat the best untrained predictor:", _flag_table(flagged)]
        notes.append(
            f"*{WORSE.capitalize()}*: told from the predictor by the test behind the letters (one-sample t, Holm's "
            "correction over all pairs of a trained and an exact model of the table), and above it. The interval is "
            "for that one comparison, so it may leave 1 out where the verdict does not. Tasks that a common table "
            "covers are listed there."
        )
    elif any(g.untrained and any(r.trained for r in g.ranked) for g in leading):
        notes.append("Every ranked trained model beats the best untrained predictor of its table.")
    return "\n\n".join(parts), notes


def way(row: Row | None, ground: Ground) -> float | None:
    """Return how far a row gets from the baseline's MSE to the oracle's: 0 at the one, 1 at the other.

    None without a row, a baseline or an oracle, or where the oracle is no better than the baseline.
    """
    if row is None or ground.baseline is None or ground.oracle is None:
        return None
    base, best = ground.baseline.mean(ground.column), ground.oracle.mean(ground.column)
    return (base - row.mean(ground.column)) / (base - best) if best < base else None


def unbeaten(ground: Ground) -> list[tuple[Row, str]]:
    """Return the ranked trained rows that do not beat the best untrained one, each with a verdict.

    `NOT_TOLD` where `Ground.apart` does not tell the two apart, `WORSE` where it does and the row's mean is the higher.
    None of them where no predictor ranks.
    """
    best = ground.untrained
    if best is None:
        return []
    exact = best.mean(ground.column)
    found = []
    for row in (r for r in ground.ranked if r.trained):
        if frozenset((row.name, best.name)) not in ground.apart:
            found.append((row, NOT_TOLD))
        elif row.mean(ground.column) > exact:
            found.append((row, WORSE))
    return found


def _flag_table(flagged: list[tuple[Ground, Row, str]]) -> str:
    rows = []
    for ground, row, verdict in flagged:
        best = ground.untrained
        assert best is not None
        ratio = stats.ratio(row.sample(ground.column), best.sample(ground.column))
        cells = [escape(ground.title), escape(row.name), escape(best.name), score(row.mean(ground.column))]
        rows.append([*cells, effect(ratio), _share(way(row, ground)), verdict])
    headers = ["table", "model", "best untrained", "MSE", "× untrained", "way", "verdict"]
    return table(headers, rows, text_columns=3, text_last=True)


def _cell(row: Row | None, ground: Ground) -> str:
    return f"{score(row.mean(ground.column))} ({escape(row.name)})" if row else NONE


def _share(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}"
