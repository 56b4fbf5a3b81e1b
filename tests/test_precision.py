"""Mixed precision on this process's backend: what is rounded, what stays float32, and a float32 run beside it."""

from typing import NamedTuple

import ml_dtypes
import numpy as np
import pytest

from bench.datasets.waves import WavesNextStep
from bench.engines.base import engines
from bench.initial import window_order
from bench.models.linear import Linear
from bench.recipe import Recipe
from tests.conftest import BACKEND

SPLITS = WavesNextStep(n_series=200).load(1)
TASK = SPLITS.valid.task
ORDER = window_order(1, 0, len(SPLITS.train.x), 32)
RATE = 0.01
DTYPES = {"bfloat16": np.dtype(ml_dtypes.bfloat16), "float16": np.dtype(np.float16)}


class Fit(NamedTuple):
    """The first step's loss, an epoch's, the forecasts before and after that, and the weights before and after it."""

    step: float
    loss: float
    first: np.ndarray
    last: np.ndarray
    fresh: list
    weights: list


def trained(precision):
    program = engines.get(BACKEND).make_program(
        Linear(), Recipe(precision=precision, learning_rate=RATE), SPLITS.train, TASK
    )
    fresh = program.fresh_weights(1)
    program.reset(fresh, 1)
    first, step = program.forecast(SPLITS.valid.x), program.train(ORDER, 1)
    program.reset(fresh, 1)
    return Fit(step, program.train(ORDER), first, program.forecast(SPLITS.valid.x), fresh, program.weights())


@pytest.fixture(scope="module")
def whole():
    return trained(None)


@pytest.mark.parametrize("precision", DTYPES)
def test_a_precision_rounds_what_layers_compute_and_nothing_else(precision, whole):
    half, mixed = DTYPES[precision], trained(precision)
    unit = 2.0 ** -ml_dtypes.finfo(half).nmant
    (kernel, bias), x = mixed.fresh, SPLITS.valid.x[..., 0]
    assert mixed.first.dtype == mixed.weights[0].dtype == np.float32
    np.testing.assert_array_equal(kernel, whole.fresh[0])  # the same start
    rounded = x.astype(half).astype(np.float64) @ kernel.astype(half).astype(np.float64)
    np.testing.assert_array_equal(mixed.first, mixed.first.astype(half))
    np.testing.assert_allclose(mixed.first[:, 0], rounded[:, 0] + bias, rtol=unit, atol=unit / 4)
    exact = x.astype(np.float64) @ kernel.astype(np.float64)
    np.testing.assert_allclose(whole.first[:, 0], exact[:, 0] + bias, rtol=1e-5, atol=1e-6)

    assert mixed.loss != whole.loss
    assert mixed.loss == pytest.approx(whole.loss, rel=0.02)
    assert mixed.step != float(np.float32(mixed.step).astype(half)), "the loss is not rounded"
    for ours, theirs in zip(mixed.weights, whole.weights, strict=True):
        assert not np.array_equal(ours, theirs)
        assert not np.array_equal(ours, ours.astype(half)), "weights are not rounded"
        np.testing.assert_allclose(ours, theirs, atol=0.01)


@pytest.mark.variant
@pytest.mark.parametrize("precision", DTYPES)
def test_a_float32_program_is_the_same_whatever_was_built_before(precision, whole):
    trained(precision)
    again = trained("float32")
    for ours, theirs in zip([again.last, *again.weights], [whole.last, *whole.weights], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert again.loss == whole.loss
