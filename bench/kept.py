"""What a run keeps beside its record: errors of each window, forecasts of its test splits, weights; as bytes and back.

Errors of one split can be paired between runs, a metric that came later can be computed from forecasts, and what lies
ahead be forecast from weights.
"""

import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.record import Weights
from bench.windows import Windows

Float32 = NDArray[np.float32]
ABOUT = "about"
"""The member of the file that says what its arrays are."""


@dataclass(frozen=True)
class KeptErrors:
    """A metric in each window of a split.

    Attributes:
        truth: Digest of the targets that they are errors of, with what is scored of them and whose series they are: of
            equal ones the same windows were forecast.
        values: ``[windows]``; the metric over the split is their mean with ``counts`` as weights, or what
            `bench.metrics.base.Metric.of_mean` makes of it.
        counts: ``[windows]``, how many positions of each are scored; None for as many in each.
        series: ``[windows]``, which series each comes from; None where each comes from its own.
    """

    split: str
    weights: Weights
    metric: str
    truth: str
    values: Float32
    counts: NDArray[np.int32] | None = None
    series: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class KeptForecasts:
    """The forecasts of a split, as `bench.metrics.base.scored` takes them.

    Attributes:
        truth: As of `KeptErrors`, of all targets.
        values: ``(windows, [positions], ...)``.
        last: Only that of the window's last position is kept, of a task that asks at every one.
    """

    split: str
    weights: Weights
    truth: str
    values: Float32
    last: bool


@dataclass(frozen=True)
class Kept:
    """All that one run keeps."""

    errors: tuple[KeptErrors, ...] = ()
    forecasts: tuple[KeptForecasts, ...] = ()

    def __add__(self, other: "Kept") -> "Kept":
        return Kept(self.errors + other.errors, self.forecasts + other.forecasts)

    def called(self, weights: Weights) -> "Kept":
        """Return the same as those of other weights, which are equal."""
        return Kept(
            tuple(replace(each, weights=weights) for each in self.errors),
            tuple(replace(each, weights=weights) for each in self.forecasts),
        )

    def errors_of(self, split: str, weights: str, metric: str) -> KeptErrors | None:
        """Return the errors of a split by a metric; None where none are kept."""
        return next((e for e in self.errors if (e.split, e.weights, e.metric) == (split, weights, metric)), None)

    def to_bytes(self) -> bytes:
        """Return it as a compressed ``.npz`` file, in which equal arrays stand once."""
        arrays = _Arrays()
        about = {
            name: [_told(each, arrays.add) for each in group]
            for name, group in (("errors", self.errors), ("forecasts", self.forecasts))
        }
        buffer = io.BytesIO()
        text = np.frombuffer(json.dumps(about).encode(), np.uint8)
        np.savez_compressed(buffer, allow_pickle=False, **{ABOUT: text, **arrays.named})
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Kept":
        """Return what `to_bytes` wrote.

        Raises:
            ValueError: It is something else.
        """
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                about = json.loads(arrays[ABOUT].tobytes())
                found = {name: arrays[name] for name in arrays.files if name != ABOUT}
            return cls(
                tuple(KeptErrors(**_filled(each, found)) for each in about["errors"]),
                tuple(KeptForecasts(**_filled(each, found)) for each in about["forecasts"]),
            )
        except Exception as error:  # of zip, zlib, JSON or NumPy, and each of several kinds
            raise ValueError(f"it is no file of errors a window ({type(error).__name__})") from None


def digest_of(data: bytes) -> str:
    """Return the digest by which a record knows its file."""
    return sha256(data).hexdigest()


def truth_digest(arrays: Iterable[NDArray[Any] | Windows | None]) -> str:
    """Return a digest of targets, of what is scored of them and of their series."""
    total = sha256()
    for array in arrays:
        whole = None if array is None else np.ascontiguousarray(array)
        total.update(b"none" if whole is None else f"{whole.shape}".encode() + whole.tobytes())
    return total.hexdigest()[:16]


def weights_to_bytes(weights: Sequence[NDArray[Any]]) -> bytes:
    """Return a network's weights, in their order, as a ``.npz`` file."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{f"w{number}": array for number, array in enumerate(weights)})
    return buffer.getvalue()


def weights_from_bytes(data: bytes) -> list[NDArray[Any]]:
    """Return what `weights_to_bytes` wrote.

    Raises:
        ValueError: It is something else.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return [arrays[f"w{number}"] for number in range(len(arrays.files))]
    except Exception as error:  # as above
        raise ValueError(f"it is no file of weights ({type(error).__name__})") from None


ARRAYS = ("values", "counts", "series")


@dataclass
class _Arrays:
    """Arrays by name, equal ones once."""

    named: dict[str, NDArray[Any]] = field(default_factory=dict)
    _known: dict[tuple[str, tuple[int, ...], bytes], str] = field(default_factory=dict)

    def add(self, array: NDArray[Any]) -> str:
        key = (array.dtype.str, array.shape, array.tobytes())
        name = self._known.setdefault(key, f"a{len(self._known)}")
        self.named[name] = array
        return name


def _told(each: KeptErrors | KeptForecasts, add: Callable[[NDArray[Any]], str]) -> dict[str, Any]:
    """Return the fields as JSON has them, arrays by their names."""
    return {k: add(v) if k in ARRAYS and v is not None else v for k, v in vars(each).items()}


def _filled(told: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    return {k: arrays[v] if k in ARRAYS and v is not None else v for k, v in told.items()}
