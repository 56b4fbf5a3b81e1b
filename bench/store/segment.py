"""A copy of many records as columns, in one Parquet file: derived, made anew where it is missing, broken or old.

The truth is a JSON file a record. A row is believed where the file has still the name, size and time of change that it
had when it was read; curves, scores and samples stay in their columns until a record is asked for them.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.files import discard, written_whole
from bench.provenance import Frozen, Provenance
from bench.record import SCHEMA_VERSION, ForecastSample, LearningCurve, RunRecord, RunSpec, Score, Timing
from bench.store.reading import read_record, share

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = f"1/{SCHEMA_VERSION}"
"""A segment of another format is none."""
OWN = ("run_id", "attempt", "best_epoch", "kept", "data_digest")
OWN_OF_SPEC = ("data_seed", "model_seed")
OWN_OF_PROVENANCE = ("started_at", "ended_at", "core", "load_1min")
"""Fields with a column of their own: what differs from record to record. The rest is text that many records share."""
SECONDS = tuple(name for name in Timing.model_fields if name != "epoch_s")
FILE = ("name", "size", "mtime_ns")
INDEX = (*FILE, "shared", *OWN, *OWN_OF_SPEC, *OWN_OF_PROVENANCE)
"""Columns that every reader needs; the others are read once they are asked for."""
TEXTS = ("scored", "series", "sample")
SHARED = ["shared", "scored", "series"]
"""Columns of texts that many records share."""
CHUNK = 2_000
"""So many records are held at once while a segment is written."""
_NOTHING: Mapping[str, Any] = {
    "run_id": "", "attempt": 0, "best_epoch": None, "kept": "", "data_digest": "",
    "scores": (), "curve": LearningCurve(), "timing": Timing(), "sample": None,
}  # fmt: skip
_TIMING = Timing()
M = TypeVar("M", bound=Frozen)


class FileKey(NamedTuple):
    """By which a file is taken for the one that was read."""

    name: str
    size: int
    mtime_ns: int


class InSegment(RunRecord):
    """A record whose long parts are in a segment; each is made when it is asked for, and not held."""

    def __getattr__(self, name: str) -> Any:
        """Return a part that is in the segment."""
        if name in PARTS and "row" in self.__dict__:
            segment, row = self.__dict__["row"]
            return segment.part(name, row)
        return super().__getattr__(name)  # type: ignore[misc]  # pydantic hides its own from mypy

    def whole(self) -> RunRecord:
        """Return the record with all its parts, as its file has them."""
        parts = {name: getattr(self, name) for name in PARTS}
        held = {name: value for name, value in self.__dict__.items() if name != "row"}
        return RunRecord.model_construct(**held | parts)

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """Return it as a dict, whole."""
        return self.whole().model_dump(**options)

    def model_dump_json(self, **options: Any) -> str:
        """Return it as JSON, whole."""
        return self.whole().model_dump_json(**options)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy, changed and whole."""
        return self.whole().model_copy(update=update, deep=deep)  # type: ignore[return-value]

    def __eq__(self, other: object) -> bool:
        """Return whether it is the same record, wherever its parts are."""
        return self.whole() == (other.whole() if isinstance(other, InSegment) else other)

    __hash__ = RunRecord.__hash__


