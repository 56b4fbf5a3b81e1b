"""Opening a CSV or Parquet file, and what is said of one that cannot be read."""

import codecs
import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.extras import REPORT, without
from bench.limits import MEMORY_SHARE, free_memory
from bench.tables.suffixes import PARQUET, SUFFIXES

UNCLOSED = re.compile(r"EOF inside string starting at row (\d+)")
"""What pandas says of a quote that no other closes; it counts rows from 0."""
HEADER = 1
"""The row of the names, as a person counts; an index of a frame that was read is a row of the file less `FIRST`."""
FIRST = 2
SEPARATORS = ",;\t"
GROWTH = 6.0
"""How many times its size a CSV takes in memory until its times and numbers are read, measured: 3.7 as texts, 6.3 with
a column of times and one of names; 3 to 5 without. Of a Parquet file, eight bytes a value are counted in its place."""
BEGINNING = 2**16
"""Bytes by which a file that is no text is told before it is read."""
KINDS = {b"PK\x03\x04": "a zip file or an Excel workbook", b"\x1f\x8b": "compressed", b"PAR1": "a Parquet file"}
"""What else begins with such bytes and is called a CSV now and then."""


@dataclass(frozen=True)
class Header:
    """The first row of a CSV: its names, without blanks around them, and what parts them."""

    names: tuple[str, ...]
    separator: str


def read(path: str | Path) -> pd.DataFrame:
    """Return a CSV or Parquet file, by its suffix; text stays text, and nothing but an empty field counts as missing.

    An index of the frame is the row of the file less 2, since a person counts the header as row 1. Empty rows at
    the end are left out.

    Raises:
        BenchError: It is missing, empty, wrongly encoded, larger than the free memory allows or no such file.
    """
    file = Path(path)
    try:
        size = file.stat().st_size
        if not file.is_file():
            raise BenchError(f"{path}: a folder or device, not a file; name a CSV or Parquet file")
        if file.suffix.lower() not in SUFFIXES:
            raise BenchError(f"{path}: expected a file that ends in .csv or .parquet; save the table as one of these")
        if size == 0:
            raise BenchError(f"{path}: empty, 0 bytes; save it again with a row of names and rows of values")
        return _parquet(file, size) if file.suffix.lower() in PARQUET else _csv(file, size)
    except OSError as error:
        raise BenchError(f"{path}: cannot be read ({error.strerror or error}); name a file that is there") from None


