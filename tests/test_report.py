"""The report: its texts, what it selects, and that it is written whole or not at all."""

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from bench import frames
from bench.cases.base import Case
from bench.errors import BenchError
from bench.metrics.base import metrics
from bench.metrics.traits import Direction, Scale, Traits
from bench.plan import Plan, Skip
from bench.recipe import Recipe
from bench.record import Score
from bench.report import build, markdown
from bench.report.amounts import difference, spread
from bench.report.build import build_report, check_report, render_report
from bench.report.markdown import escape
from bench.report.results import Results
from bench.stats import Interval, Ratio
from bench.task import TargetKind, Task
from bench.text.markdown import anchor
from tests.chapter_fakes import chapter_like
from tests.fakes import (
    ENVIRONMENT,
    ODD_POSITIONS,
    FakeLeastSquares,
    FakeNaive,
    FakeNetwork,
    FakeWaves,
    fake_case,
    fake_plan,
    fake_record,
    fake_spec,
)
from tests.report_fakes import GRU, NAIVE, RNN, SQUARES, golden, report_of, trouble

ERROR = Traits("mse", "MSE")
SHARE = Traits("accuracy", "accuracy", Direction.HIGHER, Scale.PLAIN, unit="%")


def test_a_report_of_troubled_runs_reads_as_agreed(tmp_path: Path) -> None:
    golden("report_trouble.md", report_of(trouble(), tmp_path))


def test_a_report_without_any_result_still_says_why(tmp_path: Path) -> None:
    text = report_of(fake_plan([RNN], [fake_record(RNN, 42, status="failed")]), tmp_path)
    assert "0 of 3 runs gave a result: RNN seed 42 failed (out of memory); 2 runs not recorded yet" in text
    assert "No model has a score yet" in text


def test_nothing_to_report_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no records to report; run it first"):
        build_report(fake_plan([RNN], []), tmp_path)
    with pytest.raises(BenchError, match="known: "):
        build_report(fake_plan([RNN], [fake_record(RNN)]), tmp_path, environment="feedbeef")
    assert not list(tmp_path.iterdir())


def test_one_environment_is_chosen_and_the_others_counted(tmp_path: Path) -> None:
    other = ENVIRONMENT.model_copy(update={"cpu": "Xeon"})
    records = [
        fake_record(RNN, 42, mse=0.01, ended_at="2026-01-01"),
        fake_record(RNN, 43, mse=0.01, ended_at="2026-01-01"),
        fake_record(RNN, 42, mse=0.5, environment=other, host="b", ended_at="2026-01-02"),
        fake_record(RNN, 44, status="crashed", environment=other.model_copy(update={"cpu": ""}), host="fake-host"),
        fake_record(RNN, 44, status="failed", environment=other, host="b", ended_at="2026-01-02"),
    ]
    plan = fake_plan([RNN], records)
    chosen = frames.select(plan)
    assert [r.status for r in chosen.records] == ["done", "done", "crashed"]
    assert chosen.left_out == 1
    assert [r.score("mse") for r in chosen.records[:2]] == [0.01, 0.01]
    named = frames.select(plan, other.digest)
    assert [(r.status, r.spec.model_seed) for r in named.records] == [("done", 42), ("failed", 44)]
    assert "1 record of other environments was left out" in report_of(plan, tmp_path)


def test_the_newest_finished_attempt_counts() -> None:
    records = [
        fake_record(RNN, 42, mse=0.03, ended_at="2026-01-01"),
        fake_record(RNN, 42, mse=0.01, attempt=2, ended_at="2026-01-02"),
        fake_record(RNN, 42, status="failed", attempt=3, ended_at="2026-01-03"),
    ]
    assert [r.attempt for r in frames.select(fake_plan([RNN], records)).records] == [2]


