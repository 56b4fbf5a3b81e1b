"""Seeds that train in one program: a lane's numbers know nothing of its place and its neighbours."""

from dataclasses import replace

import numpy as np
import pytest

from bench.datasets.waves import WavesEveryStep, WavesIteratedOneGrid, WavesNextStep
from bench.initial import window_order
from bench.models.base import Network
from bench.models.convolutional import ConvGRU, WaveNet
from bench.models.linear import Linear
from bench.models.recurrent import GRU, LSTM, IteratedRNN, SimpleRNN, WhileLoopRNN
from bench.recipe import Recipe
from bench.schedules import learning_rates
from bench.stacked_training import Lane, train_together
from bench.task import Split, Splits
from bench.training import Diverged, make_program, train
from tests.conftest import BACKEND
from tests.test_engines import NETWORKS as DISTINCT
from tests.views import LAST as VIEWS
from tests.views import copied, splits_of_views

pytestmark = pytest.mark.skipif(BACKEND != "jax", reason="tests.test_jax runs it, in a process of its own")

SEEDS = (7, 8, 9, 10)
EVERY, NEXT, ITERATED = (d(n_series=200).load(42) for d in (WavesEveryStep, WavesNextStep, WavesIteratedOneGrid))
NETWORKS: dict[str, tuple[Network, Splits]] = {
    "linear": (Linear(), NEXT),
    "batch_norm": (SimpleRNN(units=(5, 4), batch_norm=True), EVERY),
    "dropout": (SimpleRNN(units=(5, 4), dropout=0.3, noise=0.1), EVERY),
    "lstm": (LSTM(units=(5,)), EVERY),
    "gru": (GRU(units=(5,)), EVERY),
    "conv_gru": (ConvGRU(units=(5,)), EVERY),
    "wavenet": (WaveNet(filters=6), EVERY),
    "iterated": (IteratedRNN(units=(5,)), ITERATED),
    "own_loop": (WhileLoopRNN(units=(5, 4), time_major=True), EVERY),
}
QUICK = ("dropout", "conv_gru", "iterated")
"""Of each kind one: random layers, a convolution under a loop, a forecast that is fed back."""
CHAPTER = {case.name: case for case in DISTINCT.values()}
CHAOTIC = ("layer_norm", "own_loop")
EPOCHS, RECIPE = 2, Recipe()


def few(splits):
    """The first windows of a case's data: two steps and a padded batch of forecasts."""

    def cut(split, n):
        mask, series = (None if each is None else each[:n] for each in (split.mask, split.series))
        return Split(split.task, split.x[:n], split.y[:n], {k: v[:n] for k, v in split.groups.items()}, mask, series)

    return Splits(cut(splits.train, 70), cut(splits.valid, 40), cut(splits.test, 40))


def network_of(name):
    """A network of `NETWORKS` and its data, or those of one of the chapter's cases."""
    if name not in NETWORKS:
        NETWORKS[name] = CHAPTER[name].model, few(CHAPTER[name].dataset.load(42))
    return NETWORKS[name]


def recipe_of(name):
    """The usual recipe, with the loss of the case."""
    return RECIPE if name not in CHAPTER else CHAPTER[name].recipe.model_copy(update={"batch_size": 32})


def stack_of(name, width=4, recipe=None):
    from bench.engines.jax_stack import JaxStack

    (model, splits), recipe = network_of(name), recipe or recipe_of(name)
    stack = JaxStack(model, recipe, splits.train.task, splits.valid.task, width)
    stack.use([splits.train] * width)
    return stack


def lanes_of(name, seeds):
    return [Lane(seed, NETWORKS[name][1]) for seed in seeds]


def trained(stack, name, seeds, spoilt=None, frozen=None):
    """What each seed leaves, bit for bit: its losses, its weights, its forecasts.

    The weights of the seed ``spoilt`` are no numbers; the seed ``frozen`` is so after the first epoch.
    """
    splits = NETWORKS[name][1]
    weights = [stack.fresh_weights(seed) for seed in seeds]
    stack.use([splits.train] * len(seeds))
    stack.reset([[w * np.nan for w in ws] if s == spoilt else ws for s, ws in zip(seeds, weights, strict=True)], seeds)
    losses = []
    for epoch in range(EPOCHS):
        active = np.array([not (seed == frozen and epoch) for seed in seeds])
        losses.append(stack.train(orders(name, epoch, seeds), active=active))
    left = zip(seeds, np.transpose(losses), stack.weights(), stack.forecast([splits.valid.x] * len(seeds)), strict=True)
    return {seed: [a.tobytes() for a in (loss, *kept, forecast)] for seed, loss, kept, forecast in left}


def orders(name, epoch, seeds):
    return np.stack([window_order(seed, epoch, len(NETWORKS[name][1].train.x), 32) for seed in seeds])


@pytest.fixture(
    scope="module",
    params=[name if name in QUICK else pytest.param(name, marks=pytest.mark.variant) for name in (*NETWORKS, *CHAPTER)],
)
def case(request):
    """A network's name, a stack of it, and what all seeds leave in it."""
    stack = stack_of(request.param)
    yield request.param, stack, trained(stack, request.param, SEEDS)
    stack.close()


