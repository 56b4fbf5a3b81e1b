"""Numbers between knots."""

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray


class Interpolation(keras.layers.Layer):  # type: ignore[misc]
    """Linear interpolation from knots to ``length`` numbers, both evenly spread with half a spacing at each end.

    Beyond the first and the last knot their values are held (PyTorch's ``interpolate`` with ``align_corners=False``).

    Call arguments:
        inputs: ``(..., knots)``.

    Returns:
        ``(..., length)``.
    """

    def __init__(self, length: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.length = length

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the input's shape with ``length`` numbers."""
        return (*input_shape[:-1], self.length)

    def matrix(self, knots: int) -> NDArray[np.float64]:
        """Return what each knot counts for at each place ``(knots, length)``."""
        places = np.clip((np.arange(self.length) + 0.5) * knots / self.length - 0.5, 0, knots - 1)
        near: NDArray[np.float64] = 1 - np.abs(places - np.arange(knots)[:, None])
        return near.clip(0)

    def call(self, inputs: Any) -> Any:
        """Interpolate."""
        return ops.matmul(inputs, ops.convert_to_tensor(self.matrix(inputs.shape[-1]), dtype=inputs.dtype))
