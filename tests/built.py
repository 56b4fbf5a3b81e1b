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


def weighted(made, kind=keras.layers.Layer):
    """Return the layers of a network, of a kind, that have weights."""
    return [layer for layer in made.layers if layer.weights and isinstance(layer, kind)]


def numbers(tensor):
    """Return a tensor's numbers, whatever backend made it."""
    return keras.ops.convert_to_numpy(tensor)


def own(layer, *names):
    """Return weights of a layer as float64."""
    return [np.asarray(numbers(getattr(layer, name)), np.float64) for name in names]


def dense(layer, x):
    """Return what a dense layer makes of x, without its activation."""
    kernel, bias = own(layer, "kernel", "bias")
    return x @ kernel + bias


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gradients_of(loss, compiled=True):
    """Return a function from arrays to the gradients, as arrays, of ``loss`` of them as float32 tensors.

    It is compiled where that is asked for and the backend compiles.
    """

    def gradients(*arrays):
        given = [keras.ops.convert_to_tensor(array.astype(np.float32)) for array in arrays]
        return [numbers(gradient) for gradient in of(given)]

    match keras.backend.backend():
        case "jax":
            import jax

            of = jax.grad(lambda given: loss(*given))
            of = jax.jit(of) if compiled else of
        case "tensorflow":
            import tensorflow as tf

            @tf.function(jit_compile=compiled)
            def of(given):
                with tf.GradientTape() as tape:
                    tape.watch(given)
                    made = loss(*given)
                return tape.gradient(made, given)

        case _:
            import torch

            def of(given):
                given = [tensor.requires_grad_() for tensor in given]
                return torch.autograd.grad(loss(*given), given)

    return gradients
