"""Two sets of results held against each other: what counts as a change, what is left out, and what is refused."""

import inspect
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from bench.cli import call
from bench.cli import compare as cli_compare
from bench.compare import TOLERANCE, Verdict, compare_scores, read_set, standing_for
from bench.errors import BenchError
from bench.metrics.base import REAL, metric, metrics
from bench.metrics.traits import Direction, Scale
from bench.recipe import Recipe
from bench.record import Score
from bench.store import read_record
from tests.compare_fakes import GRU, INTEL, NAIVE, RNN, SEEDS, noise, report, results, runs
from tests.fakes import ENVIRONMENT, FakeLeastSquares, FakeNetwork, fake_case, fake_record


def compared(a, b, tolerance=0.02, metric=""):
    """Return one change a case, by name, and the whole."""
    scores = compare_scores(read_set(a, "A"), read_set(b, "B"), tolerance=tolerance, metric=metric)
    return {c.case: c for c in scores.changes}, scores


def test_a_set_held_against_itself_has_the_same_bits(tmp_path):
    folder = results(tmp_path / "a", [*runs(RNN, 0.003 * noise(10)), fake_record(NAIVE, None, mse=0.02)])
    changes, scores = compared(folder, folder)
    assert {c.verdict for c in changes.values()} == {Verdict.SAME}
    assert [changes["fake/rnn"].n, changes["fake/naive"].n] == [10, 1]
    assert changes["fake/rnn"].compared.ratio == 1.0
    assert not scores.regressed
    assert scores.tested == 0
    assert call(["compare", str(folder), str(folder)]) == 0


def test_the_ratio_and_its_interval_are_the_paired_t_of_log_scores(tmp_path):
    a, b = 0.003 * noise(10, 1), 0.0032 * noise(10, 2)
    changes, scores = compared(results(tmp_path / "a", runs(RNN, a)), results(tmp_path / "b", runs(RNN, b)))
    change = changes["fake/rnn"]
    logs = np.log(b) - np.log(a)
    test = stats.ttest_1samp(logs, 0)
    low, high = np.exp(test.confidence_interval(0.95))
    assert change.compared.ratio == pytest.approx(np.exp(logs.mean()))
    assert (change.compared.low, change.compared.high) == pytest.approx((low, high))
    assert change.compared.p_value == pytest.approx(test.pvalue)
    assert (change.a, change.b) == pytest.approx((stats.gmean(a), stats.gmean(b)))
    assert scores.tested == 1


@pytest.mark.parametrize(
    ("factor", "verdict", "code"),
    [
        (1.10, Verdict.WORSE_PAST, 1),
        (1.015, Verdict.WORSE, 0),
        (0.90, Verdict.BETTER, 0),
        (1.0001, Verdict.NO_DIFFERENCE, 0),
    ],
)
def test_verdicts_and_exit_codes(factor, verdict, code, tmp_path, capsys):
    a = 0.003 * noise(10, 1)
    first = results(tmp_path / "a", runs(RNN, a))
    second = results(tmp_path / "b", runs(RNN, a * factor * noise(10, 2, 0.003)))
    changes, _ = compared(first, second)
    assert changes["fake/rnn"].verdict is verdict
    assert call(["compare", str(first), str(second)]) == code
    printed = capsys.readouterr().out
    assert verdict.value in printed
    assert "1 cases compared by validation MSE after the last epoch" in printed


def test_holm_is_over_all_cases_that_changed(tmp_path):
    """A p value of 0.03 alone is significant; beside nine cases without a difference it is not."""
    shift, spread = 0.05, noise(10, 7, 0.0)
    logs = np.random.default_rng(3).standard_normal(10)
    logs = (logs - logs.mean()) / logs.std(ddof=1)
    t = stats.t.isf(0.03 / 2, 9)
    b = np.exp(shift + logs * shift * np.sqrt(10) / t)
    alone_a, alone_b = runs(RNN, 0.003 * spread), runs(RNN, 0.003 * b)
    changes, _ = compared(results(tmp_path / "a1", alone_a), results(tmp_path / "b1", alone_b))
    assert changes["fake/rnn"].compared.p_value == pytest.approx(0.03)
    assert changes["fake/rnn"].verdict is Verdict.WORSE_PAST
    others = [fake_case(f"fake/other{i}", model=FakeNetwork(kind=str(i)), recipe=Recipe()) for i in range(9)]
    flat = logs - logs.mean()
    more_a = [r for case in others for r in runs(case, 0.003)]
    more_b = [r for case in others for r in runs(case, 0.003 * np.exp(0.1 * flat))]
    changes, scores = compared(results(tmp_path / "a2", alone_a + more_a), results(tmp_path / "b2", alone_b + more_b))
    assert scores.tested == 10
    assert changes["fake/rnn"].verdict is Verdict.NO_DIFFERENCE


