"""Copy memory: the printed sizes, and a small one of a pause of 30 steps that ends in minutes on two cores.

Small networks are those printed for 1,000 steps, the TCN with three levels in place of eight, which reach 99 steps.
PAPER, tables 2 and 3; it leaves open GRU and RNN ("in a similar fashion"), which have about as many weights here as the
LSTM. RMSprop at 0.0005 is the code's.
"""

from bench.cases.base import Case, Erratum, Published, case
from bench.datasets.copying import CopyMemory
from bench.families.bai2018.errata import AS_PRINTED, CORRECTED, HOW_SCORED, erratum
from bench.models.base import Network
from bench.models.constant import PositionShares
from bench.models.recurrent import GRU, LSTM, SimpleRNN
from bench.models.temporal_convolution import TCN
from bench.recipe import Recipe

SMALL = 30
RECIPE = Recipe(
    optimizer="rmsprop", learning_rate=0.0005, epochs=50, batch_size=32, loss="sparse_categorical_crossentropy",
    clip_norm=1.0,
)  # fmt: skip
BRIEF = RECIPE.model_copy(update={"epochs": 10})
PRINTED = {"tcn": 3.5e-5, "lstm": 0.0204, "gru": 0.0197, "rnn": 0.0202}
"""PAPER, table 1, 1,000 steps: test cross-entropy."""
COPIED = Published(
    values={"accuracy": 1.0}, source="PAPER, figure 5, read off: the last ten digits, all lengths", note=HOW_SCORED,
    split="copied", any_draw=True,
)  # fmt: skip


def _add(name: str, label: str, steps: int, model: Network, recipe: Recipe, published: Published,
         errata: tuple[Erratum, ...] = ()) -> None:  # fmt: skip
    @case(f"bai2018/copying_{steps}_{name}")
    def made() -> Case:
        return Case(CopyMemory(steps=steps), model, recipe, label, published, errata)


def _printed(model: str, steps: int, time: str) -> Published:
    return Published(
        values={"cross_entropy": PRINTED[model]} if steps == 1000 else {},
        source="PAPER, table 1, copy memory, T=1000" if steps == 1000 else "",
        note=HOW_SCORED,
        split="test",
        any_draw=True,
        why_not=f"at {steps:,} steps a run takes {time} on a core",
    )


@case("bai2018/copying_30_shares")
def shares() -> Case:
    """What is known without looking at the digits."""
    return Case(CopyMemory(steps=SMALL), PositionShares(), label="shares by position")


def _tcn(levels: int, kernel: int, **fields: object) -> TCN:
    return TCN.model_validate(
        {"channels": (10,) * levels, "kernel_size": kernel, "dropout": 0.05, "start": "code"} | fields
    )


_add("tcn", "TCN", SMALL, _tcn(3, 8), BRIEF, COPIED, tuple(erratum(number, CORRECTED) for number in (1, 2, 3, 4)))
_add("lstm", "LSTM", SMALL, LSTM(units=(50,)), BRIEF, Published())
_add("gru", "GRU", SMALL, GRU(units=(57,)), BRIEF, Published())
_add("rnn", "RNN", SMALL, SimpleRNN(units=(98,)), BRIEF, Published())
_add("tcn_clipping_nothing", "TCN, clipping nothing", SMALL, _tcn(3, 8), BRIEF.model_copy(update={"clip_norm": None}),
     Published(), (erratum(1, AS_PRINTED),))  # fmt: skip
_add("tcn_gradients_add_up", "TCN, no zero_grad", SMALL, _tcn(3, 8), BRIEF.model_copy(update={"keep_gradients": True}),
     Published(), (erratum(2, AS_PRINTED),))  # fmt: skip
_add("tcn_start_of_the_paper", "TCN from N(0, 0.01)", SMALL, _tcn(3, 8, start="paper"), BRIEF, Published(),
     (erratum(3, AS_PRINTED),))  # fmt: skip
_add("tcn_spatial_dropout", "TCN, channels dropped", SMALL, _tcn(3, 8, spatial_dropout=True), BRIEF, Published(),
     (erratum(4, AS_PRINTED),))  # fmt: skip

# Steps: the TCN's kernel and levels, the LSTM's units and clipping.
_SIZES: tuple[tuple[int, tuple[int, int], tuple[tuple[int, ...], float], str], ...] = (
    (500, (6, 9), ((50,), 0.25), "about an hour"),
    (1000, (8, 8), ((50,), 1.0), "one to two hours"),
    (2000, (8, 9), ((28, 28, 28), 1.0), "three hours and more"),
)
for _steps, (_kernel, _levels), (_units, _norm), _time in _SIZES:
    _held = RECIPE.model_copy(update={"clip_norm": _norm})
    _add("tcn", f"TCN, {_steps:,} steps", _steps, _tcn(_levels, _kernel), RECIPE, _printed("tcn", _steps, _time))
    _add("lstm", f"LSTM, {_steps:,} steps", _steps, LSTM(units=_units), _held, _printed("lstm", _steps, _time))
    _add("gru", f"GRU, {_steps:,} steps", _steps, GRU(units=(57,)), _held, _printed("gru", _steps, _time))
    _add("rnn", f"RNN, {_steps:,} steps", _steps, SimpleRNN(units=(98,)), _held, _printed("rnn", _steps, _time))
