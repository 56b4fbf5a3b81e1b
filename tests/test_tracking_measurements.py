import pytest

from bench.measurement import Measurement
from bench.store.text import to_json
from bench.task import TargetKind, Task
from bench.tracking import Outcome
from bench.tracking.items import Artifact, Metric, Param, Tag
from bench.tracking.measurement_items import measurement_items, measurement_name
from bench.tracking.summary import Tally
from tests.fakes import FakeNaive, fake_case, fake_record, fake_spec
from tests.tracking_fakes import FakeTracker, fake_measurement, records, send


def of(measurement: Measurement, kind: type) -> dict[str, object]:
    return {i.key: i.value for i in measurement_items(measurement) if isinstance(i, kind)}


class TestItems:
    def test_names(self):
        made = fake_measurement("chapter15/seq2seq_gru")
        assert measurement_name(made) == "seq2seq_gru · throughput"
        gpu = made.model_copy(update={"spec": made.spec.model_copy(update={"device": "gpu"}), "attempt": 2})
        assert measurement_name(gpu) == "seq2seq_gru · throughput · gpu · attempt 2"

    def test_params_are_the_spec(self):
        params = of(fake_measurement(), Param)
        assert (params["case"], params["dataset"], params["model.kind"]) == ("fake/gru", "fake_waves", "rnn")
        assert (params["device"], params["backend"], params["data_seed"]) == ("cpu", "tensorflow", "42")
        assert params["infer_batch_size"] == "32"
        assert "seed" not in params

    def test_summaries_by_hand(self):
        metrics = of(fake_measurement(), Metric)
        # counted rounds of 320 windows: 0.2, 0.1 and 0.4 s; the warm-up and the contended one are out
        assert metrics["throughput/train_windows_per_s"] == pytest.approx(1600)
        assert metrics["throughput/train_steps_per_s"] == pytest.approx(1600 * 50)
        assert metrics["throughput/infer_windows_per_s"] == pytest.approx(3200)
        assert metrics["throughput/contended_rounds"] == 1
        assert metrics["latency/p50_s"] == pytest.approx(0.0505)
        assert metrics["latency/p99_s"] == pytest.approx(0.09901)
        assert (metrics["cost/compile_s"], metrics["cost/build_s"]) == (1.8, 0.3)
        assert (metrics["cost/parameters"], metrics["cost/model_bytes"]) == (1000, 4000)
        assert metrics["cost/peak_memory_bytes"] == 500_000_000

    def test_each_counted_round_is_a_step(self):
        items = [i for i in measurement_items(fake_measurement()) if isinstance(i, Metric)]
        train = [(i.step, i.value) for i in items if i.key == "round/train_windows_per_s"]
        assert train == [(1, pytest.approx(1600)), (3, pytest.approx(3200)), (4, pytest.approx(800))]
        assert [i.step for i in items if i.key == "round/infer_windows_per_s"] == [0]

    def test_what_was_not_measured_is_left_out(self):
        bare = fake_measurement(rounds=(), latency_s=(), parameters=None, model_bytes=None, peak_memory_bytes=None)
        assert set(of(bare, Metric)) == {"cost/build_s", "cost/compile_s", "cost/base_memory_bytes"}
        any_length = fake_measurement().model_copy(update={"task": Task("open", TargetKind.LABEL, None)})
        assert "throughput/train_windows_per_s" in of(any_length, Metric)
        assert "throughput/train_steps_per_s" not in of(any_length, Metric)

    def test_a_predictor_has_no_recipe(self):
        spec = fake_spec(fake_case("fake/naive", model=FakeNaive()))
        made = fake_measurement()
        params = of(made.model_copy(update={"spec": made.spec.model_copy(update={"recipe": spec.recipe})}), Param)
        assert "learning_rate" not in params

    def test_tags_and_record(self):
        made = fake_measurement()
        tags = of(made, Tag)
        assert (tags["task"], tags["measure_id"]) == ("every_step", made.measure_id)
        assert (tags["environment"], tags["hardware"]) == (made.environment.digest, "AMD EPYC 7B13")
        (file,) = [i for i in measurement_items(made) if isinstance(i, Artifact)]
        assert (file.path, file.data.decode()) == ("record.json", to_json(made))

    def test_a_failure_says_why(self):
        made = fake_measurement(reason="out of memory")
        tags = of(made, Tag)
        assert (tags["status"], tags["failure"]) == ("failed", "out of memory")
        assert tags["mlflow.note.content"] == "**failed**: out of memory"
        assert of(made, Metric) == {}


class TestMirror:
    def test_runs_and_measurements_lie_apart_below_one_parent(self):
        tracker = FakeTracker()
        made = [*records(2), fake_measurement(), fake_measurement("fake/bad", reason="no clock")]
        assert send(tracker, made, finish=True) == (Outcome(4, 0, 0), [])
        assert [len(tracker.of_kind(kind)) for kind in ("sweep", "run", "measurement")] == [1, 2, 2]
        children = tracker.of_kind("run") + tracker.of_kind("measurement")
        assert {child["tags"]["mlflow.parentRunId"] for child in children} == {"run0"}
        assert {m["name"]: m["status"] for m in tracker.of_kind("measurement")} == {
            "gru · throughput": "FINISHED",
            "bad · throughput": "FAILED",
        }

    def test_sending_twice_adds_nothing(self):
        tracker = FakeTracker()
        send(tracker, [fake_measurement()], finish=True)
        before = {k: dict(v) for k, v in tracker.runs.items()}
        assert send(tracker, [fake_measurement()])[0] == Outcome(0, 1, 0)
        assert tracker.runs == before

    def test_another_attempt_is_another_run(self):
        tracker = FakeTracker()
        send(tracker, [fake_measurement(), fake_measurement(attempt=2)])
        assert len(tracker.of_kind("measurement")) == 2

    def test_the_parent_shows_a_table_of_what_good_processes_say_together(self):
        tracker = FakeTracker()
        made = [fake_measurement(attempt=1, latency_s=(1.0,)), fake_measurement(attempt=2, latency_s=(0.25,))]
        send(tracker, [*made, fake_measurement("fake/bad", reason="no clock"), fake_record()], finish=True)
        (parent,) = tracker.of_kind("sweep")
        note = parent["tags"]["mlflow.note.content"]
        assert "| gru | cpu | tensorflow | 1,600 | 3,200 | 0.625 | 0.9925 | 2 |" in note
        assert "bad" not in note
        assert {i.path for i in parent["items"] if isinstance(i, Artifact)} == {"means.json", "throughput.json"}

    def test_a_sweep_without_runs_counts_none(self):
        tally = Tally()
        tally.add(fake_measurement())
        assert list(tally.items()) == []
