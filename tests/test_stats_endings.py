"""Stuck, unstable and usual endings, on curves of the committed reports and on made ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from bench import stats
from bench.stats import Ending
from tests.committed import check_out

BATCH_NORM = [  # batch norm at 0.03, seeds 44, 46, 48, 50 and 51: last-step MSE on validation, epoch by epoch
    [0.059, 0.0385, 0.073, 0.1303, 0.0332, 0.0483, 0.1914, 0.0639, 0.1344, 0.0709, 0.1726, 0.0501, 0.0696, 0.047,
     0.0748, 0.0452, 0.0804, 0.1645, 0.072, 0.178],
    [0.0377, 0.0277, 0.0227, 0.0166, 0.0163, 0.0167, 0.0163, 0.0147, 0.0147, 0.0138, 0.011, 0.0094, 0.0118, 0.0139,
     0.013, 0.0511, 0.0409, 0.0486, 0.0521, 0.0479],
    [0.0451, 0.0337, 0.0231, 0.026, 0.0163, 0.0238, 0.014, 0.0149, 0.0131, 0.0149, 0.0121, 0.0112, 0.012, 0.0109,
     0.011, 0.0152, 0.0139, 0.0121, 0.0122, 0.0121],
    [0.0313, 0.0297, 0.0202, 0.0272, 0.015, 0.0121, 0.014, 0.0123, 0.0139, 0.0134, 0.0228, 0.012, 0.0115, 0.0136,
     0.0143, 0.0125, 0.0119, 0.0118, 0.0125, 0.012],
    [0.0629, 0.0673, 0.0753, 0.0274, 0.0455, 0.055, 0.1979, 0.0995, 0.1956, 0.0535, 0.1987, 0.1083, 0.0659, 0.0657,
     0.0511, 0.0412, 0.2834, 0.3359, 0.1422, 0.219],
]  # fmt: skip


def test_seeds_that_left_their_best_epoch_are_unstable_and_not_stuck() -> None:
    assert stats.endings(BATCH_NORM) == [Ending.UNSTABLE, Ending.UNSTABLE, "", "", Ending.UNSTABLE]


def learning(to: float, rng: np.random.Generator, noise: float = 0.1, epochs: int = 20) -> NDArray[np.float64]:
    """Return a curve that falls from 1 to an error, with noise from epoch to epoch."""
    return np.exp(np.log(to) * (1 - np.exp(-np.arange(epochs) / 4)) + noise * rng.standard_normal(epochs))


@pytest.mark.parametrize("bad", [1, 5, 7])
def test_stuck_seeds_do_not_hide_one_another(bad: int) -> None:
    rng = np.random.default_rng(0)
    curves = [*(learning(0.2, rng) for _ in range(bad)), *(learning(0.01, rng) for _ in range(10 - bad))]
    assert stats.endings(curves) == [Ending.STUCK] * bad + [Ending.USUAL] * (10 - bad)


@pytest.mark.parametrize("noise", [0.1, 0.3])
def test_noise_from_epoch_to_epoch_is_nothing_odd(noise: float) -> None:
    """Of 20,000 healthy seeds 0.01 % are flagged at 0.3 (in logs), 0.2 % at 0.4 and 1.3 % at 0.5: all as unstable."""
    rng = np.random.default_rng(1)
    found = [e for _ in range(100) for e in stats.endings([learning(0.01, rng, noise) for _ in range(10)])]
    assert sum(e is not Ending.USUAL for e in found) <= 2


def test_one_bad_last_epoch_and_a_spike_that_passed_are_not_unstable() -> None:
    calm = np.full(20, 0.01)
    late, passed = calm.copy(), calm.copy()
    late[-1], passed[-8:-1] = 0.5, 0.5
    assert stats.endings([late, passed, calm]) == [""] * 3
    gone = calm.copy()
    gone[-2:] = 0.5
    assert stats.endings([gone, calm, calm]) == [Ending.UNSTABLE, "", ""]


def test_runs_without_a_curve_are_held_to_their_siblings_alone() -> None:
    finals = [[0.01], [0.011], [0.09], [np.nan], [0.012]]
    assert stats.endings(finals) == ["", "", Ending.STUCK, "", ""]
    assert stats.endings([[0.01], [0.9]]) == ["", ""]  # of two, neither is the rule
    assert stats.endings([[0.01], [0.1], [0.1]]) == ["", "", ""], "the best one of three alone is no rule"
    assert stats.endings([[0.01], [0.1], [0.1], [0.1]]) == [""] * 4
    assert stats.endings([[0.01], [0.01], [0.1]]) == ["", "", Ending.STUCK]
    assert stats.endings([[0.01], [0.01], [0.1], [0.1], [0.1], [0.1], [0.1], [0.1]]) == ["", "", *[Ending.STUCK] * 6]
    assert stats.endings([]) == []


def test_a_share_fails_on_an_extra_set_where_it_is_a_third_of_all_behind_its_own_on_test() -> None:
    test = stats.errors_of_shares([0.99, 0.999, 0.997, 0.987, 0.961, 0.961, 0.987, 0.99, 0.997, 0.99])
    outer = stats.errors_of_shares([0.003, 0.994, 0.997, 0.0, 0.0, 0.0, 0.0, 0.003, 0.991, 0.0])
    assert stats.failed_on(outer, test, shares=True).tolist() == [0, 3, 4, 5, 6, 7, 9]

    def failing(there: list[float], own: list[float]) -> list[int]:
        return stats.failed_on(*map(stats.errors_of_shares, (there, own)), shares=True).tolist()

    assert failing([0.93, 0.995], [0.995, 0.995]) == [], "seven in a hundred wrong is no failure"
    assert failing([0.5, 0.5], [0.99, 0.95]) == [0, 1], "a coin's, whatever siblings do"
    assert failing([0.0, 0.0, np.nan, 0.0], [0.3, 0.4, 0.9, np.nan]) == [1], "it is bad everywhere"
    rates = (stats.errors_of_shares(v, worse_is_higher=True) for v in ([0.5, 0.07], [0.01, 0.01]))
    assert stats.failed_on(*rates, shares=True).tolist() == [0]


def test_seeds_whose_errors_fail_on_an_extra_set_are_found_where_a_sibling_does_not() -> None:
    test = np.linspace(0.01, 0.014, 10)
    assert stats.failed_on(6 * test, test).tolist() == []  # harder for all
    assert stats.failed_on([0.3, 0.3, 0.01, np.nan], [0.3, 0.05, 0.01, 0.01]).tolist() == [1]
    assert stats.failed_on([np.nan], [0.1]).tolist() == []
    with pytest.raises(ValueError, match="aligned by seed"):
        stats.failed_on([0.1], [0.1, 0.2])


def test_shares_become_errors_with_a_margin() -> None:
    assert stats.errors_of_shares([1.0, 0.9]).tolist() == pytest.approx([0.02, 0.12])
    assert stats.errors_of_shares([0.0, 0.1], worse_is_higher=True).tolist() == pytest.approx([0.02, 0.12])


@pytest.mark.parametrize("name", ["chapter15", "chapter15-matched", "chapter15-data-seeds"])
def test_healthy_rows_of_the_committed_reports_are_flagged_nowhere(name: str, tmp_path: Path) -> None:
    """A row is healthy here if, in the median of its last three epochs, no seed lies over three times another."""
    folder = check_out(f"reports/{name}", tmp_path)
    runs = pd.read_csv(folder / "runs.csv")[["run_id", "case"]]
    curves = pd.read_csv(folder / "curves.csv").merge(runs, on="run_id")
    curves = curves[(curves["split"] == "valid") & (curves["metric"] == "last_time_step_mse")]
    healthy = 0
    for _, rows in curves.groupby("case"):
        each = [seed.sort_values("epoch")["value"].to_numpy() for _, seed in rows.groupby("run_id")]
        ends = np.array([np.median(values[-3:]) for values in each])
        if ends.max() < 3 * ends.min():
            healthy += 1
            assert set(stats.endings(each)) == {""}
    assert healthy > 10