def test_two_unlike_cards_of_one_machine_are_both_shown() -> None:
    cards = {
        name: ENVIRONMENT.model_copy(update={"device": "gpu", "device_name": card})
        for name, card in (("gpu", "H100"), ("gpu:1", "A100"))
    }
    records = [fake_record(RNN, 42, mse=0.01, device=name, environment=e) for name, e in cards.items()]
    chosen = frames.select(fake_plan([RNN], records, devices=tuple(cards)))
    assert {r.environment.device_name for r in chosen.records} == {"H100", "A100"}
    assert chosen.left_out == 0


def test_related_reports_are_linked_to(tmp_path: Path) -> None:
    plan = fake_plan([RNN], [fake_record(RNN, 42, mse=0.01)])
    build_report(plan, tmp_path, figures=False, related={"other": "Does it | hold?"})
    text = render_report(tmp_path, figures=False).read_text(encoding="utf-8")
    assert "\nOther reports: [other](../other/README.md): Does it \\| hold?\n" in text
    assert "Other reports" not in report_of(plan, tmp_path)


def test_a_recipe_field_that_one_row_alone_sets_is_its_difference(tmp_path: Path) -> None:
    patient = fake_case("fake/lstm", task="ten_steps", label="LSTM", recipe=Recipe(early_stopping_epochs=3))
    records = [fake_record(case, s, mse=m) for case, m in ((RNN, 0.01), (patient, 0.02)) for s in (42, 43)]
    text = report_of(fake_plan([RNN, patient], records), tmp_path)
    lines = text[text.index("### Table 2") :].splitlines()
    first = [line.split("|") for line in lines if re.match(r"\| \S+ +\| (RNN|LSTM) ", line)][:2]
    rows = {cells[2].strip(): cells[-2].strip() for cells in first}
    assert rows == {"RNN": "usual", "LSTM": "patience 3"}
    assert "patience none; the last column shows what differs" in text


def test_devices_stand_in_rows_of_their_own(tmp_path: Path) -> None:
    plan = chapter_like(seeds=(42,), devices=("cpu", "gpu"))
    text = report_of(plan, tmp_path)
    assert "LSTM (gpu)" in text
    assert "LSTM (cpu)" in text
    assert "NVIDIA H100 80GB beside AMD EPYC 7B13" in text


def test_text_from_data_cannot_break_a_table() -> None:
    assert markdown.escape("a|b\nc") == r"a\|b c"
    assert markdown.escape("*x* `y` [z](u) <b>") == r"\*x\* \`y\` \[z\](u) &lt;b&gt;"
    assert markdown.escape("seq2seq_rnn _x_") == r"seq2seq_rnn \_x\_"


def test_every_table_row_has_as_many_cells_as_its_header(tmp_path: Path) -> None:
    for table in re.findall(r"(?:^\|.*\n)+", report_of(trouble(), tmp_path), flags=re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_links_to_tables_meet_their_headings(tmp_path: Path) -> None:
    text = report_of(chapter_like(), tmp_path)
    anchors = {anchor(h) for h in re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)}
    linked = set(re.findall(r"\]\(#([^)]*)\)", text))
    assert linked
    assert linked <= anchors


def test_without_figures_none_is_linked_and_the_csvs_alone_rebuild_it(tmp_path: Path) -> None:
    text = report_of(trouble(), tmp_path)
    assert "figures/" not in text
    assert render_report(tmp_path, figures=False).read_text(encoding="utf-8") == text


def test_a_crash_midway_leaves_the_old_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "README.md").write_text("old", encoding="utf-8")

    def fail(*_: object) -> str:
        raise RuntimeError("midway")

    monkeypatch.setattr(build, "render_text", fail)
    with pytest.raises(RuntimeError):
        build_report(trouble(), tmp_path, figures=False)
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == "old"
    assert not list(tmp_path.glob(".*"))


