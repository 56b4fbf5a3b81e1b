"""Where the paper, its code and arithmetic say different things; each fault stands in the cases in its variants.

Those that change no score, so that no case has them, are in `bench.families.bai2018.printed`.
"""

from bench.cases.base import AS_PRINTED, CORRECTED, Erratum

__all__ = ["AS_PRINTED", "COMPUTED", "CORRECTED", "HOW_SCORED", "erratum"]

COMPUTED = "computed"
HOW_SCORED = "the source averages test over the last three epochs and never shuffles"
"""A fact that stands beside its values (code, and issue 40 there)."""

_FAULTS = {
    1: "the code of copy memory clips gradients between zero_grad and backward, where there are none, so that clipping "
    "does nothing",
    2: "the first release (2018-03-02; mended on 2018-03-20, merged on 2018-03-23) never sets gradients of copy memory "
    "to zero, so that they add up",
    3: "the paper starts all weights from N(0, 0.01); in the code weight normalisation undoes that, and convolutions "
    "start as PyTorch's do; corrected is what ran",
    4: "the paper drops whole channels, the code since 2018-04-16 single numbers; corrected is the code",
    5: "the trivial error of the adding problem is printed as 0.1767; the variance of the sum is 1/6, 0.1667, so that "
    "the RNN's printed 0.177 is worse than a constant",
    6: "the default run of the adding problem's code has twice the printed learning rate and fails for some seeds "
    "(issue 30)",
}


def erratum(number: int, variant: str) -> Erratum:
    """Return erratum ``number`` as the variant of it that a case has."""
    return Erratum(number, _FAULTS[number], variant)
