"""Records on disk, in this schema and in the ones before it."""

from bench.store.files import REPORTS, RESULTS, NotKept, Store, latest
from bench.store.reading import read_measurement, read_record

__all__ = ["REPORTS", "RESULTS", "NotKept", "Store", "latest", "read_measurement", "read_record"]