def test_a_strided_model_is_marked_and_does_not_rank(tmp_path: Path) -> None:
    conv = fake_case("fake/conv", task="every_step", label="conv", model=FakeNetwork(kind="conv"))
    seeds = range(42, 47)
    records = [fake_record(conv, s, mse=0.01, mse_odd_positions=0.01, positions=ODD_POSITIONS) for s in seeds]
    records += [fake_record(GRU, s, mse=s / 2000, mse_odd_positions=s / 2200) for s in seeds]
    plan = fake_plan([conv, GRU], records, seeds)
    assert [board.key for board in results_of(plan, tmp_path).leading()] == ["common_1", "every_step"]
    text = report_of(plan, tmp_path)
    assert re.search(r"^\| – +\| conv ‡", text, flags=re.MULTILINE)
    assert "‡ Scored on positions 3, 5, ..., 49 alone, counted from 0, which may be the easier ones" in text
    last = text.index("## Table 1. Steps 50-59")
    assert re.search(r"^\| 1 +\| conv +\|", text[last:], flags=re.MULTILINE), "its last position ranks"


def test_windows_are_those_of_the_data_set_that_is_described(tmp_path: Path) -> None:
    class Short(FakeWaves):
        name = "fake_short"

    short = replace(fake_case("fake/short", label="short"), dataset=Short(asks="ten_steps"))
    small = fake_record(short, 42, mse=0.02).model_copy(update={"windows": {"train": 70, "valid": 20, "test": 10}})
    text = report_of(fake_plan([RNN, SQUARES, short], [fake_record(RNN, 42, mse=0.01), small]), tmp_path)
    assert "Windows: 7,000 train, 2,000 valid, 1,000 test." in text
    assert "other data seeds" not in text


def results_of(plan: Plan, folder: Path) -> Results:
    build_report(plan, folder, figures=False)
    return Results(frames.read_frames(folder))


def test_rows_that_do_not_rank_stand_last(tmp_path: Path) -> None:
    results = results_of(trouble(), tmp_path)
    for board in results.leaderboards:
        ranked = [r.name for r in board.ranked]
        assert [r.name for r in board.rows][: len(ranked)] == ranked
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    (leaks,) = re.findall(r"^\| – +\| naive \(as printed\) †.*$", text, flags=re.MULTILINE)[:1]
    header = next(line for line in text[: text.index(leaks)].splitlines()[::-1] if line.startswith("| rank"))
    cells = dict(zip(*([cell.strip() for cell in line.split("|")] for line in (header, leaks)), strict=True))
    assert (cells["skill"], cells["× floor"]) == ("–", "–")


def test_the_same_predictor_on_two_tasks_is_one_row_of_the_common_table(tmp_path: Path) -> None:
    every = fake_case("fake/naive_every", task="every_step", label="naive", model=FakeNaive())
    other = fake_case("fake/ls_every", task="every_step", label="least squares", model=FakeLeastSquares())
    records = [
        fake_record(NAIVE, None, mse=0.25),
        fake_record(every, None, mse=0.26, last_time_step_mse=0.25),
        fake_record(SQUARES, None, mse=0.0155),
        fake_record(other, None, mse=0.03, last_time_step_mse=0.0170),
        *(fake_record(RNN, s, mse=0.01 + s / 1e5) for s in (42, 43, 44)),
    ]
    (common,) = results_of(fake_plan([NAIVE, every, SQUARES, other, RNN], records), tmp_path).commons
    names = ["RNN", "least squares (ten steps)", "least squares (every step)", "naive"]
    assert [r.name for r in common.rows] == names


def test_where_tasks_have_one_position_alone_the_metric_keeps_its_name(tmp_path: Path) -> None:
    class Longer(FakeWaves):
        """The same ten steps, from another task."""

        name = "fake_longer"

        def task(self) -> Task:
            return replace(super().task(), name="ten_steps_longer")

    longer = replace(fake_case("fake/longer", label="longer"), dataset=Longer(asks="ten_steps"))
    records = [fake_record(RNN, 42, mse=0.01), fake_record(longer, 42, mse=0.02)]
    (common,) = results_of(fake_plan([RNN, longer], records), tmp_path).commons
    assert (common.metric.name, common.metric.heading) == ("last_time_step_mse", "MSE")
    assert "\nOne question, in ten steps and ten steps longer.\n" in (tmp_path / "README.md").read_text(
        encoding="utf-8"
    )


