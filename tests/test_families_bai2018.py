"""The family of Bai, Kolter and Koltun (2018): sizes, printed values and faults, and what its faults do, in NumPy."""

import keras
import numpy as np
import pytest

from bench.cases.base import CORRECTED, cases
from bench.cases.printed import further_faults, not_run
from bench.datasets.adding import Adding
from bench.datasets.copying import CopyMemory
from bench.engines.keras_recipe import keras_optimizer
from bench.initial import initial_weights, window_order
from bench.models.constant import Constant, PositionShares
from bench.models.linear import Linear
from bench.models.recurrent import LSTM
from bench.models.temporal_convolution import TCN
from bench.recipe import Recipe, changed
from bench.task import Split, Splits, TargetKind, Task
from bench.training import make_program
from tests.conftest import BACKEND

FAMILY = {name.partition("/")[2]: cases.get(name) for name in cases.names() if name.startswith("bai2018/")}
SMALL = {name: case for name, case in FAMILY.items() if not case.published.why_not}


def test_each_task_has_each_network_small_and_as_printed():
    tasks = {name.rpartition("_")[0] for name in FAMILY if name.endswith("_lstm")}
    printed = {f"adding_{n}" for n in (200, 400, 600)} | {f"copying_{n}" for n in (500, 1000, 2000)}
    assert tasks == printed | {"adding_50", "copying_30", "digits", "permuted_digits"}
    assert {f"{task}_{model}" for task in tasks for model in ("tcn", "lstm", "gru", "rnn")} <= set(FAMILY)
    assert {name.rpartition("_")[0] for name in set(FAMILY) - set(SMALL)} == printed


def test_each_fault_has_a_corrected_case_of_the_same_task_and_one_clause():
    found = {}
    for name, case in FAMILY.items():
        for each in case.errata:
            found.setdefault(each.number, []).append((name, case, each))
    assert sorted(found) == [1, 2, 3, 4, 5, 6]
    for number, variants in found.items():
        assert len({each.fault for _, _, each in variants}) == 1
        mended = {case.task.name for _, case, each in variants if each.variant == CORRECTED}
        assert number == 5 or {case.task.name for _, case, _ in variants} == mended
    told = further_faults.get("bai2018")
    assert any("58,051" in fault and "12,530" in fault for fault in told), "sizes that a test below counts"
    assert not {each.fault for case in FAMILY.values() for each in case.errata} & set(told)
    assert not FAMILY["copying_30_tcn_clipping_nothing"].recipe.clip_norm
    assert (
        changed(FAMILY["copying_30_tcn_clipping_nothing"].recipe, {"clip_norm": 1.0}) == FAMILY["copying_30_tcn"].recipe
    )


def test_sizes_are_those_computed_by_hand():
    def convolutions(width, kernel, levels, features):  # kernel, bias and length of each; one layer across the first
        first = kernel * features * width + 2 * width + features * width + width
        return first + (2 * levels - 1) * (kernel * width * width + 2 * width)

    net = FAMILY["adding_200_tcn"]
    assert net.model.receptive_field(net.task) == 200  # of 1 + 2 * 5 * 127 = 1271 steps, the window
    assert net.model.build(net.task).count_params() == convolutions(27, 6, 7, 2) + 28 == 58_051  # "70K" in the source
    net = FAMILY["copying_1000_tcn"]
    assert net.model.build(net.task).count_params() == convolutions(10, 8, 8, 1) + 110 == 12_530
    lstm = FAMILY["copying_1000_lstm"]
    assert lstm.model.build(lstm.task).count_params() == 4 * 50 * (1 + 50 + 1) + 51 * 10
    for task in ("adding_50", "adding_600", "copying_30", "copying_1000", "digits"):
        counts = [
            FAMILY[f"{task}_{m}"].model.build(FAMILY[f"{task}_{m}"].task).count_params() for m in ("lstm", "gru", "rnn")
        ]
        assert max(counts) < 1.05 * min(counts), task


