"""Initial weights, random layers' states and the order of windows, made in NumPy from the model seed alone.

Every backend starts from the same bits, and Keras's global random state plays no part. A stream of random
numbers belongs to one purpose: ``(0, index of the weight)``, ``(1, epoch)`` or ``(2, index of the random
layer)`` under the model seed, so that none shifts another.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError

if TYPE_CHECKING:
    import keras

Draw = Callable[[Any, tuple[int, ...], np.random.Generator], NDArray[np.float64]]

_INITIALIZER_OF = {
    "kernel": "kernel_initializer",
    "recurrent_kernel": "recurrent_initializer",
    "bias": "bias_initializer",
    "gamma": "gamma_initializer",
    "beta": "beta_initializer",
    "moving_mean": "moving_mean_initializer",
    "moving_variance": "moving_variance_initializer",
    "embeddings": "embeddings_initializer",
}
"""A layer's attribute that holds a weight, and the one that holds its initialiser."""

_TRUNCATED_STDDEV = 0.87962566103423978
"""Standard deviation of a standard normal that is cut at ±2."""


def initial_weights(network: "keras.Model", model_seed: int) -> list[NDArray[np.float32]]:
    """Return one float32 array per variable of ``network.weights``, in that order.

    Each follows its own layer's initialiser: the distribution is Keras's, the numbers are ours. A layer whose weights
    start otherwise, or from each other, says so itself: ``DRAWN`` names the attributes that hold them, and
    ``draw_weights(rng)`` returns their values by attribute, from the stream of the first of them.

    Raises:
        BenchError: A weight follows no naming convention, or its initialiser is not supported.
    """
    homes = {id(variable): (layer, attribute) for variable, layer, attribute in _weights_by_layer(network)}
    own: dict[int, Mapping[str, NDArray[np.float64]]] = {}
    arrays = []
    for index, variable in enumerate(network.weights):
        if id(variable) not in homes:
            raise BenchError(
                f"no layer of {network.name!r} holds {variable.path!r} under a known attribute "
                f"({', '.join(_INITIALIZER_OF)}); name it after Keras's convention"
            )
        layer, attribute = homes[id(variable)]
        rng = np.random.default_rng(np.random.SeedSequence(model_seed, spawn_key=(0, index)))
        if hasattr(layer, "draw_weights") and id(layer) not in own:
            own[id(layer)] = layer.draw_weights(rng)
        if attribute in own.get(id(layer), ()):
            arrays.append(np.broadcast_to(own[id(layer)][attribute], variable.shape).astype(np.float32))
        else:
            arrays.append(_draw(layer, attribute, tuple(variable.shape), rng).astype(np.float32))
    return arrays


def seed_generators(network: "keras.Model") -> list["keras.random.SeedGenerator"]:
    """Return what a network's random layers (dropout, noise) draw from, in the order of the layers."""
    found = (generator for layer in network._flatten_layers() for generator in layer._seed_generators)
    return list({id(generator): generator for generator in found}.values())


def random_states(count: int, model_seed: int) -> list[NDArray[np.int64]]:
    """Return the state ``(2,)`` that each of ``count`` seed generators starts from: a seed below 2**31, and no draw."""
    streams = (np.random.SeedSequence(model_seed, spawn_key=(2, index)) for index in range(count))
    return [np.array([np.random.default_rng(stream).integers(2**31), 0]) for stream in streams]


def window_order(model_seed: int, epoch: int, windows: int, batch_size: int) -> NDArray[np.int32]:
    """Return which windows each step of an epoch trains on: int32 ``(steps, batch_size)``.

    A permutation of all windows, new each epoch; those of the incomplete last batch are left out.

    Raises:
        BenchError: There are fewer windows than one batch needs.
    """
    steps = windows // batch_size
    if steps == 0:
        raise BenchError(f"{windows} windows do not fill a batch of {batch_size}; lower batch_size")
    rng = np.random.default_rng(np.random.SeedSequence(model_seed, spawn_key=(1, epoch)))
    return rng.permutation(windows)[: steps * batch_size].reshape(steps, batch_size).astype(np.int32)


