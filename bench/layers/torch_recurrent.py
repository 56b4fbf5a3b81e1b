"""PyTorch's own recurrent layers with a dense head, as a plain module. Importing this imports torch."""

from typing import Any

import torch
from torch import nn


class RecurrentHead(nn.Module):  # type: ignore[misc]
    """A stack of `torch.nn.LSTM` or `torch.nn.GRU`, then a dense layer: on the last step's output, or on every step's.

    The whole stack over the whole window is one call of PyTorch's, forward and backward.

    Args:
        kind: ``"LSTM"`` or ``"GRU"``.
        inputs: Numbers at a step; of token ids, their vocabulary.
        embedding: Numbers that a token id becomes; 0 where inputs are real values.
        units: State size of each layer.
        layers: How many.
        output_shape: Of the output at one position.
        every_step: Whether there is an output at each.
        activation: ``"sigmoid"`` or ``"softmax"`` where outputs are probabilities.

    Call arguments:
        x: ``(batch, steps, inputs)``, or token ids ``(batch, steps)``.

    Returns:
        ``(batch, [steps], *output_shape)``.
    """

    def __init__(
        self,
        kind: str,
        inputs: int,
        embedding: int,
        units: int,
        layers: int,
        output_shape: tuple[int, ...],
        every_step: bool,
        activation: str | None,
    ):
        super().__init__()
        self.embedding = nn.Embedding(inputs, embedding) if embedding else None
        self.recurrent = getattr(nn, kind)(embedding or inputs, units, num_layers=layers, batch_first=True)
        self.head = nn.Linear(units, torch.Size(output_shape).numel())
        self.output_shape, self.every_step, self.activation = output_shape, every_step, activation

    def forward(self, x: Any) -> Any:
        """Forecast windows."""
        states, _ = self.recurrent(x if self.embedding is None else self.embedding(x))
        y = self.head(states if self.every_step else states[:, -1])
        if self.activation == "softmax":
            y = y.softmax(-1)
        elif self.activation == "sigmoid":
            y = y.sigmoid()
        return y.reshape(*y.shape[:-1], *self.output_shape)
