"""Where the uncertainty of a score comes from: epochs, seeds, the draw of the data, the finite test set."""

import numpy as np
import pandas as pd

from bench import stats
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import NONE, escape, fixed, paragraphs, score, table
from bench.report.parts import section
from bench.report.results import Results
from bench.report.rows import Row
from bench.report.shortlist import entries


@section("sources", "Where the uncertainty comes from", order=6)
def sources_table(results: Results) -> tuple[str, list[str]] | None:
    """Return the shares of each noise in the variance of one run's ranking score; None where none is known.

    Those of networks from `bench.stats.LEAST_RUNS` runs on, each with its 95 % interval.
    """
    lines = [line for board in results.leading() for row in entries(board) if (line := _line(results, board, row))]
    if not lines:
        return None
    joint = bool(results.frames["sources"]["joint"].any())
    seeds = "seeds and draw of the data" if joint else "seeds"
    headers = ["table", "model", "one run varies by", "epoch to epoch", seeds, "test set", "series"]
    notes = paragraphs(
        "sources",
        joint=joint,
        best=results.rank == "best",
        least=stats.LEAST_RUNS,
        without=int(results.about["not_kept"]),
        why=results.about["not_kept_why"],
    )
    return table(headers, lines, text_columns=2), notes


def _line(results: Results, board: Leaderboard, row: Row) -> list[str]:
    """Return a row's shares; empty where nothing is known of it, or its runs are too few."""
    frame, key = results.frames["sources"], board.score
    place = (frame["case"] == row.case) & (frame["device"] == row.device) & (frame["backend"] == row.backend)
    of = (frame["split"] == key.split) & (frame["weights"] == key.weights) & (frame["metric"] == key.metric)
    found = frame[place & of]
    if found.empty or (row.trained and found.iloc[0]["n_runs"] < stats.LEAST_RUNS):
        return []
    line = found.iloc[0]
    parts = {name: None if pd.isna(line[name]) else float(line[name]) for name in ("epochs", "seeds", "test_set")}
    total = sum(part for part in parts.values() if part is not None)
    ends = _ends(line, parts["epochs"], parts["test_set"])
    shares = [
        NONE if part is None or total <= 0 else f"{fixed(100 * part / total, 0)} %{ends.get(name, '')}"
        for name, part in parts.items()
    ]
    series = NONE if pd.isna(line["n_series"]) else f"{line['n_series']:,.0f}"
    return [escape(board.title), escape(row.name), _size(board, total), *shares, series]


def _ends(line: pd.Series, epochs: float | None, test_set: float | None) -> dict[str, str]:
    """Return the interval of each share in words, by its source; empty where there is none."""
    if pd.isna(line["seen"]):
        return {}
    series = 0 if pd.isna(line["n_series"]) else int(line["n_series"])
    found = stats.share_intervals(
        float(line["seen"]),
        int(line["n_runs"]),
        epochs=epochs,
        test_set=test_set if series > 1 else None,
        series=series,
        joint=bool(line["joint"]),
    )
    return {name: f" [{fixed(100 * low, 0)}, {fixed(100 * high, 0)}]" for name, (low, high) in found.items()}


def _size(board: Leaderboard, variance: float) -> str:
    """Return a standard deviation: of logs as a factor, of shares in points."""
    spread = float(np.sqrt(variance))
    if board.metric.log:
        return f"× {fixed(stats.scale_of(log=True).length(spread), 2)}"
    return f"{fixed(100 * spread, 2)} points" if board.metric.share else score(spread, 3)