def test_a_seed_leaves_the_same_bits_at_any_place_and_alone(case):
    name, stack, left = case
    assert len({tuple(arrays) for arrays in left.values()}) == len(SEEDS)
    assert trained(stack, name, SEEDS[::-1]) == left
    assert trained(stack, name, SEEDS[2:3]) == {9: left[9]}, "the rest of the width is padded"


def test_a_lane_without_numbers_harms_no_other(case):
    name, stack, left = case
    spoilt = trained(stack, name, SEEDS, spoilt=8)
    assert np.isnan(np.frombuffer(spoilt[8][0], np.float32)).all()
    assert {s: spoilt[s] for s in (7, 9, 10)} == {s: left[s] for s in (7, 9, 10)}


def test_a_lane_that_is_stopped_keeps_its_state_and_harms_no_other(case):
    name, stack, left = case
    frozen = trained(stack, name, SEEDS, frozen=9)
    assert {s: frozen[s] for s in (7, 8, 10)} == {s: left[s] for s in (7, 8, 10)}
    stack.use([NETWORKS[name][1].train])
    stack.reset([stack.fresh_weights(9)], [9])
    stack.train(orders(name, 0, [9]))
    assert [w.tobytes() for w in stack.weights()[0]] == frozen[9][1:-1]
    assert frozen[9][1:-1] != left[9][1:-1]


def test_a_lane_trains_as_a_program_of_one_seed_does(case):
    """Not to the bit: XLA compiles another width to other sums. The cell with layer norm is chaotic."""
    name, stack, left = case
    model, splits = NETWORKS[name]
    program = make_program("jax", model, recipe_of(name), splits)
    program.reset(program.fresh_weights(8), 8)
    alone = [program.train(orders(name, epoch, [8])[0]) for epoch in range(EPOCHS)]
    chaotic = any(part in name for part in CHAOTIC)
    tolerance = {"rtol": 1e-2} if chaotic else {"rtol": 2e-5}
    np.testing.assert_allclose(np.frombuffer(left[8][0], np.float32), alone, **tolerance)
    if not chaotic:
        stack.use([splits.train])
        stack.reset([stack.fresh_weights(8)], [8])
        stack.load([program.weights()])
        np.testing.assert_allclose(stack.forecast([splits.valid.x])[0], program.forecast(splits.valid.x), atol=2e-6)
    program.close()


def test_widths_agree():
    losses = []
    for width in (2, 3, 4):
        stack = stack_of("lstm", width)
        stack.use([NETWORKS["lstm"][1].train] * 2)
        stack.reset([stack.fresh_weights(seed) for seed in SEEDS[:2]], SEEDS[:2])
        losses.append(stack.train(orders("lstm", 0, SEEDS[:2])))
    np.testing.assert_allclose(losses[1:], [losses[0]] * 2, rtol=1e-6)


def test_each_lane_has_its_own_rates():
    recipe = Recipe(schedule="cosine", epochs=2)
    stack, name = stack_of("linear", recipe=recipe), "linear"
    order = orders(name, 0, SEEDS[:2])
    steps = order.shape[1]
    usual = learning_rates(recipe, 0, steps)
    rates = np.stack([usual, np.zeros_like(usual)])
    weights = [stack.fresh_weights(seed) for seed in SEEDS[:2]]
    stack.use([NETWORKS[name][1].train] * 2)
    stack.reset(weights, SEEDS[:2])
    stack.train(order, rates=rates)
    moved, still = stack.weights()
    assert all(np.array_equal(a, b) for a, b in zip(still, weights[1], strict=True))
    program = make_program("jax", NETWORKS[name][0], recipe, NETWORKS[name][1])
    program.reset(weights[0], 7)
    program.train(order[0], rates=usual)
    for ours, alone in zip(moved, program.weights(), strict=True):
        np.testing.assert_allclose(ours, alone, rtol=1e-5, atol=1e-7)


def test_a_mask_is_kept_to_in_every_lane():
    train = NETWORKS["gru"][1].train
    mask = np.random.default_rng(0).random(train.task.mask_shape(len(train.x))) < 0.6
    masked = Split(replace(train.task, masked=True), train.x, train.y, mask=mask)
    splits = Splits(masked, NETWORKS["gru"][1].valid, NETWORKS["gru"][1].test)
    from bench.engines.jax_stack import JaxStack

    model = NETWORKS["gru"][0]
    stack = JaxStack(model, Recipe(), masked.task, splits.valid.task, 2)
    stack.use([masked])
    stack.reset([stack.fresh_weights(7)], [7])
    program = make_program("jax", model, Recipe(), splits)
    program.reset(program.fresh_weights(7), 7)
    order = window_order(7, 0, len(masked.x), 32)
    assert stack.train(order[None])[0] == pytest.approx(program.train(order), rel=1e-6)
    assert stack.train(order[None], 0)[0] == 0


