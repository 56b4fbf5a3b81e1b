"""The minimal recurrent layers, whose gates see the input alone, so that a scan computes all steps at once.

Feng et al. (2024), "Were RNNs All We Needed?", arXiv 2410.01201. In linear space: where the paper's code works with
logarithms of states, which must be positive, `positive` makes candidates positive as its appendix does. States start
from 0; in public copies of the paper's listings an initial state goes through g, too, so that one of 0 enters as 0.5.
"""

from typing import Any

import keras
from keras import ops

from bench.layers.linear_scan import linear_scan


def positive(x: Any) -> Any:
    """Return ``x + 0.5`` where x >= 0 and ``sigmoid(x)`` elsewhere (appendix B.3, listing 6)."""
    return ops.where(x >= 0, x + 0.5, ops.sigmoid(x))


class MinimalRecurrent(keras.layers.Layer):  # type: ignore[misc]
    """A layer of units ``h_t = a_t h_{t-1} + b_t``, where a subclass says a and b from the input.

    Args:
        units: Numbers in the state.
        return_sequences: Return every step's state, not the last one's alone.

    Call arguments:
        inputs: ``(batch, steps, features)``, steps known.

    Returns:
        ``(batch, steps, units)``, or ``(batch, units)``.
    """

    gates = 0
    """Dense maps from the input, of ``units`` each."""

    def __init__(self, units: int, return_sequences: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = units
        self.return_sequences = return_sequences
        self.dense = [keras.layers.Dense(units) for _ in range(self.gates)]

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Build the maps."""
        for dense in self.dense:
            dense.build(input_shape)
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Run over all steps."""
        states = linear_scan(*self.coefficients(*(dense(inputs) for dense in self.dense)))
        return states if self.return_sequences else states[:, -1]

    def coefficients(self, *mapped: Any) -> tuple[Any, Any]:
        """Return a and b ``(batch, steps, units)`` of each step."""
        raise NotImplementedError


class MinGRU(MinimalRecurrent):
    """``h_t = (1 - z_t) h_{t-1} + z_t g(W_h x_t)``, ``z_t = sigmoid(W_z x_t)`` (section 3.1, g of appendix B.3)."""

    gates = 2

    def coefficients(self, gate: Any, candidate: Any) -> tuple[Any, Any]:
        """As in `MinimalRecurrent`."""
        return ops.sigmoid(-gate), ops.sigmoid(gate) * positive(candidate)


class MinLSTM(MinimalRecurrent):
    """``h_t = f'_t h_{t-1} + i'_t g(W_h x_t)``, with gates that share out 1: ``f' = f / (f + i)`` (section 3.2)."""

    gates = 3

    def coefficients(self, forget: Any, take: Any, candidate: Any) -> tuple[Any, Any]:
        """As in `MinimalRecurrent`. In terms of logits: f / (f + i) is the sigmoid of log f - log i."""
        share = ops.softplus(-take) - ops.softplus(-forget)
        return ops.sigmoid(share), ops.sigmoid(-share) * positive(candidate)