def test_the_tolerance_is_an_option(tmp_path):
    a = 0.003 * noise(10, 1)
    first, second = results(tmp_path / "a", runs(RNN, a)), results(tmp_path / "b", runs(RNN, a * 1.10))
    assert call(["compare", str(first), str(second), "--tolerance", "0.2"]) == 0
    assert call(["compare", str(first), str(second), "--tolerance", "0.05"]) == 1


def test_a_predictor_is_exact(tmp_path):
    ls = fake_case("fake/ls", model=FakeLeastSquares())
    a = [fake_record(NAIVE, None, mse=0.02), fake_record(ls, None, mse=0.01)]
    b = [fake_record(NAIVE, None, mse=0.02 * (1 + 1e-12)), fake_record(ls, None, mse=0.0105)]
    changes, scores = compared(results(tmp_path / "a", a), results(tmp_path / "b", b))
    assert changes["fake/naive"].verdict is Verdict.NO_DIFFERENCE
    assert changes["fake/ls"].verdict is Verdict.WORSE_PAST
    assert changes["fake/ls"].exact
    assert scores.tested == 0
    assert compared(tmp_path / "a", tmp_path / "b", tolerance=0.1)[0]["fake/ls"].verdict is Verdict.WORSE
    assert compared(tmp_path / "b", tmp_path / "a")[0]["fake/ls"].verdict is Verdict.BETTER


def test_one_seed_tells_nothing(tmp_path):
    first, second = (results(tmp_path / n, runs(RNN, m, (42,))) for n, m in (("a", 0.003), ("b", 0.03)))
    changes, scores = compared(first, second)
    assert changes["fake/rnn"].verdict is Verdict.ONE_SEED
    assert not scores.regressed


def test_several_data_sets_are_the_units(tmp_path):
    """Model seeds within a data set are no further evidence on what another data set would give."""
    rng = np.random.default_rng(5)
    a, b = [], []
    effects = {1: 1.05, 2: 0.97, 3: 1.2, 4: 1.01}
    logs = []
    for data_seed, effect in effects.items():
        for seed in (42, 43, 44):
            base, wobble = 0.003 * np.exp(0.05 * rng.standard_normal(2))
            a += [fake_record(RNN, seed, data_seed=data_seed, mse=base)]
            b += [fake_record(RNN, seed, data_seed=data_seed, mse=base * effect * wobble / 0.003)]
            logs.append(np.log(effect * wobble / 0.003))
    changes, _ = compared(results(tmp_path / "a", a), results(tmp_path / "b", b))
    change = changes["fake/rnn"]
    means = np.reshape(logs, (4, 3)).mean(axis=1)
    assert (change.n, change.units) == (12, 4)
    assert change.compared.p_value == pytest.approx(stats.ttest_1samp(means, 0).pvalue)


def test_labels_are_compared_by_cross_entropy(tmp_path):
    case = fake_case("fake/strings", task="reber", recipe=Recipe())
    a = [fake_record(case, s, accuracy=1.0, cross_entropy=0.001 * w) for s, w in zip(SEEDS, noise(10), strict=True)]
    b = [fake_record(case, s, accuracy=1.0, cross_entropy=0.002 * w) for s, w in zip(SEEDS, noise(10), strict=True)]
    changes, _ = compared(results(tmp_path / "a", a), results(tmp_path / "b", b))
    assert changes["fake/strings"].metric.name == "cross_entropy"
    assert changes["fake/strings"].compared.ratio == pytest.approx(2)
    assert changes["fake/strings"].verdict is Verdict.WORSE_PAST


