import errno
import json
import os
import tempfile
from pathlib import Path

import pytest

from bench.digest import digest
from bench.errors import BenchError
from bench.measurement import MEASUREMENT_SCHEMA, Measurement, MeasureSpec, Round, measure_spec
from bench.record import from_json, read_json, to_json
from bench.store import LEFTOVER_S, Store, latest
from tests.fakes import fake_record


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path)
    made.prepare()
    return made


def test_a_record_comes_back_as_it_was(store):
    record = fake_record("fake/rnn")
    assert store.write(record) == record
    assert store.read() == [record]
    assert from_json(to_json(record)) == record


def test_nothing_is_overwritten_a_rerun_is_a_further_attempt(store):
    record = fake_record("fake/rnn")
    attempts = [store.write(record).attempt for _ in range(3)]
    assert attempts == [1, 2, 3]
    assert len(list(store.folder.glob("*.json"))) == 3


def test_nan_and_infinity_survive(store):
    record = fake_record("fake/rnn")
    curve = record.curve.model_copy(update={"train_loss": [float("inf"), 1.0]})
    store.write(record.model_copy(update={"curve": curve}))
    assert store.read()[0].curve.train_loss == [float("inf"), 1.0]


def resigned(text, **changes):
    """Return a record with changed fields and a checksum that fits them."""
    body = {k: v for k, v in (json.loads(text) | changes).items() if k != "checksum"}
    return json.dumps(body | {"checksum": digest(body, 64)})


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda text: text[: len(text) // 2], "Unterminated|Expecting"),
        (lambda text: text.replace('"status": "done"', '"status": "diverged"'), "checksum"),
        (lambda text: "[]", "not a record"),
        (lambda text: "", "Expecting value"),
        (lambda text: "[" * 100_000, "recursion"),
        (lambda text: resigned(text, schema_version=[1]), "fields do not fit"),
        (lambda text: resigned(text, attempt="one", spec=[]), "2 fields do not fit the schema"),
    ],
)
def test_a_bad_file_is_named_with_its_reason_and_harms_no_other(store, spoil, reason):
    good, other = fake_record("fake/rnn"), fake_record("fake/gru")
    store.write(good)
    store.write(other)
    path = store.folder / f"{other.key}.json"
    path.write_text(spoil(path.read_text()))
    with pytest.raises(BenchError, match=f"{other.key}.json is not a good record: .*({reason}).*; move it away"):
        store.read()
    path.unlink()
    assert store.read() == [good]


def test_a_later_schema_is_not_guessed_at(store):
    record = fake_record("fake/rnn")
    body = json.loads(to_json(record.model_copy(update={"schema_version": 99})))
    with pytest.raises(ValueError, match="schema 99"):
        from_json(json.dumps(body))


def test_a_renamed_record_is_named(store):
    store.write(fake_record("fake/rnn"))
    (path,) = store.folder.glob("*.json")
    path.rename(path.with_name("other-name-1.json"))
    with pytest.raises(BenchError, match="belongs to"):
        store.read()


def test_a_file_system_without_hard_links_serves_too(store, monkeypatch):
    def refuse(source, target):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    record = fake_record("fake/rnn")
    assert [store.write(record).attempt for _ in range(2)] == [1, 2]
    assert len(store.read()) == 2


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


class FullFile:
    """An open file that takes a few characters and no more."""

    def __init__(self, file):
        self.file, self.left = file, 100

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def write(self, text):
        self.file.write(text[: self.left])
        full()


@pytest.mark.parametrize("step", ["mkstemp", "write", "fsync", "link", "rename"])
def test_a_full_disk_leaves_nothing_half_written_and_names_the_file(store, monkeypatch, step):
    kept, lost = store.write(fake_record("fake/gru")), fake_record("fake/rnn")
    if step == "mkstemp":
        monkeypatch.setattr(tempfile, "mkstemp", full)
    elif step == "write":
        fdopen = os.fdopen
        monkeypatch.setattr(os, "fdopen", lambda *a, **k: FullFile(fdopen(*a, **k)))
    elif step == "rename":
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(errno.EPERM, "not permitted")))
        monkeypatch.setattr(Path, "rename", full)
    else:
        monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="No space") as error:
        store.write(lost)
    assert error.value.filename == str(store.folder / f"{lost.key}.json")
    monkeypatch.undo()
    assert [p.name for p in store.folder.iterdir()] == [f"{kept.key}.json"]
    assert store.write(lost).attempt == 1, "with room again it is written under the name that it lacked"
    assert len(store.read()) == 2


