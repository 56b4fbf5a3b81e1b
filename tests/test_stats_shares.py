"""Wilson's interval, held to statsmodels."""

import pytest
from statsmodels.stats.proportion import proportion_confint

from bench import stats


@pytest.mark.parametrize("level", [0.9, 0.95])
@pytest.mark.parametrize(("successes", "n"), [(0, 5), (5, 5), (1, 2), (13, 20), (199, 200)])
def test_wilson_is_that_of_statsmodels(successes: int, n: int, level: float) -> None:
    known = proportion_confint(successes, n, alpha=1 - level, method="wilson")
    assert stats.wilson(successes / n, n, level) == pytest.approx(known, abs=1e-12)
