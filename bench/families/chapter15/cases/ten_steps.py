"""Chapter 15: steps 50-59 of the waves from steps 0-49, at once or one after another."""

from bench.cases.base import Case, Published, case
from bench.datasets.waves import WavesIteratedAcrossGrids, WavesIteratedOneGrid, WavesTenSteps
from bench.families.chapter15.errata import AS_PRINTED, CORRECTED, WHOLE_EPOCHS, erratum
from bench.models.least_squares import IteratedLeastSquares, LeastSquares
from bench.models.linear import Linear
from bench.models.naive import Naive, NaiveLeaky
from bench.models.recurrent import IteratedRNN, SimpleRNN
from bench.models.wave_oracle import WaveOracle
from bench.recipe import Recipe

SECTION = "Forecasting Several Steps Ahead"


@case("chapter15/naive_ten_steps_as_printed")
def naive_ten_steps_as_printed() -> Case:
    """The last target again: a look at the answer."""
    return Case(
        dataset=WavesTenSteps(),
        model=NaiveLeaky(),
        label="naive (as printed)",
        published=Published(values={"mse": 0.22278848}, source=SECTION),
        errata=(erratum(1, AS_PRINTED),),
        faulty=True,
    )


@case("chapter15/naive_ten_steps")
def naive_ten_steps() -> Case:
    """The last value again, ten times."""
    return Case(
        dataset=WavesTenSteps(),
        model=Naive(),
        label="naive",
        errata=(erratum(1, CORRECTED),),
    )


@case("chapter15/linear_10")
def linear_10() -> Case:
    """A dense layer over the flattened window."""
    return Case(
        dataset=WavesTenSteps(),
        model=Linear(),
        recipe=Recipe(learning_rate=0.001, epochs=20, batch_size=32),
        label="linear",
        published=Published(values={"mse": 0.0188}, source=SECTION, curve="linear_10", note=WHOLE_EPOCHS),
    )


@case("chapter15/least_squares_ten_steps")
def least_squares_ten_steps() -> Case:
    """What the linear network would reach if it were trained to the end; not in the notebook."""
    return Case(dataset=WavesTenSteps(), model=LeastSquares(), label="least squares")


@case("chapter15/wave_oracle_ten_steps")
def wave_oracle_ten_steps() -> Case:
    """Two sine waves of known amplitudes, fitted to each window and read off ten steps on; not in the notebook."""
    return Case(dataset=WavesTenSteps(), model=WaveOracle(points=WavesTenSteps.points), label="wave oracle")


@case("chapter15/deep_rnn_10")
def deep_rnn_10() -> Case:
    """Two recurrent layers of 20 units and a dense head of ten."""
    return Case(
        dataset=WavesTenSteps(),
        model=SimpleRNN(units=(20, 20)),
        recipe=Recipe(learning_rate=0.001, epochs=20, batch_size=32),
        label="deep RNN",
        published=Published(values={"mse": 0.0082}, source=SECTION, curve="deep_rnn_10", note=WHOLE_EPOCHS),
    )


@case("chapter15/iterated_rnn_as_printed")
def iterated_rnn_as_printed() -> Case:
    """The one-step network of the 51-point grid, asked for ten steps of the 60-point grid."""
    return Case(
        dataset=WavesIteratedAcrossGrids(),
        model=IteratedRNN(units=(20, 20)),
        recipe=Recipe(learning_rate=0.001, epochs=20, batch_size=32),
        label="iterated deep RNN (as printed)",
        published=Published(values={"mse": 0.0285489}, source=SECTION, note=WHOLE_EPOCHS),
        errata=(erratum(5, AS_PRINTED),),
        faulty=True,
    )


@case("chapter15/iterated_rnn")
def iterated_rnn() -> Case:
    """The same network trained on one step of the grid that it is asked about."""
    return Case(
        dataset=WavesIteratedOneGrid(),
        model=IteratedRNN(units=(20, 20)),
        recipe=Recipe(learning_rate=0.001, epochs=20, batch_size=32),
        label="iterated deep RNN",
        errata=(erratum(5, CORRECTED),),
    )


@case("chapter15/iterated_least_squares_as_printed")
def iterated_least_squares_as_printed() -> Case:
    """What two grids cost without any training noise; not in the notebook."""
    return Case(
        dataset=WavesIteratedAcrossGrids(),
        model=IteratedLeastSquares(),
        label="iterated least squares (two grids)",
        errata=(erratum(5, AS_PRINTED),),
        faulty=True,
    )


@case("chapter15/iterated_least_squares")
def iterated_least_squares() -> Case:
    """The closed-form one-step fit, iterated on its own grid; not in the notebook."""
    return Case(
        dataset=WavesIteratedOneGrid(),
        model=IteratedLeastSquares(),
        label="iterated least squares",
        errata=(erratum(5, CORRECTED),),
    )
