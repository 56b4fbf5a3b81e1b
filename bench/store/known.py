"""Reading records by their segment: rows for files that are as they were, and the JSON of all others."""

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.record import RunRecord
from bench.store.folder import Folder, read_folder
from bench.store.reading import read_record
from bench.store.segment import FileKey, Segment, read_segment, write_segment

SEGMENT = "records.parquet"
"""The segment's name, in the results folder beside that of the records."""
MANY = 1_000
"""Fewer records than these are read from JSON sooner than Parquet is imported; so many new ones make a new segment."""
GROWTH = 0.05
"""Or this share of those that it has, where that is more: what is written stays in proportion to what is new."""
SETTLED_S = 2.0
"""A file that changed less long ago may change again without its time telling so: clocks of files tick slowly."""


def read_by_segment(folder: Path, path: Path) -> Folder[RunRecord]:
    """Return what a folder of records holds; see `bench.store.folder.read_folder`.

    Args:
        folder: Where records are.
        path: Of their segment, which is made anew where it lacks many of them.
    """

    def known(entries: list[os.DirEntry[str]]) -> dict[str, RunRecord]:
        segment = read_segment(path, folder) if path.exists() else None
        rows = _rows(segment, entries)
        if len(entries) - len(rows) >= max(MANY, GROWTH * len(rows)):
            write_segment(path, segment, [*rows.values()], _settled(e for e in entries if e.name not in rows))
            segment = read_segment(path, folder)
            rows = _rows(segment, entries)
        return {name: segment.record(row) for name, row in rows.items()} if segment else {}

    return read_folder(folder, read_record, known)


def _rows(segment: Segment | None, entries: Iterable[os.DirEntry[str]]) -> dict[str, int]:
    """Return the rows of files that are as they were when they were read for the segment, by their names."""
    keys = (_key_of(entry) for entry in entries) if segment else ()
    return {key.name: row for key in keys if segment and key and (row := segment.row_of(key)) is not None}


def _key_of(entry: os.DirEntry[str]) -> FileKey | None:
    """Return by what a file is known; None where that cannot be read."""
    try:
        stat = entry.stat()
    except OSError:
        return None
    return FileKey(entry.name, stat.st_size, stat.st_mtime_ns)


def _settled(entries: Iterable[os.DirEntry[str]]) -> Iterator[tuple[FileKey, RunRecord]]:
    """Yield the good records among files that were not written a moment ago.

    One of schema 1 is none of them: under which id it goes depends on the components of today.
    """
    for entry in entries:
        key = _key_of(entry)
        if key is None or time.time() - key.mtime_ns / 1e9 < SETTLED_S or not entry.is_file():
            continue
        try:
            text = Path(entry.path).read_text(encoding="utf-8")
            record, name = read_record(text)
        except (OSError, ValueError, TypeError, RecursionError):
            continue
        if entry.name == f"{name}.json" and '"schema_version": 1,' not in text:
            yield key, record
