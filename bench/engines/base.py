"""What an engine is: a backend's traits, and the compiled epoch, forecasts and state that training needs of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.models.base import Inputs, Network, Support
from bench.pasting import brought_by
from bench.recipe import Recipe
from bench.registry import Registry
from bench.task import Array, Split, Task, Values, Windows
from bench.windows import parts


class Built(Protocol):
    """A network compiled for one case."""

    @property
    def build_s(self) -> float:
        """Seconds spent building the network."""

    @property
    def compile_s(self) -> float:
        """Seconds spent tracing and compiling what has been called so far."""

    @property
    def parameters(self) -> int:
        """Numbers in the network's weights, those of one seed."""

    def fresh_weights(self, model_seed: int) -> list[Array]:
        """Return initial weights made from the seed alone, in the order of `weights`."""

    def close(self) -> None:
        """Free what it holds."""


class Program(Built, Protocol):
    """One state of the network. It is reused by every seed: `reset`, train, forecast, again."""

    @property
    def weight_bytes(self) -> int:
        """Size of the network's weights."""

    @property
    def compilations(self) -> int:
        """Programs traced and compiled so far."""

    @property
    def evaluations(self) -> int:
        """Calls of `forecast` so far."""

    @property
    def device_peak_bytes(self) -> int | None:
        """Most memory that the backend has held on an accelerator; None on the CPU."""

    def use(self, train: Split) -> None:
        """Train on these windows from now on; nothing is compiled where their shapes are the old ones."""

    def reset(self, weights: Sequence[Array], model_seed: int) -> None:
        """Put in these weights, a new optimizer's state, and what the seed alone makes of random layers' states."""

    def weights(self) -> list[Array]:
        """Return a copy of the weights."""

    def load(self, weights: Sequence[Array]) -> None:
        """Put in these weights and leave the optimizer alone."""

    def train(self, order: NDArray[np.int32], steps: int | None = None, rates: Array | None = None) -> float:
        """Take the first ``steps`` batches (all by default) of ``order (steps, batch)``; return their mean loss.

        ``rates``, float32 and one a step of ``order``, are for a recipe whose learning rate `varies`; without them
        it trains at the recipe's own.
        """

    def forecast(self, x: Inputs | Windows) -> Array:
        """Forecast windows, shaped as the scored task's targets and with a probability a class where it has many."""

    def forecast_batch(self, x: Inputs) -> Array:
        """As `forecast`, but all of ``x`` is one batch: each number of windows is compiled once."""


class Stack(Built, Protocol):
    """As `Program`, of as many seeds as it has lanes, which train side by side and know nothing of each other.

    A lane's numbers depend on its seed, its data and the width of the stack, which is fixed: where there are fewer
    seeds than lanes, the rest of the width is idle.
    """

    def use(self, trains: Sequence[Split]) -> None:
        """As `Program.use`: each lane trains on a split of its own, or several on the same object; all of one shape."""

    def reset(self, weights: Sequence[Sequence[Array]], model_seeds: Sequence[int]) -> None:
        """As `Program.reset`, of as many lanes as there are seeds, which is as many as `use` was told of."""

    def weights(self) -> list[list[Array]]:
        """Return a copy of each lane's weights."""

    def load(self, weights: Sequence[Sequence[Array]]) -> None:
        """As `Program.load`."""

    def train(
        self,
        order: NDArray[np.int32],
        steps: int | None = None,
        rates: Array | None = None,
        active: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.float32]:
        """As `Program.train`, with a first axis of lanes; a lane that is not ``active`` keeps its state."""

    def forecast(self, x: Sequence[Inputs | Windows]) -> Array:
        """As `Program.forecast` of each lane's own windows, or of one object for several; a first axis of lanes."""


