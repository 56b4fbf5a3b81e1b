"""What engines share whose networks Keras runs on their backend."""

import os
from typing import ClassVar

from bench.engines.base import Engine
from bench.errors import BenchError


class KerasEngine(Engine):
    """Keras on the backend of the engine's name."""

    keras: ClassVar[bool] = True

    def load(self) -> None:
        """Import Keras on the backend, in float32.

        Raises:
            BenchError: Keras runs on another backend in this process.
        """
        os.environ["KERAS_BACKEND"] = self.name
        import keras

        if keras.backend.backend() != self.name:
            raise BenchError(
                f"Keras runs on {keras.backend.backend()} in this process, not on {self.name}; give {self.name} its own"
            )
        keras.config.set_floatx("float32")

    def count_gpus(self) -> int:
        """Return how many GPUs Keras sees on the backend."""
        import keras

        return len(keras.distribution.list_devices("gpu"))
