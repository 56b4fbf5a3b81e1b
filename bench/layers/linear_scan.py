"""Linear recurrences ``h_t = a_t h_{t-1} + b_t`` on every backend, and those of the largest sum.

On a GPU, and on PyTorch, for all steps at once, by the prefix sum of Blelloch (1990), "Prefix Sums and Their
Applications", section 1.4: log2(steps) rounds, each of half as many products; Keras's own `associative_scan` fails
under XLA on TensorFlow, on JAX it is used. In a program that is compiled for a CPU a step after another: a core does
one thing at a time, so that a round there is work and saves none.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

Number = Sequence[Any]
"""Tensors of one shape: one of real numbers, or two, the real and the imaginary parts."""
Step = Callable[[Number, Number], Number]
"""From a state and what comes in to the next state."""
Loop = Callable[[Step, Number, Number], Number]
"""From a step, what comes in ``(steps, batch, ...)`` and a first state ``(batch, ...)`` to every state."""
NEVER = -1e30
"""A logarithm as good as minus infinity, whose gradients are numbers."""


def linear_scan(a: Any, b: Any, axis: int = 1) -> Any:
    """Return ``h_t = a_t h_{t-1} + b_t`` with ``h_{-1} = 0``.

    Args:
        a: ``(batch, steps, ...)``, steps known.
        b: Likewise.
        axis: Of the steps, 1 or 0. A loop goes over the first one, so that large tensors are best made so.

    Returns:
        Likewise.
    """
    return _scan([a], [b], axis=axis)[0]


def complex_scan(a: tuple[Any, Any], b: tuple[Any, Any]) -> tuple[Any, Any]:
    """Return what `linear_scan` does of complex numbers, each a pair of real and imaginary parts."""
    real, imaginary = _scan(a, b)
    return real, imaginary


def largest_scan(a: Any, b: Any) -> Any:
    """Return ``h_t = max(a_t + h_{t-1}, b_t)`` with ``h_{-1}`` as good as minus infinity; shapes of `linear_scan`."""
    return _scan([a], [b], LARGEST)[0]


def _product(x: Number, y: Number) -> Number:
    if len(x) == 1:
        return [x[0] * y[0]]
    return [x[0] * y[0] - x[1] * y[1], x[0] * y[1] + x[1] * y[0]]


def _sum(x: Number, y: Number) -> Number:
    return [one + other for one, other in zip(x, y, strict=True)]


def _largest(x: Number, y: Number) -> Number:
    return [ops.maximum(one, other) for one, other in zip(x, y, strict=True)]


@dataclass(frozen=True)
class Algebra:
    """A product, a sum that it distributes over, and what the sum leaves alone."""

    product: Callable[[Number, Number], Number]
    sum: Callable[[Number, Number], Number]
    nothing: float


USUAL, LARGEST = Algebra(_product, _sum, 0.0), Algebra(_sum, _largest, NEVER)


def _scan(a: Number, b: Number, of: Algebra = USUAL, axis: int = 1) -> Number:
    backend = keras.backend.backend()
    in_turn = backend in LOOPS and not _on_gpu(backend)
    taken = 0 if in_turn else 1
    a, b = _moved(a, axis, taken), _moved(b, axis, taken)
    return _moved(_in_turn(a, b, of, LOOPS[backend]) if in_turn else _at_once(a, b, of, backend), taken, axis)


def _moved(number: Number, source: int, target: int) -> Number:
    return number if source == target else [ops.moveaxis(part, source, target) for part in number]


def _on_gpu(backend: str) -> bool:
    if backend == "jax":
        import jax

        return bool(jax.default_backend() != "cpu")
    import tensorflow as tf

    return bool(tf.config.list_logical_devices("GPU"))


def _in_turn(a: Number, b: Number, of: Algebra, loop: Loop) -> Number:
    """Return the states ``(steps, batch, ...)``, a step after another."""
    count = len(a)

    def step(state: Number, taken: Number) -> Number:
        return of.sum(of.product(taken[:count], state), taken[count:])

    return loop(step, [*a, *b], [ops.full_like(part[0], of.nothing) for part in b])


def _jax_loop(step: Step, inputs: Number, first: Number) -> Number:
    def carried(state: Number, taken: Number) -> tuple[Number, Number]:
        state = step(state, taken)
        return state, state

    states: Number = ops.scan(carried, first, inputs)[1]
    return states


def _tensorflow_loop(step: Step, inputs: Number, first: Number) -> Number:
    from bench.layers.recurrence import loop

    shape = ops.shape(inputs[-1])  # one a may serve all windows

    def stacked(t: Any, taken: Any, carry: list[Any], weights: list[Any]) -> list[Any]:
        return [ops.stack(step(ops.unstack(carry[0]), ops.unstack(taken)))]

    alike = ops.stack([ops.broadcast_to(part, shape) for part in inputs], axis=1)
    return list(ops.unstack(loop(stacked, alike, [ops.stack(first)], [], repeatable=True)[0], axis=1))


LOOPS: Mapping[str, Loop] = {"jax": _jax_loop, "tensorflow": _tensorflow_loop}


def _at_once(a: Number, b: Number, of: Algebra, backend: str) -> Number:
    """Return the states ``(batch, steps, ...)``, all at once."""
    if backend == "jax":
        count = len(a)

        def combined(first: Any, second: Any) -> Any:
            (a0, b0), (a1, b1) = ((part[:count], part[count:]) for part in (first, second))
            return [*of.product(a1, a0), *of.sum(of.product(a1, b0), b1)]

        made: Number = ops.associative_scan(combined, [*a, *b], axis=1)[count:]
        return made
    steps = a[0].shape[1]
    padded = 1 << (steps - 1).bit_length()
    a, b = ([_padded(x, padded) for x in number] for number in (a, b))
    return [part[:, :steps] for part in _prefix(a, b, of)[1]]


def _prefix(a: Number, b: Number, of: Algebra) -> tuple[Number, Number]:
    """Return the products of a and the states up to each step; the number of steps is a power of two."""
    if a[0].shape[1] == 1:
        return a, b
    (a0, a1), (b0, b1) = _pairs(a), _pairs(b)
    odd_a, odd_b = _prefix(of.product(a1, a0), of.sum(of.product(a1, b0), b1), of)
    last_a, last_b = ([_late(x, of.nothing) for x in number] for number in (odd_a, odd_b))
    # An even step takes one more from where the odd one before it ended; before the first there is nothing.
    even_a, even_b = of.product(a0, last_a), of.sum(of.product(a0, last_b), b0)
    first = [x[:, :1] for x in a0]
    even_a = [ops.concatenate([one, x[:, 1:]], axis=1) for one, x in zip(first, even_a, strict=True)]
    return _woven(even_a, odd_a), _woven(even_b, odd_b)


def _pairs(number: Number) -> tuple[Number, Number]:
    """Return the even and the odd steps: by reshaping, for strided slices have no gradient under TensorFlow's XLA."""
    split = [ops.reshape(x, (-1, x.shape[1] // 2, 2, *x.shape[2:])) for x in number]
    return [x[:, :, 0] for x in split], [x[:, :, 1] for x in split]


def _woven(even: Number, odd: Number) -> Number:
    return [
        ops.reshape(ops.stack([x, y], axis=2), (-1, 2 * x.shape[1], *x.shape[2:]))
        for x, y in zip(even, odd, strict=True)
    ]


def _late(x: Any, nothing: float) -> Any:
    """Return a tensor a step later, ``nothing`` at the first."""
    return ops.concatenate([ops.full_like(x[:, :1], nothing), x[:, :-1]], axis=1)


def _padded(x: Any, steps: int) -> Any:
    more = steps - x.shape[1]
    return ops.pad(x, ((0, 0), (0, more), *(((0, 0),) * (len(x.shape) - 2)))) if more else x
