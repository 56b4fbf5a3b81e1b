"""JAX through Keras 3: a whole epoch is one program, compiled once by XLA."""

import os
import time
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.engines.base import FORECAST_BATCH, Program, Stack, engine, in_batches, training_parts
from bench.engines.jax_layers import UNROLL, unrolled
from bench.engines.jax_network import SETTINGS, JaxNetwork, State, fix_jax_settings
from bench.engines.keras_engine import KerasEngine
from bench.models.base import Inputs, Network
from bench.recipe import Recipe
from bench.schedules import varies
from bench.task import Array, Split, Task, Windows


class Compiled:
    """Functions compiled for the shapes that they are called with.

    Attributes:
        count: Programs compiled so far.
        seconds: Spent on that.
    """

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0
        self._programs: dict[object, Callable[..., Any]] = {}

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function of arrays, compiled."""
        import jax

        leaves = jax.tree.leaves(arguments)
        key = function, tuple((leaf.shape, leaf.dtype) for leaf in leaves)
        if key not in self._programs:
            started = time.perf_counter()
            with unrolled(UNROLL.get(jax.default_backend(), 1)):
                traced = jax.jit(function).lower(*arguments)
            self._programs[key] = traced.compile()
            self.seconds += time.perf_counter() - started
            self.count += 1
        return self._programs[key](*arguments)


class OnJax:
    """What one seed's program and a stack of seeds share: the network, the data and what was compiled."""

    _state: State

    def __init__(self, model: Network, recipe: Recipe, taught: Task, scored: Task):
        started = time.perf_counter()
        self._model = model
        self._batch, self._rate, self._varies = recipe.batch_size, recipe.learning_rate, varies(recipe)
        self._network = JaxNetwork(model, recipe, taught, scored)
        self._compiled = Compiled()
        self._data: list[Any] = []
        self.build_s = time.perf_counter() - started
        self.evaluations = 0

    @property
    def compile_s(self) -> float:
        """Seconds spent compiling so far."""
        return self._compiled.seconds

    @property
    def compilations(self) -> int:
        """Programs compiled so far, each for its one set of shapes."""
        return self._compiled.count

    @property
    def parameters(self) -> int:
        """Numbers in the network's weights."""
        return self._network.parameters

    @property
    def weight_bytes(self) -> int:
        """Size of the network's weights."""
        return self._network.weight_bytes

    @property
    def device_peak_bytes(self) -> int | None:
        """Most memory that JAX's allocator gave out on the GPU; None on the CPU."""
        return device_peak_bytes()

    def fresh_weights(self, model_seed: int) -> list[Array]:
        """Return initial weights made in NumPy from the seed alone."""
        return self._network.fresh_weights(model_seed)

    def close(self) -> None:
        """Forget the network and Keras's global state."""
        import keras

        del self._compiled, self._network, self._state, self._data
        keras.backend.clear_session()


class JaxProgram(OnJax):
    """One network, its state on the device, and the programs compiled from it.

    The data stay on the device; an epoch is a loop over the rows of a ``(steps, batch)`` index array. The number of
    steps, the data, the mask of a masked task and the rates of a schedule are arguments.
    """

    def __init__(self, model: Network, recipe: Recipe, train: Split, scored: Task):
        import jax

        super().__init__(model, recipe, train.task, scored)
        self.use(train)
        self._state = jax.device_put(self._network.fresh)

    def use(self, train: Split) -> None:
        """Train on these windows from now on; those of other shapes compile another program."""
        import jax

        self._data = jax.device_put(training_parts(self._model, train))

    def reset(self, weights: Sequence[Array], model_seed: int) -> None:
        """Put in these weights, a new optimizer's state, and the seed's states of random layers."""
        import jax

        self._state = jax.device_put(self._network.state(weights, model_seed))

    def weights(self) -> list[Array]:
        """Return a copy of the weights."""
        return [np.array(weight) for weight in self._network.weights(self._state)]

    def load(self, weights: Sequence[Array]) -> None:
        """Put in these weights and leave the optimizer alone."""
        import jax

        self._state = jax.device_put(self._network.loaded(self._state, weights))

    def train(self, order: NDArray[np.int32], steps: int | None = None, rates: Array | None = None) -> float:
        """Take the first ``steps`` batches (all by default) of ``order``; return their mean loss."""
        if self._varies and rates is None:
            rates = np.full(len(order), self._rate, np.float32)
        taken = np.int32(len(order) if steps is None else steps)
        self._state, loss = self._compiled.call(self._network.epoch, self._state, taken, self._data, order, rates)
        return float(loss)

    def forecast(self, x: Inputs | Windows) -> Array:
        """Forecast windows in batches of one static size; iterate where the model does."""
        self.evaluations += 1
        if self._model.batch_dependent:
            return in_batches(x, self._batch, self.forecast_batch, pad=False)
        return in_batches(x, FORECAST_BATCH, self.forecast_batch)

    def forecast_batch(self, x: Inputs) -> Array:
        """Forecast the windows as one batch of just their number; iterate where the model does."""
        return np.asarray(self._compiled.call(self._network.forecast, self._state, x))


