"""What engines share whose networks Keras runs on their backend."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any, ClassVar

from bench.engines.base import Engine, engines
from bench.errors import BenchError

NEEDLESS = "matplotlib", "sklearn", "pandas", "IPython"
"""What Keras takes along where it is installed, for pictures and wrappers that no run uses."""
SETTINGS: Mapping[str, Any] = {
    "floatx": "float32",
    "dtype_policy": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "max_epochs": None,
    "max_steps_per_epoch": None,
}
"""Keras's global settings, as every network is built and trained with them; each has a ``keras.config.set_``."""
ITS_VARIABLES = ("KERAS_HOME", "KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH", "KERAS_NNX_ENABLED")
"""Environment variables that Keras reads when it is imported, beside that of its backend."""


class KerasEngine(Engine):
    """Keras on the backend of the engine's name; its ``variables`` hold these and ``KERAS_BACKEND``."""

    variables: ClassVar[Mapping[str, str | None]] = dict.fromkeys(ITS_VARIABLES[1:])
    keras: ClassVar[bool] = True

    def load(self) -> None:
        """Import Keras on the backend, with its settings fixed, whatever a user's keras.json or variables say.

        Raises:
            BenchError: Keras runs on another backend in this process.
        """
        os.environ["KERAS_BACKEND"] = self.name
        if "keras" not in sys.modules:
            with _without_settings(), _without({*engines.names(), *NEEDLESS} - {self.name}):
                import_module("keras")
            _set_home()
        import keras

        if keras.backend.backend() != self.name:
            raise BenchError(
                f"Keras runs on {keras.backend.backend()} in this process, not on {self.name}; give {self.name} its own"
            )
        fix_settings()

    def count_gpus(self) -> int:
        """Return how many GPUs Keras sees on the backend."""
        import keras

        return len(keras.distribution.list_devices("gpu"))


def fix_settings(precision: str | None = None) -> None:
    """Set Keras's global settings to `SETTINGS`; called before each network is built, for a plug-in may set them.

    With a ``precision``, layers that are built next compute in it and keep float32 weights.
    """
    import keras

    policy = {"dtype_policy": f"mixed_{precision}"} if precision else {}
    for name, value in {**SETTINGS, **policy}.items():
        getattr(keras.config, f"set_{name}")(value)
    keras.config.enable_flash_attention()  # its default: where it can be had


def loops_of_keras(network: Any) -> Iterator[Any]:
    """Yield the recurrent layers of a network that loop over a Keras cell as Keras does on every backend.

    One that asks for cuDNN, or whose class has a loop of its own, is none.
    """
    import keras

    theirs = {kind.inner_loop for kind in (keras.layers.RNN, keras.layers.LSTM, keras.layers.GRU)}
    for layer in network._flatten_layers():
        if (
            isinstance(layer, keras.layers.RNN)
            and type(layer).inner_loop in theirs
            and isinstance(layer.cell, keras.layers.Layer)
            and getattr(layer, "use_cudnn", None) is not True
        ):
            yield layer


@contextmanager
def _without_settings() -> Iterator[None]:
    """Let Keras be imported without a user's settings: it reads no keras.json, which may be one that it stops at."""
    users = {name: os.environ.pop(name) for name in ITS_VARIABLES if name in os.environ}
    os.environ["KERAS_HOME"] = os.devnull
    try:
        yield
    finally:
        del os.environ["KERAS_HOME"]
        os.environ.update(users)


@dataclass(frozen=True)
class _Hidden(MetaPathFinder, Loader):
    """Finds modules of these names, as what asks whether they are installed may, and lets none be imported."""

    names: frozenset[str]

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        """Return a spec for a hidden module, and leave others to the next finder."""
        return ModuleSpec(fullname, self) if fullname.partition(".")[0] in self.names else None

    def create_module(self, spec: ModuleSpec) -> None:
        """Raise."""
        raise ModuleNotFoundError(f"{spec.name} is hidden", name=spec.name)

    def exec_module(self, module: object) -> None:
        """Do nothing: no module was created. A loader without this method is warned of."""


@contextmanager
def _without(packages: Iterable[str]) -> Iterator[None]:
    """Let Keras be imported without packages that it takes along where they are there, which costs time and memory."""
    finder = _Hidden(frozenset(packages))
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def _set_home() -> None:
    """Let Keras keep what it downloads where it would have kept it."""
    with suppress(OSError, RuntimeError):
        home = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
        home.mkdir(parents=True, exist_ok=True)
        import_module("keras.src.backend.config")._KERAS_DIR = str(home)  # type: ignore[attr-defined]
