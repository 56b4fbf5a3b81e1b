"""What MLflow is sent of a record: params, metrics, tags and files, within its limits."""

from bench.recipe import Recipe
from bench.record import LearningCurve, Score
from bench.store import read_record
from bench.store.text import to_json
from bench.tracking.curve import draw_curve
from bench.tracking.items import Artifact, Metric, Param, Tag
from bench.tracking.limits import batches
from bench.tracking.notes import NOTE_LENGTH, markdown_table, shorten
from bench.tracking.run_items import record_items, run_name
from tests.fakes import FakeNaive, fake_case, fake_record
from tests.tracking_fakes import MEANS


class TestItems:
    def test_params_are_the_spec(self):
        record = fake_record(fake_case("fake/rnn", recipe=Recipe(learning_rate=0.01)), 42)
        params = {i.key: i.value for i in record_items(record) if isinstance(i, Param)}
        assert params["case"] == "fake/rnn"
        assert (params["seed"], params["data_seed"], params["device"]) == ("42", "42", "cpu")
        assert params["model.kind"] == "rnn"
        assert (params["learning_rate"], params["epochs"]) == ("0.01", "20")
        assert "early_stopping_epochs" not in params
        exact = fake_record(fake_case("fake/naive", model=FakeNaive()), None)
        assert not {"seed", "learning_rate"} & {i.key for i in record_items(exact) if isinstance(i, Param)}

    def test_each_epoch_is_a_step_with_its_own_time_within_the_run(self):
        record = fake_record(epochs=5)
        curve = [i for i in record_items(record) if isinstance(i, Metric) and i.key == "curve/valid_mse"]
        assert [m.step for m in curve] == [1, 2, 3, 4, 5]
        times = [m.time_ms for m in curve]
        assert times == sorted(times)
        assert [m.value for m in curve] == record.curve.valid["mse"]
        assert {"curve/train_loss", "curve/epoch_s"} <= {i.key for i in record_items(record) if isinstance(i, Metric)}

    def test_lists_and_groups_of_scores_become_steps(self):
        record = fake_record("fake/gru", task="reber", accuracy=0.9)
        metrics = [i for i in record_items(record) if isinstance(i, Metric)]
        lengths = {m.step: m.value for m in metrics if m.key == "valid/accuracy_by_group.length"}
        assert set(lengths) == set(range(8, 31))
        ten = [i for i in record_items(fake_record(task="ten_steps")) if isinstance(i, Metric)]
        assert [m.step for m in ten if m.key == "test/mse_per_step"] == list(range(1, 11))

    def test_a_score_is_named_by_its_axis_and_index(self):
        scores = (
            Score("valid", "last", "any", "", "", 1.0),
            Score("test", "best", "any", "", "", 2.0),
            Score("valid", "last", "any", "step", "3", 3.0),
            Score("valid", "last", "any", "target", "load", 4.0),
            Score("valid", "last", "any", "target", "2", 5.0),
            Score("valid", "last", "any", "length", "8", 6.0),
            Score("valid", "last", "any", "position", "-1", 7.0),
            Score("valid", "last", "any", "kind", "odd", 8.0),
            Score("valid", "last", "any", "length", "²", 9.0),
        )
        record = fake_record().model_copy(update={"scores": scores})
        made = {(i.key, i.step): i.value for i in record_items(record) if isinstance(i, Metric) and "any" in i.key}
        assert made == {
            ("valid/any", 0): 1.0,
            ("test_best/any", 0): 2.0,
            ("valid/any", 3): 3.0,
            ("valid/any.load", 0): 4.0,
            ("valid/any.2", 0): 5.0,
            ("valid/any.length", 8): 6.0,
            ("valid/any.position", -1): 7.0,
            ("valid/any.kind.odd", 0): 8.0,
            ("valid/any.length.²", 0): 9.0,
        }

    def test_params_that_were_left_at_their_default_are_told_too(self):
        record = fake_record()
        assert record.spec.model.params == {}
        assert "model.kind" in {i.key for i in record_items(record) if isinstance(i, Param)}

    def test_same_record_same_items(self):
        record = fake_record()
        assert set(record_items(record)) == set(record_items(read_record(to_json(record))[0]))

    def test_curve_with_nan_is_drawn_and_kept(self):
        record = fake_record().model_copy(
            update={"curve": LearningCurve(train_loss=[1.0, float("nan")], valid={"mse": [float("inf"), 0.0]})}
        )
        kinds = [type(i) for i in record_items(record)]
        assert kinds.count(Artifact) == 2

    def test_a_curve_does_not_depend_on_what_was_drawn_before(self):
        first, second = (fake_record("fake/rnn", seed).curve for seed in (1, 2))
        with_zero = second.model_copy(update={"train_loss": [0.0, *second.train_loss[1:]]})
        drawn = draw_curve(first, "first")
        others = [draw_curve(second, "second, and a longer title"), draw_curve(with_zero, "linear axis")]
        assert draw_curve(first, "first") == drawn
        assert len({drawn, *others}) == 3

    def test_the_libraries_that_fitted_it_are_a_tag(self):
        record = fake_record("fake/naive", 1)
        assert "libraries" not in {item.key for item in record_items(record) if isinstance(item, Tag)}
        fitted = record.model_copy(update={"libraries": {"scikit-learn": "1.8", "statsmodels": "0.15"}})
        assert Tag("libraries", "scikit-learn 1.8, statsmodels 0.15") in list(record_items(fitted))

    def test_failure_has_a_description(self):
        record = fake_record(status="crashed", reason="killed by signal 9")
        tags = {i.key: i.value for i in record_items(record) if isinstance(i, Tag)}
        assert tags["status"] == "crashed"
        assert not [i for i in record_items(record) if isinstance(i, Metric)]  # no zeros for what was not timed
        assert "killed by signal 9" in tags["mlflow.note.content"]

    def test_run_names(self):
        assert run_name(fake_record("fake/rnn", 42)) == "rnn · seed 42"
        assert run_name(fake_record("fake/rnn", 7, device="gpu", data_seed=1)) == "rnn · seed 7 · data 1 · gpu"

    def test_batches_keep_the_limits_and_lose_nothing(self):
        items = [Param(f"p{n}", "x") for n in range(230)] + [Tag(f"t{n}", "x") for n in range(101)]
        items += [Metric("m", 1.0, 0, n) for n in range(2500)]
        made = list(batches(items))
        assert all(len(b.params) <= 100 and len(b.tags) <= 100 for b in made)
        assert all(len(b.params) + len(b.tags) + len(b.metrics) <= 1000 for b in made)
        assert sum(len(b.params) + len(b.tags) + len(b.metrics) for b in made) == len(items)
        assert list(batches([Artifact("a", b"")])) == []

    def test_description_is_cut_at_a_line(self):
        text = "\n".join(f"line {n}" for n in range(2000))
        cut = shorten(text, NOTE_LENGTH)
        assert len(cut) <= NOTE_LENGTH
        assert cut.endswith("has the rest.)")

    def test_table_of_means(self):
        lines = markdown_table(MEANS).splitlines()
        assert lines[1] == "| --- | ---: | ---: |"
        assert lines[2:] == ["| rnn | 0.003 | 40,000 |", "| naive | 0.02 |  |"]