class Far(FakeWaves):
    """A thousand steps ahead, with their mean absolute errors."""

    name = "fake_far"

    def task(self) -> Task:
        """Return the question."""
        return replace(super().task(), name="far", horizon=1000, metrics=("mae_per_step",), question="")


def test_of_many_steps_a_report_has_some(tmp_path: Path) -> None:
    far = replace(fake_case("fake/far", label="far"), dataset=Far(asks="ten_steps"))
    record = fake_record(fake_case("fake/far", task="ten_steps"), 42, mse=0.01)
    steps = tuple(Score("valid", "last", "mae_per_step", "step", str(i), i / 1000) for i in range(1, 1001))
    record = record.model_copy(
        update={"spec": fake_spec(far), "task": far.task, "scores": (*record.scores, *steps), "sample": None}
    )
    text = report_of(fake_plan([far], [record.model_copy(update={"run_id": record.spec.run_id})]), tmp_path)
    shown = re.findall(r"^\| (\d+) +\| +([01]\.\d+) \|$", text, flags=re.MULTILINE)
    assert [int(step) for step, _ in shown] == [1, 92, 183, 273, 364, 455, 546, 637, 728, 818, 909, 1000]
    assert all(float(value) == pytest.approx(int(step) / 1000) for step, value in shown)
    assert "Mean over runs, last epoch. 12 of 1000 steps; more in `scores.csv`." in text
    own = pd.read_csv(tmp_path / "scores.csv").query("metric == 'mae_per_step'")["index"].astype(int)
    assert (len(own), own.min(), own.max()) == (100, 1, 1000)


def test_wall_time_stands_where_runs_followed_each_other(tmp_path: Path) -> None:
    records = [fake_record(RNN, 42), fake_record(RNN, 43)]
    assert "4 min from first start to last end" in report_of(fake_plan([RNN], records), tmp_path)
    late = records[1].provenance.model_copy(
        update={"started_at": "2026-01-02T05:00:00Z", "ended_at": "2026-01-02T05:01:00Z"}
    )
    records[1] = records[1].model_copy(update={"provenance": late})
    text = report_of(fake_plan([RNN], records), tmp_path)
    assert re.search(r"of run time\.$", text, re.MULTILINE)


def test_a_skipped_case_stands_with_its_reason_and_is_counted(tmp_path: Path) -> None:
    skip = Skip(fake_case("fake/pairs", task="reber", label="pair | of words"), "it forecasts real values alone")
    plan = replace(fake_plan([RNN], [fake_record(RNN, 42, mse=0.01)]), skips=(skip,))
    text = report_of(plan, tmp_path)
    assert re.search(
        r"^\| pair \\\| of words +\| reber +\| fake_network +\| it forecasts real values", text, re.MULTILINE
    )
    last = next(line for line in text.splitlines() if "**Runs.**" in line)
    assert "; 1 case [skipped](#table-" in last
    assert "skipped" not in report_of(replace(plan, skips=()), tmp_path)


def test_a_metric_that_a_suite_names_has_a_column_and_says_what_it_is(tmp_path: Path) -> None:
    plan = fake_plan([RNN, SQUARES], [fake_record(RNN, s, mse=0.01) for s in (42, 43)])
    text = report_of(replace(plan, suite=plan.suite.model_copy(update={"metrics": ["mae"]})), tmp_path)
    header, _, first = text[text.index("| rank", text.index("### Table 2")) :].splitlines()[:3]
    place = [cell.strip() for cell in header.split("|")].index("MAE")
    assert first.split("|")[place].strip() == "0.08000"
    assert "\n*MAE*: Mean absolute error over all windows" in text
    assert "MAE" not in report_of(plan, tmp_path)


