"""A recurrent layer with a while loop of its own over time."""

from typing import Any

import keras


class WhileLoopRNN(keras.layers.Layer):  # type: ignore[misc]
    """``o_t, h_t = cell(x_t, h_{t-1})`` for each step t, by a loop of our own.

    What `keras.layers.RNN` does, written out, after the custom RNN class of Géron (2019),
    "Hands-On Machine Learning", chapter 15. Compiles under XLA, with gradients, where batch and
    steps are static. A while loop on TensorFlow, where `keras.ops.scan` has no gradient under XLA;
    a loop in Python on PyTorch, a scan on JAX.

    Args:
        cell: A Keras recurrent cell with one output size.
        return_sequences: Return every step's output instead of the last one.
        time_major_output: Leave the stacked outputs time-major, ``(steps, batch, units)``. This is the
            printed layer's fault: whatever layer comes next takes the steps for the batch and recurs
            over the batch. Without ``return_sequences`` it changes nothing.

    Call arguments:
        inputs: ``(batch, steps, features)``.

    Returns:
        ``(batch, units)``; with ``return_sequences`` ``(batch, steps, units)``.
    """

    def __init__(self, cell: Any, return_sequences: bool = False, time_major_output: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.cell = cell
        self.return_sequences = return_sequences
        self.time_major_output = time_major_output

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Build the cell for steps of shape ``(batch, features)``."""
        if not self.cell.built:
            self.cell.build((input_shape[0], *input_shape[2:]))
            self.cell.built = True
        self.built = True

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the output's shape; a time-major one names the batch second."""
        batch, steps = input_shape[:2]
        if not self.return_sequences:
            return (batch, self.cell.output_size)
        leading = (steps, batch) if self.time_major_output else (batch, steps)
        return (*leading, self.cell.output_size)

    def call(self, inputs: Any) -> Any:
        """Run the loop."""
        loop = {"tensorflow": _while_loop, "torch": _plain_loop}.get(keras.backend.backend(), _scan)
        states = self.cell.get_initial_state(batch_size=keras.ops.shape(inputs)[0])
        last, stacked = loop(self.cell, keras.ops.transpose(inputs, (1, 0, 2)), states)
        if not self.return_sequences:
            return last
        return stacked if self.time_major_output else keras.ops.transpose(stacked, (1, 0, 2))


def _scan(cell: Any, inputs: Any, states: Any) -> tuple[Any, Any]:
    """Return the last output and all of them, time-major, as the inputs are."""

    def step(states: list[Any], x: Any) -> tuple[list[Any], Any]:
        output, states = cell(x, states)
        return states, output

    _, outputs = keras.ops.scan(step, states, inputs)
    return outputs[-1], outputs


def _while_loop(cell: Any, inputs: Any, states: Any) -> tuple[Any, Any]:
    """As `_scan`, by TensorFlow's own loop."""
    from bench.layers.recurrence import recur

    last, outputs, _ = recur(cell, inputs, states)
    return last, outputs


def _plain_loop(cell: Any, inputs: Any, states: Any) -> tuple[Any, Any]:
    """As `_scan`, by a loop of PyTorch's operations."""
    from bench.layers.torch_recurrence import recur

    last, outputs, _ = recur(cell, inputs, states)
    return last, outputs