def strings(accuracies):
    case = fake_case("fake/strings", task="reber", recipe=Recipe())
    return [fake_record(case, seed, accuracy=float(v)) for seed, v in zip(SEEDS, accuracies, strict=True)]


@pytest.mark.parametrize("tables", [False, True])
def test_shares_are_compared_by_differences_and_more_is_better(tables, tmp_path, capsys):
    a = np.linspace(0.90, 0.945, 10)
    b = a - 0.03 + 0.002 * np.sin(np.arange(10))
    made = [strings(a), strings(b)]
    case = fake_case("fake/strings", task="reber", recipe=Recipe())
    first, second = (
        report(tmp_path / name, records, [case]) if tables else results(tmp_path / name, records)
        for name, records in zip("ab", made, strict=True)
    )
    changes, _ = compared(first, second, metric="accuracy")
    change, digits = changes["fake/strings"], 1e-4 if tables else 1e-9
    test = stats.ttest_rel(b, a)
    low, high = test.confidence_interval(0.95)
    assert change.metric.name == "accuracy"
    assert (change.a, change.b) == pytest.approx((a.mean(), b.mean()), rel=digits)
    assert change.compared.ratio == pytest.approx((b - a).mean(), rel=digits)
    assert (change.compared.low, change.compared.high) == pytest.approx((low, high), rel=digits)
    assert change.worst == pytest.approx((b - a).min(), rel=digits)
    assert change.verdict is Verdict.WORSE_PAST
    assert compared(first, second, metric="accuracy", tolerance=0.04)[0]["fake/strings"].verdict is Verdict.WORSE
    assert compared(second, first, metric="accuracy")[0]["fake/strings"].verdict is Verdict.BETTER
    assert call(["compare", str(first), str(second), "--metric", "accuracy"]) == 1
    printed = capsys.readouterr().out
    assert "B - A" in printed
    assert f"{100 * (b - a).mean():+.2f} points" in printed
    assert "by validation accuracy after the last epoch: means over common seeds" in printed


@pytest.fixture
def of_outside():
    """A metric that this package does not know: more is better, and real values have it."""
    name = "outside_skill"
    metric(name, *REAL, heading="skill", direction=Direction.HIGHER, scale=Scale.PLAIN)(lambda pair: 1.0)
    yield name
    metrics.remove(name)


def scored(records, name, values):
    return [
        r.model_copy(update={"scores": (*r.scores, Score("valid", "last", name, "", "", float(v)))})
        for r, v in zip(records, values, strict=True)
    ]


@pytest.mark.parametrize("tables", [False, True])
def test_a_metric_from_outside_is_compared_by_its_own_traits(tables, of_outside, tmp_path, capsys):
    values = 5 * noise(10, 1)
    first, second = (
        report(tmp_path / name, records, [RNN]) if tables else results(tmp_path / name, records)
        for name, records in (
            ("a", scored(runs(RNN, 0.003), of_outside, values)),
            ("b", scored(runs(RNN, 0.003), of_outside, 0.8 * values * noise(10, 2, 0.003))),
        )
    )
    changes, _ = compared(first, second, metric=of_outside)
    assert changes["fake/rnn"].compared.ratio == pytest.approx(-0.2 * values.mean(), rel=0.05)
    assert changes["fake/rnn"].verdict is Verdict.WORSE_PAST
    assert compared(second, first, metric=of_outside)[0]["fake/rnn"].verdict is Verdict.BETTER
    assert compared(first, second)[0]["fake/rnn"].metric.name == "mse"
    assert call(["compare", str(first), str(second), "--metric", of_outside, "--json"]) == 1
    (change,) = json.loads(capsys.readouterr().out)["changes"]
    assert (change["metric"], change["scale"]) == (of_outside, "plain")


def test_a_task_is_compared_by_the_metric_that_it_names(tmp_path):
    records = scored(runs(RNN, 0.003), "mae_of_mine", 5 * noise(10, 1))
    metric("mae_of_mine", *REAL, heading="my MAE", per_epoch=True, opt_in=True)(lambda pair: 1.0)
    try:
        task = replace(records[0].task, monitor="mae_of_mine")
        folder = results(tmp_path / "a", [r.model_copy(update={"task": task}) for r in records])
        assert compared(folder, folder)[0]["fake/rnn"].metric.heading == "my MAE"
    finally:
        metrics.remove("mae_of_mine")


