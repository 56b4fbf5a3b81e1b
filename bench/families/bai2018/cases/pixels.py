"""In place of sequential and permuted MNIST: scikit-learn's digits, 64 pixels in place of 784.

The TCN has the printed kernel and channels (PAPER, table 2: 7/8/25) and three levels, which reach 85 pixels; the other
networks have about as many weights. Recipes are the printed ones but for the epochs: Adam 0.002 without clipping for
the TCN; RMSprop 0.001, PyTorch's, clipped at 1, for the LSTM, whose forget bias starts at 1, on permuted pixels at 10
(table 3), and so for GRU and RNN. Printed accuracies are of other images, so that nothing here is held to them.
"""

from bench.cases.base import Case, case
from bench.datasets.digits import Digits, PermutedDigits
from bench.models.base import Network
from bench.models.recurrent import GRU, LSTM, SimpleRNN
from bench.models.temporal_convolution import TCN
from bench.recipe import Recipe

ADAM = Recipe(learning_rate=0.002, epochs=30, batch_size=32, loss="sparse_categorical_crossentropy")
RMSPROP = Recipe(
    optimizer="rmsprop", learning_rate=0.001, rho=0.99, epsilon=1e-16, epochs=30, batch_size=32,
    loss="sparse_categorical_crossentropy", clip_norm=1.0,
)  # fmt: skip


def _add(name: str, label: str, data: Digits | PermutedDigits, model: Network, recipe: Recipe) -> None:
    @case(f"bai2018/{data.name}_{name}")
    def made() -> Case:
        return Case(data, model, recipe, label)


_DATA: tuple[tuple[Digits | PermutedDigits, float], ...] = ((Digits(), 1.0), (PermutedDigits(), 10.0))
for _data, _forget in _DATA:
    _add("tcn", "TCN", _data, TCN(channels=(25,) * 3, kernel_size=7, start="code"), ADAM)
    _add("lstm", "LSTM", _data, LSTM(units=(73,), forget_bias=_forget), RMSPROP)
    _add("gru", "GRU", _data, GRU(units=(84,)), RMSPROP)
    _add("rnn", "RNN", _data, SimpleRNN(units=(144,)), RMSPROP)
