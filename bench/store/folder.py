"""Reading a folder of records: what is called as a record is one, or is named; what is not is passed over."""

import errno
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import ValidationError

from bench.errors import BenchError
from bench.measurement import Measurement
from bench.pasting import quote
from bench.record import RunRecord

NAME = re.compile(r"\w+-\w+-\d+\.json")
"""What records are called. A file that is called otherwise is none, unless it holds the one record of its key."""
K = TypeVar("K", RunRecord, Measurement)


@dataclass(frozen=True)
class Folder(Generic[K]):
    """What a folder of records holds.

    Attributes:
        records: The good ones, oldest first.
        bad: Files that are called as records are and are none, each with why.
        unreadable: The folder or files that cannot be read at all, each with the error's number and words.
    """

    records: list[K] = field(default_factory=list)
    bad: list[tuple[Path, str]] = field(default_factory=list)
    unreadable: list[tuple[Path, OSError]] = field(default_factory=list)

    def good(self) -> list[K]:
        """Return the records.

        Raises:
            BenchError: There are others that are bad or cannot be read; names the first one.
        """
        if self.unreadable:
            path, error = self.unreadable[0]
            raise BenchError(
                f"{path} cannot be read: {error.strerror or error}{_more(self.unreadable)}; {advice(path, error)}"
            )
        if self.bad:
            path, reason = self.bad[0]
            raise BenchError(
                f"{path} is not a good record: {reason}{_more(self.bad)}; move it away and its run is done again"
            )
        return self.records


def listed(folder: Path) -> list[os.DirEntry[str]]:
    """Return the entries of a folder that are called as files of JSON are, by name.

    Raises:
        OSError: It cannot be read.
    """
    with os.scandir(folder) as entries:
        return sorted((e for e in entries if e.name.endswith(".json") and e.name[0] != "."), key=lambda e: e.name)


def read_folder(
    folder: Path,
    parse: Callable[[str], tuple[K, str]],
    known: Callable[[list[os.DirEntry[str]]], Mapping[str, K]] = lambda _: {},
) -> Folder[K]:
    """Read all of a folder that is called as records are; one that is not there holds nothing.

    Args:
        folder: Where records are.
        parse: Makes a record and its key of a file's text.
        known: Returns the records of files that are as they were when they were read before, by their names.
    """
    found: Folder[K] = Folder()
    try:
        entries = listed(folder)
    except FileNotFoundError:
        return found
    except OSError as error:
        found.unreadable.append((folder, error))
        return found
    records = known(entries)
    for entry in entries:
        if entry.name in records:
            found.records.append(records[entry.name])
            continue
        path = folder / entry.name
        try:
            # To open a pipe would wait for ever; a folder or a link that leads nowhere is no record.
            text = path.read_bytes() if path.is_file() else None
        except FileNotFoundError:  # it was moved away a moment ago
            continue
        except OSError as error:
            if NAME.fullmatch(path.name):
                found.unreadable.append((path, error))
            continue
        if text is not None:
            _add(found, path, text, parse)
    found.records.sort(key=lambda r: r.provenance.ended_at)
    return found


def _add(found: Folder[K], path: Path, text: bytes, parse: Callable[[str], tuple[K, str]]) -> None:
    """Add a file to what a folder holds, where it is a record or called as one."""
    try:
        record, key = parse(text.decode("utf-8"))
    except (ValueError, TypeError, RecursionError) as error:
        if NAME.fullmatch(path.name):
            found.bad.append((path, _in_words(error)))
        return
    if path.stem == key:
        found.records.append(record)
    elif (
        NAME.fullmatch(path.name) or not path.with_name(f"{key}.json").exists()
    ):  # else it is a copy, as of a cloud drive
        found.bad.append((path, f"its content belongs to {key}.json"))


def _in_words(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return f"{error.error_count()} fields do not fit the schema"
    return next(iter(str(error).splitlines()), type(error).__name__)


def advice(path: Path, error: OSError) -> str:
    """Return what to do about a file of records, or their folder, that cannot be read."""
    if error.errno in (errno.EACCES, errno.EPERM):
        folder = path if os.path.isdir(path) else path.parent  # noqa: PTH112 - it never raises
        return f"the record may be good: let its owner do chmod -R a+rX {quote(str(folder.absolute()))}"
    return "the record may be good: try again once its file system can be read"


def _more(others: list[tuple[Path, str]] | list[tuple[Path, OSError]]) -> str:
    return f" (and {len(others) - 1} more)" if len(others) > 1 else ""
