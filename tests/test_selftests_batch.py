"""The size of an evaluation batch: it changes no metric of a network, but of one that depends on its batch."""

import numpy as np
import pytest

from bench.cases.base import Case, cases, make_dataset
from bench.engines.base import in_batches
from bench.metrics.base import evaluate, scored
from bench.models.base import Network
from bench.task import Split, Splits
from bench.training import make_program
from tests.conftest import with_variants

SMALL = {"n_series": 200, "draws": 3000}
WINDOWS = 40
SIZES = (40, 16)
"""One batch, and three of which the last is not full."""


def one_case_a_network() -> dict[str, Case]:
    """The first case of each network on quick data."""
    found: dict[str, Case] = {}
    for name in cases.names():
        case = cases.get(name)
        if case.model.trained and case.runs_on("tensorflow") and case.dataset.quick:
            found.setdefault(repr(case.model), case)
    return {case.name.rpartition("/")[2]: case for case in found.values()}


NETWORKS = one_case_a_network()
MAIN = {"linear", "seq2seq_rnn_batch_norm", "seq2seq_gru", "wavenet"}


def few_windows(case: Case) -> Splits:
    fields = type(case.dataset).model_fields
    splits = make_dataset(case.dataset.name, {k: v for k, v in SMALL.items() if k in fields}).load(1)

    def cut(split: Split, n: int) -> Split:
        return Split(split.task, split.x[:n], split.y[:n], {k: v[:n] for k, v in split.groups.items()})

    return Splits(cut(splits.train, 64), cut(splits.valid, WINDOWS), cut(splits.test, WINDOWS))


def metrics_at(case: Case, *sizes: int) -> list[np.ndarray]:
    """Every metric on the validation windows, forecast by one network in batches of each size; the last one padded."""
    assert isinstance(case.model, Network)
    assert case.recipe is not None
    splits = few_windows(case)
    program = make_program("tensorflow", case.model, case.recipe, splits)
    program.load(program.fresh_weights(3))
    positions = case.model.positions(splits.valid.task)
    found = []
    for size in sizes:
        forecast = in_batches(splits.valid.x, size, program.forecast_batch, pad=not case.model.batch_dependent)
        found.append(np.array([value for *_, value in evaluate(scored(splits.valid, forecast, positions))]))
    program.close()
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", with_variants(NETWORKS, {*NETWORKS} - MAIN))
def test_a_metric_depends_on_the_batch_where_the_model_says_so_and_nowhere_else(name):
    case = NETWORKS[name]
    assert isinstance(case.model, Network)
    whole, parts = metrics_at(case, *SIZES)
    assert np.isfinite(whole).all()
    if case.model.batch_dependent:
        assert not np.allclose(whole, parts, rtol=1e-3)
    else:
        np.testing.assert_allclose(parts, whole, rtol=1e-6)


def test_a_network_that_depends_on_its_batch_is_among_them():
    assert any(case.model.batch_dependent for case in NETWORKS.values() if isinstance(case.model, Network))
