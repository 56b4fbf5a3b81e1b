"""Faults that tables of long horizons share; each stands in the cases in its variants."""

from bench.cases.base import AS_PRINTED, CORRECTED, Erratum

__all__ = ["AS_PRINTED", "CORRECTED", "erratum"]

_FAULTS = {
    1: "the loader of the test windows drops the last incomplete batch (drop_last=True; PatchTST, batches of 128: 97 "
    "of 2,785 windows are not scored)",
    2: "the look-back is chosen on the reported score",
    3: "a rival's linear network is trained at the default learning rate of a library's script, which leaves it "
    "unfinished (TSLib, DLinear_ETTh1.sh: 0.0001, and maps start from 1 / steps; the script also halves the rate each "
    "epoch, which is not done here); that the printed value is of that rate is not shown",
    4: "layer norm ends TiDE's block for each step, which has one output (layer_norm=true in its script for ETTh1), so "
    "that all of the network but its linear map is one constant",
}


def erratum(number: int, variant: str) -> Erratum:
    """Return erratum ``number`` as the variant of it that a case has."""
    return Erratum(number, _FAULTS[number], variant)
