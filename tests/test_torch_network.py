"""Networks on PyTorch, plain modules and Keras's: weights, state, steps and losses, with Keras on torch."""

from dataclasses import replace

import numpy as np
import pytest

from tests.conftest import BACKEND

if BACKEND != "torch":
    pytest.skip("Keras runs on another backend in this process; see tests.test_torch", allow_module_level=True)

import torch

from bench.engines.torch_network import FlatNetwork
from bench.engines.torch_recipe import batch_loss
from bench.errors import BenchError
from bench.models.recurrent import SimpleRNN
from bench.models.torch_recurrent import TorchGRU, TorchLSTM
from bench.recipe import Recipe
from bench.task import Split, Splits, TargetKind, Task
from bench.training import train
from tests.torch_fakes import PLAIN, RECIPE, SPLITS, Odd, order_of, program_of

# Weights, parameters, state


@pytest.mark.parametrize("model", [TorchLSTM(), TorchGRU()], ids=lambda model: model.name)
def test_a_plain_module_has_as_many_weights_as_it_says(model):
    module = model.build(Task("ten steps", TargetKind.EVERY_STEP, 50, 1, horizon=10))
    assert vars(type(model))["weights"] == sum(weight.numel() for weight in module.parameters())


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
    network = FlatNetwork(SimpleRNN(units=(4,), batch_norm=True), task)
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