def _weights_by_layer(network: "keras.Model") -> Iterator[tuple[Any, Any, str]]:
    """Yield (variable, the layer that holds it, under which attribute)."""
    for layer in network._flatten_layers():
        for attribute in (*_INITIALIZER_OF, *getattr(layer, "DRAWN", ())):
            variable = getattr(layer, attribute, None)
            if variable is not None:
                yield variable, layer, attribute


def _draw(layer: Any, attribute: str, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    initializer = getattr(layer, _INITIALIZER_OF[attribute], None)
    # Exact types: a subclass may well draw something else.
    draw = _draws().get(type(initializer))
    if draw is None:
        raise BenchError(
            f"layer {layer.name!r}: no NumPy twin of initialiser {type(initializer).__name__} "
            f"for {attribute!r}; add one to bench/initial.py"
        )
    if attribute == "bias" and getattr(layer, "unit_forget_bias", False):
        # An LSTM's gates are input, forget, cell, output; the forget gate starts open.
        units = layer.units
        opened = np.full(units, getattr(layer, "forget_bias", 1.0))
        parts = draw(initializer, (units,), rng), opened, draw(initializer, (2 * units,), rng)
        return np.concatenate(parts)
    return draw(initializer, shape, rng)


def _draws() -> dict[type, Draw]:
    from keras import initializers as of

    scaled = (
        of.VarianceScaling,
        *(of.GlorotUniform, of.GlorotNormal),
        *(of.HeUniform, of.HeNormal),
        *(of.LecunUniform, of.LecunNormal),
    )
    return {
        of.Zeros: lambda _, shape, __: np.zeros(shape),
        of.Ones: lambda _, shape, __: np.ones(shape),
        of.Constant: lambda init, shape, _: np.broadcast_to(np.asarray(init.value, np.float64), shape),
        of.RandomUniform: lambda init, shape, rng: rng.uniform(init.minval, init.maxval, shape),
        of.RandomNormal: lambda init, shape, rng: rng.normal(init.mean, init.stddev, shape),
        of.TruncatedNormal: lambda init, shape, rng: init.mean + init.stddev * _truncated(shape, rng),
        of.Orthogonal: _orthogonal,
        **dict.fromkeys(scaled, _variance_scaling),
    }


def _variance_scaling(initializer: Any, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    fan_in, fan_out = _fans(shape, initializer.input_axes, initializer.output_axes)
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[initializer.mode]
    variance = initializer.scale / max(1.0, fan)
    if initializer.distribution == "truncated_normal":
        return math.sqrt(variance) / _TRUNCATED_STDDEV * _truncated(shape, rng)
    if initializer.distribution == "untruncated_normal":
        return rng.normal(0.0, math.sqrt(variance), shape)
    limit = math.sqrt(3.0 * variance)
    return rng.uniform(-limit, limit, shape)


def _fans(shape: tuple[int, ...], input_axes: list[int] | None, output_axes: list[int] | None) -> tuple[int, int]:
    """Return how many numbers enter and leave a unit of shape ``(*field, in, out)``, or by named axes."""
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[axis] for axis in input_axes), math.prod(shape[axis] for axis in output_axes)
    if len(shape) < 2:
        return math.prod(shape), math.prod(shape)
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


def _truncated(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return standard normal numbers, each drawn again until it is within ±2."""
    values = rng.standard_normal(shape)
    while (outside := np.abs(values) > 2).any():
        values[outside] = rng.standard_normal(int(outside.sum()))
    return values


def _orthogonal(initializer: Any, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return orthonormal columns (rows where there are fewer) times the gain, leading axes flattened."""
    rows, columns = math.prod(shape[:-1]), shape[-1]
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    # The sign makes Q uniform over the orthogonal matrices (Mezzadri 2007).
    q = q * np.sign(np.diag(r))
    return np.asarray(initializer.gain * (q if rows >= columns else q.T).reshape(shape))
