"""CSVs of frames: text with six significant digits, and what was written read again by its schema."""

import csv
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Literal

import pandas as pd
import pyarrow as pa
import pyarrow.csv

from bench.files import written_whole
from bench.frames.schemas import Kind, Schema

ROWS = 200_000
"""So many are held as text at once."""
LARGE = 2_000_000
"""A long file of more bytes is compressed: reports are made to be committed."""
_ARROW = {Kind.TEXT: pa.string(), Kind.INTEGER: pa.int64(), Kind.NUMBER: pa.float64(), Kind.FLAG: pa.bool_()}
_CODED = pa.dictionary(pa.int32(), pa.string())
_PANDAS = {pa.string(): pd.StringDtype(), pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}


def packed(path: Path) -> Path:
    """Return what a compressed file is called."""
    return path.with_name(f"{path.name}.gz")


def write_csv(path: Path, frames: Iterable[pd.DataFrame], *, packs: bool) -> Path:
    """Write a table, whole or not at all; return where: ``packs`` compresses one of more than `LARGE` bytes.

    Args:
        path: Where, uncompressed.
        frames: Its rows, in one part or several; what comes in several is compressed at a fifth of the time, and is
            three hundredths larger.
        packs: It may be compressed.
    """
    first, *second = islice(parts := iter(frames), 2)
    texts = _texts(chain([first], second, parts))
    head, size = [], 0
    while size <= LARGE and (text := next(texts, b"")):
        head.append(text)
        size += len(text)
    whole: Iterable[bytes] = chain(head, texts)
    to = packed(path) if packs and size > LARGE else path
    with written_whole(to) as new, new.open("wb") as file:
        file.writelines(whole if to == path else _compressed(whole, 6 if second else 9))
    return to


def read_csv(path: Path, schema: Schema, *, coded: bool = False) -> pd.DataFrame:
    """Read a CSV, compressed or not, whose columns of a schema have its types; ``coded`` holds each text once.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no such table.
    """
    options = pa.csv.ConvertOptions(
        column_types={name: _CODED if coded and kind is Kind.TEXT else _ARROW[kind] for name, kind in schema.items()},
        null_values=[""],
        true_values=["True"],
        false_values=["False"],
        strings_can_be_null=False,
    )
    with pa.input_stream(str(path), compression="gzip" if path.suffix == ".gz" else None) as file:
        table = pa.csv.read_csv(
            file, parse_options=pa.csv.ParseOptions(newlines_in_values=True), convert_options=options
        )
    made: pd.DataFrame = table.to_pandas(types_mapper=_PANDAS.get, split_blocks=True, self_destruct=True)
    del table
    pa.default_memory_pool().release_unused()  # of a large one twice as much as is held
    return made


def _compressed(parts: Iterable[bytes], level: int) -> Iterator[bytes]:
    """Yield parts as gzip packs them, without a time."""
    packer = zlib.compressobj(level, wbits=31)
    yield from map(packer.compress, parts)
    yield packer.flush()


def _texts(frames: Iterable[pd.DataFrame]) -> Iterator[bytes]:
    """Yield a table as CSV, in parts."""
    for place, frame in enumerate(frames):
        # Not every version quotes a text for a carriage return alone, which ends a line where it is read.
        texts: pd.DataFrame = frame.select_dtypes("string")
        returns = any(texts[name].str.contains("\r", regex=False).any() for name in texts.columns)
        if not place:
            yield _written(frame.iloc[:0], header=True, returns=returns)
        for first in range(0, len(frame), ROWS):
            part = frame.iloc[first : first + ROWS]
            plain = None if returns else _plain(part)
            yield _written(part, header=False, returns=returns) if plain is None else plain


def _written(part: pd.DataFrame, *, header: bool, returns: bool) -> bytes:
    quoting: Literal[0, 2] = csv.QUOTE_NONNUMERIC if returns else csv.QUOTE_MINIMAL
    text: str = part.to_csv(index=False, header=header, float_format="%.6g", lineterminator="\n", quoting=quoting)
    return text.encode()


def _plain(part: pd.DataFrame) -> bytes | None:
    """Return rows as CSV, ten times as fast as pandas writes them; None where a text has to be quoted."""
    if len(part.columns) < 2:  # an empty line would be none
        return None
    sink = pa.BufferOutputStream()
    options = pa.csv.WriteOptions(include_header=False, quoting_style="none", batch_size=65_536)
    try:
        pa.csv.write_csv(pa.table([_text(part[name]) for name in part], list(part)), sink, options)
    except pa.ArrowInvalid:
        return None
    written: bytes = sink.getvalue().to_pybytes()
    return written


def _text(values: "pd.Series") -> "pa.Array | pa.ChunkedArray":
    """Return a column as pandas would write it."""
    if values.dtype == "float64":
        return pa.array(["" if v != v else f"{v:.6g}" for v in values.tolist()], pa.string())
    if values.dtype == "boolean":
        return pa.array([None if pd.isna(v) else str(v) for v in values], pa.string())
    return pa.array(values).cast(pa.string())
