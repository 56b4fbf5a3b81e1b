"""A network on PyTorch, of Keras's layers or a plain `torch.nn.Module`, with all its trained weights in one vector."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bench.engines.keras_engine import fix_settings
from bench.engines.torch_layers import mend_recurrence
from bench.errors import BenchError
from bench.initial import initial_weights, random_states, seed_generators
from bench.models.base import Network
from bench.task import Array, Task

Tensor = Any


def fix_torch_settings() -> None:
    """Set PyTorch's global settings: its own, but products in whole float32 on a GPU."""
    import torch

    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)
    torch.set_float32_matmul_precision("highest")
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    torch.set_flush_denormal(False)
    torch.autograd.set_detect_anomaly(False)


def the_device() -> Any:
    """Return the device that this process computes on: the GPU that it is shown, or the CPU."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class FlatNetwork:
    """A network and its weights, which keep their place in memory.

    Attributes:
        plain: True for a `torch.nn.Module` that Keras did not make.
        vector: All weights that gradients change ``(n,)``, which those of the network are parts of.
        gradient: Their gradient ``(n,)``, which `backward` adds to.
        parameters: Numbers in the network's weights.
        weight_bytes: Size of the weights and of what else the network keeps.

    Args:
        model: Builds the network.
        taught: The task of the training windows.
        precision: What its layers compute in; None for float32.
    """

    def __init__(self, model: Network, taught: Task, precision: str | None = None):
        import keras
        import torch

        self._precision = precision
        # An iterated network reads windows that grow: one network of open length serves them and training.
        self._model, self._task = model, replace(taught, input_length=None) if model.iterates else taught
        built = self._build(0)
        self.plain = not isinstance(built, keras.Model)
        self._network = built.to(the_device()) if self.plain else built
        if self.plain:
            self._weights = list(self._network.state_dict(keep_vars=True).values())
            trained = [weight for weight in self._network.parameters() if weight.requires_grad]
            self._random, self._others = [], []
            self.parameters: int = sum(weight.numel() for weight in self._network.parameters())
        else:
            mend_recurrence(self._network)
            self._weights = [weight.value for weight in self._network.weights]
            trained = [variable.value for variable in self._network.trainable_variables]
            self._random = [generator.state.value for generator in seed_generators(self._network)]
            known = {id(weight) for weight in self._network.weights}
            others = [variable.value for variable in self._network.variables if id(variable) not in known]
            self._others = [(tensor, tensor.detach().clone()) for tensor in others]
            self.parameters = int(self._network.count_params())
        self.weight_bytes: int = sum(weight.numel() * weight.element_size() for weight in self._weights)
        unlike = {str(weight.dtype) for weight in trained} - {"torch.float32"}
        if unlike or not trained:
            what = f"weights of {', '.join(sorted(unlike))}" if unlike else "no weight that gradients change"
            raise BenchError(f"model {model.name!r} has {what}; give its network float32 parameters")
        self.vector = torch.cat([weight.detach().reshape(-1) for weight in trained])
        self.gradient = torch.zeros_like(self.vector)
        sizes = [weight.numel() for weight in trained]
        parts = zip(trained, self.vector.split(sizes), self.gradient.split(sizes), strict=True)
        for weight, values, gradient in parts:
            weight.data, weight.grad = values.view_as(weight), gradient.view_as(weight)

    @property
    def state(self) -> list[Tensor]:
        """Tensors that training changes, but for the optimizer's."""
        kept = [weight for weight in self._weights if not weight.requires_grad]
        return [self.vector, self.gradient, *kept, *self._random, *(tensor for tensor, _ in self._others)]

    def __call__(self, x: Tensor, training: bool) -> Tensor:
        """Return the network's output on windows, in float32 whatever its layers compute in."""
        import torch

        if not self.plain:
            return self._network(x, training=training).float()
        if self._network.training is not training:
            self._network.train(training)
        if self._precision is None:
            return self._network(x)
        # Rounded weights are not kept from one call to the next: a CUDA graph would keep those of its capture.
        with torch.autocast(x.device.type, getattr(torch, self._precision), cache_enabled=False):
            return self._network(x).float()

    def fresh_weights(self, model_seed: int) -> list[Array]:
        """Return initial weights, from the seed alone.

        Those of Keras's layers are made in NumPy. A plain module is built once more, and its own initialisers draw
        from PyTorch's CPU generator after ``torch.manual_seed(model_seed)``, whatever the device.
        """
        if not self.plain:
            return initial_weights(self._network, model_seed)
        return [_numpy(weight) for weight in self._build(model_seed).state_dict().values()]

    def reset(self, weights: Sequence[Array], model_seed: int) -> None:
        """Put in these weights, and the seed's states of random layers.

        Dropout, a plain module's and Keras's alike, draws from PyTorch's own generator of the device; it starts from
        the seed's stream of a random layer that comes after all others.
        """
        import torch

        self.load(weights)
        with torch.no_grad():
            for tensor, value in self._others:
                tensor.copy_(value)
            *states, last = random_states(len(self._random) + 1, model_seed)
            for tensor, state in zip(self._random, states, strict=True):
                tensor.copy_(torch.from_numpy(state))
        torch.manual_seed(int(last[0]))

    def load(self, weights: Sequence[Array]) -> None:
        """Put in these weights."""
        import torch

        with torch.no_grad():
            for weight, value in zip(self._weights, weights, strict=True):
                weight.copy_(torch.as_tensor(np.asarray(value)))

    def weights(self) -> list[Array]:
        """Return a copy of the weights."""
        return [_numpy(weight) for weight in self._weights]

    def _build(self, seed: int) -> Any:
        """Return a new network, as PyTorch's initialisers draw it from a seed; its generators are left as they were."""
        import torch

        fix_settings(self._precision)
        fix_torch_settings()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            built = self._model.build(self._task)
        fix_settings()
        return built


def _numpy(tensor: Tensor) -> Array:
    copy: Array = tensor.detach().cpu().numpy().copy()
    return copy
