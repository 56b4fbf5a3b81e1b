"""A cell's recurrence on TensorFlow, with a gradient that costs in the number of steps what the loop itself costs."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import keras

Step = Callable[[Any, Any, list[Any], list[Any]], list[Any]]
"""From a step's number, its inputs, what the step before carried, and weights, to what it carries itself."""


def recur(
    cell: Any, inputs: Any, states: Any, mask: Any = None, zero_output_for_mask: bool = False, **arguments: Any
) -> tuple[Any, Any, Any]:
    """Compute ``o_t, s_t = cell(x_t, s_{t-1})`` for all steps t, with the numbers of `keras.layers.RNN`.

    Where a mask is False a step leaves the states alone, and its output is the one before it, or zero at first.

    Args:
        cell: A Keras recurrent cell, built.
        inputs: ``(steps, batch, ...)``; both may be unknown where XLA compiles nothing.
        states: The cell's first states, nested as it takes them.
        mask: Booleans ``(steps, batch)``; None for all True.
        zero_output_for_mask: A masked step's output is zero.
        arguments: Of every call of the cell.

    Returns:
        The last output ``(batch, ...)``, all outputs ``(steps, batch, ...)``, and the last states.
    """
    import tensorflow as tf

    def call(x: Any, flat: list[Any], values: list[Any], scope: Any) -> list[Any]:
        """Return output and states of one step; the weights have these values within a scope that maps them so."""
        with scope(list(zip(cell.weights, values, strict=True))):
            output, new = cell(x, keras.tree.pack_sequence_as(states, flat), **arguments)
        return [output, *keras.tree.flatten(new)]

    def step(t: Any, x: Any, carry: list[Any], values: list[Any]) -> list[Any]:
        """Carry output and states; the output alone as the first state where it is that state too."""
        made = call(x, carry[-len(first) :], values, scope)
        if mask is None:
            return made[-len(carry) :]
        kept = [tf.zeros_like(carry[0]) if zero_output_for_mask else carry[0], *carry[1:]]
        return [_where(mask[t], new, old) for new, old in zip(made, kept, strict=True)]

    # Weights as they are kept: a step rounds them to what it computes in, and their gradients add up unrounded.
    first, values = keras.tree.flatten(states), [tf.convert_to_tensor(weight._value) for weight in cell.weights]
    tried = keras.StatelessScope(list(zip(cell.weights, values, strict=True)))
    before = _identities(tried)
    output, state, *_ = call(inputs[0], first, values, lambda _: tried)
    repeatable = inputs.dtype.is_floating and _identities(tried) == before and not _drops(cell)
    scope = keras.StatelessScope if repeatable else nullcontext
    alike = mask is None and output is state
    carry = first if alike else [tf.zeros_like(output), *first]
    outputs, *last = loop(step, inputs, carry, values, repeatable)
    return last[0], outputs, keras.tree.pack_sequence_as(states, last[-len(first) :])


def loop(step: Step, inputs: Any, first: list[Any], weights: list[Any], repeatable: bool) -> list[Any]:
    """Carry ``first`` through all steps; return every step's first part, stacked, and all that the last one carries.

    TensorFlow's own gradient of a while loop is quadratic in the number of steps under XLA on the CPU. This one is a
    while loop from the last step to the first: it computes a step again from what was carried to it and takes that
    step's vector-Jacobian product. A step that is not ``repeatable``, since it draws random numbers or changes
    variables, leaves the gradient to TensorFlow.
    """
    import tensorflow as tf

    static = inputs.shape[0]
    steps = tf.shape(inputs)[0] if static is None else static

    def run(inputs: Any, first: list[Any], weights: list[Any]) -> tuple[list[Any], Callable[..., Any]]:
        def forward(t: Any, carry: list[Any], kept: list[Any]) -> tuple[Any, list[Any], list[Any]]:
            carry = step(t, inputs[t], carry, weights)
            return t + 1, carry, [array.write(t + 1, part) for array, part in zip(kept, carry, strict=True)]

        kept = [tf.TensorArray(a.dtype, steps + 1, element_shape=a.shape).write(0, a) for a in first]
        start, limit = (tf.constant(0), first, kept), None if repeatable else static
        _, last, kept = tf.while_loop(lambda t, *_: t < steps, forward, start, maximum_iterations=limit)
        carried = [array.stack() for array in kept]  # to each step, and by the last one

        def gradient(outputs: Any, *last: Any) -> tuple[Any, list[Any], list[Any]]:
            def backward(i: Any, carry: list[Any], total: list[Any], kept: Any) -> tuple[Any, ...]:
                t = steps - 1 - i
                sources = inputs[t], [array[t] for array in carried], weights
                with tf.GradientTape(watch_accessed_variables=False) as tape:
                    tape.watch(sources)
                    made = step(t, *sources)
                upstream = [carry[0] + outputs[t], *carry[1:]]
                x, carry, parts = tape.gradient(made, sources, upstream, tf.UnconnectedGradients.ZERO)
                return i + 1, carry, [a + b for a, b in zip(total, parts, strict=True)], kept.write(t, x)

            kept = tf.TensorArray(inputs.dtype, steps, element_shape=inputs.shape[1:])
            start = tf.constant(0), list(last), [tf.zeros_like(weight) for weight in weights], kept
            _, carry, total, kept = tf.while_loop(lambda i, *_: i < steps, backward, start)
            return kept.stack(), carry, total

        return [carried[0][1:], *last], gradient

    return list(tf.custom_gradient(run)(inputs, first, weights) if repeatable else run(inputs, first, weights)[0])


def _where(mask: Any, new: Any, old: Any) -> Any:
    """Return ``new`` for the windows that a mask ``(batch,)`` holds, else ``old``; both are ``(batch, ...)``."""
    import tensorflow as tf

    return tf.where(tf.reshape(mask, (-1, *[1] * (len(new.shape) - 1))), new, old)


def _identities(scope: keras.StatelessScope) -> dict[int, int]:
    """Return which values variables have in a scope; a variable that changes has another one, or a first."""
    return {variable: id(value) for variable, value in scope.state_mapping.items()}


def _drops(cell: Any) -> bool:
    """Return whether a cell has dropout of its own, whose masks its layer draws before the loop and then forgets."""
    rates = (getattr(part, name, 0) for part in cell._flatten_layers() for name in ("dropout", "recurrent_dropout"))
    return any(rates)
