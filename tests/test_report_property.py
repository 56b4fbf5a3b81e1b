"""A few examples of what holds of every report; `python -m tests.torture` tries ten thousand."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.generated import more_metrics
from tests.properties import PROPERTIES, Property
from tests.torture.fuzz import collect

EXAMPLES = 8
"""So many of what is quick to try, and of all others a share of them, `LEAST` at least."""
LEAST = 2


@pytest.fixture(autouse=True, scope="module")
def metrics() -> Iterator[None]:
    with more_metrics():
        yield


@pytest.mark.parametrize("of", PROPERTIES, ids=lambda of: of.name)
def test_it_holds_whatever_the_scores(of: Property) -> None:
    @settings(
        max_examples=max(LEAST, int(of.share * EXAMPLES)),
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(of.inputs)
    def every(example: object) -> None:
        said = of(example)
        assert not said, said

    every()


def test_the_torture_counts_what_it_tried_and_what_was_wrong_and_ends_in_time() -> None:
    of = Property("any", PROPERTIES[0].inputs, lambda plan: "wrong" if len(plan.cases) else "")
    tried, *wrong = collect(of.inputs, of, 4, 1)
    assert (tried, len(wrong)) == ("tried 4", 4)
    assert all(text.endswith(": wrong") for text in wrong)
    assert collect(of.inputs, of, 4, 1, most_s=-1.0) == ["tried 0"]


def test_what_is_raised_or_warned_of_is_wrong() -> None:
    assert "ZeroDivisionError" in Property("any", PROPERTIES[0].inputs, lambda _: str(1 / 0))(None)
    assert "overflow" in Property("any", PROPERTIES[0].inputs, lambda _: str(np.float64(1e308) * 10))(None)
