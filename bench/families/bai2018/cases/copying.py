"""Copy memory: the printed sizes, and a small one of a pause of 30 steps that ends in minutes on two cores.

Small networks are those printed for 1,000 steps, the TCN with three levels in place of eight, which reach 99 steps.
PAPER, tables 2 and 3; it leaves open GRU and RNN ("in a similar fashion"), which have about as many weights here as the
LSTM. The TCN's RMSprop at 0.0005 is printed, too, and as PyTorch has it: Keras's forgets sooner (rho 0.9), and its
epsilon shortens the steps of small gradients. For the LSTM "RMSprop/Adam" is printed, without a rate: it has the TCN's
here. The dropout of 0.05 that table 3 prints is here of a recurrent layer's outputs; the paper says recurrent.
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
    optimizer="rmsprop", learning_rate=0.0005, rho=0.99, epsilon=1e-16, epochs=50, batch_size=32,
    loss="sparse_categorical_crossentropy", clip_norm=1.0,
)  # fmt: skip
"""PyTorch adds 1e-8 to the root of the mean of squares; Keras adds to that mean, so 1e-16."""
BRIEF = RECIPE.model_copy(update={"epochs": 10})
DROPOUT = 0.05
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
        {"channels": (10,) * levels, "kernel_size": kernel, "dropout": DROPOUT, "start": "code"} | fields
    )


_add("tcn", "TCN", SMALL, _tcn(3, 8), BRIEF, COPIED, tuple(erratum(number, CORRECTED) for number in (1, 2, 3, 4)))
_add("lstm", "LSTM", SMALL, LSTM(units=(50,), dropout=DROPOUT), BRIEF, Published())
_add("gru", "GRU", SMALL, GRU(units=(57,), dropout=DROPOUT), BRIEF, Published())
_add("rnn", "RNN", SMALL, SimpleRNN(units=(98,), dropout=DROPOUT), BRIEF, Published())
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
    _networks: tuple[tuple[str, str, Network], ...] = (
        ("lstm", "LSTM", LSTM(units=_units, dropout=DROPOUT)),
        ("gru", "GRU", GRU(units=(57,), dropout=DROPOUT)),
        ("rnn", "RNN", SimpleRNN(units=(98,), dropout=DROPOUT)),
    )
    for _name, _label, _net in _networks:
        _add(_name, f"{_label}, {_steps:,} steps", _steps, _net, _held, _printed(_name, _steps, _time))
