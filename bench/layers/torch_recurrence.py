"""A cell's recurrence on PyTorch: a plain loop over PyTorch's operations, into which a step is traced once."""

from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import keras

Step = Callable[..., list[Any]]
"""From a step's inputs, what the step before left, and the cell's weights, to output and states."""

_TRACED: WeakKeyDictionary[Any, dict[object, Step | None]] = WeakKeyDictionary()
"""The steps of each cell that were traced so far, by all that they were traced for; None where a cell cannot be."""
NOISE = 0.1
"""How far from its first values a step is compared with what was traced of it: its gradients there are no zeros."""


def recur(
    cell: Any, inputs: Any, states: Any, mask: Any = None, zero_output_for_mask: bool = False, **arguments: Any
) -> tuple[Any, Any, Any]:
    """Compute ``o_t, s_t = cell(x_t, s_{t-1})`` for all steps t, with the numbers of `keras.layers.RNN`.

    Where a mask is False a step leaves the states alone, and its output is the one before it, or zero at first. Keras's
    layers are not called in the loop, which would take longer than what they compute. A step that cannot be traced,
    since it draws from seeds of Keras's, changes variables or branches on numbers, calls them as it is written.

    Args:
        cell: A Keras recurrent cell, built.
        inputs: ``(steps, batch, ...)``.
        states: The cell's first states, nested as it takes them.
        mask: Booleans ``(steps, batch)``; None for all True.
        zero_output_for_mask: A masked step's output is zero.
        arguments: Of every call of the cell.

    Returns:
        The last output ``(batch, ...)``, all outputs ``(steps, batch, ...)``, and the last states.
    """
    import torch

    # Weights as they are kept: a step rounds them to what it computes in, and their gradients add up unrounded.
    carry, weights = keras.tree.flatten(states), [weight._value for weight in cell.weights]
    step = _traced(cell, inputs[0], states, arguments) or _as_written(cell, states, arguments)
    outputs: list[Any] = []
    for t, x in enumerate(inputs.unbind()):
        output, *new = step(x, *carry, *weights)
        if mask is not None:
            zero = zero_output_for_mask or not outputs
            output = _where(mask[t], output, torch.zeros_like(output) if zero else outputs[-1])
            new = [_where(mask[t], after, before) for after, before in zip(new, carry, strict=True)]
        carry = new
        outputs.append(output)
    return outputs[-1], torch.stack(outputs), keras.tree.pack_sequence_as(states, carry)


def _where(mask: Any, new: Any, old: Any) -> Any:
    """Return ``new`` for the windows that a mask ``(batch,)`` holds, else ``old``; both are ``(batch, ...)``."""
    return new.where(mask.reshape(-1, *[1] * (new.ndim - 1)), old)


def _as_written(cell: Any, states: Any, arguments: Mapping[str, Any]) -> Step:
    """Return a step that calls the cell, whose weights are its own."""

    def step(x: Any, *values: Any) -> list[Any]:
        carried = values[: len(values) - len(cell.weights)]
        output, new = cell(x, keras.tree.pack_sequence_as(states, carried), **arguments)
        return [output, *keras.tree.flatten(new)]

    return step


def _traced(cell: Any, x: Any, states: Any, arguments: Mapping[str, Any]) -> Step | None:
    """Return a cell's step as PyTorch's operations alone; None where it cannot be had."""
    import torch

    values = [x, *keras.tree.flatten(states), *(weight._value for weight in cell.weights)]
    kinds = tuple((value.shape, value.dtype, value.device) for value in values)
    found, key = _TRACED.setdefault(cell, {}), (kinds, tuple(sorted(arguments.items())))
    if key not in found:
        with torch.random.fork_rng():  # a trace is made when a cell is first met, and must change no later number
            found[key] = _trace(cell, values, states, arguments)
    return found[key]


def _trace(cell: Any, values: list[Any], states: Any, arguments: Mapping[str, Any]) -> Step | None:
    """Trace a cell's step; None if it changes variables, has masks of dropout, or the trace is not the same function.

    Args:
        cell: Of which.
        values: The inputs of a first step, its flat states, and the weights.
        states: They are nested so.
        arguments: Of every call of the cell.
    """
    import torch
    from torch.fx.experimental.proxy_tensor import make_fx

    if _drops(cell) or values[0].is_meta:
        return None
    written, first = _as_written(cell, states, arguments), len(values) - len(cell.weights)

    def step(*values: Any) -> list[Any]:
        scope = keras.StatelessScope(list(zip(cell.weights, values[first:], strict=True)))
        before = _identities(scope)
        with scope:
            made = written(*values)
        if _identities(scope) != before:
            raise _ChangesVariables
        return made

    values = [value.detach() for value in values]
    near = [value + NOISE * torch.randn_like(value) if value.is_floating_point() else value for value in values]
    try:
        expected = _with_gradients(step, near)
        with torch.no_grad():
            traced: Step = make_fx(step)(*values).forward
    except (_ChangesVariables, RuntimeError):  # make_fx raises the second where a branch depends on numbers
        return None
    same = zip(_with_gradients(traced, near), expected, strict=True)
    return traced if all(torch.allclose(a, b, rtol=1e-4, atol=1e-6, equal_nan=True) for a, b in same) else None


class _ChangesVariables(Exception):
    """A step has changed a variable."""


def _with_gradients(step: Step, values: list[Any]) -> list[Any]:
    """Return what a step makes of values, and gradients to them; its random numbers are the same each time."""
    import torch

    torch.manual_seed(0)
    leaves = [value.clone().requires_grad_(value.is_floating_point()) for value in values]
    with torch.enable_grad():
        made = step(*leaves)
        total = sum(part.square().sum() for part in made)
        gradients = torch.autograd.grad(total, [a for a in leaves if a.requires_grad], materialize_grads=True)
    return [*made, *gradients]


def _identities(scope: keras.StatelessScope) -> dict[int, int]:
    """Return which values variables have in a scope; a variable that changes has another one, or a first."""
    return {variable: id(value) for variable, value in scope.state_mapping.items()}


def _drops(cell: Any) -> bool:
    """Return whether a cell has dropout of its own, whose masks its layer draws before the loop and then forgets."""
    rates = (getattr(part, name, 0) for part in cell._flatten_layers() for name in ("dropout", "recurrent_dropout"))
    return any(rates)
