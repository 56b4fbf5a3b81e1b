import errno
import json
import os
from pathlib import Path

import pytest

from bench.digest import digest
from bench.engines.tensorflow import TensorFlow
from bench.errors import BenchError
from bench.files import LEFTOVER_S
from bench.measurement import MEASUREMENT_SCHEMA, Measurement, MeasureSpec, Round, measure_spec
from bench.plan import make_plan
from bench.record import SCHEMA_VERSION, Score
from bench.store import Store, latest, read_measurement, read_record
from bench.store.text import to_json
from bench.suite import Suite
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
    assert read_record(to_json(record)) == (record, record.key)


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
        read_record(json.dumps(body))


def test_a_renamed_record_is_named(store):
    store.write(fake_record("fake/rnn"))
    (path,) = store.folder.glob("*.json")
    path.rename(path.with_name("other-name-1.json"))
    with pytest.raises(BenchError, match="belongs to"):
        store.read()


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


@pytest.mark.parametrize("step", ["create", "write", "fsync", "link", "rename"])
def test_a_full_disk_leaves_nothing_half_written_and_names_the_file(store, monkeypatch, step):
    kept, lost = store.write(fake_record("fake/gru")), fake_record("fake/rnn")
    if step == "create":
        monkeypatch.setattr(os, "open", full)
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
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(OSError, match="Read-only"):
        store.write(fake_record("fake/gru"))
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


def golden(request, name):
    return (request.path.parent / "golden" / name).read_text()


def test_every_schema_stays_readable(request):
    """Every schema that was ever written has a golden file here; add one, never change one."""
    texts = [golden(request, f"record_schema_{n}.json") for n in range(1, SCHEMA_VERSION + 1)]
    first, second, third = (read_record(text)[0] for text in texts)
    assert first.schema_version == second.schema_version == third.schema_version == SCHEMA_VERSION
    assert first.spec.case == second.spec.case == "fake/rnn"
    assert (second.kept, third.kept) == ("", "ab" * 32)
    assert third.model_copy(update={"kept": ""}) == second
    assert read_record(to_json(second)) == (second, second.key)
    for metric in ("mse", "last_time_step_mse"):
        assert first.score(metric) == second.score(metric) == 0.003
        assert first.score(metric, "test", "best") == pytest.approx(0.003 * 1.02 * 0.98)
    steps = [s for s in first.scores if s.metric == "mse_per_step" and s.split == "valid" and s.weights == "last"]
    assert [(s.axis, s.index, s.value) for s in steps] == [("step", "1", 0.003)]
    assert first.task.name == second.task.name == "next_step"
    assert first.noise_floors == second.noise_floors
    assert (first.timing, first.sample) == (second.timing, second.sample)
    raw = json.loads(texts[0])
    assert first.curve.model_dump() == raw["curve"]
    assert first.attempt == raw["attempt"]


def old_record(request, **changes):
    """The body of the golden record of schema 1, with changes, and as its file would hold it."""
    body = json.loads(golden(request, "record_schema_1.json"))
    return resigned(json.dumps(body), **changes)


def test_an_old_record_counts_under_the_id_that_its_run_has_today(request, store, monkeypatch):
    """Its file keeps its name, and the id follows from what was set; the engine was of version 1 then."""
    monkeypatch.setattr(TensorFlow, "version", "1")
    spec = json.loads(golden(request, "record_schema_1.json"))["spec"]
    spec |= {"dataset": {"name": "waves_next_step", "params": {"n_series": 10_000}, "version": "1"}}
    spec |= {"model": {"name": "linear", "params": {}, "version": "1"}, "case": "chapter15/linear"}
    suite = Suite(name="s", cases=["chapter15/linear"], seeds=[spec["model_seed"]])
    text = old_record(request, spec=spec)
    body = json.loads(text)
    path = store.folder / f"{body['run_id']}-{digest(body['environment'], 8)}-1.json"
    path.write_text(text)
    (record,) = store.read()
    (planned,) = make_plan(suite, []).specs
    assert record.run_id == planned.run_id != body["run_id"]
    assert record.spec.dataset.params == {}, "what was at its default was not set"
    assert make_plan(suite, store.read()).done == [planned]


