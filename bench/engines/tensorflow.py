"""TensorFlow through Keras 3: a whole epoch is one program, compiled once by XLA."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.engines.base import FORECAST_BATCH, Program, engine, in_batches, training_parts
from bench.engines.keras_engine import KerasEngine, fix_settings
from bench.engines.keras_recipe import batch_loss, scaling_optimizer
from bench.engines.tensorflow_loops import mend_loops
from bench.initial import initial_weights, random_states, seed_generators
from bench.models.base import Inputs, Network
from bench.recipe import Recipe
from bench.schedules import varies
from bench.task import Array, Split, Task, Windows
from bench.windows import take


class TensorFlowProgram:
    """One network, its optimizer, and the functions compiled from them.

    The data stay on the device; an epoch is a `tf.while_loop` over the rows of a ``(steps, batch)``
    index array. How many of those steps to take is an argument, so taking none compiles the program
    without training, and the time that this takes is the compilation. The data are arguments too, so
    that another data set of the same shapes needs no other program. A masked task's mask and the rates
    of a schedule are arguments only where there are such, so that other programs have nothing of them.
    """

    def __init__(self, model: Network, recipe: Recipe, train: Split, scored: Task):
        import tensorflow as tf

        started = time.perf_counter()
        fix_settings(recipe.precision)
        self._tf = tf
        self._model = model
        self._horizon = scored.horizon
        self._batch = recipe.batch_size
        self._rate, self._varies = recipe.learning_rate, varies(recipe)
        # An iterated network reads windows that grow: one network of open length serves them and training.
        task = replace(train.task, input_length=None) if model.iterates else train.task
        self._network = model.build(task)
        fix_settings()
        mend_loops(self._network)
        self._optimizer = scaling_optimizer(recipe)
        self._optimizer.build(self._network.trainable_variables)
        weights = {id(w) for w in self._network.weights}
        others = [v for v in self._network.variables if id(v) not in weights]
        self._random = [generator.state.value for generator in seed_generators(self._network)]
        self._weights = [w.value for w in self._network.weights]  # TensorFlow's own variables, quicker to copy
        self._fresh_state = [(v.value, v.value.numpy().copy()) for v in [*self._optimizer.variables, *others]]
        self._loss = batch_loss(recipe, train.task.quantiles)
        self.use(train)
        self._epoch = tf.function(self._run_epoch, jit_compile=True, autograph=False)
        any_length = [tf.TensorSpec([None, None, train.task.features], tf.float32)] if model.iterates else None
        self._forward = tf.function(
            lambda x: self._forecasts(x, training=False),
            input_signature=any_length,
            jit_compile=not model.iterates,
            autograph=False,
        )
        self.build_s = time.perf_counter() - started
        self.compile_s = 0.0
        self.evaluations = 0
        self._programs: dict[tuple[int, tuple[int, ...]], Callable[..., Any]] = {}

    @property
    def parameters(self) -> int:
        """Numbers in the network's weights."""
        return int(self._network.count_params())

    @property
    def weight_bytes(self) -> int:
        """Size of the network's weights."""
        return sum(int(w.shape.num_elements()) * w.dtype.size for w in self._weights)

    @property
    def compilations(self) -> int:
        """Programs traced so far, each of which XLA compiles for its one set of shapes."""
        return int(self._epoch.experimental_get_tracing_count() + self._forward.experimental_get_tracing_count())

    @property
    def device_peak_bytes(self) -> int | None:
        """Most memory that TensorFlow's allocator gave out on the GPU; None on the CPU."""
        if not self._tf.config.list_logical_devices("GPU"):
            return None
        return int(self._tf.config.experimental.get_memory_info("GPU:0")["peak"])

    def use(self, train: Split) -> None:
        """Train on these windows from now on; those of other shapes compile another program."""
        held = training_parts(self._model, train)
        self._held = [len(each) for each in held]
        self._data = [self._tf.constant(array) for each in held for array in each]
        self._shapes = tuple(size for each in held for array in each for size in array.shape)

    def fresh_weights(self, model_seed: int) -> list[Array]:
        """Return initial weights made in NumPy from the seed alone."""
        return initial_weights(self._network, model_seed)

    def reset(self, weights: Sequence[Array], model_seed: int) -> None:
        """Put in these weights, a new optimizer's state, and the seed's states of random layers."""
        self.load(weights)
        for variable, value in self._fresh_state:
            variable.assign(value)
        for variable, state in zip(self._random, random_states(len(self._random), model_seed), strict=True):
            variable.assign(self._tf.cast(state, variable.dtype))

    def weights(self) -> list[Array]:
        """Return a copy of the weights."""
        return [w.numpy().copy() for w in self._weights]

    def load(self, weights: Sequence[Array]) -> None:
        """Put in these weights and leave the optimizer alone."""
        for variable, value in zip(self._weights, weights, strict=True):
            variable.assign(value)

    def train(self, order: NDArray[np.int32], steps: int | None = None, rates: Array | None = None) -> float:
        """Take the first ``steps`` batches (all by default) of ``order``; return their mean loss."""
        tf, data = self._tf, [*self._data, self._tf.constant(order)]
        if self._varies:
            data.append(tf.constant(np.full(len(order), self._rate, np.float32) if rates is None else rates))
        epoch = self._compiled(self._epoch, (*self._shapes, *order.shape), tf.constant(0), *data)
        return float(epoch(tf.constant(len(order) if steps is None else steps), *data))

    def forecast(self, x: Inputs | Windows) -> Array:
        """Forecast windows in batches of one static size; iterate where the model does."""
        self.evaluations += 1
        if self._model.batch_dependent:
            return in_batches(x, self._batch, self.forecast_batch, pad=False)
        return in_batches(x, FORECAST_BATCH, self.forecast_batch)

    def forecast_batch(self, x: Inputs) -> Array:
        """Forecast the windows as one batch of just their number; iterate where the model does."""
        if self._model.iterates:
            return self._iterate(x)
        batch = self._tf.constant(x)
        return np.asarray(self._compiled(self._forward, x.shape, batch)(batch))

    def close(self) -> None:
        """Forget the network and Keras's global state."""
        import keras

        del (
            self._programs,
            self._epoch,
            self._forward,
            self._network,
            self._weights,
            self._fresh_state,
            self._random,
            self._data,
        )
        keras.backend.clear_session()

    def _forecasts(self, x: Any, training: bool) -> Any:
        """Return the network's output in float32, whatever its layers compute in."""
        return self._tf.cast(self._network(x, training=training), self._tf.float32)

    def _run_epoch(self, steps: Any, *arguments: Any) -> Any:
        """Arguments: x, y, the mask of a masked task, the order, and the rates of a schedule."""
        tf = self._tf
        variables = self._network.trainable_variables
        flat, (order, *rates) = iter(arguments[: len(self._data)]), arguments[len(self._data) :]
        data = [list(islice(flat, number)) for number in self._held]

        def step(i: Any, total: Any) -> tuple[Any, Any]:
            rows = order[i]
            x, y, *mask = (take(held, rows, tf.gather) for held in data)
            if rates:
                self._optimizer.learning_rate.assign(rates[0][i])
            with tf.GradientTape() as tape:
                loss = self._loss(y, self._forecasts(x, training=True), mask[0] if mask else None)
                scaled = self._optimizer.scale_loss(loss)
            self._optimizer.apply(tape.gradient(scaled, variables), variables)
            return i + 1, total + loss

        _, total = tf.while_loop(lambda i, _: i < steps, step, (tf.constant(0), tf.constant(0.0)))
        return total / tf.cast(tf.maximum(steps, 1), tf.float32)

    def _iterate(self, x: Inputs) -> Array:
        """Append each one-step forecast to the window and forecast again, as the chapter does."""
        forward = self._compiled(self._forward, (), self._tf.constant(x[:1]))
        for _ in range(self._horizon):
            following = np.asarray(forward(self._tf.constant(x)))
            x = np.concatenate([x, following[:, :, np.newaxis]], axis=1)
        return np.asarray(x[:, -self._horizon :, 0], np.float32)

    def _compiled(self, function: Any, shapes: tuple[int, ...], *example: Any) -> Callable[..., Any]:
        """Return the program of a function for these shapes; one not compiled yet is, on ``example``, and timed.

        Called by itself a program takes 0.2 ms less than through its function, which looks at every argument to
        find it: a sixth of the epoch of a linear network.
        """
        key = id(function), shapes
        if key not in self._programs:
            started = time.perf_counter()
            program = function.get_concrete_function(*example)
            program(*example)
            self.compile_s += time.perf_counter() - started
            self._programs[key] = program
        return self._programs[key]