def test_a_stack_takes_no_more_seeds_than_it_is_wide():
    stack = stack_of("linear", 2)
    with pytest.raises(ValueError, match="3 seeds for a stack of 2"):
        stack.reset([stack.fresh_weights(seed) for seed in (1, 2, 3)], [1, 2, 3])


def left_of(outcome):
    """What a run says that no clock does."""
    return outcome.scores, outcome.best_epoch, outcome.curve, outcome.sample, outcome.kept.to_bytes()


def test_each_seed_is_trained_as_if_alone_and_stops_by_itself():
    recipe = Recipe(learning_rate=0.05, epochs=12, early_stopping_epochs=2, schedule="plateau", plateau_epochs=1)
    model, splits = NETWORKS["batch_norm"]
    stack, program = stack_of("batch_norm", recipe=recipe), make_program("jax", model, recipe, splits)
    heard = []
    lanes = lanes_of("batch_norm", SEEDS)
    together = train_together(model, recipe, lanes, stack, lambda *epoch: heard.append(epoch))
    epochs = [len(outcome.curve.train_loss) for outcome in together]
    assert len(set(epochs)) > 1, "the seeds stop at different epochs"
    assert min(epochs) < 12
    assert [sum(lane == i for lane, *_ in heard) for i in range(len(SEEDS))] == epochs
    alone = train(model, recipe, splits, program, SEEDS[0])
    np.testing.assert_allclose(together[0].curve.train_loss[:3], alone.curve.train_loss[:3], rtol=1e-4)
    assert [s[:-1] for s in together[0].scores] == [s[:-1] for s in alone.scores]
    turned = train_together(model, recipe, lanes[::-1], stack)
    assert [left_of(o) for o in turned[::-1]] == [left_of(o) for o in together]
    (one,) = train_together(model, recipe, lanes[1:2], stack)
    assert left_of(one) == left_of(together[1])
    for outcome in together:
        best = min(outcome.curve.valid["mse"])
        assert outcome.curve.valid["mse"][outcome.best_epoch - 1] == best
        (score,) = (s.value for s in outcome.scores if s[:3] == ("valid", "best", "mse"))
        assert score == pytest.approx(best, rel=1e-6)
        assert outcome.timing.total_s > 0


def test_a_seed_that_diverges_ends_alone(monkeypatch):
    model, _ = NETWORKS["gru"]
    recipe = Recipe(epochs=2)
    stack = stack_of("gru", recipe=recipe)
    usual = train_together(model, recipe, lanes_of("gru", SEEDS), stack)
    fresh = stack.fresh_weights
    monkeypatch.setattr(stack, "fresh_weights", lambda seed: [w * np.nan if seed == 8 else w for w in fresh(seed)])
    outcomes = train_together(model, recipe, lanes_of("gru", SEEDS), stack)
    assert isinstance(outcomes[1], Diverged)
    assert str(outcomes[1]) == "the training loss is nan in epoch 1"
    assert [left_of(outcomes[i]) for i in (0, 2, 3)] == [left_of(usual[i]) for i in (0, 2, 3)]


@pytest.mark.parametrize("name", ["lstm", "wavenet"])
def test_a_lane_with_data_of_its_own_leaves_what_it_does_where_all_train_on_them(name):
    """To the bit: where its windows lie on the device is of no matter."""
    model, splits = NETWORKS[name]
    other = WavesEveryStep(n_series=200).load(43)
    recipe, stack = Recipe(epochs=EPOCHS), stack_of(name)
    own = [Lane(7, splits), Lane(8, other), Lane(9, WavesEveryStep(n_series=200).load(44)), Lane(10, other)]
    mixed = train_together(model, recipe, own, stack)
    shared = train_together(model, recipe, [Lane(seed, other) for seed in SEEDS], stack)
    assert [left_of(mixed[i]) for i in (1, 3)] == [left_of(shared[i]) for i in (1, 3)]
    assert left_of(mixed[0]) != left_of(shared[0])
    part = train_together(model, recipe, own[:2], stack)
    assert [left_of(o) for o in part] == [left_of(o) for o in mixed[:2]]


def test_lanes_train_on_views_into_series_of_their_own_and_shared():
    """What copies of the windows give, but for the last bits; the second lane's series are others."""
    from bench.engines.jax_stack import JaxStack

    one = splits_of_views(VIEWS)
    other = replace(one.train, **{k: replace(getattr(one.train, k), rows=getattr(one.train, k).rows * 2) for k in "xy"})
    order = np.stack([window_order(seed, 0, 40, 8) for seed in (7, 8)])
    for trains in ([one.train, other], [one.train] * 2):
        found = []
        for lanes in (trains, [copied(split) for split in trains]):
            stack = JaxStack(GRU(units=(4,)), Recipe(batch_size=8), VIEWS, VIEWS, 4)
            stack.use(lanes)
            stack.reset([stack.fresh_weights(seed) for seed in (7, 8)], (7, 8))
            found.append((stack.train(order), stack.forecast([lane.x for lane in lanes])))
            stack.close()
        np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-5)
        np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-4, atol=1e-6)
