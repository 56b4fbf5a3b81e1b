"""The segment beside the records: it says what their files say, and is believed of no file that has changed."""

import os
import shutil
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from bench.errors import BenchError
from bench.record import Failure, ForecastSample, LearningCurve, RunRecord
from bench.store import Store, known, read_record, segment
from bench.store.text import to_json
from tests.fakes import fake_record
from tests.test_store import resigned


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A store whose segment is made for one record."""
    monkeypatch.setattr(known, "MANY", 1)
    monkeypatch.setattr(known, "SETTLED_S", 0.0)
    made = Store(tmp_path)
    made.prepare()
    return made


def written(store):
    """Write records of all kinds: of other seeds, failed, with NaN, without a sample, of a predictor."""
    first = fake_record("fake/rnn", 1)
    sample = ForecastSample(window=[3], x=[[1.0]], truth=[[2.0]], forecast=[[1.5]], low=[[1.0]], high=[[9.0]])
    odd = LearningCurve(train_loss=[float("inf"), float("nan")], valid={"mse": [1.0], "a, b": []})
    provenance = first.provenance.model_copy(update={"core": None, "load_1min": None, "no_commit": 'no, "git"\n'})
    made = [
        first,
        fake_record("fake/rnn", 2, mse=0.5),
        first.model_copy(update={"attempt": 2, "status": "failed", "scores": (), "sample": None, "kept": "é",
                                 "curve": LearningCurve(), "failure": Failure(reason="no: memory", details="a\nb")}),
        fake_record("fake/rnn", 3).model_copy(update={"sample": sample, "provenance": provenance}),
        fake_record("fake/rnn", 4).model_copy(update={"curve": odd, "positions": (1, 3), "best_epoch": None}),
    ]  # fmt: skip
    return [store.write(record) for record in made]


def as_texts(records):
    """Return records as JSON, in which NaN equals itself, by their keys."""
    return {record.key: to_json(record) for record in records}


def test_a_segment_says_what_the_files_say(store):
    records = written(store)
    assert {type(record) for record in store.read()} == {segment.InSegment}
    assert (store.results / known.SEGMENT).exists()
    by_segment, by_files = store.read(), store.look()[0].records
    assert {type(record) for record in by_files} == {RunRecord}
    assert [r.key for r in by_segment] == [r.key for r in by_files]
    assert as_texts(by_segment) == as_texts(by_files) == as_texts(records)
    for one, other in zip(by_segment, by_files, strict=True):
        assert [one.scores, one.timing, one.sample, one.spec, one.task] == [
            other.scores, other.timing, other.sample, other.spec, other.task,
        ]  # fmt: skip
        assert one.spec.run_id == other.spec.run_id
        assert one.environment is by_segment[0].environment
        assert to_json(one.model_copy(update={"attempt": 9})) == to_json(other.model_copy(update={"attempt": 9}))
    assert by_segment[1] == by_files[1]
    assert by_files[1] == by_segment[1]
    assert by_segment[0] != by_files[1]
    segment.let_go(by_segment)
    assert as_texts(by_segment) == as_texts(by_files)
    with pytest.raises(AttributeError):
        _ = by_segment[0].nothing


def test_what_is_newer_than_its_row_is_read_from_its_file(store, monkeypatch):
    first, *_ = written(store)
    store.read()
    monkeypatch.setattr(known, "MANY", 100)
    path = store.folder / f"{first.key}.json"
    path.write_text(resigned(path.read_text(), parameters=77))
    os.utime(path, ns=(1, time.time_ns()))
    added = store.write(fake_record("fake/rnn", 9))
    read = {record.key: record for record in store.read()}
    assert read[first.key].parameters == 77
    assert read[added.key] == added
    path.unlink()
    assert first.key not in {record.key for record in store.read()}
    path.write_text("{}")
    with pytest.raises(BenchError, match=f"{first.key}.json is not a good record"):
        store.read()


def test_a_segment_grows_by_what_is_new(store):
    written(store)
    store.read()
    added = store.write(fake_record("fake/rnn", 9))
    assert {type(record) for record in store.read()} == {segment.InSegment}
    assert as_texts(store.read()) == as_texts(store.look()[0].records)
    assert added in store.read()


def test_a_folder_that_was_copied_has_a_segment_of_its_own(store, tmp_path):
    written(store)
    whole = as_texts(store.read())
    copied = Store(shutil.copytree(tmp_path, tmp_path / "copied", copy_function=shutil.copy))
    assert as_texts(copied.read()) == whole
    assert {type(record) for record in copied.read()} == {segment.InSegment}


def test_a_page_that_is_damaged_is_read_from_the_records(store):
    written(store)
    store.read()
    path = store.results / known.SEGMENT
    data, texts = path.read_bytes(), as_texts(store.look()[0].records)
    made = pq.ParquetFile(path).metadata.row_group(0)
    columns = {made.column(n).path_in_schema: made.column(n) for n in range(made.num_columns)}
    for name in ("sample", "train_s", "scores.list.element"):
        column = columns[name]
        start = column.dictionary_page_offset or column.data_page_offset
        at = start + column.total_compressed_size - 2
        path.write_bytes(data[:at] + bytes([data[at] ^ 255]) + data[at + 1 :])
        read = store.read()
        assert {type(record) for record in read} == {segment.InSegment}
        assert as_texts(read) == texts
        assert not path.exists()


@pytest.mark.parametrize("spoil", ["cut", "text", "empty", "flipped", "other format", "folder"])
def test_a_broken_segment_is_made_anew(store, monkeypatch, spoil):
    written(store)
    store.read()
    path = store.results / known.SEGMENT
    data = path.read_bytes()
    if spoil == "folder":
        path.unlink()
        path.mkdir()
    elif spoil == "other format":
        monkeypatch.setattr(segment, "FORMAT", "0")
    else:
        middle = len(data) // 4
        broken = {"cut": data[:-20], "text": b"no Parquet", "empty": b"",
                  "flipped": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]}  # fmt: skip
        path.write_bytes(broken[spoil])
    assert as_texts(store.read()) == as_texts(store.look()[0].records)
    if spoil != "folder":
        assert segment.read_segment(path, store.folder) is not None


def test_a_file_that_changed_a_moment_ago_is_in_no_segment(store, monkeypatch):
    monkeypatch.setattr(known, "SETTLED_S", 60.0)
    written(store)
    assert len(store.read()) == 5
    made = segment.read_segment(store.results / known.SEGMENT, store.folder)
    assert made is None or not len(made)


def test_few_records_have_none(tmp_path):
    store = Store(tmp_path)
    store.prepare()
    written(store)
    assert len(store.read()) == 5
    assert not (tmp_path / known.SEGMENT).exists()


def test_an_older_record_is_in_a_segment_where_its_id_is_its_own(store):
    record = store.write(fake_record("fake/rnn"))
    path = store.folder / f"{record.key}.json"
    path.write_text(resigned(path.read_text(), schema_version=2))
    text = (Path(__file__).parent / "golden" / "record_schema_1.json").read_text(encoding="utf-8")
    (store.folder / f"{read_record(text)[1]}.json").write_text(text, encoding="utf-8")
    kinds = {r.key == record.key: (type(r), r.schema_version) for r in store.read()}
    assert kinds == {True: (segment.InSegment, 3), False: (RunRecord, 3)}
