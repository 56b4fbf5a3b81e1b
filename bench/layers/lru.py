"""The linear recurrent unit: a diagonal, complex, linear recurrence that starts stable."""

from typing import Any

import keras
import numpy as np
from keras import ops

from bench.layers.linear_scan import complex_scan


class LRU(keras.layers.Layer):  # type: ignore[misc]
    """``h_t = lambda h_{t-1} + gamma B x_t``, ``y_t = Re(C h_t) + D x_t``.

    Orvieto et al. (2023), "Resurrecting Recurrent Neural Networks for Long Sequences", arXiv 2303.06349, sections 3.2
    to 3.4, with ``lambda = exp(-exp(nu) + i exp(theta))`` and gamma kept as its logarithm. The public code,
    minimal-LRU, trains lambda, gamma and B at a lower rate and without weight decay; a recipe here is of all weights.

    Args:
        state: Complex numbers in the state.
        least, most: The ring in which the moduli of lambda start, their squares uniform.
        phase: The largest angle at the start.

    Call arguments:
        inputs: ``(batch, steps, features)``, steps known.

    Returns:
        Likewise.
    """

    DRAWN = "nu", "theta", "gamma_log", "b_real", "b_imaginary", "c_real", "c_imaginary", "d"

    def __init__(self, state: int, least: float = 0.0, most: float = 1.0, phase: float = 2 * np.pi, **kwargs: Any):
        super().__init__(**kwargs)
        self.state, self.least, self.most, self.phase = state, least, most, phase

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the weights."""
        features = int(input_shape[-1] or 0)
        shapes = {
            **dict.fromkeys(("nu", "theta", "gamma_log"), (self.state,)),
            **dict.fromkeys(("b_real", "b_imaginary"), (features, self.state)),
            **dict.fromkeys(("c_real", "c_imaginary"), (self.state, features)),
            "d": (features,),
        }
        for name, shape in shapes.items():
            setattr(self, name, self.add_weight(shape=shape, initializer="zeros", name=name))
        self.features = features
        self.built = True

    def draw_weights(self, rng: np.random.Generator) -> dict[str, Any]:
        """Return what the weights start from (appendix A)."""
        n, features = self.state, self.features
        squared = rng.uniform(self.least**2, self.most**2, n)
        nu = np.log(-0.5 * np.log(squared))
        b, c = rng.normal(size=(2, features, n)), rng.normal(size=(2, n, features))
        matrices = {
            **dict(zip(("b_real", "b_imaginary"), b * (2 * features) ** -0.5, strict=True)),
            **dict(zip(("c_real", "c_imaginary"), c * n**-0.5, strict=True)),
            "d": rng.normal(size=features),
        }
        theta = np.log(rng.uniform(0, self.phase, n))
        return {"nu": nu, "theta": theta, "gamma_log": 0.5 * np.log(1 - squared), **matrices}

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the input's shape."""
        return input_shape

    def call(self, inputs: Any) -> Any:
        """Run over all steps."""
        modulus, angle, gamma = ops.exp(-ops.exp(self.nu)), ops.exp(self.theta), ops.exp(self.gamma_log)
        steps = (1, inputs.shape[1], self.state)
        a = ops.broadcast_to(modulus * ops.cos(angle), steps), ops.broadcast_to(modulus * ops.sin(angle), steps)
        b = ops.matmul(inputs, self.b_real * gamma), ops.matmul(inputs, self.b_imaginary * gamma)
        real, imaginary = complex_scan(a, b)
        return ops.matmul(real, self.c_real) - ops.matmul(imaginary, self.c_imaginary) + self.d * inputs