def device_peak_bytes() -> int | None:
    """Return the most memory that JAX's allocator gave out on the GPU; None on the CPU."""
    import jax

    statistics: dict[str, int] = jax.devices()[0].memory_stats() or {}
    return statistics.get("peak_bytes_in_use")


@engine("jax")
class Jax(KerasEngine):
    """Compiles a whole epoch by XLA."""

    distributions = ("jax",)
    installs: ClassVar = {"cpu": "pip install 'sequence-bench[jax]'", "gpu": "pip install 'sequence-bench[jax-gpu]'"}
    variables: ClassVar = {
        **KerasEngine.variables,
        **dict.fromkeys(name.upper() for name in SETTINGS),
        **dict.fromkeys(("JAX_PLATFORMS", "JAX_PLATFORM_NAME", "JAX_CUDA_VISIBLE_DEVICES")),  # the device says it
        "KERAS_BACKEND": "jax",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }
    reads = (
        *("XLA_FLAGS", "TF_CUDNN_*", "ONEDNN_*", "DNNL_*", "JAX_ALLOW_F16_REDUCTIONS", "JAX_OPTIMIZATION_LEVEL"),
        *("JAX_CUSTOM_VJP3", "JAX_DISABLE_MOST_OPTIMIZATIONS", "JAX_ENABLE_PGLE", "JAX_PGLE_*", "JAX_REMAT3"),
        *("JAX_EXEC_TIME_OPTIMIZATION_EFFORT", "JAX_MEMORY_FITTING_*", "JAX_NUM_CPU_DEVICES", "JAX_RANDOM_SEED_OFFSET"),
        *("JAX_PJRT_CLIENT_CREATE_OPTIONS", "JAX_COMPILER_ENABLE_REMAT_PASS", "JAX_SCAN3", "JAX_SOFTMAX_CUSTOM_JVP"),
        *("JAX_USE_DIRECT_LINEARIZE", "JAX_USE_SHARDY_PARTITIONER", "JAX_USE_SIMPLIFIED_JAXPR_CONSTANTS"),
        "JAX_THREEFRY_GPU_*",
    )
    thread_variables = ("NPROC",)  # the size of XLA's own pool of threads
    deterministic: ClassVar = {"XLA_FLAGS": "--xla_gpu_deterministic_ops=true"}
    version = "2"
    jit = "epoch by XLA"
    stacks = True
    precisions = ("float32", "bfloat16", "float16")
    precisions_on: ClassVar = {"cpu": ("float32", "bfloat16")}  # no attention there in float16
    no_memory = ("RESOURCE_EXHAUSTED",)  # in the text of an error of XLA's own

    def load(self) -> None:
        """Import Keras on JAX, with the settings of both fixed.

        Raises:
            BenchError: Keras runs on another backend in this process.
        """
        super().load()
        import jax

        fix_jax_settings()
        if os.environ.get("CUDA_VISIBLE_DEVICES") == "-1":  # JAX for a GPU complains where it is shown none
            jax.config.update("jax_platforms", "cpu")

    def count_gpus(self) -> int:
        """Return how many GPUs JAX sees."""
        import jax

        return sum(device.platform == "gpu" for device in jax.devices())

    def make_program(self, model: Network, recipe: Recipe, train: Split, scored: Task) -> Program:
        """Return a program whose epoch is compiled by XLA."""
        return JaxProgram(model, recipe, train, scored)

    def make_stack(self, model: Network, recipe: Recipe, taught: Task, scored: Task, width: int) -> Stack:
        """Return a stack whose epoch, of all its lanes, is compiled by XLA."""
        from bench.engines.jax_stack import JaxStack  # which knows this module

        return JaxStack(model, recipe, taught, scored, width)
