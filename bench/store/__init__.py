"""Records on disk, in this schema and in the ones before it."""

from bench.store.files import LEFTOVER_S, RESULTS, Store, latest
from bench.store.reading import read_measurement, read_record

__all__ = ["LEFTOVER_S", "RESULTS", "Store", "latest", "read_measurement", "read_record"]