def read_header(file: Path) -> Header:
    """Return the names of a CSV's columns.

    Raises:
        BenchError: There is no such row, two columns share a name, or values stand where names should.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            line = stream.readline()
            separator = max(SEPARATORS, key=line.count)  # the first of them where there is none
            stream.seek(0)
            names = [name.strip() for name in next(csv.reader(stream, delimiter=separator), [])]
    except UnicodeDecodeError:
        raise _not_utf8(file) from None
    except csv.Error as error:
        raise BenchError(f"{file}, row {HEADER}: no row of names ({error}); save the file as CSV again") from None
    if not any(names):
        raise BenchError(f"{file}, row {HEADER}: empty; begin the file with a row of names")
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice:
        columns = [n for n, name in enumerate(names, 1) if name == twice]
        raise BenchError(f"{file}, row {HEADER}: columns {columns[0]} and {columns[1]} are both {twice!r}; rename one")
    if all(_is_value(name) for name in names):
        raise BenchError(f"{file}, row {HEADER}: holds values, not names; put a row of names above it")
    return Header(tuple(names), separator)


def _csv(file: Path, size: int) -> pd.DataFrame:
    with file.open("rb") as stream:
        start = stream.read(BEGINNING)
    kind = next((kind for magic, kind in KINDS.items() if start.startswith(magic)), None)
    if kind:
        raise BenchError(f"{file}: called a CSV, but is {kind}; save the table as CSV, or give it its own suffix")
    if b"\0" in start and not start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        row = start[: start.index(0)].count(b"\n") + 1
        raise BenchError(f"{file}, row {row}: a byte of zero, which no text holds; save it again as 'CSV UTF-8'")
    _see_room(file, size, GROWTH * size)
    header = read_header(file)
    try:
        frame = pd.read_csv(
            file,
            sep=header.separator,
            encoding="utf-8-sig",
            keep_default_na=False,
            na_values=[""],
            skip_blank_lines=False,
            skipinitialspace=True,
            low_memory=False,
        )
    except UnicodeDecodeError:
        raise _not_utf8(file) from None
    except pd.errors.ParserError as error:
        text = str(error).rpartition("error: ")[2].strip().replace("line", "row")
        if opened := UNCLOSED.fullmatch(text):
            raise BenchError(
                f"{file}, row {int(opened[1]) + 1}: a quote is opened and never closed; close it, or take it out"
            ) from None
        raise BenchError(f"{file}: {text}{_advice(header)}") from None
    if not isinstance(frame.index, pd.RangeIndex):  # pandas takes what is left over at the left for an index
        raise BenchError(
            f"{file}, row {FIRST}: more fields than the {len(header.names)} names of row 1{_advice(header)}"
        )
    frame.columns = pd.Index(header.names)
    return _with_rows(file, frame)


def _parquet(file: Path, size: int) -> pd.DataFrame:
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        raise BenchError(without(str(error.name), REPORT, "reading Parquet")) from None
    try:
        about = pyarrow.parquet.read_metadata(file)
        _see_room(file, size, GROWTH * 8 * about.num_rows * about.num_columns)
        frame: pd.DataFrame = pd.read_parquet(file).reset_index(drop=True)
    except pyarrow.ArrowException as error:
        text = str(error).splitlines()[0]
        raise BenchError(f"{file}: not a whole Parquet file ({text}); save it again") from None
    frame.columns = frame.columns.astype(str)
    return _with_rows(file, frame)


def _with_rows(file: Path, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame without the empty rows at its end."""
    filled = frame.notna().any(axis="columns").to_numpy().nonzero()[0]
    if not len(filled):
        raise BenchError(f"{file}: a row of names and no values; add rows")
    return frame.iloc[: filled[-1] + 1]


def _see_room(file: Path, size: int, needed: float) -> None:
    free = free_memory()
    if needed > MEMORY_SHARE * free:
        raise BenchError(
            f"{file}: {size / 1e9:.2g} GB, which may take {needed / 1e9:.2g} GB to read, and {free / 1e9:.2g} GB of "
            "memory are free; keep the columns and dates that you need in a file of their own"
        )


def _not_utf8(file: Path) -> BenchError:
    """Return where a file stops to be UTF-8: its row, counted by the ends of lines."""
    decoder, row = codecs.getincrementaldecoder("utf-8-sig")(), 1
    with file.open("rb") as stream:
        if stream.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return BenchError(f"{file}: UTF-16 text, where UTF-8 is expected; save it as 'CSV UTF-8'")
        stream.seek(0)
        for line in iter(lambda: stream.readline(io.DEFAULT_BUFFER_SIZE), b""):
            try:
                decoder.decode(line)
            except UnicodeDecodeError as error:
                byte = error.object[error.start]
                return BenchError(f"{file}, row {row}: not UTF-8 text (byte 0x{byte:02x}); save it as 'CSV UTF-8'")
            row += line.endswith(b"\n")
    return BenchError(f"{file}: not UTF-8 text; save it as 'CSV UTF-8'")


def _advice(header: Header) -> str:
    if header.separator == ",":
        return "; quote fields that hold a comma, write decimals with a point, and take commas out of thousands"
    return f"; quote fields that hold {header.separator!r}"


def _is_value(name: str) -> bool:
    """Return whether a name can only be a number or a date."""
    return bool(name) and not any(letter.isalpha() for letter in name) and any(letter.isdigit() for letter in name)


def row_of(index: Any) -> int:
    """Return the row of the file that an index of a frame that was read stands for."""
    return int(index) + FIRST


def places_of(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the places in a frame that was read of rows of its file: what `row_of` says, the other way round."""
    return rows - FIRST
