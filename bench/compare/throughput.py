"""Throughput, latency and memory of two sets of results, where their environments are the same."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bench.compare.scores import differing
from bench.compare.sets import ResultSet
from bench.frames.measurements import unsettled

HIGHER = ("train_windows_per_s", "infer_windows_per_s")
LOWER = ("latency_p50_s", "latency_p99_s", "peak_memory_bytes")


@dataclass(frozen=True)
class SpeedChange:
    """One measured quantity of one case in both sets.

    Attributes:
        case: Measured on the same device and backend in both.
        device: That device.
        backend: That backend.
        quantity: Column of the measurement, such as ``train_windows_per_s``.
        a: Mean over processes in A (a percentile for latency).
        b: In B.
        ratio: B over A.
        low: Lower end of the ratio's interval: the ends of the two means' 95 % intervals against each other, so it
            is wider than 95 %. None where a quantity is not measured in rounds, or in one process alone.
        high: Upper end.
        settled: Both sides have an interval of each kind of round that was timed, and no wider than `timing.WIDEST`.
    """

    case: str
    device: str
    backend: str
    quantity: str
    a: float
    b: float
    ratio: float
    low: float | None
    high: float | None
    settled: bool

    @property
    def verdict(self) -> str:
        """What it means; without an interval only the ratio is known."""
        if not self.settled:
            return "not settled"
        if self.low is None or self.high is None:
            return ""
        if self.low <= 1 <= self.high:
            return "no difference found"
        return "faster" if self.low > 1 else "slower"

    def worse_past(self, tolerance: float) -> bool:
        """Return whether it is worse by more than ``tolerance``, and not by chance where that is known."""
        if not self.settled:
            return False
        if self.quantity in LOWER:
            return self.ratio > 1 + tolerance
        return self.ratio < 1 / (1 + tolerance) and self.verdict in ("", "slower")


@dataclass(frozen=True)
class Throughput:
    """What could be compared, and one line for each pair of environments that could not."""

    changes: tuple[SpeedChange, ...]
    refusals: tuple[str, ...]

    def regressed(self, tolerance: float) -> tuple[SpeedChange, ...]:
        """Return what is worse past a tolerance."""
        return tuple(c for c in self.changes if c.worse_past(tolerance))


def compare_throughput(a: ResultSet, b: ResultSet) -> Throughput:
    """Compare the measurements that both sets have of a case on a kind of device and a backend.

    Numbers are compared only within one environment: another processor, device, thread count or version of a library
    is another machine. Every other pair of environments is refused in one line that names what differs.
    """
    if not (len(a.measurements) and len(b.measurements)):
        return Throughput((), ())
    several = any(s.measurements["backend"].loc[lambda b: b != "numpy"].nunique() > 1 for s in (a, b))
    keys = ["case", "kind", *(["backend"] if several else [])]
    pairs = a.measurements.merge(b.measurements, on=keys, suffixes=("_a", "_b"))
    same = pairs["environment_a"] == pairs["environment_b"]
    changes = [
        change
        for row in pairs[same].to_dict("records")
        for quantity in (*HIGHER, *LOWER)
        if (change := _change(row, quantity)) is not None
    ]
    refused = Counter((row["environment_a"], row["environment_b"]) for row in pairs[~same].to_dict("records"))
    return Throughput(tuple(changes), tuple(_refusal(a, b, *pair, n) for pair, n in refused.items()))


def _change(row: dict[Any, Any], quantity: str) -> SpeedChange | None:
    a, b = (_number(row.get(f"{quantity}_{side}")) for side in "ab")
    if not a or not b:
        return None
    low = high = None
    if quantity in HIGHER:
        low = _over(row, quantity, "low_b", "high_a")
        high = _over(row, quantity, "high_b", "low_a")
    settled = not any(unsettled({name.removesuffix(side): v for name, v in row.items()}) for side in ("_a", "_b"))
    return SpeedChange(
        case=row["case"],
        device=row["device_a"],
        backend=row.get("backend") or row["backend_a"],
        quantity=quantity,
        a=a,
        b=b,
        ratio=b / a,
        low=low,
        high=high,
        settled=settled,
    )


def _over(row: dict[Any, Any], quantity: str, above: str, below: str) -> float | None:
    kind = quantity.partition("_")[0]
    top, bottom = _number(row.get(f"{kind}_{above}")), _number(row.get(f"{kind}_{below}"))
    return top / bottom if top and bottom else None


def _refusal(a: ResultSet, b: ResultSet, one: str, other: str, n: int) -> str:
    known = one in a.environments and other in b.environments
    changes = differing(a.environments[one], b.environments[other]) if known else ()
    why = "; ".join(changes) or f"environment: {one} -> {other}"
    cases = "1 case" if n == 1 else f"{n} cases"
    return f"throughput of {cases} is not compared, the environments differ in {why}"


def _number(value: Any) -> float | None:
    return None if value is None or pd.isna(value) or not np.isfinite(value) else float(value)