def test_cases_without_the_metric_that_is_named_are_told(tmp_path, capsys):
    folder = results(tmp_path / "a", [*runs(RNN, 0.003), *strings(noise(10) / 2)])
    changes, scores = compared(folder, folder, metric="mae")
    assert set(changes) == {"fake/rnn"}
    assert scores.without == ("fake/strings",)
    assert call(["compare", str(folder), str(folder), "--metric", "mae"]) == 0
    assert "without a score in both: fake/strings" in capsys.readouterr().out


def test_a_run_that_is_lost_is_a_regression_and_named(tmp_path, capsys):
    a = runs(RNN, 0.003, (42, 43, 44))
    b = [*runs(RNN, 0.003, (42, 43)), fake_record(RNN, 44, status="crashed", reason="killed by SIGSEGV")]
    first, second = results(tmp_path / "a", a), results(tmp_path / "b", b)
    _, scores = compared(first, second)
    assert [str(run) for run in scores.lost] == ["fake/rnn seed 44 (data seed 42): crashed, killed by SIGSEGV"]
    assert scores.regressed
    assert call(["compare", str(first), str(second)]) == 1
    assert "lost in B: fake/rnn seed 44" in capsys.readouterr().out
    _, scores = compared(second, first)
    assert [run.seed for run in scores.gained] == [44]
    assert not scores.regressed


def test_a_diverged_run_is_lost_too(tmp_path):
    first = results(tmp_path / "a", runs(RNN, 0.003, (42, 43)))
    b = [*runs(RNN, 0.003, (42,)), fake_record(RNN, 43, status="diverged", reason="the loss is nan")]
    assert compared(first, results(tmp_path / "b", b))[1].regressed


def test_what_one_side_alone_has_is_counted_and_no_regression(tmp_path, capsys):
    first = results(tmp_path / "a", runs(RNN, 0.003, (42, 43, 44)) + runs(GRU, 0.003, (42,)))
    second = results(tmp_path / "b", runs(RNN, 0.003, (43, 44, 45)))
    changes, scores = compared(first, second)
    assert changes["fake/rnn"].n == 2
    assert scores.only_a == {"fake/rnn": 1, "fake/gru": 1}
    assert scores.only_b == {"fake/rnn": 1}
    assert call(["compare", str(first), str(second)]) == 0
    printed = capsys.readouterr().out
    assert "only in A: 2 runs of fake/gru, fake/rnn" in printed
    assert "only in B: 1 run of fake/rnn" in printed


def test_run_ids_may_differ_and_the_keys_that_do_are_named(tmp_path, capsys):
    faster = fake_case("fake/rnn", recipe=Recipe(learning_rate=0.01))
    first = results(tmp_path / "a", runs(RNN, 0.003 * noise(10)))
    second = results(tmp_path / "b", runs(faster, 0.003 * noise(10)))
    changes, _ = compared(first, second)
    assert changes["fake/rnn"].specs_differ == ("recipe.learning_rate: 0.001 -> 0.01",)
    assert call(["compare", str(first), str(second)]) == 0
    assert "specs differ (recipe.learning_rate: 0.001 -> 0.01): fake/rnn" in capsys.readouterr().out


def test_the_newest_spec_of_a_case_is_used_and_the_rest_counted(tmp_path):
    old = fake_case("fake/rnn", recipe=Recipe(epochs=2))
    records = [*runs(old, 0.009, ended_at="2026-01-01"), *runs(RNN, 0.003, ended_at="2026-01-03")]
    first = read_set(results(tmp_path / "a", records), "A")
    assert len(first.runs) == 10
    assert {scores["mse"] for scores in first.runs["scores"]} == {0.003}
    assert first.remarks == ("A: 10 runs of earlier specs are left out; each case is taken at its newest",)


