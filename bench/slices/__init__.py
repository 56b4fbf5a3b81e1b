"""What a test set can be sliced by: one file and one decorator each."""

from bench.slices.base import Held, Slices, Unsliceable, sliced

__all__ = ["Held", "Slices", "Unsliceable", "sliced"]
