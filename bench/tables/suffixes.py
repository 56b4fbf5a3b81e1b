"""Which files are taken for series; nothing here imports pandas."""

from pathlib import Path

CSV, PARQUET = (".csv", ".tsv", ".txt"), (".parquet", ".pq")
SUFFIXES = (*CSV, *PARQUET)


def is_series_file(named: str) -> bool:
    """Return whether what a command names is a file of series, and no suite."""
    path = Path(named)
    return path.suffix.lower() in SUFFIXES or (path.is_file() and path.suffix != ".toml")