def test_a_rerun_that_failed_does_not_hide_the_result_before_it(tmp_path):
    records = [
        fake_record(RNN, 42, mse=0.003, ended_at="2026-01-01"),
        fake_record(RNN, 42, status="timed_out", ended_at="2026-01-02"),
    ]
    first = read_set(results(tmp_path / "a", records), "A")
    assert list(first.runs["status"]) == ["done"]


def test_of_several_environments_the_one_with_most_runs_is_used_and_said(tmp_path, capsys):
    records = runs(RNN, 0.003, (42, 43)) + runs(RNN, 0.004, (42, 43, 44), environment=INTEL)
    folder = results(tmp_path / "a", records)
    most, other = INTEL.digest, ENVIRONMENT.digest
    assert read_set(folder, "A").remarks == (
        f"A: environment {most} (3 finished runs) stands for tensorflow on cpu; left out: {other} (2)",
    )
    named = read_set(folder, "A", environment=other[:5])
    assert {scores["mse"] for scores in named.runs["scores"]} == {0.003}
    assert named.remarks == ()
    assert call(["compare", str(folder), str(folder), "--environment-a", other, "--environment-b", most]) == 1
    assert "1.3333" in capsys.readouterr().out


def test_a_named_environment_brings_its_own_hosts_predictors(tmp_path):
    here = fake_record(NAIVE, None, mse=0.02, host="here")
    numpy_there = here.environment.model_copy(update={"cpu": "Intel Xeon"})
    there = [fake_record(NAIVE, None, mse=0.03, host="there", environment=numpy_there, ended_at="2020-01-01")]
    records = [here, *runs(RNN, 0.003, host="here"), *there, *runs(RNN, 0.004, host="there", environment=INTEL)]
    folder = results(tmp_path / "a", records)
    named = read_set(folder, "A", environment=INTEL.digest)
    assert set(named.runs["environment"]) == {INTEL.digest, numpy_there.digest}


def test_two_backends_of_one_folder(tmp_path):
    jax = ENVIRONMENT.model_copy(update={"backend": "jax", "backend_version": "0.10"})
    records = [
        *runs(RNN, 0.003 * noise(10)),
        *runs(RNN, 0.0031 * noise(10), backend="jax", environment=jax),
        fake_record(NAIVE, None, mse=0.02),
    ]
    folder = results(tmp_path / "a", records)
    first, second = read_set(folder, "A", backend="tensorflow"), read_set(folder, "B", backend="jax")
    changes = {c.case: c for c in compare_scores(first, second).changes}
    assert changes["fake/rnn"].compared.ratio == pytest.approx(0.0031 / 0.003)
    assert changes["fake/naive"].verdict is Verdict.SAME
    both = compare_scores(read_set(folder, "A"), read_set(folder, "B"))
    assert sorted(c.backend for c in both.changes) == ["jax", "numpy", "tensorflow"]
    assert {c.verdict for c in both.changes} == {Verdict.SAME}


