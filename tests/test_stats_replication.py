"""The chance that an equal replication gives another verdict, in closed form and by replications one by one."""

import numpy as np
import pytest
from scipy.stats import norm, t, zscore

from bench import stats
from bench.stats import Beyond, Region, Sample, Verdict
from bench.stats.replication import REPLICATIONS

LEADS, WORSE, EQUIVALENT, OPEN, FEW = (
    Verdict.LEADS, Verdict.WORSE, Verdict.EQUIVALENT, Verdict.UNDECIDED, Verdict.TOO_FEW,
)  # fmt: skip
NEAR = 4 * np.sqrt(0.25 / REPLICATIONS)
"""Four standard errors of a share of so many tables."""
NONE = Region(1.0, 0.0)
"""Nothing but the same is equivalent."""


def seeds(n: int, mean: float, sd: float) -> np.ndarray:
    """Return ``n`` numbers with just this mean and standard deviation."""
    return mean + sd * zscore(np.linspace(-1, 1, n) ** 3, ddof=1)


def chances(rows, shown, *, level=0.95, region=NONE, **how):
    return stats.flip_chances([Sample(np.asarray(row)) for row in rows], shown, level=level, region=region, **how)


def test_a_leader_is_passed_by_an_exact_rival_with_the_chance_of_students_t() -> None:
    leader, rival = Sample(np.exp(seeds(5, 0.0, 0.1))), Sample(np.exp([0.05]), exact=True)
    found = stats.flip_chances([leader, rival], [LEADS, OPEN], region=NONE, level=0.95)
    passed = t.sf(0.05 / np.sqrt(2 * 0.1**2 / 5), 4)
    assert found[0] == pytest.approx(passed, abs=NEAR)
    assert found[1] > found[0]  # it is found worse, too


@pytest.mark.parametrize("errors", [2.5, 3.0, 4.0])
def test_with_many_seeds_worse_becomes_another_verdict_with_a_normal_chance(errors: float) -> None:
    n, sd = 400, 0.1
    error = sd * np.sqrt(2 / n)
    found = chances(np.exp([seeds(n, 0.0, sd), seeds(n, errors * error, sd)]), [LEADS, WORSE])
    assert found[1] == pytest.approx(norm.cdf((1.96 - errors) / np.sqrt(2)), abs=NEAR)  # twice the variance


def test_a_test_set_widens_intervals_and_moves_no_mean() -> None:
    n, sd, of_series, gap = 400, 0.1, 0.02, 0.03
    error = np.array([[0, of_series], [of_series, 0]])
    rows = np.exp([seeds(n, 0.0, sd), seeds(n, gap, sd)])
    moves, half = sd * np.sqrt(4 / n), 1.96 * np.sqrt(2 * sd**2 / n + of_series**2)
    passed = norm.cdf(-gap / moves)
    found = chances(rows, [LEADS, OPEN], beyond=Beyond(error, 10_000))
    assert found[0] == pytest.approx(passed, abs=NEAR)
    assert found[1] == pytest.approx(norm.sf((half - gap) / moves) + passed, abs=NEAR)
    few = chances(rows, [LEADS, WORSE], beyond=Beyond(error, 3))  # of three series little is known
    assert few[1] > chances(rows, [LEADS, WORSE], beyond=Beyond(error, 10_000))[1] + NEAR


def test_what_models_share_in_a_draw_of_the_data_moves_no_verdict() -> None:
    rng = np.random.default_rng(5)
    gaps = seeds(8, 0.03, 0.04)
    leader = rng.normal(size=8)
    shared = np.exp(leader)[:, None] * np.exp(np.stack([np.zeros(8), gaps], axis=1))
    found = chances(shared.T, [LEADS, OPEN], beyond=Beyond(by_draw=shared))
    assert found[0] == pytest.approx(t.sf(0.03 / np.sqrt(2 * 0.04**2 / 8), 7), abs=NEAR)
    again = shared * np.exp(rng.normal(size=(8, 1)))
    assert chances(again.T, [LEADS, OPEN], beyond=Beyond(by_draw=again)) == pytest.approx(found, abs=1e-3)
    assert chances(shared.T, [LEADS, OPEN])[0] > found[0] + NEAR  # as if each had drawn for itself
    lacking = np.append(shared, [[np.nan, 1.0]], axis=0)
    assert np.isfinite(chances(shared.T, [LEADS, OPEN], beyond=Beyond(by_draw=lacking))).all()


