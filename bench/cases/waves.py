"""Architectures younger than the chapter on its waves: ten steps from fifty, each with about 5,000 weights.

All share the recipe of the chapter's own every-step networks, so that what differs is the architecture. Networks of
long horizons forecast after the window alone; of them TSMixer, whose maps over time are as wide as the window, has more
weights, and DLinear and NLinear, which are one or two maps, far fewer. Each network says how many (`Network.weights`).
"""

from bench.cases.base import Case, case
from bench.datasets.base import Dataset
from bench.datasets.waves import WavesEveryStep, WavesTenSteps
from bench.models.backcasts import NBeats, NHits
from bench.models.base import Network
from bench.models.channel_attention import ITransformer, PatchTST
from bench.models.channel_perceptrons import TiDE, TSMixer
from bench.models.decomposition import DLinear, NLinear
from bench.models.minimal_recurrent import MinGRU, MinLSTM
from bench.models.state_space import LRUNetwork, Mamba, S4DNetwork
from bench.models.temporal_convolution import TCN
from bench.models.transformer import CausalTransformer
from bench.models.xlstm import MLSTM, SLSTM
from bench.recipe import Recipe

RECIPE = Recipe(learning_rate=0.001, epochs=20, batch_size=32)

EVERY_STEP: tuple[tuple[str, str, Network], ...] = (
    ("min_gru", "minGRU", MinGRU()),
    ("min_lstm", "minLSTM", MinLSTM()),
    ("lru", "LRU", LRUNetwork()),
    ("s4d", "S4D", S4DNetwork()),
    ("mamba", "Mamba", Mamba()),
    ("s_lstm", "sLSTM", SLSTM()),
    ("m_lstm", "mLSTM", MLSTM()),
    ("tcn", "TCN", TCN()),
    ("transformer", "causal Transformer", CausalTransformer()),
)
LAST_STEP: tuple[tuple[str, str, Network], ...] = (
    ("d_linear", "DLinear", DLinear()),
    ("n_linear", "NLinear", NLinear()),
    ("n_beats", "N-BEATS", NBeats()),
    ("n_hits", "N-HiTS", NHits()),
    ("ts_mixer", "TSMixer", TSMixer()),
    ("i_transformer", "iTransformer", ITransformer()),
    ("patch_tst", "PatchTST", PatchTST()),
    ("tide", "TiDE", TiDE()),
)


def _add(name: str, label: str, model: Network, dataset: Dataset) -> None:
    @case(f"waves/{name}")
    def made() -> Case:
        return Case(dataset=dataset, model=model, recipe=RECIPE, label=label)


for _dataset, _networks in ((WavesEveryStep(), EVERY_STEP), (WavesTenSteps(), LAST_STEP)):
    for _name, _label, _model in _networks:
        _add(_name, _label, _model, _dataset)
