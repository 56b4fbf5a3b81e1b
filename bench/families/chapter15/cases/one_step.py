"""Chapter 15: step 50 of the waves from steps 0-49."""

from bench.cases.base import Case, Published, case
from bench.datasets.waves import WavesNextStep
from bench.families.chapter15.errata import WHOLE_EPOCHS
from bench.models.least_squares import LeastSquares
from bench.models.linear import Linear
from bench.models.naive import Naive
from bench.models.recurrent import SimpleRNN
from bench.models.wave_oracle import WaveOracle
from bench.recipe import Recipe


@case("chapter15/naive_next_step")
def naive_next_step() -> Case:
    """The last value again."""
    return Case(
        dataset=WavesNextStep(),
        model=Naive(),
        label="naive",
        published=Published(values={"mse": 0.020211367}, source="Computing Some Baselines"),
    )


@case("chapter15/linear")
def linear() -> Case:
    """A dense layer over the flattened window."""
    return Case(
        dataset=WavesNextStep(),
        model=Linear(),
        recipe=Recipe(learning_rate=0.001, epochs=20, batch_size=32),
        label="linear",
        published=Published(
            values={"mse": 0.004174048032611608}, source="Computing Some Baselines", curve="linear", note=WHOLE_EPOCHS
        ),
    )


@case("chapter15/least_squares_next_step")
def least_squares_next_step() -> Case:
    """What the linear network would reach if it were trained to the end; not in the notebook."""
    return Case(dataset=WavesNextStep(), model=LeastSquares(), label="least squares")


@case("chapter15/wave_oracle_next_step")
def wave_oracle_next_step() -> Case:
    """Two sine waves of known amplitudes, fitted to each window; not in the notebook."""
    return Case(dataset=WavesNextStep(), model=WaveOracle(points=WavesNextStep.points), label="wave oracle")


@case("chapter15/simple_rnn")
def simple_rnn() -> Case:
    """One recurrent unit, whose state is the forecast."""
    return Case(
        dataset=WavesNextStep(),
        model=SimpleRNN(units=(), head="recurrent"),
        recipe=Recipe(learning_rate=0.005, epochs=20, batch_size=32),
        label="one-unit RNN",
        published=Published(
            values={"mse": 0.010848855562508107}, source="Using a Simple RNN", curve="simple_rnn", note=WHOLE_EPOCHS
        ),
    )


@case("chapter15/deep_rnn")
def deep_rnn() -> Case:
    """Three recurrent layers of 20, 20 and 1 units."""
    return Case(
        dataset=WavesNextStep(),
        model=SimpleRNN(units=(20, 20), head="recurrent"),
        recipe=Recipe(learning_rate=0.001, epochs=20, batch_size=32),
        label="deep RNN",
        published=Published(
            values={"mse": 0.002889613825827837}, source="Deep RNNs", curve="deep_rnn", note=WHOLE_EPOCHS
        ),
    )


@case("chapter15/deep_rnn_dense")
def deep_rnn_dense() -> Case:
    """Two recurrent layers of 20 units and a dense head."""
    return Case(
        dataset=WavesNextStep(),
        model=SimpleRNN(units=(20, 20)),
        recipe=Recipe(learning_rate=0.001, epochs=20, batch_size=32),
        label="deep RNN, dense head",
        published=Published(
            values={"mse": 0.002677031420171261}, source="Deep RNNs", curve="deep_rnn_dense", note=WHOLE_EPOCHS
        ),
    )
