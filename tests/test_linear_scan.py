"""Linear recurrences by a scan against a loop in NumPy, forward and backward, on any backend."""

import numpy as np
import pytest
from keras import ops

from bench.engines.base import engines
from bench.layers.linear_scan import complex_scan, largest_scan, linear_scan
from tests.built import gradients_of, numbers
from tests.conftest import BACKEND

RNG = np.random.default_rng(7)


def loop(a, b):
    h, states = np.zeros_like(b[:, 0]), []
    for t in range(b.shape[1]):
        h = a[:, t] * h + b[:, t]
        states.append(h)
    return np.stack(states, axis=1)


def largest_loop(a, b):
    h, states = np.full_like(b[:, 0], -np.inf), []
    for t in range(b.shape[1]):
        h = np.maximum(a[:, t] + h, b[:, t])
        states.append(h)
    return np.stack(states, axis=1)


def drawn(steps):
    return RNG.uniform(-1, 1, (3, steps, 2, 2)), RNG.normal(size=(3, steps, 2, 2))


def tensor(values):
    return ops.convert_to_tensor(values.astype(np.float32))


def held(ours, known):
    np.testing.assert_allclose(numbers(ours), known, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("steps", [1, 2, 3, 8, 13])
def test_a_scan_is_the_loop(steps):
    a, b = drawn(steps)
    held(linear_scan(tensor(a), tensor(b)), loop(a, b))
    c, d = drawn(steps)
    real, imaginary = complex_scan((tensor(a), tensor(c)), (tensor(b), tensor(d)))
    expected = loop(a + 1j * c, b + 1j * d)
    held(real, expected.real)
    held(imaginary, expected.imag)
    once = linear_scan(tensor(a[:1]), tensor(b))  # one a for all windows
    held(once, loop(np.broadcast_to(a[:1], b.shape), b))
    held(largest_scan(tensor(a), tensor(b)), largest_loop(a, b))


def backward(a, b, weights):
    """Return the gradients of ``sum(weights * h)`` by a and b: what reaches h_t is ``g_t = w_t + a_{t+1} g_{t+1}``.

    Of complex numbers a is conjugated; the weights of their two parts, and the gradients by them, are complex, too.
    """
    h, g, of_a, of_b = loop(a, b), 0.0, np.zeros_like(a), np.zeros_like(b)
    for t in reversed(range(b.shape[1])):
        g = weights[:, t] + (np.conj(a[:, t + 1]) * g if t + 1 < b.shape[1] else 0)
        of_a[:, t], of_b[:, t] = g * (np.conj(h[:, t - 1]) if t else 0), g
    return of_a, of_b


def backward_of_largest(a, b, weights):
    """Return the same of ``h_t = max(a_t + h_{t-1}, b_t)``: what reaches h_t goes on to the larger of the two."""
    h, g, of_a, of_b = largest_loop(a, b), 0.0, np.zeros_like(a), np.zeros_like(b)
    for t in reversed(range(b.shape[1])):
        g = g + weights[:, t]
        taken = h[:, t] == b[:, t]
        of_b[:, t], of_a[:, t] = g * taken, g * ~taken
        g = of_a[:, t]
    return of_a, of_b


WAYS = {"plain": False} | ({"compiled": True} if engines.get(BACKEND).jit != "none" else {})
each_way = pytest.mark.parametrize("compiled", WAYS.values(), ids=WAYS)


def hold_gradients(loss, parts, known, compiled):
    for ours, expected in zip(gradients_of(loss, compiled)(*parts), known, strict=True):
        assert np.abs(expected).max() > 0.1
        np.testing.assert_allclose(ours, expected, atol=1e-4)


@each_way
def test_its_gradient_is_that_of_the_loop(compiled):
    (a, b), w = drawn(7), RNG.normal(size=(3, 7, 2, 2))
    hold_gradients(lambda a, b: ops.sum(tensor(w) * linear_scan(a, b)), (a, b), backward(a, b, w), compiled)


@each_way
def test_the_gradient_of_complex_numbers_is_that_of_the_loop(compiled):
    (a, b), (c, d), (v, w) = drawn(7), drawn(7), drawn(7)

    def loss(a, c, b, d):
        real, imaginary = complex_scan((a, c), (b, d))
        return ops.sum(tensor(v) * real) + ops.sum(tensor(w) * imaginary)

    of_a, of_b = backward(a + 1j * c, b + 1j * d, v + 1j * w)
    hold_gradients(loss, (a, c, b, d), (of_a.real, of_a.imag, of_b.real, of_b.imag), compiled)


@each_way
def test_the_gradient_of_the_largest_sum_goes_to_what_it_was_taken_from(compiled):
    (a, b), w = drawn(7), RNG.normal(size=(3, 7, 2, 2))
    known = backward_of_largest(a, b, w)
    hold_gradients(lambda a, b: ops.sum(tensor(w) * largest_scan(a, b)), (a, b), known, compiled)