def test_the_report_names_no_metric(tmp_path: Path) -> None:
    known = {name for name in metrics.names() if name != "accuracy"}  # a word of running text, too
    folder = Path(build.__file__).parent
    texts = {file: file.read_text(encoding="utf-8") for file in folder.rglob("*.py")}
    found = {(file.name, name) for file, text in texts.items() for name in known if re.search(rf"\b{name}\b", text)}
    assert not found


def test_a_task_is_described_from_what_its_dataset_says(tmp_path: Path) -> None:
    text = report_of(trouble(), tmp_path)
    assert (
        "Fake steps after a window. Split by series, 70/20/10 %. A window has 50 steps of 1 value; "
        "the forecast is the 10 steps after it. Windows: 7,000 train, 2,000 valid, 1,000 test. An epoch trains on 6,976"
        in text
    )


def test_numbers_have_as_many_digits_as_they_know() -> None:
    assert spread(Interval(0.002737, 0.002512, 0.002983, 10), ERROR) == "0.002737 [0.00251, 0.00298]"
    assert spread(Interval(0.1217, None, None, 1), ERROR) == "0.1217"
    assert spread(None, ERROR) == "–"
    assert markdown.effect(Ratio(1.119, 0.968, 1.302)) == "1.12 [0.97, 1.30]"
    assert markdown.effect(Ratio(12.4, None, None)) == "12"
    assert markdown.effect(Ratio(2.0, 2.0, 2.0)) == "2.0"
    assert difference(Ratio(-0.012, -0.02, -0.004), SHARE) == "-1.20 [-2.00, -0.40]"
    assert spread(Interval(0.9952, 0.9868, 1.0036, 3), SHARE) == "99.52 % [98.68, 100.00]"
    assert spread(Interval(0.5, None, None, 1), SHARE, exact=True) == "50.00 %"
    assert markdown.between([0.5]) == "50.0 %"


class FakeAsking(FakeWaves):
    """A dataset whose task has any name."""

    name = "fake_asking"
    called: str

    def task(self) -> Task:
        return Task(self.called, TargetKind.LAST_STEP, 50)


ODD_TASKS = ("throughput", "common_1", "a b/c ../d", "A b/c ../d", "t", "t_by_day", "../../x", "board")


@pytest.mark.variant  # of the odd names of test_names
def test_names_of_tasks_meet_neither_each_other_nor_sections_and_stay_in_the_folder(tmp_path: Path) -> None:
    cases = [
        Case(FakeAsking(called=task), FakeNetwork(kind=task), label=f"net of {i}", name=f"odd/{i}")
        for i, task in enumerate(ODD_TASKS)
    ]
    records = [fake_record(case, seed, mse=0.01) for case in cases for seed in (42, 43)]
    folder = tmp_path / "reports" / "odd"
    text = build_report(fake_plan(cases, records, (42, 43)), folder).read_text(encoding="utf-8")
    headings = [line for line in text.splitlines() if line.startswith("## Table ")]
    assert len(headings) == len(set(headings))
    for i, task in enumerate(ODD_TASKS):
        shown = escape(task.replace("_", " ").capitalize())
        own = text.partition(f". {shown}\n")[2].partition("\n## ")[0]
        assert own.count(f"| net of {i} ") == 2 or task.lower() == "a b/c ../d", task
    links = re.findall(r"\]\((figures/[^)]*)\)", text)
    assert len(links) == len(set(links)) >= 2 * len(ODD_TASKS)
    assert all((folder / link).is_file() and re.fullmatch(r"figures/[\w.-]+", link) for link in links)
    assert all(path.is_relative_to(folder) for path in tmp_path.rglob("*") if path.is_file())
    assert check_report(folder) == []