@engine("tensorflow")
class TensorFlow(KerasEngine):
    """Compiles a whole epoch by XLA."""

    distributions = ("tensorflow-cpu", "tensorflow")
    installs: ClassVar = {
        "cpu": "pip install 'sequence-bench[tensorflow]'",
        "gpu": "pip install 'sequence-bench[tensorflow-gpu]'",
    }
    variables: ClassVar = {
        **KerasEngine.variables,
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    }
    # Each by its name or a long beginning: other programs' variables begin with TF_ too, and some of those are secrets.
    reads = (
        *("XLA_FLAGS", "TF_XLA_*", "TF_JITRT_FLAGS", "TF_DETERMINISTIC_*", "TF_DISABLE_JIT_KERNELS", "TF_GPU_THREAD_*"),
        *("TF_CUDNN_*", "TF_DEBUG_CUDNN_*", "TF_USE_CUDNN_*", "TF_USE_CUBLASLT", "TF_CONV2D_*", "TF_USE_DEEP_CONV2D"),
        *("TF_FP16_*", "TF_MATMUL_*", "TF_AUTO_MIXED_PRECISION_*", "TF_ENABLE_AUTO_MIXED_PRECISION*"),
        *("TF_ENABLE_WINOGRAD_*", "TF_ENABLE_MAXPOOL_NANPROP", "TF_ENABLE_ZENDNN_OPTS", "TF_ENABLE_ONEDNN_*"),
        *("TF_SET_ONEDNN_*", "TF_ONEDNN_*", "TF_MKL_*", "TF_DISABLE_MKL", "ONEDNN_*", "DNNL_*"),
        *("TF_OVERRIDE_GLOBAL_THREADPOOL", "TF_ENABLE_TENSOR_FLOAT_32*"),
    )
    thread_variables = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    # Taken for `tf.config.experimental.enable_op_determinism()`, and handed to XLA.
    deterministic: ClassVar = {"TF_DETERMINISTIC_OPS": "1"}
    version = "2"
    jit = "epoch by XLA"
    precisions = ("float32", "bfloat16", "float16")
    no_memory = ("ResourceExhaustedError", "RESOURCE_EXHAUSTED")  # the second in an XLA program

    def threads(self) -> int:
        """Return how many threads TensorFlow was told to use by its own interface, which goes before the variables."""
        import tensorflow as tf

        told: Any = tf.config.threading
        return int(max(told.get_intra_op_parallelism_threads(), told.get_inter_op_parallelism_threads()))

    def make_program(self, model: Network, recipe: Recipe, train: Split, scored: Task) -> Program:
        """Return a program whose epoch is compiled by XLA."""
        return TensorFlowProgram(model, recipe, train, scored)