def test_printed_values_are_of_the_largest_sizes_and_the_rest_says_why():
    printed = {name: case.published.values for name, case in FAMILY.items() if case.published.values}
    assert printed["adding_600_tcn"] == {"mse": 5.8e-5}
    assert printed["copying_1000_gru"] == {"cross_entropy": 0.0197}
    assert printed["adding_50_always_1"] == {"mse": 0.1767}
    assert len(printed) == 4 + 4 + 2
    rows = not_run.get("bai2018")
    assert len(rows) == 9 * 4 - 3 + 9, "nine rows of table 1, three of its cells empty, and table 5"
    assert all(row.why for row in rows)
    assert {row.value for row in rows if row.task.startswith("LAMBADA")} == {4186, 14725, 1279}


def test_recipes_are_the_printed_ones():
    """Table 2 has no clipping for the TCN's pixels; table 3 has RMSprop, and a forget bias of 10 where permuted."""
    for data, forget in (("digits", 1.0), ("permuted_digits", 10.0)):
        tcn, lstm = FAMILY[f"{data}_tcn"], FAMILY[f"{data}_lstm"]
        assert (tcn.recipe.optimizer, tcn.recipe.learning_rate, tcn.recipe.clip_norm) == ("adam", 0.002, None)
        assert (lstm.recipe.optimizer, lstm.recipe.learning_rate, lstm.recipe.clip_norm) == ("rmsprop", 0.001, 1.0)
        assert lstm.model.forget_bias == forget
    for name, case in FAMILY.items():
        if name.startswith("copying") and case.model.trained:
            assert case.model.dropout == 0.05, name


def test_rmsprop_is_pytorchs():
    """Keras's at rho 0.99 and epsilon 1e-16 takes the steps of ``g / (sqrt(v) + 1e-8)``, small gradients included."""
    recipe = FAMILY["copying_30_tcn"].recipe.model_copy(update={"clip_norm": None})
    optimizer = keras_optimizer(recipe)
    weight = keras.Variable(np.zeros(3, np.float32))
    optimizer.build([weight])
    gradients = np.random.default_rng(3).normal(0, [1e-5, 1e-3, 1.0], (5, 3)).astype(np.float32)
    v, known = 0.0, 0.0
    for gradient in gradients.astype(np.float64):
        v = 0.99 * v + 0.01 * gradient**2
        known = known - 0.0005 * gradient / (np.sqrt(v) + 1e-8)
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(weight), known, rtol=0.02)


def test_the_trivial_error_is_a_sixth():
    data = Adding(steps=3, train_windows=1, valid_windows=1, test_windows=100_000)
    test = data.load(1).test
    forecast = Constant(value=1.0).fit(test, test.task)(test.x)
    assert forecast.shape == test.y.shape
    mse = np.square(test.y - forecast).mean()
    assert abs(mse - 1 / 6) < 4 * np.sqrt((1 / 15 - 1 / 36) / 100_000)  # E(s-1)^4 = 1/15, s the sum of two uniforms
    assert abs(mse - 0.1767) > 0.008


def test_shares_by_position_are_counted():
    task = Task("t", TargetKind.LABEL_EVERY_STEP, 3, classes=3, masked=True)
    y = np.array([[0, 1, 2], [0, 1, 1], [2, 0, 0], [0, 0, 0]], np.int32)
    mask = np.ones((4, 3), bool)
    mask[:, 2] = mask[2, 0] = False
    shares = PositionShares().fit(Split(task, np.zeros((4, 3, 1), np.float32), y, mask=mask), task)(np.zeros((2, 3, 1)))
    np.testing.assert_allclose(shares, [[[1, 0, 0], [0.5, 0.5, 0], [1 / 3] * 3]] * 2, rtol=1e-6)
    data = CopyMemory(steps=5, train_windows=20_000, valid_windows=1, test_windows=2_000)
    splits = data.load(1)
    forecast = PositionShares().fit(splits.train, data.task())(splits.test.x).astype(np.float64)
    found = -np.log(np.take_along_axis(forecast, splits.test.y[..., np.newaxis], axis=-1)).mean()
    assert found == pytest.approx(data.chance["cross_entropy"], rel=0.01)


