"""What tests of PyTorch's networks share; importing this imports torch, so a test file skips itself before."""

import torch

from bench.datasets.waves import WavesEveryStep
from bench.engines.base import engines
from bench.initial import window_order
from bench.models.base import TorchNetwork
from bench.models.torch_recurrent import TorchGRU
from bench.recipe import Recipe

SPLITS = WavesEveryStep(n_series=100).load(42)
PLAIN = TorchGRU(units=3, layers=1)
RECIPE = Recipe(epochs=2, learning_rate=0.01)


def program_of(model, recipe=RECIPE, splits=SPLITS):
    return engines.get("torch").make_program(model, recipe, splits.train, splits.valid.task)


def order_of(splits=SPLITS, seed=1):
    return window_order(seed, 0, len(splits.train.x), RECIPE.batch_size)


class Odd(TorchNetwork):
    """A module with dropout, batch norm, a frozen weight and, if asked, an output of the wrong shape or dtype."""

    extra_axis: bool = False
    double: bool = False
    frozen: bool = False

    def build(self, task):
        class Module(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.norm = torch.nn.BatchNorm1d(task.features)
                self.hidden = torch.nn.Linear(task.features, 6)
                self.dropout = torch.nn.Dropout(0.5)
                self.head = torch.nn.Linear(6, task.outputs)
                self.scale = torch.nn.Parameter(torch.ones(6), requires_grad=False)

            def forward(self, x):
                x = self.norm(x.transpose(1, 2)).transpose(1, 2)
                y = self.head(self.dropout(torch.tanh(self.hidden(x))) * self.scale)
                return y[..., None] if extra_axis else y

        extra_axis = self.extra_axis
        module = Module().double() if self.double else Module()
        return module.requires_grad_(False) if self.frozen else module
