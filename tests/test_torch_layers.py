"""PyTorch's fused layers, held to their equations and to the golden first steps, in a process with Keras on torch."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import BACKEND

if BACKEND != "torch":
    pytest.skip("Keras runs on another backend in this process; see tests.test_torch", allow_module_level=True)


from bench.cases.base import cases
from bench.initial import window_order
from bench.models.torch_recurrent import TorchGRU, TorchLSTM
from bench.recipe import Recipe
from bench.task import Splits
from tests.test_engines import STEPS, few_windows
from tests.test_models import BY_NAME, split_of
from tests.torch_fakes import SPLITS, program_of

GOLDEN = json.loads((Path(__file__).parent / "golden" / "first_steps_float64.json").read_text())


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(x, w, u, b):
    """Gates input, forget, cell, output: Hochreiter and Schmidhuber (1997), forget gate of Gers et al. (2000)."""
    h = c = np.zeros((len(x), u.shape[1]))
    outputs = []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ w.T + h @ u.T + b, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs, axis=1)


def gru(x, w, u, b, c):
    """Gates reset, update, candidate; the reset gate on the product, as cuDNN: Cho et al. (2014), version 1."""
    h = np.zeros((len(x), u.shape[1]))
    outputs = []
    for t in range(x.shape[1]):
        (r, z, n), (ur, uz, un) = (np.split(part, 3, axis=1) for part in (x[:, t] @ w.T + b, h @ u.T + c))
        r, z = sigmoid(r + ur), sigmoid(z + uz)
        h = (1 - z) * np.tanh(n + r * un) + z * h
        outputs.append(h)
    return np.stack(outputs, axis=1)


@pytest.mark.parametrize("model", [TorchLSTM(units=4), TorchGRU(units=4)], ids=repr)
def test_fused_layers_are_the_equations(model):
    program = program_of(model)
    weights = program.fresh_weights(5)
    program.load(weights)
    assert len(weights) == 2 * 4 + 2
    hidden = SPLITS.valid.x[:6].astype(np.float64)
    for layer in range(2):
        w, u, b, c = (array.astype(np.float64) for array in weights[4 * layer : 4 * layer + 4])
        hidden = lstm(hidden, w, u, b + c) if model.kind == "LSTM" else gru(hidden, w, u, b, c)
    expected = hidden @ weights[-2].T + weights[-1]
    np.testing.assert_allclose(program.forecast_batch(SPLITS.valid.x[:6]), expected, rtol=1e-4, atol=1e-6)


def as_torch(weights, gates):
    """Keras's weights of recurrent layers and a dense head as PyTorch's, whose gates have another order."""
    found = []
    for kernel, recurrent, bias in zip(*(weights[start:-2:3] for start in range(3)), strict=True):

        def reordered(array):
            parts = np.split(array, len(gates), axis=-1)
            return np.concatenate([parts[i] for i in gates], axis=-1)

        found += [reordered(kernel).T, reordered(recurrent).T]
        found += list(reordered(bias)) if bias.ndim == 2 else [reordered(bias), np.zeros_like(bias)]
    return [*found, weights[-2].T, weights[-1]]


@pytest.mark.parametrize(
    ("name", "gates", "steps"),
    # Keras's gates of a GRU are update, reset, candidate. PyTorch's LSTM has two biases where Keras's has one, so that
    # it is the same network with the same weights, but not after a step.
    [("seq2seq_gru", (1, 0, 2), STEPS), ("seq2seq_lstm", (0, 1, 2, 3), 1)],
)
def test_fused_layers_take_the_golden_first_steps_from_kerass_weights(name, gates, steps):
    """Held to losses in float64, as every network of every backend is: 2e-6 for the first, 3e-4 for the sixth."""
    case, fused = cases.get(f"chapter15/{name}"), cases.get(f"chapter15/{name}_torch")
    splits = few_windows(case)
    weights = as_torch(program_of(case.model, case.recipe, splits).fresh_weights(7), gates)
    program = program_of(fused.model, fused.recipe, splits)
    order = window_order(7, 0, len(splits.train.x), fused.recipe.batch_size)
    means = []
    for taken in range(1, steps + 1):
        program.reset(weights, 7)
        means.append(program.train(order, taken))
    ours = np.diff(np.array([0, *means]) * np.arange(steps + 1))
    np.testing.assert_allclose(ours[0], GOLDEN[name][0], rtol=2e-6)
    np.testing.assert_allclose(ours[:3], GOLDEN[name][:3][:steps], rtol=2e-4)
    np.testing.assert_allclose(ours, GOLDEN[name][:steps], rtol=3e-4)


@pytest.mark.parametrize("name", BY_NAME)
def test_fused_layers_answer_every_task_in_its_shape_and_train(name):
    task = BY_NAME[name]
    split = split_of(task)
    several = "sparse_categorical_crossentropy" if task.classes > 2 else "binary_crossentropy"
    recipe = Recipe(batch_size=8, learning_rate=0.05, loss=several if task.target.is_class else "mse")
    program = program_of(TorchLSTM(units=5), recipe, Splits(split, split, split))
    program.reset(program.fresh_weights(1), 1)
    order = window_order(1, 0, len(split.x), 8)
    losses = [program.train(order) for _ in range(8)]
    assert losses[-1] < losses[0]
    forecast = program.forecast(split.x)
    shares = (task.classes,) if task.target.is_class and task.classes > 2 else ()
    assert forecast.shape == (*split.y.shape, *shares)
    if shares:
        np.testing.assert_allclose(forecast.sum(-1), 1.0, rtol=1e-5)
