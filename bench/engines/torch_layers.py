"""Keras's recurrent layers on PyTorch: its fused functions where they are the same, else a loop of its operations."""

from functools import partial
from inspect import signature
from typing import Any

from bench.engines.keras_engine import loops_of_keras

Tensor = Any


def mend_recurrence(network: Any) -> None:
    """Let every recurrent layer of a network be computed by PyTorch's own; its weights stay as they are.

    A layer that asks for cuDNN, has a loop of its own or no Keras cell is left alone.
    """
    for layer in loops_of_keras(network):
        layer.inner_loop = partial(_inner_loop, layer)


def _inner_loop(
    layer: Any, sequences: Tensor, initial_state: Any, mask: Any = None, training: bool = False
) -> tuple[Tensor, Tensor, Any]:
    """As `keras.layers.RNN.inner_loop`, of ``(batch, steps, ...)`` and a mask ``(batch, steps)``."""
    import keras

    from bench.layers.torch_recurrence import recur

    def in_order(x: Tensor) -> Tensor:
        return x.flip(1) if layer.go_backwards else x

    cell, states = layer.cell, initial_state if keras.tree.is_nested(initial_state) else [initial_state]
    if layer.stateful:  # the layer writes the last states over the first, which the gradient needs
        states = keras.tree.map_structure(lambda state: state.clone(), states)
    masks = [in_order(one.bool()).transpose(0, 1) for one in keras.tree.flatten(mask) if one is not None]
    if not masks and _fuses(cell, sequences):
        outputs, last = _fused(cell, in_order(sequences), states)
        return outputs[:, -1], outputs, last
    arguments = {"training": training} if "training" in signature(cell.call).parameters else {}
    steps = in_order(sequences).transpose(0, 1)
    output, outputs, last = recur(
        cell, steps, states, masks[0] if masks else None, layer.zero_output_for_mask, **arguments
    )
    return output, outputs.transpose(0, 1), last


def _fuses(cell: Any, x: Tensor) -> bool:
    """Return whether PyTorch has one function for all steps of a cell: what cuDNN has, too."""
    import keras

    return (
        type(cell) in (keras.layers.SimpleRNNCell, keras.layers.LSTMCell, keras.layers.GRUCell)
        and cell.activation is keras.activations.tanh
        and getattr(cell, "recurrent_activation", keras.activations.sigmoid) is keras.activations.sigmoid
        and getattr(cell, "reset_after", True)
        and not cell.dropout
        and not cell.recurrent_dropout
        and x.ndim == 3
        and x.dtype == cell.kernel.value.dtype
    )


def _fused(cell: Any, x: Tensor, states: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Compute all steps of a cell at once, whose weights are laid out as PyTorch's function takes them.

    Args:
        cell: One that `_fuses`.
        x: ``(batch, steps, features)``.
        states: The first ones, each ``(batch, units)``.

    Returns:
        All outputs ``(batch, steps, units)`` and the last states.
    """
    import keras
    import torch

    first = [state.unsqueeze(0) for state in states]
    weights = [_in_gates(cell, weight.value.T) for weight in (cell.kernel, cell.recurrent_kernel)]
    if cell.use_bias:  # PyTorch has one beside each of the two products; so has Keras's GRU
        bias = cell.bias.value
        weights += [_in_gates(cell, row) for row in (bias if bias.ndim == 2 else (bias, torch.zeros_like(bias)))]
    # Biases, layers, dropout, whether gradients are asked for, both directions, batch first.
    options = cell.use_bias, 1, 0.0, torch.is_grad_enabled(), False, True
    if isinstance(cell, keras.layers.LSTMCell):
        outputs, *last = torch.lstm(x, first, weights, *options)
    else:
        function = torch.gru if isinstance(cell, keras.layers.GRUCell) else torch.rnn_tanh
        outputs, *last = function(x, first[0], weights, *options)
    return outputs, [state.squeeze(0) for state in last]


def _in_gates(cell: Any, weight: Tensor) -> Tensor:
    """Return a weight ``(gates * units, ...)`` in PyTorch's order of gates.

    A GRU's are update, reset, candidate in Keras and reset, update, candidate in PyTorch. An LSTM's are input, forget,
    candidate, output in both.
    """
    import keras
    import torch

    if not isinstance(cell, keras.layers.GRUCell):
        return weight.contiguous()
    update, reset, candidate = weight.split(cell.units)
    return torch.cat([reset, update, candidate])
