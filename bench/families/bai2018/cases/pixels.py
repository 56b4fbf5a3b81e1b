"""In place of sequential and permuted MNIST: scikit-learn's digits, 64 pixels in place of 784.

The TCN has the printed kernel and channels (PAPER, table 2: 7/8/25) and three levels, which reach 85 pixels; the other
networks have about as many weights. Printed accuracies are of other images, so that nothing here is held to them.
"""

from bench.cases.base import Case, case
from bench.datasets.digits import Digits, PermutedDigits
from bench.models.base import Network
from bench.models.recurrent import GRU, LSTM, SimpleRNN
from bench.models.temporal_convolution import TCN
from bench.recipe import Recipe

RECIPE = Recipe(learning_rate=0.002, epochs=30, batch_size=32, loss="sparse_categorical_crossentropy")
NETWORKS: tuple[tuple[str, str, Network], ...] = (
    ("tcn", "TCN", TCN(channels=(25,) * 3, kernel_size=7, start="code")),
    ("lstm", "LSTM", LSTM(units=(73,))),
    ("gru", "GRU", GRU(units=(84,))),
    ("rnn", "RNN", SimpleRNN(units=(144,))),
)


def _add(name: str, label: str, data: Digits | PermutedDigits, model: Network) -> None:
    @case(f"bai2018/{data.name}_{name}")
    def made() -> Case:
        return Case(data, model, RECIPE.model_copy(update={"clip_norm": 1.0}), label)


for _data in (Digits(), PermutedDigits()):
    for _name, _label, _model in NETWORKS:
        _add(_name, _label, _data, _model)
