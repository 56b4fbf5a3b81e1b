"""PyTorch: Keras 3 on it, and plain modules. Each step runs as it is written; a plain module's is a graph on a GPU."""

import os
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.engines.base import FORECAST_BATCH, Program, engine, in_batches, training_parts
from bench.engines.keras_engine import KerasEngine
from bench.engines.torch_network import FlatNetwork, fix_torch_settings, the_device
from bench.engines.torch_recipe import FlatOptimizer, batch_loss
from bench.engines.torch_scaling import ScalingOptimizer
from bench.models.base import Inputs, Network
from bench.recipe import Recipe
from bench.schedules import varies
from bench.task import Array, Split, Task, Windows
from bench.windows import take

WARM_UP = 3
"""Steps before a capture, in which libraries choose and allocate, as PyTorch's notes on CUDA graphs ask."""
DETERMINISTIC = "CUBLAS_WORKSPACE_CONFIG"
"""What deterministic products on a GPU need of the environment; where it is set, all of PyTorch is to be that."""


class TorchProgram:
    """One network and its optimizer, one step after another.

    The data stay on the device, and so does what a step needs to know: the order of the windows, the rates of a
    schedule, and how far the epoch has come. So a step has no argument, and may be captured.

    Attributes:
        build_s: Seconds spent building the network.
        compile_s: Seconds spent capturing steps.
        compilations: Steps captured so far.
        evaluations: Calls of `forecast` so far.
    """

    def __init__(self, model: Network, recipe: Recipe, train: Split, scored: Task):
        import torch

        started = time.perf_counter()
        self._model, self._horizon = model, scored.horizon
        self._batch, self._rate, self._varies = recipe.batch_size, recipe.learning_rate, varies(recipe)
        self._network = FlatNetwork(model, train.task, recipe.precision)
        optimizer = ScalingOptimizer if recipe.precision == "float16" else FlatOptimizer
        self._optimizer = optimizer(recipe, self._network.vector, self._network.gradient)
        self._loss = batch_loss(recipe, train.task.quantiles)
        self._device = the_device()
        self._place = torch.zeros(1, dtype=torch.int64, device=self._device)
        self._total = torch.zeros((), device=self._device)
        self._order = self._rates = torch.zeros(0)
        self.use(train)
        self.build_s = time.perf_counter() - started
        self.compile_s = 0.0
        self.compilations = self.evaluations = 0

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
        """Most memory that PyTorch's allocator gave out on the GPU; None on the CPU."""
        import torch

        return int(torch.cuda.max_memory_allocated()) if self._device.type == "cuda" else None

    @property
    def captures(self) -> bool:
        """Whether a step is captured: Keras's layers copy numbers to the GPU as they go, which no capture allows."""
        return self._device.type == "cuda" and self._network.plain

    def use(self, train: Split) -> None:
        """Train on these windows from now on."""
        self._data = [[self._tensor(array) for array in held] for held in training_parts(self._model, train)]
        self._advance: Callable[[], object] | None = None

    def fresh_weights(self, model_seed: int) -> list[Array]:
        """Return initial weights made from the seed alone; see `FlatNetwork.fresh_weights`."""
        return self._network.fresh_weights(model_seed)

    def reset(self, weights: Sequence[Array], model_seed: int) -> None:
        """Put in these weights, a new optimizer's state, and the seed's states of random layers."""
        self._network.reset(weights, model_seed)
        self._optimizer.reset()

    def weights(self) -> list[Array]:
        """Return a copy of the weights."""
        return self._network.weights()

    def load(self, weights: Sequence[Array]) -> None:
        """Put in these weights and leave the optimizer alone."""
        self._network.load(weights)

    def train(self, order: NDArray[np.int32], steps: int | None = None, rates: Array | None = None) -> float:
        """Take the first ``steps`` batches (all by default) of ``order``; return their mean loss."""
        if self._varies and rates is None:
            rates = np.full(len(order), self._rate, np.float32)
        if self._order.shape != order.shape:  # a captured step reads them where they lie
            self._order, self._rates = self._tensor(order).long(), self._tensor(np.zeros(len(order), np.float32))
            self._advance = None
        self._order.copy_(self._tensor(order))
        if rates is not None:
            self._rates.copy_(self._tensor(rates))
        if self._advance is None:
            self._advance = self._captured() if self.captures else self._step
        self._place.zero_()
        self._total.zero_()
        taken = len(order) if steps is None else steps
        for _ in range(taken):
            self._advance()
        return float(self._total) / max(taken, 1)

    def forecast(self, x: Inputs | Windows) -> Array:
        """Forecast windows in batches; iterate where the model does."""
        self.evaluations += 1
        batch = self._batch if self._model.batch_dependent else FORECAST_BATCH
        return in_batches(x, batch, self.forecast_batch, pad=False)

    def forecast_batch(self, x: Inputs) -> Array:
        """Forecast the windows as one batch of just their number; iterate where the model does."""
        import torch

        with torch.no_grad():
            windows = self._tensor(x)
            if self._model.iterates:  # append each one-step forecast to the window and forecast again
                for _ in range(self._horizon):
                    windows = torch.cat([windows, self._network(windows, training=False)[:, :, None]], dim=1)
                found = windows[:, -self._horizon :, 0]
            else:
                found = self._network(windows, training=False)
            return np.asarray(found.cpu().numpy(), np.float32)

    def close(self) -> None:
        """Forget the network and Keras's global state."""
        import keras

        del self._advance, self._network, self._optimizer, self._data
        keras.backend.clear_session()

    def _tensor(self, array: NDArray[Any]) -> Any:
        """Return a copy of an array on the device."""
        import torch

        return torch.tensor(array, device=self._device)

    def _step(self) -> None:
        """Train on the next batch of the order."""
        import torch

        rows = self._order.index_select(0, self._place)[0]
        x, y, *mask = (take(held, rows, _gather) for held in self._data)
        if self._varies:
            self._optimizer.rate.copy_(self._rates.index_select(0, self._place)[0])
        with torch.no_grad():
            self._optimizer.begin()
        loss = self._loss(y, self._network(x, training=True), mask[0] if mask else None)
        self._optimizer.scale_loss(loss).backward()
        with torch.no_grad():
            self._optimizer.step()
            self._total.add_(loss)
            self._place.add_(1)

    def _captured(self) -> Callable[[], object]:
        """Capture a step and return what plays it again; the state is left as it was."""
        started = time.perf_counter()
        state = [*self._network.state, *self._optimizer.state, self._place, self._total]
        self._place.zero_()
        replay = capture(self._step, state)
        self.compile_s += time.perf_counter() - started
        self.compilations += 1
        return replay


