"""A recurrent layer with a while loop of its own over time."""

from typing import Any

import keras


class WhileLoopRNN(keras.layers.Layer):  # type: ignore[misc]
    """``o_t, h_t = cell(x_t, h_{t-1})`` for each step t, by a TensorFlow while loop.

    What `keras.layers.RNN` does, written out, after the custom RNN class of Géron (2019),
    "Hands-On Machine Learning", chapter 15. Compiles under XLA, with gradients, where batch and
    steps are static. TensorFlow only: `keras.ops.scan` has no gradient under XLA there.

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
        """Run the loop.

        Raises:
            NotImplementedError: Keras runs on another backend than TensorFlow.
        """
        if keras.backend.backend() != "tensorflow":
            raise NotImplementedError(
                f"WhileLoopRNN loops with TensorFlow, but Keras runs on {keras.backend.backend()}; "
                "use keras.layers.RNN around the same cell there"
            )
        import tensorflow as tf

        batch, static_steps = inputs.shape[:2]
        steps = tf.shape(inputs)[1] if static_steps is None else static_steps
        outputs = tf.TensorArray(inputs.dtype, size=steps, element_shape=(batch, self.cell.output_size))
        states = self.cell.get_initial_state(batch_size=tf.shape(inputs)[0] if batch is None else batch)

        def step(t: Any, _: Any, states: Any, outputs: Any) -> tuple[Any, Any, Any, Any]:
            output, states = self.cell(inputs[:, t], states)
            return t + 1, output, states, outputs.write(t, output)

        _, last, _, outputs = tf.while_loop(
            lambda t, *_: t < steps,
            step,
            (tf.constant(0), tf.zeros_like(states[0]), states, outputs),
            maximum_iterations=static_steps,
        )
        if not self.return_sequences:
            return last
        stacked = outputs.stack()
        return stacked if self.time_major_output else tf.transpose(stacked, (1, 0, 2))
