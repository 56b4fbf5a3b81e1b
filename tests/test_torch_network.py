"""Networks on PyTorch: plain modules and fused layers held to known answers, in a process with Keras on torch."""

import json
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import BACKEND

if BACKEND != "torch":
    pytest.skip("Keras runs on another backend in this process; see tests.test_torch", allow_module_level=True)

import torch

from bench.cases.base import cases
from bench.datasets.waves import WavesEveryStep
from bench.engines.base import engines
from bench.engines.torch import WARM_UP, TorchProgram, capture
from bench.engines.torch_network import TorchNetwork as Built
from bench.engines.torch_recipe import batch_loss
from bench.errors import BenchError
from bench.initial import window_order
from bench.models.base import TorchNetwork
from bench.models.recurrent import SimpleRNN
from bench.models.torch_recurrent import TorchGRU, TorchLSTM
from bench.recipe import Recipe
from bench.task import Split, Splits, TargetKind, Task
from bench.training import train
from tests.test_engines import STEPS, few_windows
from tests.test_models import BY_NAME, split_of

GOLDEN = json.loads((Path(__file__).parent / "golden" / "first_steps_float64.json").read_text())
SPLITS = WavesEveryStep(n_series=100).load(42)
PLAIN = TorchGRU(units=3, layers=1)
RECIPE = Recipe(epochs=2, learning_rate=0.01)


def program_of(model, recipe=RECIPE, splits=SPLITS):
    return engines.get("torch").make_program(model, recipe, splits.train, splits.valid.task)


def order_of(splits=SPLITS, seed=1):
    return window_order(seed, 0, len(splits.train.x), RECIPE.batch_size)


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


# Weights, parameters, state