def _gather(array: Any, index: Any) -> Any:
    return array.index_select(0, index.reshape(-1)).view(*index.shape, *array.shape[1:])


def capture(step: Callable[[], None], state: Sequence[Any]) -> Callable[[], object]:
    """Return a CUDA graph's replay of a step, whose tensors must keep their places; all of ``state`` stays as it was.

    Args:
        step: Without arguments, result or branch that depends on numbers; it is taken from ``state`` each time.
        state: Tensors that it changes.
    """
    import torch

    before, draws = [tensor.clone() for tensor in state], torch.cuda.get_rng_state()

    def put_back() -> None:
        with torch.no_grad():
            for tensor, value in zip(state, before, strict=True):
                tensor.copy_(value)

    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP):
            step()
            put_back()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    put_back()
    torch.cuda.set_rng_state(draws)
    replay: Callable[[], object] = graph.replay
    return replay


@engine("torch")
class Torch(KerasEngine):
    """Runs each step as it is written: no epoch is compiled; Keras's recurrent layers are PyTorch's own functions."""

    distributions = ("torch",)
    installs: ClassVar = {
        "cpu": "pip install 'sequence-bench[torch]'",
        "gpu": "pip install 'sequence-bench[torch-gpu]'",
    }
    variables: ClassVar = {
        **KerasEngine.variables,
        "KERAS_BACKEND": "torch",
        "KERAS_TORCH_DEVICE": None,  # the device says it
        "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": None,
        "TORCH_LOGS": None,
    }
    reads = (
        *("ATEN_CPU_CAPABILITY", "ONEDNN_*", "DNNL_*", "MKL_*", "TORCH_CUDNN_*", "TORCH_BLAS_PREFER_*"),
        *("TORCH_LINALG_PREFER_*", "TORCH_MKLDNN_*", "TORCH_NNPACK_*", "PYTORCH_MIOPEN_*"),
    )
    deterministic: ClassVar = {DETERMINISTIC: ":4096:8"}
    version = "2"
    precisions = ("float32", "bfloat16", "float16")
    precisions_on: ClassVar = {"cpu": ("float32", "bfloat16")}  # no LSTM there in float16
    jit_on: ClassVar = {"gpu": "none, plain modules by CUDA graphs"}
    no_memory = ("OutOfMemoryError", "can't allocate memory", "CUDA error: out of memory", "STATUS_ALLOC_FAILED")

    def load(self) -> None:
        """Import PyTorch and Keras on it, with the settings of both fixed.

        Raises:
            BenchError: Keras runs on another backend in this process.
        """
        import torch

        os.environ["KERAS_TORCH_DEVICE"] = the_device().type
        super().load()
        fix_torch_settings()
        if DETERMINISTIC in os.environ:
            torch.use_deterministic_algorithms(True, warn_only=True)
        # All weights lie in one vector, in an order of our own: cuDNN copies those of a recurrent layer together.
        warnings.filterwarnings("ignore", "RNN module weights are not part of single contiguous chunk")

    def count_gpus(self) -> int:
        """Return how many GPUs PyTorch sees."""
        import torch

        return int(torch.cuda.device_count())

    def threads(self) -> int:
        """Return how many threads PyTorch computes with."""
        import torch

        return int(torch.get_num_threads())

    def make_program(self, model: Network, recipe: Recipe, train: Split, scored: Task) -> Program:
        """Return a program of single steps."""
        return TorchProgram(model, recipe, train, scored)
