"""Linear recurrences by a scan against a loop in NumPy, forward and backward."""

import keras
import numpy as np
import pytest
from keras import ops

from bench.layers.linear_scan import complex_scan, largest_scan, linear_scan

RNG = np.random.default_rng(7)


def loop(a, b):
    h, states = np.zeros_like(b[:, 0]), []
    for t in range(b.shape[1]):
        h = a[:, t] * h + b[:, t]
        states.append(h)
    return np.stack(states, axis=1)


def drawn(steps):
    return RNG.uniform(-1, 1, (3, steps, 2, 2)), RNG.normal(size=(3, steps, 2, 2))


def tensor(values):
    return ops.convert_to_tensor(values.astype(np.float32))


@pytest.mark.parametrize("steps", [1, 2, 3, 8, 13])
def test_a_scan_is_the_loop(steps):
    a, b = drawn(steps)
    np.testing.assert_allclose(linear_scan(tensor(a), tensor(b)), loop(a, b), atol=1e-5)
    c, d = drawn(steps)
    real, imaginary = complex_scan((tensor(a), tensor(c)), (tensor(b), tensor(d)))
    expected = loop(a + 1j * c, b + 1j * d)
    np.testing.assert_allclose(real, expected.real, atol=1e-4)
    np.testing.assert_allclose(imaginary, expected.imag, atol=1e-4)
    once = linear_scan(tensor(a[:1]), tensor(b))  # one a for all windows
    np.testing.assert_allclose(once, loop(np.broadcast_to(a[:1], b.shape), b), atol=1e-5)
    largest, h = [], np.full_like(b[:, 0], -np.inf)
    for t in range(steps):
        h = np.maximum(a[:, t] + h, b[:, t])
        largest.append(h)
    np.testing.assert_allclose(largest_scan(tensor(a), tensor(b)), np.stack(largest, axis=1), atol=1e-5)


def backward(a, b, w):
    """Return the gradients of ``sum(w h)``: what reaches h_t is ``g_t = w_t + a_{t+1} g_{t+1}``."""
    h, g, of_a, of_b = loop(a, b), np.zeros_like(w[:, 0]), np.zeros_like(a), np.zeros_like(b)
    for t in reversed(range(b.shape[1])):
        g = w[:, t] + (a[:, t + 1] * g if t + 1 < b.shape[1] else 0)
        of_a[:, t], of_b[:, t] = g * (h[:, t - 1] if t else 0), g
    return of_a, of_b


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="its gradient and its XLA are what is tried")
@pytest.mark.parametrize("compiled", [True, False])
def test_its_gradient_is_that_of_the_loop(compiled):
    import tensorflow as tf

    a, b = drawn(13)
    w = RNG.normal(size=b.shape)

    @tf.function(jit_compile=compiled)
    def gradients(a, b, w):
        with tf.GradientTape() as tape:
            tape.watch([a, b])
            loss = tf.reduce_sum(w * linear_scan(a, b))
        return tape.gradient(loss, [a, b])

    for ours, known in zip(gradients(tensor(a), tensor(b), tensor(w)), backward(a, b, w), strict=True):
        np.testing.assert_allclose(ours, known, atol=1e-4)
