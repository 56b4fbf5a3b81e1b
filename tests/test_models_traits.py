"""What a model says that it sees, and how deep and how large it says that it is, held to what its network does."""

import math
from functools import cache

import numpy as np
import pytest

from bench.initial import initial_weights
from bench.models.base import models
from bench.models.convolutional import ConvGRU, GatedWaveNet, WaveNet
from bench.models.recurrent import GRU, SimpleRNN
from bench.task import TargetKind, Task

LENGTH = 12
LAST = Task("last", TargetKind.LAST_STEP, LENGTH, 1, horizon=1)
EVERY = Task("every", TargetKind.EVERY_STEP, LENGTH, 1, horizon=2)
LABEL = Task("label", TargetKind.LABEL, LENGTH, 1)
COUNTED = [
    Task("ten steps at every one", TargetKind.EVERY_STEP, 50, 1, horizon=10),
    Task("ten steps", TargetKind.LAST_STEP, 50, 1, horizon=10),
    Task("one step", TargetKind.LAST_STEP, 50, 1),
    Task("a label", TargetKind.LABEL, 50, 1),
]
"""A model says its number of weights for the first of these that it can do."""
NETWORKS = [models.get(name)() for name in models.names() if models.get(name).trained and not models.get(name).backends]
SIZES = [
    SimpleRNN(units=(3,), head="recurrent"),
    SimpleRNN(units=(3, 3, 3), batch_norm=True),
    GRU(units=(4,)),
    ConvGRU(kernel_size=3, stride=3, units=(4,)),
    WaveNet(dilations=(1, 2)),
    WaveNet(dilations=()),
    GatedWaveNet(dilations=(3,)),
]


def asked(model):
    return next(task for task in (LAST, EVERY, LABEL) if model.supports(task))


@cache
def counted(model):
    """Return a model's network for the task that it says its number of weights for, and that task."""
    task = next(task for task in COUNTED if model.supports(task))
    return model.build(task), task


def position(model, task):
    """Return the position in the window that the last output stands for."""
    places = range(LENGTH)[model.positions(task)] if task.target.every_position else range(LENGTH)
    return places[-1]


@pytest.mark.parametrize("model", [*NETWORKS, *SIZES], ids=repr)
def test_the_last_forecast_depends_on_as_many_steps_as_the_model_says(model):
    task = asked(model)
    network = model.build(task)
    network.set_weights(initial_weights(network, 1))
    rng = np.random.default_rng(3)
    windows = rng.normal(size=(64, LENGTH, 1)).astype(np.float32)
    last = network.predict_on_batch(windows).reshape(64, -1)[:, -task.outputs :]
    moved = []
    for step in range(LENGTH):
        other = windows.copy()
        other[:, step] += rng.normal(size=(64, 1)).astype(np.float32)
        there = network.predict_on_batch(other).reshape(64, -1)[:, -task.outputs :]
        moved += [step] if np.any(there != last) else []
    here = position(model, task)
    assert moved[0] == here + 1 - model.receptive_field(task)
    assert moved[-1] == here


@pytest.mark.parametrize("model", [*NETWORKS, *SIZES], ids=repr)
def test_a_network_is_as_deep_as_the_model_says(model):
    import keras

    from bench.layers.causal_conv import CausalConv1D
    from bench.layers.lru import LRU
    from bench.layers.minimal_recurrent import MinimalRecurrent
    from bench.layers.mlstm import MatrixLSTM
    from bench.layers.residual_attention import ResidualAttention
    from bench.layers.s4d import S4D
    from bench.layers.selective import SelectiveStateSpace
    from bench.layers.while_loop_rnn import WhileLoopRNN

    attention = keras.layers.MultiHeadAttention, ResidualAttention
    scans = LRU, S4D, MinimalRecurrent
    whole = {**dict.fromkeys((*attention, *scans), 1), SelectiveStateSpace: 4, MatrixLSTM: 4}
    mixing = (keras.layers.Dense, keras.layers.Conv1D, keras.layers.RNN, CausalConv1D, WhileLoopRNN)
    network, task = counted(model)

    def depth(tensor):
        history = tensor._keras_history
        node = history.operation._inbound_nodes[history.node_index]
        parts = getattr(history.operation, "_flatten_layers", list)()
        known = [layers for kind, layers in whole.items() if isinstance(history.operation, kind)]
        own = known[0] if known else sum(isinstance(layer, mixing) for layer in parts)
        return own + max(map(depth, node.input_tensors), default=0)

    assert depth(network.outputs[0]) == model.depth(task)


@pytest.mark.parametrize("model", NETWORKS, ids=repr)
def test_a_network_has_as_many_weights_as_it_says(model):
    network, _ = counted(model)
    assert vars(type(model))["weights"] == sum(math.prod(weight.shape) for weight in network.trainable_weights)


def test_an_unknown_model_says_that_it_does_not_know():
    naive = models.get("naive")()
    assert naive.receptive_field(LAST) is None
    assert naive.depth(LAST) is None
