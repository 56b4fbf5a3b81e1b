"""Chapter 15: recurrent networks that forecast the next ten steps at every position."""

from bench.cases.base import Case, Published, case
from bench.datasets.waves import WavesEveryStep
from bench.families.chapter15.errata import AS_PRINTED, CORRECTED, WHOLE_EPOCHS, erratum
from bench.models.least_squares import LeastSquares
from bench.models.naive import Naive
from bench.models.recurrent import GRU, LSTM, LayerNormRNN, SimpleRNN, WhileLoopRNN
from bench.recipe import Recipe


@case("chapter15/naive_every_step")
def naive_every_step() -> Case:
    """Each position's value again, ten times; not in the notebook."""
    return Case(dataset=WavesEveryStep(), model=Naive(), label="naive")


@case("chapter15/least_squares_every_step")
def least_squares_every_step() -> Case:
    """A closed-form fit at each position, from the steps up to it; not in the notebook."""
    return Case(dataset=WavesEveryStep(), model=LeastSquares(), label="least squares")


@case("chapter15/seq2seq_rnn")
def seq2seq_rnn() -> Case:
    """Two recurrent layers of 20 units; the only every-step case with this learning rate."""
    return Case(
        dataset=WavesEveryStep(),
        model=SimpleRNN(units=(20, 20)),
        recipe=Recipe(learning_rate=0.01, epochs=20, batch_size=32),
        label="SimpleRNN, Adam 0.01",
        published=Published(
            values={"mse": 0.0198, "last_time_step_mse": 0.0095},
            source="Forecasting Several Steps Ahead",
            curve="seq2seq_rnn",
            note=WHOLE_EPOCHS,
        ),
        errata=(erratum(7, AS_PRINTED),),
    )


@case("chapter15/seq2seq_rnn_matched")
def seq2seq_rnn_matched() -> Case:
    """The same network with the recipe of all the others; not in the notebook."""
    return Case(
        dataset=WavesEveryStep(),
        model=SimpleRNN(units=(20, 20)),
        recipe=Recipe(learning_rate=0.001, epochs=20, batch_size=32),
        label="SimpleRNN",
        errata=(erratum(7, CORRECTED),),
    )


@case("chapter15/seq2seq_rnn_batch_norm")
def seq2seq_rnn_batch_norm() -> Case:
    """Batch normalisation after each recurrent layer."""
    return Case(
        dataset=WavesEveryStep(),
        model=SimpleRNN(units=(20, 20), batch_norm=True),
        recipe=Recipe(learning_rate=0.001, epochs=20, batch_size=32),
        label="SimpleRNN + batch norm",
        published=Published(
            values={"mse": 0.0289, "last_time_step_mse": 0.0171},
            source="Deep RNN with Batch Norm",
            curve="seq2seq_rnn_batch_norm",
            note=WHOLE_EPOCHS,
        ),
    )


@case("chapter15/seq2seq_rnn_layer_norm")
def seq2seq_rnn_layer_norm() -> Case:
    """A recurrent cell that normalises over its units before the activation."""
    return Case(
        dataset=WavesEveryStep(),
        model=LayerNormRNN(units=(20, 20)),
        recipe=Recipe(learning_rate=0.001, epochs=20, batch_size=32),
        label="layer-norm RNN",
        published=Published(
            values={"mse": 0.0275, "last_time_step_mse": 0.0149},
            source="Deep RNNs with Layer Norm",
            curve="seq2seq_rnn_layer_norm",
            note=WHOLE_EPOCHS,
        ),
    )


@case("chapter15/seq2seq_rnn_own_loop_as_printed")
def seq2seq_rnn_own_loop_as_printed() -> Case:
    """The layer-norm cell in a hand-written loop whose outputs lie time-major."""
    return Case(
        dataset=WavesEveryStep(),
        model=WhileLoopRNN(units=(20, 20), time_major=True),
        recipe=Recipe(learning_rate=0.001, epochs=20, batch_size=32),
        label="while-loop RNN (as printed)",
        published=Published(
            values={"mse": 0.0276, "last_time_step_mse": 0.0139},
            source="Creating a Custom RNN Class",
            curve="seq2seq_rnn_custom_loop",
            note=WHOLE_EPOCHS,
        ),
        errata=(erratum(2, AS_PRINTED),),
        faulty=True,
    )


@case("chapter15/seq2seq_rnn_own_loop")
def seq2seq_rnn_own_loop() -> Case:
    """The hand-written loop with its outputs in batch-major order."""
    return Case(
        dataset=WavesEveryStep(),
        model=WhileLoopRNN(units=(20, 20), time_major=False),
        recipe=Recipe(learning_rate=0.001, epochs=20, batch_size=32),
        label="while-loop RNN",
        errata=(erratum(2, CORRECTED),),
    )


@case("chapter15/seq2seq_lstm")
def seq2seq_lstm() -> Case:
    """Two LSTM layers of 20 units."""
    return Case(
        dataset=WavesEveryStep(),
        model=LSTM(units=(20, 20)),
        recipe=Recipe(learning_rate=0.001, epochs=20, batch_size=32),
        label="LSTM",
        published=Published(
            values={"mse": 0.023689542233943938, "last_time_step_mse": 0.008518972},
            source="LSTMs",
            curve="seq2seq_lstm",
            note=WHOLE_EPOCHS,
        ),
    )


@case("chapter15/seq2seq_gru")
def seq2seq_gru() -> Case:
    """Two GRU layers of 20 units; conv_gru's partner without the strided convolution."""
    return Case(
        dataset=WavesEveryStep(),
        model=GRU(units=(20, 20)),
        recipe=Recipe(learning_rate=0.001, epochs=20, batch_size=32),
        label="GRU",
        published=Published(
            values={"mse": 0.024557730346918105, "last_time_step_mse": 0.011060879},
            source="GRUs",
            curve="seq2seq_gru",
            note=WHOLE_EPOCHS,
        ),
        errata=(erratum(6, "scored on the same positions"),),
    )
