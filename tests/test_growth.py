"""What a network says of how its cost grows with the window, held to the work in its program, on JAX.

A program is only traced, forward and backward, so that long windows cost nothing here. The other backends run the same
layers.
"""

import math

import pytest

from bench.models.base import models
from bench.task import TargetKind, Task
from tests.conftest import BACKEND

pytestmark = pytest.mark.skipif(BACKEND != "jax", reason="tests.test_jax runs it, in a process of its own")
SHORT, LONG = 500, 2000
NETWORKS = [name for name in models.names() if models.get(name).trained and not models.get(name).backends]


def tasks(steps):
    return [Task("growth", kind, steps) for kind in TargetKind]


def work(jaxpr):
    """Return about how many numbers a program makes, and multiplies in products and convolutions."""
    total = 0
    for equation in jaxpr.eqns:
        made = sum(math.prod(out.aval.shape) for out in equation.outvars)
        name, of = equation.primitive.name, equation.params
        assert name != "while", "how often its body runs cannot be seen"
        inner = [getattr(each, "jaxpr", each) for value in of.values() for each in _all(value)]
        inside = sum(work(each) for each in inner if hasattr(each, "eqns"))
        if name == "dot_general":
            (contracted, _), _ = of["dimension_numbers"]
            made *= math.prod(equation.invars[0].aval.shape[axis] for axis in contracted)
        elif name == "conv_general_dilated":
            kernel = equation.invars[1].aval.shape
            made *= math.prod(kernel) / kernel[of["dimension_numbers"].rhs_spec[0]]
        total += inside * of.get("length", 1) if inside else made
    return total


def _all(value):
    return value if isinstance(value, tuple | list) else [value]


def work_of(name, steps):
    """Return the work of a network's forecasts and of their gradient, for two windows."""
    import jax
    import keras

    model = models.get(name)()
    task = next(task for task in tasks(steps) if model.supports(task))
    network = model.build(task)
    trainable, others = (
        [v.value for v in kept] for kept in (network.trainable_variables, network.non_trainable_variables)
    )
    x = jax.ShapeDtypeStruct((2, *network.input_shape[1:]), network.inputs[0].dtype)

    def loss(weights, x):
        forecasts, _ = network.stateless_call(weights, others, x, training=True)
        return keras.ops.sum(forecasts)

    return work(jax.make_jaxpr(jax.value_and_grad(loss))(trainable, x).jaxpr)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_work_grows_as_the_network_says(name):
    power = math.log(work_of(name, LONG) / work_of(name, SHORT), LONG / SHORT)
    if models.get(name).growth == "linear":
        assert power < 1.05
    else:
        assert power > 1.5