class Segment:
    """The rows of a segment.

    Raises:
        OSError: It is not there, or cannot be read.
        ValueError: It is none, or of another format.
        ImportError: Parquet cannot be read here.
    """

    def __init__(self, path: Path, folder: Path):
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._path, self._folder = path, folder
        self._asked, self._parts = -1, dict[str, Any]()
        # The file stays open: one that takes its place has other rows.
        self._file = pq.ParquetFile(
            pa.OSFile(str(path)), page_checksum_verification=True, read_dictionary=["shared", "scored", "series"]
        )
        if (self._file.schema_arrow.metadata or {}).get(b"bench") != FORMAT.encode():
            raise ValueError("of another format")
        index = self._file.read(INDEX).combine_chunks()
        shared = index["shared"].combine_chunks() if len(index) else None
        if shared is not None and not hasattr(shared, "dictionary"):
            shared = shared.chunk(0)
        self._templates = [] if shared is None else [_template(text.as_py()) for text in shared.dictionary]
        self._shared = [] if shared is None else shared.indices.to_pylist()
        self._columns = {name: index[name].to_pylist() for name in INDEX if name != "shared"}
        self._rows = {name: row for row, name in enumerate(self._columns["name"])}

    def __len__(self) -> int:
        return len(self._rows)

    def row_of(self, key: FileKey) -> int | None:
        """Return the number of the row of a file that is as it was; None where there is none."""
        row = self._rows.get(key.name)
        own = self._columns
        return row if row is not None and (own["size"][row], own["mtime_ns"][row]) == key[1:] else None

    def record(self, row: int) -> RunRecord:
        """Return the record of a row."""
        own, known = self._columns, self._templates[self._shared[row]]
        spec = known["spec"].__dict__ | {name: own[name][row] for name in OWN_OF_SPEC}
        provenance = known["provenance"].__dict__ | {name: own[name][row] for name in OWN_OF_PROVENANCE}
        fields = {
            **known,
            **{name: own[name][row] for name in OWN},
            "spec": _made(RunSpec, spec),
            "provenance": _made(Provenance, provenance),
            "row": (self, row),
        }
        return _made(InSegment, fields)

    def part(self, name: str, row: int) -> Any:
        """Return a long part of a record; those of the record that was asked last are held.

        Where the segment turns out to be damaged, it is removed, and the record's own file has the part.

        Raises:
            OSError: That file cannot be read, either.
            ValueError: It is no good record.
        """
        if self._asked != row:
            self._asked, self._parts = row, {}
        if name not in self._parts:
            try:
                self._parts[name] = PARTS[name](self, row)
            except (OSError, ValueError, KeyError):
                discard(self._path)
                text = (self._folder / self._columns["name"][row]).read_text(encoding="utf-8")
                self._parts[name] = getattr(read_record(text)[0], name)
        return self._parts[name]

    def let_go(self) -> None:
        """Hold no long parts any more; they are read again where one is asked for."""
        self._asked, self._parts = -1, {}
        for name in ("scores", "epochs", "seconds", "samples"):
            self.__dict__.pop(name, None)

    def table(self, rows: Sequence[int]) -> "pa.Table":
        """Return some of its rows, or none, all columns of them."""
        import pyarrow as pa

        return self._file.read().take(pa.array(rows, pa.int64()))

    def _lists(self, name: str) -> tuple[NDArray[np.float64], list[int]]:
        """Return a column of lists as their numbers in a row, and where each begins and the last one ends."""
        found = self._file.read([name])[name].combine_chunks()
        found = found.chunk(0) if hasattr(found, "num_chunks") else found
        return found.values.to_numpy(zero_copy_only=False), found.offsets.to_pylist()

    def _texts(self, name: str) -> list[str]:
        """Return a column of texts that many records share, each held once."""
        found = self._file.read([name])[name].combine_chunks()
        found = found.chunk(0) if hasattr(found, "num_chunks") else found
        texts = found.dictionary.to_pylist()
        return [texts[code] for code in found.indices.to_pylist()]

    @cached_property
    def scores(self) -> tuple[NDArray[np.float64], list[int], list[str]]:
        """The values of all records, where each record's begin, and what they are of, as JSON."""
        return *self._lists("scores"), self._texts("scored")

    @cached_property
    def epochs(self) -> tuple[NDArray[np.float64], list[int], list[str]]:
        """All values of epochs, where each record's begin, and what they are of, as JSON."""
        return *self._lists("epochs"), self._texts("series")

    @cached_property
    def seconds(self) -> list[tuple[float | None, ...]]:
        """The seconds of each record."""
        found = self._file.read(SECONDS)
        return list(zip(*(found[name].to_pylist() for name in SECONDS), strict=True))

    @cached_property
    def samples(self) -> "pa.ChunkedArray":
        """Samples as JSON."""
        return self._file.read(["sample"])["sample"]


def let_go(records: Iterable[RunRecord]) -> None:
    """Let segments hold no long parts of records any more, which takes kilobytes a record."""
    for segment in {record.__dict__["row"][0] for record in records if isinstance(record, InSegment)}:
        segment.let_go()


def read_segment(path: Path, folder: Path) -> Segment | None:
    """Return the segment of a folder of records; None where there is no good one, or Parquet cannot be read here."""
    with suppress(OSError, ValueError, TypeError, KeyError, ImportError):
        return Segment(path, folder)
    return None


def write_segment(
    path: Path, known: Segment | None, rows: Sequence[int], added: Iterable[tuple[FileKey, RunRecord]]
) -> None:
    """Write a segment of rows of the one before and of further records; where that cannot be done, nothing happens."""
    with suppress(OSError, ValueError, ImportError):
        import pyarrow.parquet as pq

        schema = _schema()
        with (
            written_whole(path) as file,
            pq.ParquetWriter(file, schema, compression="zstd", write_page_checksum=True) as writer,
        ):
            if known is not None:
                writer.write_table(known.table(rows).cast(schema), CHUNK)
            more = iter(added)
            while chunk := list(islice(more, CHUNK)):
                writer.write_table(_table(chunk, schema))


