"""Chapter 15: its LSTM and GRU by PyTorch's own layers, which the backend torch alone has; not in the notebook."""

from bench.cases.base import Case, case
from bench.datasets.waves import WavesEveryStep
from bench.models.torch_recurrent import TorchGRU, TorchLSTM
from bench.recipe import Recipe


@case("chapter15/seq2seq_lstm_torch")
def seq2seq_lstm_torch() -> Case:
    """Two layers of 20 units in one call of `torch.nn.LSTM`."""
    return Case(
        dataset=WavesEveryStep(),
        model=TorchLSTM(units=20, layers=2),
        recipe=Recipe(learning_rate=0.001, epochs=20, batch_size=32),
        label="LSTM (torch.nn)",
    )


@case("chapter15/seq2seq_gru_torch")
def seq2seq_gru_torch() -> Case:
    """Two layers of 20 units in one call of `torch.nn.GRU`."""
    return Case(
        dataset=WavesEveryStep(),
        model=TorchGRU(units=20, layers=2),
        recipe=Recipe(learning_rate=0.001, epochs=20, batch_size=32),
        label="GRU (torch.nn)",
    )
