"""Recurrent layers that the tests of loops on every backend share, the backend's own loop to be held to Keras's."""

import keras
import numpy as np

from bench.layers.layer_norm_cell import LayerNormSimpleRNNCell

BATCH, STEPS, FEATURES, UNITS = 3, 7, 2, 4


def gru(**options):
    return keras.layers.GRU(UNITS, use_cudnn=False, **options)


LAYERS = {
    "simple_rnn": lambda **options: keras.layers.SimpleRNN(UNITS, **options),
    "lstm": lambda **options: keras.layers.LSTM(UNITS, use_cudnn=False, **options),
    "gru": gru,
    "gru_reset_before": lambda **options: gru(reset_after=False, **options),
    "gru_in_parts": lambda **options: gru(implementation=1, **options),
    "layer_norm": lambda **options: keras.layers.RNN(LayerNormSimpleRNNCell(UNITS), **options),
    "stacked_cells": lambda **options: keras.layers.RNN(
        [keras.layers.LSTMCell(UNITS), keras.layers.GRUCell(UNITS)], **options
    ),
}
MASK = np.array([[0, 1, 1, 0, 1, 1, 1], [1, 1, 1, 1, 1, 0, 0], [1, 0, 0, 1, 1, 1, 1]], bool)


def randomise(layer, seed=0):
    """Give every weight random numbers: zero biases and unit gains would hide mistakes."""
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.normal(0, 0.5, w.shape).astype(np.float32) for w in layer.weights])
    return layer


def windows(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def network_of(make, mend, masked=False, **options):
    """A recurrent layer, alone or after what makes its mask, with weights that follow from no default."""
    layers = [keras.Input((None, FEATURES)), *([keras.layers.Masking(0.0)] if masked else []), make(**options)]
    network = randomise(keras.Sequential(layers))
    if mend:
        mend(network)
    return network


def masked_windows():
    return np.where(MASK[..., None], windows(BATCH, STEPS, FEATURES), 0)


def assert_equal(ours, theirs, rtol=1e-9, atol=1e-11):
    for mine, plain in zip(ours, theirs, strict=True):
        assert np.abs(plain).max() > 0
        np.testing.assert_allclose(mine, plain, rtol=rtol, atol=atol)


class CellThatDraws(keras.layers.Layer):
    """A simple cell that drops inputs anew at every step, and counts its calls."""

    def __init__(self, **options):
        super().__init__(**options)
        self.state_size = self.output_size = UNITS
        self.linear = keras.layers.SimpleRNNCell(UNITS)
        self.drop = keras.layers.Dropout(0.5, seed=7)

    def build(self, shape):
        self.linear.build(shape)

    def call(self, inputs, states, training=False):
        return self.linear(self.drop(inputs, training=training), states)


class Embeds(keras.layers.Layer):
    """A simple cell of token ids."""

    state_size = output_size = UNITS

    def build(self, shape):
        self.table = self.add_weight(shape=(5, UNITS), initializer="uniform", name="embeddings")

    def call(self, tokens, states):
        h = keras.ops.tanh(keras.ops.take(self.table, tokens[:, 0], axis=0) + states[0])
        return h, [h]
