"""Layers and networks with the weights that a run starts from."""

import keras
import numpy as np

from bench.initial import initial_weights


def started(layer, x, seed=3):
    """Return a layer of its own network, with the weights that a run starts from."""
    inputs = keras.Input(x.shape[1:])
    network = keras.Model(inputs, layer(inputs))
    network.set_weights(initial_weights(network, seed))
    return layer


def network(model, task, seed=5):
    """Return a model's network for a task, likewise."""
    made = model.build(task)
    made.set_weights(initial_weights(made, seed))
    return made


def own(layer, *names):
    """Return weights of a layer as float64."""
    return [np.asarray(keras.ops.convert_to_numpy(getattr(layer, name)), np.float64) for name in names]


def dense(layer, x):
    """Return what a dense layer makes of x, without its activation."""
    kernel, bias = own(layer, "kernel", "bias")
    return x @ kernel + bias


def sigmoid(x):
    return 1 / (1 + np.exp(-x))