def test_initial_weights_are_the_modules_own_under_the_seed():
    program = program_of(PLAIN)
    torch.manual_seed(9)
    expected = [value.numpy() for value in PLAIN.build(SPLITS.train.task).state_dict().values()]
    torch.manual_seed(4)
    after = torch.rand(3)
    torch.manual_seed(4)
    fresh = program.fresh_weights(9)
    assert torch.equal(torch.rand(3), after), "PyTorch's generator is left as it was"
    for ours, theirs in zip(fresh, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not np.array_equal(program.fresh_weights(10)[0], fresh[0])
    assert program.parameters == 3 * 3 * (1 + 3 + 2) + (3 + 1) * 10
    assert program.weight_bytes == 4 * program.parameters


class Odd(TorchNetwork):
    """A module with dropout, batch norm, a frozen weight and, if asked, an output of the wrong shape or dtype."""

    extra_axis: bool = False
    double: bool = False
    frozen: bool = False

    def build(self, task):
        class Module(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.norm = torch.nn.BatchNorm1d(task.features)
                self.hidden = torch.nn.Linear(task.features, 6)
                self.dropout = torch.nn.Dropout(0.5)
                self.head = torch.nn.Linear(6, task.outputs)
                self.scale = torch.nn.Parameter(torch.ones(6), requires_grad=False)

            def forward(self, x):
                x = self.norm(x.transpose(1, 2)).transpose(1, 2)
                y = self.head(self.dropout(torch.tanh(self.hidden(x))) * self.scale)
                return y[..., None] if extra_axis else y

        extra_axis = self.extra_axis
        module = Module().double() if self.double else Module()
        return module.requires_grad_(False) if self.frozen else module


def outcome(program, seed, model):
    left = train(model, RECIPE, SPLITS, program, seed)
    return left.curve, left.scores, [array.tobytes() for array in program.weights()]


def test_a_seed_of_a_plain_module_gives_the_same_bits_whatever_ran_before():
    model = Odd()
    program = program_of(model)
    first, second = outcome(program, 1, model), outcome(program, 2, model)
    assert outcome(program, 1, model) == first != second
    torch.manual_seed(77)
    assert outcome(program_of(model), 1, model) == first


def test_a_plain_modules_buffers_and_frozen_weights_are_kept_and_put_back():
    program = program_of(Odd())
    fresh = program.fresh_weights(1)
    names = list(Odd().build(SPLITS.train.task).state_dict())
    program.reset(fresh, 1)
    program.train(order_of())
    trained = dict(zip(names, program.weights(), strict=True))
    assert trained["norm.num_batches_tracked"] == len(order_of())
    assert not np.array_equal(trained["norm.running_mean"], np.zeros(1))
    np.testing.assert_array_equal(trained["scale"], np.ones(6))
    assert not np.array_equal(trained["hidden.weight"], fresh[names.index("hidden.weight")])
    np.testing.assert_array_equal(program.forecast(SPLITS.valid.x), program.forecast(SPLITS.valid.x))
    program.reset(fresh, 1)
    for ours, theirs in zip(program.weights(), fresh, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_plain_module_steps_as_its_own_optimizer_would():
    """Gradient descent, which PyTorch and Keras define alike, with the longest gradient and the decay of weights."""
    recipe = Recipe(optimizer="sgd", learning_rate=0.1, momentum=0.0, weight_decay=0.1, clip_norm=0.05)
    program, order = program_of(PLAIN, recipe), order_of()[:5]
    fresh = program.fresh_weights(1)
    program.reset(fresh, 1)
    loss = program.train(order)
    torch.manual_seed(1)
    module = PLAIN.build(SPLITS.train.task)
    x, y = torch.tensor(SPLITS.train.x), torch.tensor(SPLITS.train.y)
    losses = []
    for rows in order:
        value = torch.nn.functional.mse_loss(module(x[rows]), y[rows])
        module.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 0.05)
        with torch.no_grad():
            for weight in module.parameters():
                weight -= 0.1 * 0.1 * weight
                weight -= 0.1 * weight.grad
        losses.append(value.item())
    assert loss == pytest.approx(np.mean(losses), rel=1e-6)
    for ours, theirs in zip(program.weights(), module.state_dict().values(), strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("model", "match"),
    [
        (Odd(double=True), r"has weights of torch.float64; give its network float32 parameters"),
        (Odd(frozen=True), r"has no weight that gradients change"),
    ],
)
def test_a_module_that_cannot_be_trained_is_said_in_one_line(model, match):
    with pytest.raises(BenchError, match=match) as caught:
        program_of(model)
    assert "\n" not in str(caught.value)


def test_an_output_of_another_shape_is_said_in_one_line_and_not_broadcast():
    program = program_of(Odd(extra_axis=True))
    program.reset(program.fresh_weights(1), 1)
    with pytest.raises(BenchError, match=r"shaped \(32, 50, 10, 1\), its targets \(32, 50, 10\)"):
        program.train(order_of())


def test_a_closed_program_leaves_nothing_of_it_behind():
    program = program_of(PLAIN)
    program.reset(program.fresh_weights(1), 1)
    program.train(order_of())
    assert program.device_peak_bytes is None
    program.close()
    assert not hasattr(program, "_network")


def test_no_steps_change_nothing():
    program = program_of(PLAIN)
    fresh = program.fresh_weights(1)
    program.reset(fresh, 1)
    assert program.train(order_of(), 0) == 0.0
    np.testing.assert_array_equal(program.weights()[0], fresh[0])


# A CUDA graph, without a GPU: what is captured runs as it would, and what a capture leaves behind is looked at


class Captured(TorchProgram):
    """A program that captures its steps, wherever it is."""

    captures = True


class Graph:
    """Takes the place of a CUDA graph: it plays the step again by calling it."""

    def __init__(self):
        self.replayed = 0

    def replay(self):
        self.replayed += 1
        self.step()


@pytest.fixture
def graphs(monkeypatch):
    """PyTorch's CUDA interface, as far as a capture needs it, on the CPU."""
    made = []

    class Stream(nullcontext):
        def wait_stream(self, other):
            pass

    def new():
        made.append(Graph())
        return made[-1]

    fakes = {"Stream": Stream, "current_stream": Stream, "stream": Stream, "graph": Stream, "CUDAGraph": new}
    generator = {name: getattr(torch, name) for name in ("get_rng_state", "set_rng_state")}
    for name, fake in (fakes | generator).items():
        monkeypatch.setattr(torch.cuda, name, fake)
    return made


@pytest.mark.parametrize("model", [PLAIN, Odd()], ids=["fused", "dropout and batch norm"])
def test_captured_steps_are_the_steps(graphs, model, monkeypatch):
    """Weights, buffers, moments, counters and the generator are after a capture what they were before it."""
    recipe = Recipe(learning_rate=0.01, schedule="cosine")
    eager = program_of(model, recipe)
    captured = Captured(model, recipe, SPLITS.train, SPLITS.valid.task)
    rates = np.linspace(0.01, 0.001, len(order_of()), dtype=np.float32)

    def trained(program):
        program.reset(program.fresh_weights(3), 3)
        losses = [program.train(order_of(seed=3), rates=rates) for _ in range(2)]
        return losses, [array.tobytes() for array in program.weights()]

    expected = trained(eager)
    monkeypatch.setattr(Graph, "step", lambda _: captured._step(), raising=False)
    assert trained(captured) == expected
    assert trained(captured) == expected
    assert (len(graphs), captured.compilations) == (1, 1)
    assert graphs[0].replayed == 4 * len(order_of())
    assert captured.compile_s > 0
    captured.use(SPLITS.train)
    assert trained(captured) == expected
    assert len(graphs) == 2, "other data lie elsewhere"


def test_each_step_of_a_capture_is_the_first_and_what_it_changes_is_put_back(graphs):
    counted, calls = torch.zeros(1), []

    def step():
        calls.append(counted.item())
        counted.add_(1)

    capture(step, [counted])
    assert (calls, counted.item()) == ([0.0] * (WARM_UP + 1), 0.0)


def test_only_plain_modules_on_a_gpu_are_captured():
    found = {}
    for model in (PLAIN, SimpleRNN(units=(2,))):
        program = program_of(model)
        for kind in ("cpu", "cuda"):
            program._device = torch.device(kind)
            found[model.name, kind] = program.captures
    assert found == {
        ("torch_gru", "cpu"): False,
        ("torch_gru", "cuda"): True,
        ("simple_rnn", "cpu"): False,
        ("simple_rnn", "cuda"): False,
    }


# Losses: known answers in plain NumPy


def test_known_answers_of_losses():
    y = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    forecast = np.array([[0.0, 4.0], [3.5, 1.0]], np.float32)  # errors 1, -2, -0.5, 3
    mask = np.array([True, False])

    def loss(recipe, y=y, forecast=forecast, mask=None):
        return float(batch_loss(recipe)(*(None if a is None else torch.tensor(a) for a in (y, forecast, mask))))

    assert loss(Recipe()) == pytest.approx((1 + 4 + 0.25 + 9) / 4)
    assert loss(Recipe(), mask=mask) == pytest.approx((1 + 4) / 2)
    assert loss(Recipe(), mask=np.zeros(2, bool)) == 0.0
    assert loss(Recipe(loss="mae")) == pytest.approx((1 + 2 + 0.5 + 3) / 4)
    assert loss(Recipe(loss="huber", huber_delta=2.0)) == pytest.approx((0.5 + 2 + 0.125 + 2 * (3 - 1)) / 4)
    assert loss(Recipe(loss="quantile", quantile=0.75)) == pytest.approx((0.75 + 0.5 + 0.125 + 2.25) / 4)
    shares, labels = np.array([0.9, 0.2], np.float32), np.array([1.0, 1.0], np.float32)
    two = Recipe(loss="binary_crossentropy")
    assert loss(two, labels, shares) == pytest.approx(-np.log([0.9, 0.2]).mean(), rel=1e-6)
    assert loss(two, labels, shares, np.array([False, True])) == pytest.approx(-np.log(0.2), rel=1e-6)
    many = np.array([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]], np.float32)
    several = Recipe(loss="sparse_categorical_crossentropy")
    assert loss(several, np.array([1, 2], np.int32), many) == pytest.approx(-np.log([0.5, 0.1]).mean(), rel=1e-6)
    assert loss(two, labels, np.array([1.0, 0.0], np.float32)) == pytest.approx(-np.log(1e-7) / 2, rel=1e-3)


def test_a_network_of_kerass_layers_lies_in_one_vector():
    task = Task("t", TargetKind.EVERY_STEP, 6, 2, horizon=3)
    network = Built(SimpleRNN(units=(4,), batch_norm=True), task)
    fresh = network.fresh_weights(1)
    network.load(fresh)
    trained = [array for array in fresh if array.size]
    held = np.sort(np.concatenate([array.ravel() for array in trained]))
    moving = 2 * 4
    assert len(network.vector) == network.parameters - moving == len(held) - moving
    network.vector.zero_()
    assert sum(np.count_nonzero(array) for array in network.weights()) == 4, "the moving variance alone is not trained"
    masked = replace(task, masked=True)
    split = Split(masked, np.zeros((8, 6, 2), np.float32), np.zeros((8, 6, 3), np.float32), mask=np.ones((8, 6), bool))
    program = program_of(SimpleRNN(units=(4,)), Recipe(batch_size=8), Splits(split, split, split))
    program.reset(program.fresh_weights(1), 1)
    assert np.isfinite(program.train(np.arange(8, dtype=np.int32)[None]))
