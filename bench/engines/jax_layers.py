"""Keras's layers on JAX, computed as XLA does best: convolutions as matrix products, loops unrolled by the device."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

UNROLL: Mapping[str, int] = {"cpu": 1, "gpu": 10}
"""Steps of a scan that are one step of XLA's loop, by the platform. On an H100 ten took an LSTM of one seed 0.24 s an
epoch in place of 0.63, for two seconds more of compilation; on the CPU five slowed it from 0.72 s to 1.03."""


@contextmanager
def unrolled(steps: int) -> Iterator[None]:
    """Unroll every scan that is traced within by so many steps, unless it says how far itself.

    Keras hands no number on to `jax.lax.scan`, which is replaced meanwhile: so layers and cells of any kind are
    reached. The sums of a step stay as they are.
    """
    import jax

    scan = jax.lax.scan

    def scanned(*arguments: Any, unroll: int | bool = 1, **named: Any) -> Any:
        return scan(*arguments, unroll=steps if unroll is not True and unroll == 1 else unroll, **named)

    jax.lax.scan = scanned
    try:
        yield
    finally:
        jax.lax.scan = scan


def mend_convolutions(network: Any) -> None:
    """Let the plain convolutions over time of a network be matrix products; their weights stay as they are.

    XLA's own are slow inside a compiled epoch, and slower in a stack of seeds: on an H100 ten times. A convolution in
    groups, with channels first or of a layer's own making is left alone.
    """
    import keras

    for layer in network._flatten_layers():
        if type(layer) is keras.layers.Conv1D and layer.groups == 1 and layer.data_format == "channels_last":
            layer.call = partial(convolve, layer)


def convolve(layer: Any, x: Any) -> Any:
    """Do as a `keras.layers.Conv1D` does: shift once a tap, multiply once.

    Args:
        layer: The layer.
        x: ``(batch, steps, channels)``.

    Returns:
        ``(batch, outputs, filters)``.
    """
    import jax.numpy as jnp
    import keras

    kernel = keras.ops.convert_to_tensor(layer.kernel)
    taps, _, filters = kernel.shape
    (stride,), (dilation,) = layer.strides, layer.dilation_rate
    reach = (taps - 1) * dilation
    if layer.padding == "same":
        missing = max((-(-x.shape[1] // stride) - 1) * stride + reach + 1 - x.shape[1], 0)
        x = jnp.pad(x, ((0, 0), (missing // 2, missing - missing // 2), (0, 0)))
    elif layer.padding == "causal":
        x = jnp.pad(x, ((0, 0), (reach, 0), (0, 0)))
    last = x.shape[1] - reach  # where the first tap of the last output is, and one more
    shifted = [x[:, start : start + last : stride] for start in range(0, reach + 1, dilation)]
    y = jnp.matmul(jnp.concatenate(shifted, axis=-1), kernel.reshape(-1, filters))
    return layer.activation(keras.ops.add(y, layer.bias) if layer.use_bias else y)
