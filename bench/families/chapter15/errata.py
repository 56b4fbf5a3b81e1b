"""The notebook's seven faults; each stands in the cases once as printed and once corrected."""

from bench.cases.base import AS_PRINTED, CORRECTED, Erratum

__all__ = ["AS_PRINTED", "CORRECTED", "WHOLE_EPOCHS", "erratum"]
WHOLE_EPOCHS = "the notebook trains on the incomplete last batch too"
"""A fact that stands beside its values: 24 of 7,000 windows, which an epoch here leaves out."""

_FAULTS = {
    1: "the ten-step naive forecast repeats the last target, so it sees the answer",
    2: "the hand-written recurrent loop stacks its outputs time-major, so the second layer recurs over the batch",
    3: "the gated unit applies its activation twice",
    4: "WaveNet's softmax head cannot forecast a negative value and is scored by MSE",
    5: "the iterated forecast trains on a 51-point time grid and is tested on a 60-point one",
    6: "conv_gru's MSE covers only the target positions 3, 5, ..., 49, which are easier",
    7: "seq2seq_rnn trains with Adam 0.01, every other every-step model with 0.001",
}


def erratum(number: int, variant: str) -> Erratum:
    """Return erratum ``number`` as the variant of it that a case has."""
    return Erratum(number, _FAULTS[number], variant)
