import numpy as np
import pytest
from scipy import stats as scipy_stats

from bench import stats
from bench.stats import Agreement


def test_agreement_worked_by_hand() -> None:
    made = stats.agreement([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [2.0, 10.0, 1.5]])
    assert made is not None
    # The third seed gives the models ranks 2, 3, 1: sums 4, 7, 7 about 6, S = 6; W = 12 S / (3² (3³ - 3)) = 72 / 216.
    assert made.w == pytest.approx(1 / 3)
    # Of the 36 orders of the two other seeds against the first, W is 1/3 or more in 19.
    assert made.p_value == pytest.approx(19 / 36)
    assert (made.n_seeds, made.n_models) == (3, 3)


def test_one_order_is_agreed_on_and_opposite_orders_are_not() -> None:
    agreed = stats.agreement([[1, 2, 3], [1, 5, 6], [0, 1, 8]])
    assert agreed == Agreement(pytest.approx(1.0), pytest.approx(1 / 36), 3, 3)
    opposed = stats.agreement([[1, 2, 3], [3, 2, 1]])
    assert opposed == Agreement(0.0, 1.0, 2, 3)


def test_ties_are_corrected_as_in_friedmans_test() -> None:
    table = np.array([[1, 1, 2, 3, 3], [1, 2, 2, 4, 5], [2, 1, 1, 1, 3], [5, 1, 2, 2, 2]])
    made = stats.agreement(table)
    assert made is not None
    assert made.w == pytest.approx(scipy_stats.friedmanchisquare(*table.T).statistic / (4 * 4))
    # Ranks 1.5 1.5 3 and 1 2.5 2.5: sums 2.5 4 5.5, S = 4.5; W = 12 S / (2² 24 - 2 (6 + 6)) = 54 / 72.
    tied = stats.agreement([[1, 1, 2], [1, 2, 2]])
    assert tied is not None
    assert tied.w == pytest.approx(0.75)


def test_many_seeds_and_models_take_chi_square() -> None:
    table = np.random.default_rng(0).standard_normal((12, 7)) + np.arange(7) / 3
    made = stats.agreement(table)
    known = scipy_stats.friedmanchisquare(*table.T)
    assert made is not None
    assert made.p_value == pytest.approx(known.pvalue)
    assert made.w == pytest.approx(known.statistic / (12 * 6))


def test_permutations_are_the_same_each_time_and_near_chi_square() -> None:
    table = np.random.default_rng(1).standard_normal((10, 6)) + np.arange(6) / 5
    made = stats.agreement(table)
    assert made is not None
    assert stats.agreement(table) == made
    assert made.p_value == pytest.approx(scipy_stats.friedmanchisquare(*table.T).pvalue, abs=0.02)


def test_seeds_with_a_missing_score_are_left_out() -> None:
    table = np.array([[1.0, 2.0, 3.0], [1.0, np.nan, 0.5], [1.0, 3.0, 2.0]])
    made = stats.agreement(table)
    assert made == stats.agreement(table[[0, 2]])
    assert made is not None
    assert made.n_seeds == 2


@pytest.mark.parametrize("table", [np.ones((1, 3)), np.ones((3, 1)), np.ones((3, 3)), [[1, np.nan], [1, 2]]])
def test_no_agreement_of_one_or_of_all_equal(table: object) -> None:
    assert stats.agreement(np.asarray(table, dtype=float)) is None


def test_a_table_has_two_axes() -> None:
    with pytest.raises(ValueError, match="two axes"):
        stats.agreement([1.0, 2.0])
