"""A PyTorch model of your own in the benchmark: a plain `torch.nn.Module`, a case, and nothing else.

Run it, beside the naive forecast, with three seeds (`examples/torch_model.toml` says what is compared):

    BENCH_PLUGINS=torch_model PYTHONPATH=examples bench run examples/torch_model.toml

Each seed starts from the weights that the module draws after `torch.manual_seed(seed)`, and is trained by the recipe on
the same windows in the same order as every other model of the benchmark. On other backends the case is skipped.
"""

from typing import TYPE_CHECKING

from pydantic import PositiveInt

from bench.cases.base import Case, case
from bench.datasets.waves import WavesNextStep
from bench.models.base import TorchNetwork, model
from bench.recipe import Recipe
from bench.task import TargetKind, Task

if TYPE_CHECKING:
    import torch


@model("example_torch_gru")
class ExampleGRU(TorchNetwork):
    """A GRU whose last state is read out by a small perceptron; its fields are what a suite may set.

    Attributes:
        units: Size of the state, and of the perceptron's hidden layer.
        dropout: Share of the state that training sets to zero.
    """

    kinds = (TargetKind.LAST_STEP,)
    units: PositiveInt = 20
    dropout: float = 0.1

    def build(self, task: Task) -> "torch.nn.Module":
        """Return your module: `bench list` runs without PyTorch, so import it here."""
        import torch

        class Network(torch.nn.Module):
            def __init__(self, features: int, outputs: int, units: int, dropout: float):
                super().__init__()
                self.gru = torch.nn.GRU(features, units, batch_first=True)
                self.head = torch.nn.Sequential(
                    torch.nn.Dropout(dropout),
                    torch.nn.Linear(units, units),
                    torch.nn.ReLU(),
                    torch.nn.Linear(units, outputs),
                )

            def forward(self, x: torch.Tensor) -> torch.Tensor:  # (batch, steps, features)
                _, state = self.gru(x)
                return self.head(state[-1]).reshape(-1, *task.output_shape)  # (batch, horizon)

        return Network(task.features, task.outputs, self.units, self.dropout)


@case("example/torch_gru")
def torch_gru() -> Case:
    """Step 50 of the chapter's waves from steps 0 to 49."""
    return Case(
        dataset=WavesNextStep(),
        model=ExampleGRU(),
        recipe=Recipe(optimizer="adamw", learning_rate=0.003, epochs=5, clip_norm=1.0),
        label="my GRU",
    )