class Engine:
    """How one backend trains networks, and what it needs of a machine and a process. A subclass is a plug-in.

    The module of an engine imports its backend in `load` and later, never at its top: a driver asks the engine, and
    loads nothing.

    Attributes:
        name: What suites and records call it.
        distributions: Installed packages that provide the backend: the first that is there gives its version.
        installs: Commands that bring the backend, by kind of device; what pip installs of this package is said as it
            can be pasted where it is said.
        variables: Environment variables that a process has before the backend is imported; None where it must not have
            one that a user may have set.
        thread_variables: Environment variables that limit the backend's threads to a number.
        reads: Patterns of environment variables with which the backend may compute other numbers; what a user has set
            of them is part of a run's environment.
        deterministic: Environment variables of its deterministic mode, for a process of its own; empty where none is
            known.
        version: Of what can change a run's numbers: the engine itself, the training loop, initial weights, order of
            windows. A run id digests it; raise it when they change.
        jit: What its compilation is called; ``"none"`` where it compiles nothing.
        jit_on: The same on kinds of device where it is another.
        precision: Of its numbers.
        keras: Whether Keras's version can change its numbers.
        stacks: Whether one program can train many seeds.
        precisions: What a recipe may have its layers compute in.
        precisions_on: The same on kinds of device where they are others.
        no_memory: What the type or the text of an error has where a device has too little memory.
    """

    name: ClassVar[str] = ""
    distributions: ClassVar[tuple[str, ...]] = ()
    installs: ClassVar[Mapping[str, str]] = {}
    variables: ClassVar[Mapping[str, str | None]] = {}
    thread_variables: ClassVar[tuple[str, ...]] = ()
    reads: ClassVar[tuple[str, ...]] = ()
    deterministic: ClassVar[Mapping[str, str]] = {}
    version: ClassVar[str] = "1"
    jit: ClassVar[str] = "none"
    jit_on: ClassVar[Mapping[str, str]] = {}
    precision: ClassVar[str] = "float32"
    keras: ClassVar[bool] = False
    stacks: ClassVar[bool] = False
    precisions: ClassVar[tuple[str, ...]] = ("float32",)
    precisions_on: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    no_memory: ClassVar[tuple[str, ...]] = ()

    def trains_in(self, recipe: Recipe | None, device_kind: str) -> Support:
        """Return whether it can train by a recipe of this precision on a kind of device."""
        wanted, found = recipe and recipe.precision, self.precisions_on.get(device_kind, self.precisions)
        if not wanted or wanted in found:
            return Support()
        where = f" on a {device_kind.upper()}" if device_kind in self.precisions_on else ""
        return Support(f"backend {self.name} trains in {' or '.join(found)}{where}, not in {wanted}")

    def load(self) -> None:
        """Import the backend into this process, in float32.

        Raises:
            BenchError: This process has another backend already.
        """
        raise NotImplementedError

    def count_gpus(self) -> int:
        """Return how many GPUs the backend sees; call `load` first."""
        raise NotImplementedError

    def threads(self) -> int:
        """Return how many threads the backend says it computes with; 0 where it does not say. Call `load` first."""
        return 0

    def make_program(self, model: Network, recipe: Recipe, train: Split, scored: Task) -> Program:
        """Return the program of a network, to be trained by a recipe on a split, that forecasts a task."""
        raise NotImplementedError

    def make_stack(self, model: Network, recipe: Recipe, taught: Task, scored: Task, width: int) -> Stack:
        """Return a stack of ``width`` lanes of a network, whose training windows answer the task ``taught``."""
        raise NotImplementedError

    def lacks_memory(self, error: BaseException) -> bool:
        """Return whether an error says that a device has too little memory for what was asked of it."""
        said = f"{type(error).__name__}: {error}"
        return isinstance(error, MemoryError) or any(sign in said for sign in self.no_memory)


NO_ENGINE = "numpy"
"""The backend of predictors: any process has it, and no engine serves it."""

engines: Registry[Engine] = Registry("backend", "bench.engines")

E = TypeVar("E", bound=type[Engine])


def engine(name: str) -> Callable[[E], E]:
    """Register an `Engine` subclass as the backend ``name``."""

    def decorate(cls: E) -> E:
        cls.name = name
        engines.add(name, cls(), cls)
        return cls

    return decorate


def engine_version(backend: str) -> str:
    """Return the version of a backend's engine, as run ids digest it; a predictor's stays ``"1"``."""
    return "1" if backend == NO_ENGINE else engines.get(backend).version


def load_engine(backend: str, device_kind: str) -> Engine:
    """Import a backend into this process and return its engine.

    Raises:
        BenchError: There is no such engine, this process has another backend, or it is to use a GPU that the backend
            does not see, and would quietly use another device.
    """
    found = engines.get(backend)
    found.load()
    if device_kind == "gpu" and not found.count_gpus():
        how = f"; {brought_by(found.installs['gpu'])}" if "gpu" in found.installs else ""
        raise BenchError(f"backend {backend} sees no GPU in this environment, which may lack CUDA{how}")
    return found


FORECAST_BATCH = 1000
"""Windows in a forecast batch: it divides every split of the waves. The last batch is padded."""


def training_arrays(model: Network, train: Split) -> list[Values | Windows]:
    """Return a split's inputs, targets and, where its task is masked, mask, as a loss takes them."""
    return [train.x, model.targets(train), *([model.mask(train)] if train.task.masked else [])]


def training_parts(model: Network, train: Split) -> list[list[Values]]:
    """Return the same, each as `bench.windows.parts`: what an engine puts on the device, and takes batches from."""
    return [parts(array) for array in training_arrays(model, train)]


class Batched(Protocol):
    """Windows of which some are asked for at a time."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: slice, /) -> Inputs:
        """Return the windows of a slice."""


def in_batches(x: Batched, batch: int, compute: Callable[[Inputs], Array], *, pad: bool = True, axis: int = 0) -> Array:
    """Apply ``compute`` to batches of one static size, the last one padded with its own last window.

    With ``pad=False`` the last batch keeps its own, smaller size: what a network whose output
    depends on its batch must be given. ``axis`` is that of windows in what is computed.
    """
    computed = []
    for start in range(0, len(x), batch):
        part = x[start : start + batch]
        size = len(part)
        if pad and size < batch:
            part = np.concatenate([part, np.repeat(part[-1:], batch - size, axis=0)])
        computed.append(np.asarray(compute(part))[(*[slice(None)] * axis, slice(size))])
    return np.concatenate(computed, axis=axis)