@pytest.mark.parametrize("action", ["enospc", "raise"])
@pytest.mark.parametrize("point", ["begin", "half_written", "written", "synced", "linked"])
def test_a_fault_anywhere_in_a_write_leaves_a_whole_record_or_none(store, monkeypatch, point, action):
    monkeypatch.setenv("BENCH_FAULT", f"store.{point}:{action}")
    with pytest.raises((OSError, RuntimeError)):
        store.write(fake_record("fake/rnn"))
    stands = point == "linked"
    assert len(store.read()) == stands
    assert len(list(store.folder.iterdir())) == stands


def test_what_a_killed_writer_left_is_never_read_and_removed_when_it_is_old(store):
    old, new = store.folder / ".new-abc", store.folder / ".new-def"
    for path in (old, new, store.folder / ".probe-abc"):
        path.write_text("half a rec")
    kept = store.write(fake_record("fake/rnn"))
    for path in store.folder.iterdir():
        if path != new:
            os.utime(path, (1e9, 1e9))
    assert new.stat().st_mtime - old.stat().st_mtime > LEFTOVER_S
    assert store.read() == [kept]
    store.prepare()
    assert {p.name for p in store.folder.iterdir()} == {".new-def", f"{kept.key}.json"}


def test_a_folder_that_turned_read_only_is_an_error_and_costs_nothing(store, monkeypatch):
    """Root may write anywhere, so the refusal is the system call's."""

    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    kept = store.write(fake_record("fake/rnn"))
    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    with pytest.raises(OSError, match="Read-only"):
        store.write(fake_record("fake/gru"))
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refuse)
    with pytest.raises(BenchError, match=r"cannot write to the results folder .*Read-only file system"):
        store.prepare()
    assert store.read() == [kept]


def test_an_unwritable_folder_is_said_in_one_line(tmp_path):
    (tmp_path / "results").write_text("a file in the way")
    with pytest.raises(BenchError, match="cannot write to the results folder"):
        Store(tmp_path / "results").prepare()


def test_latest_prefers_a_result_over_a_later_failure():
    done = fake_record("fake/rnn")

    def later(record, when, **changes):
        provenance = record.provenance.model_copy(update={"ended_at": when})
        return record.model_copy(update={"provenance": provenance, **changes})

    old = later(done, "2026-01-01T00:00:00")
    new = later(done, "2026-01-02T00:00:00", attempt=2)
    crash = later(done, "2026-01-03T00:00:00", attempt=3, status="crashed")
    assert latest([crash, new, old]) == {done.run_id: new}
    assert latest([crash]) == {done.run_id: crash}


def test_the_first_schema_stays_readable(request):
    """Every schema that was ever written has a golden file here; add one, never change one."""
    text = (request.path.parent / "golden" / "record_schema_1.json").read_text()
    record = from_json(text)
    assert record.schema_version == 1
    assert record.spec.case == "fake/rnn"
    assert to_json(record) == text


def fake_measurement() -> Measurement:
    """A measurement with all that one can hold: warm-ups, a contended round, both kinds, latencies."""
    record = fake_record("fake/rnn")
    rounds = [
        Round(kind=kind, number=n, warm_up=n == 0, windows=640, wall_s=wall, cpu_s=wall * 0.99, contended=n == 2)
        for kind, walls in (("train", (0.31, 0.21, 0.4, 0.22, 0.2)), ("infer", (0.11, 0.08, 0.2, 0.09)))
        for n, wall in enumerate(walls)
    ]
    spec = measure_spec(record.spec)
    return Measurement(
        measure_id=spec.measure_id,
        spec=spec,
        data_seed=42,
        task=record.task,
        parameters=1000,
        model_bytes=4000,
        settled=True,
        rounds=tuple(rounds),
        latency_s=(0.002, 0.0015, 0.0021),
        build_s=0.4,
        compile_s=1.9,
        peak_memory_bytes=700_000_000,
        base_memory_bytes=500_000_000,
        environment=record.environment,
        provenance=record.provenance,
    )


def test_the_first_schema_of_measurements_stays_readable(request):
    """As for records: add a file for each schema, never change one."""
    text = (request.path.parent / "golden" / "measurement_schema_1.json").read_text()
    measurement = read_json(text, Measurement, MEASUREMENT_SCHEMA)
    assert measurement.schema_version == 1
    assert isinstance(measurement.spec, MeasureSpec)
    assert [r.kind for r in measurement.rounds] == ["train"] * 5 + ["infer"] * 4
    assert measurement.windows_per_s("train") == pytest.approx(640 / 0.21)
    assert to_json(measurement) == text


def test_measurements_are_kept_apart_from_records_and_never_overwritten(store):
    made = fake_measurement()
    assert [store.write_measurement(made).attempt for _ in range(2)] == [1, 2]
    assert [m.attempt for m in store.read_measurements()] == [1, 2]
    assert store.read() == []
