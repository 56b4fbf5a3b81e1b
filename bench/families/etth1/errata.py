"""Faults that tables of long horizons share; each stands in the cases in its variants."""

from bench.cases.base import AS_PRINTED, CORRECTED, Erratum

__all__ = ["AS_PRINTED", "CORRECTED", "erratum"]

_FAULTS = {
    1: "the loader of the test windows drops the last incomplete batch (drop_last=True; PatchTST, batches of 128: 97 "
    "of 2,785 windows are not scored)",
    2: "the look-back is chosen on the reported score",
    3: "a rival's linear network is trained at a learning rate, 0.0001, that leaves it unfinished",
}


def erratum(number: int, variant: str) -> Erratum:
    """Return erratum ``number`` as the variant of it that a case has."""
    return Erratum(number, _FAULTS[number], variant)
