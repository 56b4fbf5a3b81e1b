"""Records on disk, in this schema and in the ones before it."""

from bench.store.files import REPORTS, RESULTS, Store, latest
from bench.store.reading import read_measurement, read_record

__all__ = ["REPORTS", "RESULTS", "Store", "latest", "read_measurement", "read_record"]