TABLES = {
    "errors": (True, [(0.0, 0.05, 5), (0.06, 0.05, 5), (0.3, 0.1, 6)], [LEADS, OPEN, WORSE]),
    "near errors": (True, [(0.0, 0.01, 8), (0.01, 0.01, 8), (0.03, 0.02, 8)], [LEADS, EQUIVALENT, OPEN]),
    "shares": (False, [(0.9, 0.004, 6), (0.899, 0.004, 6), (0.87, 0.02, 3)], [LEADS, EQUIVALENT, FEW]),
}


@pytest.mark.parametrize("name", TABLES)
def test_it_is_the_share_of_replications_that_the_rule_of_a_report_judges_otherwise(name: str) -> None:
    """Each is drawn seed by seed from a truth that is drawn first, and judged by `ratio` and `judge`."""
    log, rows, shown = TABLES[name]
    region, level, tables = Region(), 0.98, 400
    rng = np.random.default_rng(1)
    other = np.zeros(len(rows))
    for _ in range(tables):
        made = []
        for mean, sd, n in rows:
            true = sd * np.sqrt((n - 1) / rng.chisquare(n - 1))
            scores = mean + true / np.sqrt(n) * rng.standard_normal() + true * rng.standard_normal(n)
            made.append(Sample(np.exp(scores) if log else scores))
        centres = [np.mean(np.log(s.values) if log else -s.values) for s in made]
        leader = made[int(np.argmin(centres))]
        for i, own in enumerate(made):
            found = stats.ratio(own, leader, log=log, level=level)
            assert found is not None
            least = min(len(own.values), len(leader.values))
            verdict = stats.judge(found, region, least, log=log, worse_is_higher=log)
            verdict = LEADS if own is leader else verdict
            other[i] += verdict is not shown[i] and not {verdict, shown[i]} <= {OPEN, FEW}
    scores = [seeds(n, mean, sd) for mean, sd, n in rows]
    samples = [Sample(np.exp(each) if log else each) for each in scores]
    known = stats.flip_chances(samples, shown, region=region, level=level, log=log, worse_is_higher=log)
    assert known == pytest.approx(other / tables, abs=4 * np.sqrt(0.25 / tables))
    assert known.max() > 0.2
    assert known.min() < known.max()


def test_what_is_exact_or_all_alike_never_changes_and_one_seed_says_nothing_of_others() -> None:
    exact = [Sample(np.array([value]), exact=True) for value in (1.0, 1.0, 2.0)]
    assert stats.flip_chances(exact, [LEADS, EQUIVALENT, WORSE], region=NONE, level=0.95).tolist() == [0, 0, 0]
    assert chances([[1.0] * 3, [2.0] * 3], [LEADS, WORSE]).tolist() == [0, 0]
    assert chances([[0.0] * 3, [2.0, 2.1, 2.2]], [LEADS, WORSE]).tolist() == [0, 0]
    assert chances([[1.0], [1.01]], [LEADS, FEW]).tolist() == [0, 0]


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
def test_chances_depend_on_no_size_and_on_no_direction(size: float) -> None:
    rows = np.array([seeds(6, 1.0, 0.1), seeds(6, 1.1, 0.1), seeds(6, 1.2, 0.2)])
    shown = [LEADS, OPEN, OPEN]
    known = chances(rows, shown, log=False, region=Region(difference=0.05))
    assert chances(size * rows, shown, log=False, region=Region(difference=0.05 * size)).tolist() == known.tolist()
    turned = chances(-size * rows, shown, log=False, worse_is_higher=False, region=Region(difference=0.05 * size))
    assert turned.tolist() == known.tolist()
    assert chances(size * rows, shown) == pytest.approx(chances(rows, shown), abs=1e-3)
    assert known.min() > 0.05


def test_verdicts_that_are_not_as_many_as_models_are_refused() -> None:
    with pytest.raises(ValueError, match="2 models have 1 verdicts"):
        chances([[1.0, 1.1], [2.0, 2.1]], [LEADS])