def test_one_kind_of_device_against_another(tmp_path, capsys):
    h100 = ENVIRONMENT.model_copy(update={"device": "gpu", "device_name": "NVIDIA H100"})
    records = runs(RNN, 0.003 * noise(10)) + runs(RNN, 0.003 * noise(10), device="gpu:1", environment=h100)
    folder = results(tmp_path / "a", [*records, fake_record(NAIVE, None, mse=0.02)])
    cpu, gpu = read_set(folder, "A", device="cpu"), read_set(folder, "B", device="gpu")
    assert [c.case for c in compare_scores(cpu, gpu).changes] == ["fake/naive"]
    assert [c.n for c in compare_scores(cpu, standing_for(gpu, "cpu")).changes] == [10, 1]
    assert call(["compare", str(folder), str(folder), "--device", "cpu,gpu", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [c["verdict"] for c in found["changes"]] == ["same bits", "same bits"]


def test_a_report_is_compared_to_six_digits(tmp_path):
    values = 0.003 * noise(10)
    records = [*runs(RNN, values), fake_record(NAIVE, None, mse=0.0202114321)]
    folder, tables = results(tmp_path / "a", records), report(tmp_path / "r", records, [RNN, NAIVE])
    changes, _ = compared(folder, tables)
    assert {c.verdict for c in changes.values()} == {Verdict.SAME_DIGITS}
    assert [c.specs_differ for c in changes.values()] == [(), ()]
    changes, _ = compared(tables, tables)
    assert {c.verdict for c in changes.values()} == {Verdict.SAME_DIGITS}


def test_a_report_knows_which_recipe_differs(tmp_path):
    faster = fake_case("fake/rnn", recipe=Recipe(learning_rate=0.01, early_stopping_epochs=3))
    tables = report(tmp_path / "r", runs(faster, 0.003), [faster])
    changes, _ = compared(results(tmp_path / "a", runs(RNN, 0.003)), tables)
    assert set(changes["fake/rnn"].specs_differ) == {
        "recipe.learning_rate: 0.001 -> 0.01",
        "recipe.early_stopping_epochs: none -> 3",
    }


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["{a}", "{none}"], "is no set of results (there is no such folder)"),
        (["{a}", "{empty}"], "it holds neither records/ nor runs.csv"),
        (["{a}", "{gru}"], "A and B have no run in common (fake/rnn and fake/gru)"),
        (["{a}", "{a}", "--environment-b", "ffffffff"], "B has no one environment 'ffffffff'; known: "),
        (["{a}", "{a}", "--backend-a", "tensorflo"], "A has no run of backend 'tensorflo'; did you mean tensorflow?"),
        (["{a}", "{a}", "--device", "cpu,gpu,cpu"], "expected one kind of device, or A's and B's"),
        (["{a}", "{a}", "--tolerance", "-1"], "tolerance"),
        (["{a}", "{bad}"], "cannot read"),
        (["{a}", "{a}", "--metric", "mes"], "no case has a score by metric 'mes' in both A and B; did you mean mse"),
        (["{a}", "{a}", "--metric", "mse_per_step"], "no case has a score by metric 'mse_per_step'"),
    ],
)
def test_bad_input_is_one_line(arguments, complaint, tmp_path, capsys):
    results(tmp_path / "a", runs(RNN, 0.003))
    results(tmp_path / "gru", runs(GRU, 0.003))
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "runs.csv").write_text("")
    places = {name: tmp_path / name for name in ("a", "gru", "empty", "bad", "none")}
    assert call(["compare", *(text.format(**places) for text in arguments)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert complaint in printed.err


def test_a_set_without_a_folder_is_named(tmp_path):
    with pytest.raises(BenchError, match=r"nowhere is no set of results"):
        read_set(Path(tmp_path / "nowhere"), "A")


def test_json_holds_no_infinities(tmp_path, capsys):
    first = results(tmp_path / "a", [fake_record(NAIVE, None, mse=0.0)])
    second = results(tmp_path / "b", [fake_record(NAIVE, None, mse=0.01)])
    assert call(["compare", str(first), str(second), "--json"]) == 1
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert found["regressed"]
    assert found["changes"][0]["worst"] is None


def test_the_default_tolerance_is_one_number():
    assert inspect.signature(cli_compare.compare).parameters["tolerance"].default == TOLERANCE


def test_a_record_of_the_first_schema_is_compared_by_todays_names(tmp_path):
    text = (Path(__file__).parent / "golden" / "record_schema_1.json").read_text()
    record, key = read_record(text)
    assert key != record.key
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / f"{key}.json").write_text(text)
    (change,) = compared(tmp_path, tmp_path)[1].changes
    assert (change.verdict, change.specs_differ) == (Verdict.SAME, ())
    assert change.a == pytest.approx(record.score(change.metric.name))


def test_a_score_that_became_no_number_is_lost(tmp_path, capsys):
    first = results(tmp_path / "a", runs(RNN, (0.003, 0.0031, 0.0029), (42, 43, 44)))
    second = results(tmp_path / "b", runs(RNN, (0.003, float("nan"), float("inf")), (42, 43, 44)))
    _, scores = compared(first, second)
    assert [str(lost) for lost in scores.lost] == [
        f"fake/rnn seed {seed} (data seed 42): its score is no finite number" for seed in (43, 44)
    ]
    assert call(["compare", str(first), str(second)]) == 1
    assert "lost in B: fake/rnn seed 43" in capsys.readouterr().out
    assert call(["compare", str(second), str(first)]) == 0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("a", "b", "verdict", "shown"),
    [
        ((0.0, 0.0, 0.0), (0.1, 0.11, 0.12), Verdict.WORSE_PAST, "∞"),
        ((0.1, 0.11, 0.12), (0.0, 0.0, 0.0), Verdict.BETTER, "0.0000"),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), Verdict.SAME, "1.0000"),
        ((1e40, 1.1e40, 1.05e40), (1e-310, 1.1e-310, 1.05e-310), Verdict.BETTER, "0.0000"),
        ((0.0, 0.1, 0.1), (0.1, 0.0, 0.1), Verdict.NO_DIFFERENCE, "–"),
        ((-1.0, -1.1, -0.9), (-2.0, -2.1, -1.9), Verdict.BETTER, "-1"),
    ],
)
def test_odd_scores_are_compared(a, b, verdict, shown, tmp_path, capsys):
    made = [[fake_record(RNN, s, mse=abs(v)) for s, v in enumerate(values, start=42)] for values in (a, b)]
    if a[0] < 0:
        made = [
            [r.model_copy(update={"scores": tuple(s._replace(value=-s.value) for s in r.scores)}) for r in records]
            for records in made
        ]
    folders = [results(tmp_path / name, records) for name, records in zip("ab", made, strict=True)]
    changes, _ = compared(*folders)
    assert changes["fake/rnn"].verdict is verdict
    call(["compare", *map(str, folders)])
    table = capsys.readouterr().out
    (line,) = [line for line in table.splitlines() if "fake/rnn" in line and "│" in line]
    assert shown in [cell.strip() for cell in line.split("│")]


