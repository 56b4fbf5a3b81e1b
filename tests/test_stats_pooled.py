"""Printed values held against ours together."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from bench import stats
from bench.stats import Sample
from tests.committed import check_out


def test_pooled_worked_by_hand() -> None:
    samples = {"a": Sample(np.exp([0.0, 1.0, 2.0])), "b": Sample(np.exp([0.0, 2.0]))}
    published = {"a": float(np.exp(2.5)), "b": float(np.exp(0.5))}
    tests = [(1.5 / np.sqrt(4 / 3), 2), (-0.5 / (np.sqrt(2) * np.sqrt(3 / 2)), 1)]
    z = sum(scipy_stats.norm.ppf(scipy_stats.t.cdf(t, freedom)) for t, freedom in tests) / np.sqrt(2)
    found = stats.pooled(published, samples)
    assert found is not None
    assert found.z == pytest.approx(z)
    assert found.p_value == pytest.approx(2 * scipy_stats.norm.sf(abs(z)))
    assert found.ratio == stats.interval(np.exp([1.5, -0.5]))


def test_the_printed_values_of_the_committed_report(tmp_path: Path) -> None:
    """A statistician's own code found Z = 1.89, p about 0.06 and a ratio of 1.04 over 16 models' validation MSE."""
    folder = check_out("reports/chapter15", tmp_path)
    cases, runs, scores, printed = (
        pd.read_csv(folder / f"{name}.csv") for name in ("cases", "runs", "scores", "published")
    )
    scores = scores[(scores["split"] == "valid") & (scores["weights"] == "last") & scores["axis"].isna()]
    ours = scores[scores["metric"] == "mse"].merge(runs[["run_id", "case"]], on="run_id").groupby("case")["value"]
    trained = cases.set_index("case")["trained"]
    samples = {case: Sample(values.to_numpy(), exact=not trained[case]) for case, values in ours}
    printed = printed[printed["epoch"].isna() & (printed["metric"] == "mse")]
    found = stats.pooled(dict(zip(printed["case"], printed["value"], strict=True)), samples)
    assert found is not None
    assert found.ratio.n >= 16
    assert abs(found.z) < 3
    assert 0.9 < found.ratio.centre < 1.2


def test_values_drawn_as_ours_are_seldom_off_on_the_whole() -> None:
    rng = np.random.default_rng(3)
    off = []
    for _ in range(1_000):
        logs = rng.standard_normal((8, 6))
        samples = {str(i): Sample(np.exp(row[1:])) for i, row in enumerate(logs)}
        found = stats.pooled({str(i): float(np.exp(row[0])) for i, row in enumerate(logs)}, samples)
        assert found is not None
        off.append(found.p_value < 0.05)
    assert 0.03 < np.mean(off) < 0.07


def test_what_has_no_spread_or_no_log_is_not_pooled() -> None:
    good = Sample(np.array([1.0, 2.0]))
    samples = {"a": good, "same": Sample(np.array([1.0, 1.0])), "exact": Sample(np.array([1.0]), exact=True),
               "zero": Sample(np.array([0.0, 1.0])), "one": Sample(np.array([1.0])), "b": good}  # fmt: skip
    found = stats.pooled(dict.fromkeys([*samples, "unknown"], 1.5), samples)
    assert found is not None
    assert found.ratio.n == 2
    assert stats.pooled({"a": 1.5}, samples) is None
    assert stats.pooled({"a": -1.5, "b": 0.0}, samples) is None