def _schema() -> "pa.Schema":
    import pyarrow as pa

    kinds = {name: pa.string() for name in (*INDEX, *TEXTS)}
    kinds |= {name: pa.int64() for name in (*FILE[1:], "attempt", "best_epoch", *OWN_OF_SPEC, "core")}
    kinds |= {name: pa.float64() for name in ("load_1min", *SECONDS)}
    kinds |= {name: pa.list_(pa.float64()) for name in ("scores", "epochs")}
    return pa.schema(kinds, {"bench": FORMAT})


def _table(added: Sequence[tuple[FileKey, RunRecord]], schema: "pa.Schema") -> "pa.Table":
    import pyarrow as pa

    return pa.Table.from_pylist([_row(key, record) for key, record in added], schema)


def _row(key: FileKey, record: RunRecord) -> dict[str, Any]:
    spec, provenance, curve, timing = record.spec, record.provenance, record.curve, record.timing
    neutral = {
        "spec": spec.model_copy(update={"data_seed": 0, "model_seed": None}),
        "provenance": provenance.model_copy(update={"started_at": "", "ended_at": "", "core": None, "load_1min": None}),
    }
    series = [("train_loss", curve.train_loss), *curve.valid.items(), ("epoch_s", timing.epoch_s)]
    return {
        **key._asdict(),
        "shared": record.model_copy(update={**_NOTHING, **neutral}).model_dump_json(),
        **{name: getattr(record, name) for name in OWN},
        **{name: getattr(spec, name) for name in OWN_OF_SPEC},
        **{name: getattr(provenance, name) for name in OWN_OF_PROVENANCE},
        **{name: getattr(timing, name) for name in SECONDS},
        "scores": [score.value for score in record.scores],
        "scored": json.dumps([score[:-1] for score in record.scores]),
        "epochs": [value for _, values in series for value in values],
        "series": json.dumps([(name, len(values)) for name, values in series]),
        "sample": record.sample.model_dump_json() if record.sample else None,
    }


def _template(text: str) -> dict[str, Any]:
    """Return the fields that records share, without those that each has of its own.

    Raises:
        ValueError: They do not fit the schema.
    """
    body = json.loads(text)
    share(body)
    known = RunRecord.model_validate(body)
    return {name: value for name, value in known.__dict__.items() if name not in PARTS}


def _scores(segment: Segment, row: int) -> tuple[Score, ...]:
    values, starts, names = segment.scores
    own = values[starts[row] : starts[row + 1]].tolist()
    return tuple(Score._make((*name, value)) for name, value in zip(_parsed(names[row]), own, strict=True))


def _series(segment: Segment, row: int) -> list[tuple[str, list[float]]]:
    values, starts, names = segment.epochs
    at, found = starts[row], []
    for name, length in _parsed(names[row]):
        found.append((name, values[at : at + length].tolist()))
        at += length
    return found


def _curve(segment: Segment, row: int) -> LearningCurve:
    (_, train_loss), *valid, _ = _series(segment, row)
    return LearningCurve.model_construct(train_loss=train_loss, valid=dict(valid))


def _timing(segment: Segment, row: int) -> Timing:
    values, starts, names = segment.epochs
    length, end = _parsed(names[row])[-1][1], starts[row + 1]
    seconds = dict(zip(SECONDS, segment.seconds[row], strict=True))
    return _made(Timing, _TIMING.__dict__ | seconds | {"epoch_s": values[end - length : end].tolist()})


def _sample(segment: Segment, row: int) -> ForecastSample | None:
    text = segment.samples[row].as_py()
    return None if text is None else ForecastSample.model_validate_json(text)


_KNOWN: dict[str, list[tuple[Any, ...]]] = {}


def _parsed(text: str) -> list[tuple[Any, ...]]:
    if text not in _KNOWN:
        _KNOWN[text] = [tuple(each) for each in json.loads(text)]
    return _KNOWN[text]


PARTS: Mapping[str, Callable[[Segment, int], Any]] = {
    "scores": _scores, "curve": _curve, "timing": _timing, "sample": _sample
}  # fmt: skip
_SET: dict[type[Frozen], set[str]] = {kind: set(kind.model_fields) for kind in (InSegment, RunSpec, Provenance, Timing)}


def _made(kind: type[M], fields: dict[str, Any]) -> M:
    """Return what `pydantic.BaseModel.model_construct` does of all fields, which is slower and takes more room."""
    made = kind.__new__(kind)
    for name, value in (
        ("__dict__", fields),
        ("__pydantic_fields_set__", _SET[kind]),
        ("__pydantic_extra__", None),
        ("__pydantic_private__", None),
    ):
        object.__setattr__(made, name, value)
    return made