@pytest.mark.parametrize(
    ("value", "form", "shown"),
    [
        (-1e-38, "+.2f", "+0.00"),
        (1e-38, "+.2f", "+0.00"),
        (-0.0, ".4g", "0"),
        (-0.5, "+.2f", "-0.50"),
        (-1e-9, ".4f", "0.0000"),
    ],
)
def test_no_zero_is_shown_below_zero(value, form, shown):
    assert cli_compare._number(value, form) == shown


def ranked(folder):
    """Let a report say that its suite ranks by the best epoch."""
    about = folder / "about.csv"
    about.write_text(about.read_text(encoding="utf-8").replace("rank,last", "rank,best"), encoding="utf-8")
    return folder


def test_what_ranks_is_compared_as_the_reports_say_or_as_is_asked(tmp_path, capsys):
    """B's last epoch on validation is as A's, its best epoch on test is worse by half."""
    good, bad = (runs(RNN, 0.003 * noise(10)) for _ in range(2))
    worse = [[s._replace(value=1.5 * s.value) if s.split == "test" else s for s in r.scores] for r in bad]
    bad = [r.model_copy(update={"scores": tuple(s)}) for r, s in zip(bad, worse, strict=True)]
    a, b = report(tmp_path / "a", good, [RNN]), report(tmp_path / "b", bad, [RNN])
    assert call(["compare", str(a), str(b)]) == 0
    assert "by validation MSE after the last epoch: geometric" in capsys.readouterr().out
    assert call(["compare", str(a), str(b), "--rank", "best"]) == 1
    assert "by test MSE of the best epoch: geometric" in capsys.readouterr().out
    assert call(["compare", str(a), str(ranked(b))]) == 2
    assert "b ranks by the best epoch" in capsys.readouterr().err
    assert call(["compare", str(ranked(a)), str(b)]) == 1
    assert call(["compare", str(a), str(b), "--rank", "worst"]) == 2
    assert "--rank 'worst': known: last, best" in capsys.readouterr().err


def test_records_alone_are_compared_after_the_last_epoch_unless_asked_otherwise(tmp_path, capsys):
    a = results(tmp_path / "a", runs(RNN, 0.003 * noise(10)))
    assert call(["compare", str(a), str(a)]) == 0
    assert "validation MSE after the last epoch" in capsys.readouterr().out
    assert call(["compare", str(a), str(a), "--rank", "best"]) == 0
    assert "test MSE of the best epoch" in capsys.readouterr().out