def drawn(network: keras.Model, seed: int = 3) -> dict[str, np.ndarray]:
    return {w.path: value for w, value in zip(network.weights, initial_weights(network, seed), strict=True)}


def test_starts_are_those_of_the_code_and_of_the_paper():
    task = Task("t", TargetKind.LAST_STEP, 20, features=2)
    found = {
        start: drawn(TCN(channels=(64, 64), kernel_size=5, start=start).build(task)) for start in ("code", "paper")
    }
    for start, weights in found.items():
        kernels = [v for path, v in weights.items() if path.endswith("kernel")]
        convolutions, dense = [k for k in kernels if k.ndim == 3], [k for k in kernels if k.ndim == 2]
        assert len(dense) == 2  # across the first block, and the head
        assert np.concatenate([k.ravel() for k in dense]).std() == pytest.approx(0.01, rel=0.2)
        reach = (5 * 64) ** -0.5
        deviation = reach / np.sqrt(3) if start == "code" else 0.01
        assert convolutions[-1].std() == pytest.approx(deviation, rel=0.02)
        lengths = [v for path, v in weights.items() if path.endswith("length")]
        np.testing.assert_allclose(lengths[-1], np.sqrt((convolutions[-1] ** 2).sum(axis=(0, 1))), rtol=1e-5)
        head = next(v for path, v in reversed(weights.items()) if path.endswith("bias"))
        assert np.abs(head).max() <= 64**-0.5


def test_an_lstm_starts_from_its_forget_bias():
    task = Task("t", TargetKind.LAST_STEP, 4)
    (bias, _) = (v for path, v in drawn(LSTM(units=(3,), forget_bias=5.0).build(task)).items() if path.endswith("bias"))
    np.testing.assert_array_equal(bias, [0] * 3 + [5] * 3 + [0] * 6)


@pytest.mark.parametrize("clip", [None, 0.05])
def test_gradients_that_are_never_set_to_zero_add_up_and_are_clipped_before_new_ones(clip):
    rng = np.random.default_rng(5)
    task = Task("t", TargetKind.LAST_STEP, 3, features=2, horizon=2)
    split = Split(task, rng.normal(size=(24, 3, 2)).astype(np.float32), rng.normal(size=(24, 2)).astype(np.float32))
    recipe = Recipe(optimizer="sgd", learning_rate=0.05, batch_size=4, keep_gradients=True, clip_norm=clip)
    program = make_program(BACKEND, Linear(), recipe, Splits(split, split, split))
    order = window_order(1, 0, 24, 4)
    weights = program.fresh_weights(1)
    w, b = (each.astype(np.float64) for each in weights)
    kept = [np.zeros_like(w), np.zeros_like(b)]
    for rows in order:
        x, y = split.x[rows].reshape(4, -1).astype(np.float64), split.y[rows]
        error = 2 * (x @ w + b - y) / y.size
        norm = np.sqrt(sum((k**2).sum() for k in kept))
        scale = min(1.0, clip / norm) if clip and norm else 1.0
        kept = [scale * k + g for k, g in zip(kept, (x.T @ error, error.sum(axis=0)), strict=True)]
        w, b = w - 0.05 * kept[0], b - 0.05 * kept[1]
    for _ in range(2):  # and a reset forgets the sum
        program.reset(weights, 1)
        program.train(order)
        for ours, theirs in zip(program.weights(), (w, b), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-6)
    program.close()


def test_a_recipe_that_sets_gradients_to_zero_is_the_usual_one():
    assert Recipe(keep_gradients=False) == Recipe()