def test_an_old_record_of_a_renamed_model_or_with_positions_left_out_is_read_as_it_was_meant(request):
    spec = json.loads(golden(request, "record_schema_1.json"))["spec"]
    conv = {"name": "conv_gru", "params": {"kernel_size": 4, "stride": 2}, "version": "1"}
    task = {"name": "t", "target": "every_step", "input_length": 10, "features": 1, "horizon": 2, "question": ""}
    record, _ = read_record(old_record(request, spec=spec | {"model": conv}, task=task))
    assert record.positions == (3, 5, 7, 9)
    own = {"name": "own_loop_rnn", "params": {"units": [20, 20], "time_major": True}, "version": "1"}
    record, _ = read_record(old_record(request, spec=spec | {"model": own}, task=task))
    assert record.spec.model.name == "while_loop_rnn"
    assert record.spec.model.params == {"time_major": True}
    assert record.positions is None


def test_old_groups_and_infinities_become_rows_of_their_own(request):
    scores = {"valid": {"accuracy_by_group": {"length=8": 0.5, "position=-1": 1.0}, "mse": "Infinity"}}
    record, _ = read_record(old_record(request, scores_last=scores, scores_best={}))
    assert record.scores == (
        Score("valid", "last", "accuracy_by_group", "length", "8", 0.5),
        Score("valid", "last", "accuracy_by_group", "position", "-1", 1.0),
        Score("valid", "last", "mse", "", "", float("inf")),
    )


@pytest.mark.parametrize(
    "spoil",
    [
        {"spec": "text"},
        {"spec": {}},
        {"task": ["a"]},
        {"task": {"name": "t"}},
        {"task": {"nonesuch": 1}},
        {"scores_last": {"valid": 3}},
        {"scores_last": {"valid": {"mse": "a lot"}}},
        {"scores_last": {"valid": {"mse": {"length": {}}}}},
        {"spec": {"dataset": {"name": "x"}, "model": {"name": "conv_gru", "params": {"odd": 1}}, "versions": {}}},
    ],
)
def test_an_old_record_that_cannot_be_read_is_named_and_kept(request, store, spoil):
    path = store.folder / "some-old-1.json"
    path.write_text(old_record(request, **spoil))
    with pytest.raises(BenchError, match=r"some-old-1.json is not a good record: .+; move it away"):
        store.read()
    assert path.exists()


def fake_measurement() -> Measurement:
    """A measurement with all that one can hold: warm-ups, a contended round and calls, both kinds, latencies."""
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
        rounds=tuple(rounds),
        latency_s=(0.002, 0.0015, 0.0021),
        latency_contended=2,
        build_s=0.4,
        compile_s=1.9,
        peak_memory_bytes=700_000_000,
        base_memory_bytes=500_000_000,
        environment=record.environment,
        provenance=record.provenance,
    )


def test_every_schema_of_measurements_stays_readable(request):
    """As for records: add a file for each schema, never change one."""
    texts = [golden(request, f"measurement_schema_{n}.json") for n in range(1, MEASUREMENT_SCHEMA + 1)]
    for measurement, _ in map(read_measurement, texts):
        assert measurement.schema_version == MEASUREMENT_SCHEMA
        assert isinstance(measurement.spec, MeasureSpec)
        assert [r.kind for r in measurement.rounds] == ["train"] * 5 + ["infer"] * 4
        assert measurement.windows_per_s("train") == pytest.approx(640 / 0.21)
        assert measurement.task.name == "next_step"
        assert "throughput" in measurement.spec.versions
    assert read_measurement(to_json(measurement)) == (measurement, measurement.key)


def test_measurements_are_kept_apart_from_records_and_never_overwritten(store):
    made = fake_measurement()
    assert [store.write_measurement(made).attempt for _ in range(2)] == [1, 2]
    assert [m.attempt for m in store.read_measurements()] == [1, 2]
    assert store.read() == []


def test_records_share_the_parts_that_they_have_alike(tmp_path):
    """So that many are read in less memory; each is what it was all the same."""
    store = Store(tmp_path)
    store.prepare()
    written = [store.write(fake_record("fake/rnn", seed, mse=0.1 * seed)) for seed in (1, 2)]
    one, two = sorted(store.read(), key=lambda r: r.spec.model_seed)
    assert [one, two] == written
    assert one.environment is two.environment
    assert one.task is two.task
    assert one.spec.recipe is two.spec.recipe
    assert one.scores != two.scores
