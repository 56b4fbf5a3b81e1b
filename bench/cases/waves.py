"""Architectures younger than the chapter on its waves: ten steps from fifty, each with about 5,000 weights.

All share the recipe of the chapter's own every-step networks, so that what differs is the architecture. Linear networks
of long horizons forecast after the window alone.
"""

from bench.cases.base import Case, case
from bench.datasets.base import Dataset
from bench.datasets.waves import WavesEveryStep, WavesTenSteps
from bench.models.base import Network
from bench.models.decomposition import DLinear, NLinear
from bench.models.minimal_recurrent import MinGRU, MinLSTM
from bench.models.state_space import LRUNetwork, Mamba, S4DNetwork
from bench.models.temporal_convolution import TCN
from bench.models.transformer import CausalTransformer
from bench.recipe import Recipe

RECIPE = Recipe(learning_rate=0.001, epochs=20, batch_size=32)


def _add(name: str, label: str, model: Network, dataset: Dataset) -> None:
    @case(f"waves/{name}")
    def made() -> Case:
        return Case(dataset=dataset, model=model, recipe=RECIPE, label=label)


for _name, _label, _model in (
    ("min_gru", "minGRU", MinGRU()),
    ("min_lstm", "minLSTM", MinLSTM()),
    ("lru", "LRU", LRUNetwork()),
    ("s4d", "S4D", S4DNetwork()),
    ("mamba", "Mamba", Mamba()),
    ("tcn", "TCN", TCN()),
    ("transformer", "causal Transformer", CausalTransformer()),
):
    _add(_name, _label, _model, WavesEveryStep())
_add("d_linear", "DLinear", DLinear(), WavesTenSteps())
_add("n_linear", "NLinear", NLinear(), WavesTenSteps())
