"""The adding problem: the printed sizes, and a small one of 50 steps that ends in minutes on two cores.

Small networks are those printed for 600 steps, the TCN with three levels in place of eight, which reach 99 steps.
PAPER, tables 2 and 3; it leaves open GRU and RNN ("in a similar fashion"), which have about as many weights here as the
LSTM, and the optimizer of the LSTM at 600 steps, which is Adam here; Keras's, with an epsilon of 1e-7 for PyTorch's
1e-8.
"""

from bench.cases.base import Case, Erratum, Published, case
from bench.datasets.adding import Adding
from bench.families.bai2018.errata import AS_PRINTED, COMPUTED, CORRECTED, HOW_SCORED, erratum
from bench.models.base import Network
from bench.models.constant import Constant
from bench.models.recurrent import GRU, LSTM, SimpleRNN
from bench.models.temporal_convolution import TCN
from bench.recipe import Recipe

SMALL = 50
ADAM = Recipe(learning_rate=0.002, epochs=10, batch_size=32)
BRIEF = ADAM.model_copy(update={"epochs": 3})
CLIPPED = {"clip_norm": 5.0}
TOO_LONG = "at {} steps a run takes {} on a core"
PRINTED = {"tcn": 5.8e-5, "lstm": 0.164, "gru": 5.3e-5, "rnn": 0.177}
"""PAPER, table 1, 600 steps: test MSE."""


def data(steps: int) -> Adding:
    """Return the problem; ten times the printed test windows, so that chance, 0.1667, is told from 0.1767."""
    return Adding(steps=steps, test_windows=10_000)


def _add(name: str, label: str, steps: int, model: Network, recipe: Recipe, published: Published,
         errata: tuple[Erratum, ...] = ()) -> None:  # fmt: skip
    @case(f"bai2018/adding_{steps}_{name}")
    def made() -> Case:
        return Case(data(steps), model, recipe, label, published, errata)


def _printed(model: str, steps: int, time: str) -> Published:
    """Return what is printed of a size, and why a suite may leave it out."""
    return Published(
        values={"mse": PRINTED[model]} if steps == 600 else {},
        source=f"PAPER, table 1, adding problem, T={steps}" if steps == 600 else "",
        note=HOW_SCORED,
        split="test",
        any_draw=True,
        why_not=TOO_LONG.format(steps, time),
    )


@case("bai2018/adding_50_always_1")
def always_1() -> Case:
    """The best constant."""
    return Case(
        data(SMALL),
        Constant(value=1.0),
        label="always 1",
        published=Published(
            values={"mse": 0.1767}, source="PAPER, section 4, and adding_problem/README", split="test", any_draw=True
        ),
        errata=(erratum(5, COMPUTED),),
    )


_SMALL: tuple[tuple[str, str, Network, dict[str, float]], ...] = (
    ("tcn", "TCN", TCN(channels=(24,) * 3, kernel_size=8, start="code"), {}),
    ("lstm", "LSTM", LSTM(units=(130,)), CLIPPED),
    ("gru", "GRU", GRU(units=(150,)), CLIPPED),
    ("rnn", "RNN", SimpleRNN(units=(262,)), CLIPPED),
)
for _name, _label, _model, _clip in _SMALL:
    _mended = (erratum(3, CORRECTED), erratum(6, CORRECTED)) if _name == "tcn" else ()
    _add(_name, _label, SMALL, _model, BRIEF.model_copy(update=_clip), Published(), _mended)
_add("tcn_start_of_the_paper", "TCN from N(0, 0.01)", SMALL, TCN(channels=(24,) * 3, kernel_size=8, start="paper"),
     BRIEF, Published(), (erratum(3, AS_PRINTED),))  # fmt: skip
_add("tcn_rate_of_the_code", "TCN, Adam 0.004", SMALL, TCN(channels=(24,) * 3, kernel_size=8, start="code"),
     BRIEF.model_copy(update={"learning_rate": 0.004}), Published(), (erratum(6, AS_PRINTED),))  # fmt: skip

# Steps, the TCN: kernel, levels, channels; the LSTM: units, clipping, forget bias, optimizer; units of GRU and RNN.
_SGD = ADAM.model_copy(update={"optimizer": "sgd", "learning_rate": 0.001})
_SIZES: tuple[tuple[int, tuple[int, int, int], tuple[tuple[int, ...], float, float, Recipe], tuple[int, ...],
                    tuple[int, ...], str], ...] = (
    (200, (6, 7, 27), ((77, 77), 50.0, 5.0, _SGD), (87, 87), (152, 152), "about half an hour"),
    (400, (7, 7, 27), ((77, 77), 50.0, 10.0, ADAM), (87, 87), (152, 152), "one to two hours"),
    (600, (8, 8, 24), ((130,), 5.0, 1.0, ADAM), (150,), (262,), "one to four hours"),
)  # fmt: skip
for _steps, (_kernel, _levels, _width), (_units, _norm, _forget, _recipe), _gru, _rnn, _time in _SIZES:
    _net = TCN(channels=(_width,) * _levels, kernel_size=_kernel, start="code")
    _held = ADAM.model_copy(update={"clip_norm": _norm})
    _lstm = LSTM(units=_units, forget_bias=_forget)
    _add("tcn", f"TCN, {_steps} steps", _steps, _net, ADAM, _printed("tcn", _steps, _time))
    _add("lstm", f"LSTM, {_steps} steps", _steps, _lstm, _recipe.model_copy(update={"clip_norm": _norm}),
         _printed("lstm", _steps, _time))  # fmt: skip
    _add("gru", f"GRU, {_steps} steps", _steps, GRU(units=_gru), _held, _printed("gru", _steps, _time))
    _add("rnn", f"RNN, {_steps} steps", _steps, SimpleRNN(units=_rnn), _held, _printed("rnn", _steps, _time))
