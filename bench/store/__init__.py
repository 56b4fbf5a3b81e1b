"""Records on disk, in this schema and in the ones before it."""

from bench.store.files import REPORTS, RESULTS, NotKept, Store, latest
from bench.store.reading import read_measurement, read_record
from bench.store.segment import let_go
from bench.store.weights import WeightStore, best_seeds

__all__ = [
    "REPORTS",
    "RESULTS",
    "NotKept",
    "Store",
    "WeightStore",
    "best_seeds",
    "latest",
    "let_go",
    "read_measurement",
    "read_record",
]
