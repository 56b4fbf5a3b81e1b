import os
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import pytest

from bench import frames
from bench.cases.base import Case, Erratum, Published
from bench.errors import BenchError
from bench.plan import Plan
from bench.recipe import Recipe
from bench.report import build, markdown, style
from bench.report.build import build_report, render_report, select
from bench.report.findings import LIMIT, findings
from bench.report.summary import Results
from bench.report.tables import all_tables
from bench.stats import Interval, Ratio
from tests.fakes import (
    ENVIRONMENT,
    FakeLeastSquares,
    FakeNaive,
    FakeNetwork,
    FakePeek,
    chapter_like,
    fake_case,
    fake_plan,
    fake_record,
)

GOLDEN = Path(__file__).parent / "golden"
NAIVE = fake_case("fake/naive", task="ten_steps", label="naive", model=FakeNaive())
PEEK = fake_case(
    "fake/naive_as_printed",
    task="ten_steps",
    label="naive (as printed)",
    model=FakePeek(),
    published=Published(valid_mse=0.005),
    errata=(Erratum(1, "it peeks at the answer", "as printed"),),
)
FAIR = fake_case(
    "fake/naive_fair",
    task="ten_steps",
    label="naive, fair",
    model=FakeNaive(),
    errata=(Erratum(1, "it peeks at the answer", "corrected"),),
)
SQUARES = fake_case("fake/least_squares", task="ten_steps", label="least squares", model=FakeLeastSquares())
RNN = fake_case("fake/rnn", task="ten_steps", label="RNN", published=Published(valid_mse=0.0101))
GRU = fake_case("fake/gru", task="every_step", label="GRU", recipe=Recipe(learning_rate=0.01))
LSTM = fake_case("fake/lstm", task="every_step", label="LSTM", published=Published(valid_mse=0.05))
ODD = fake_case("fake/odd", task="ten_steps", label="odd | name\n*bold* <b>")


def golden(name: str, text: str) -> None:
    """Hold text to a file; UPDATE_GOLDEN=1 writes the file anew, to be read before it is kept."""
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def trouble() -> Plan:
    """Return a plan with a tie, a failed, a diverged and a missing run, a stuck seed and an odd name."""
    records = [
        fake_record(NAIVE, None, mse=0.25),
        fake_record(PEEK, None, mse=0.2),
        fake_record(FAIR, None, mse=0.25),
        fake_record(SQUARES, None, mse=0.0155),
        *(fake_record(RNN, s, mse=m) for s, m in ((42, 0.010), (43, 0.0104), (44, 0.0102))),
        *(
            fake_record(GRU, s, mse=2 * m, last_time_step_mse=m, windows_per_s=20_000)
            for s, m in ((42, 0.0101), (43, 0.0103))
        ),
        fake_record(GRU, 44, status="diverged", reason="loss is not finite in epoch 3"),
        *(fake_record(LSTM, s, mse=m, last_time_step_mse=m, windows_per_s=9_000) for s, m in ((42, 0.02), (43, 0.021))),
        fake_record(LSTM, 44, mse=0.2, last_time_step_mse=0.2, cpu_over_wall=0.5),
        fake_record(ODD, 42, status="failed", reason="bad | pipe\nsecond line"),
        fake_record(ODD, 43, mse=0.03),
    ]
    return fake_plan([NAIVE, PEEK, FAIR, SQUARES, RNN, GRU, LSTM, ODD], records, title="Trouble | everywhere")


def report_of(plan: Plan, folder: Path) -> str:
    return build_report(plan, folder, figures=False).read_text(encoding="utf-8")


def sentences(plan: Plan, folder: Path) -> list[str]:
    build_report(plan, folder, figures=False)
    results = Results(frames.read_frames(folder))
    return findings(results, all_tables(results))


def test_a_report_of_troubled_runs_reads_as_agreed(tmp_path: Path) -> None:
    golden("report_trouble.md", report_of(trouble(), tmp_path))


def test_findings_of_a_suite_like_the_chapter_read_as_agreed(tmp_path: Path) -> None:
    made = sentences(chapter_like(), tmp_path)
    assert len(made) == LIMIT
    assert all(re.search(r"\[Table \d+\]\(#", sentence) for sentence in made)
    golden("findings_chapter_like.md", "\n".join(made) + "\n")


def test_findings_with_one_seed_claim_nothing(tmp_path: Path) -> None:
    records = [fake_record(RNN, 42, mse=0.01), fake_record(GRU, 42, mse=0.02, last_time_step_mse=0.009)]
    golden("findings_one_seed.md", "\n".join(sentences(fake_plan([RNN, GRU], records, (42,)), tmp_path)) + "\n")


def test_many_tables_still_give_seven_findings_and_the_failures_last(tmp_path: Path) -> None:
    cases = [fake_case(f"fake/m{i}", task="next_step", label=f"m{i}") for i in range(9)]
    records = [
        fake_record(case, seed, mse=0.01).model_copy(
            update={"task": {"name": f"task_{i}", "target": "last_step", "horizon": 1, "question": ""}}
        )
        for i, case in enumerate(cases)
        for seed in (42, 43)
    ]
    made = sentences(fake_plan(cases, records, (42, 43, 44)), tmp_path)
    assert len(made) == LIMIT
    assert "further tables" in made[-2]
    assert made[-1].startswith("**Runs.** 18 of 27 planned runs")


def test_an_exact_tie_is_called_level(tmp_path: Path) -> None:
    records = [fake_record(NAIVE, None, mse=0.25), fake_record(FAIR, None, mse=0.25)]
    assert "Naive leads" in (made := sentences(fake_plan([NAIVE, FAIR], records), tmp_path))[0]
    assert "level with naive, fair" in made[0]


def test_a_report_without_any_result_still_says_why(tmp_path: Path) -> None:
    text = report_of(fake_plan([RNN], [fake_record(RNN, 42, status="failed")]), tmp_path)
    assert (
        "0 of 3 planned runs ended with a result: RNN seed 42 failed (out of memory); 2 runs not recorded yet" in text
    )
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
    chosen = select(plan)
    assert [r.status for r in chosen.records] == ["done", "done", "crashed"]
    assert chosen.left_out == 1
    assert [r.scores_last["valid"]["mse"] for r in chosen.records[:2]] == [0.01, 0.01]
    named = select(plan, other.digest)
    assert [(r.status, r.spec.model_seed) for r in named.records] == [("done", 42), ("failed", 44)]
    assert "1 record of other environments was left out" in report_of(plan, tmp_path)


def test_the_newest_finished_attempt_counts() -> None:
    records = [
        fake_record(RNN, 42, mse=0.03, ended_at="2026-01-01"),
        fake_record(RNN, 42, mse=0.01, attempt=2, ended_at="2026-01-02"),
        fake_record(RNN, 42, status="failed", attempt=3, ended_at="2026-01-03"),
    ]
    assert [r.attempt for r in select(fake_plan([RNN], records)).records] == [2]


def test_devices_stand_in_rows_of_their_own(tmp_path: Path) -> None:
    plan = chapter_like(devices=("cpu", "gpu"))
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
    anchors = {markdown.slug(h) for h in re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)}
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


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a report with figures, made once."""
    folder = tmp_path_factory.mktemp("drawn")
    build_report(trouble(), folder)
    return folder


def test_every_linked_figure_exists_as_svg_and_png(drawn: Path) -> None:
    text = (drawn / "README.md").read_text(encoding="utf-8")
    linked = re.findall(r"\((figures/[^)]*\.svg)\)", text)
    assert len(linked) >= 5
    for path in linked:
        assert (drawn / path).stat().st_size > 1000
        assert 1000 < (drawn / path).with_suffix(".png").stat().st_size < 300_000


def test_figures_come_out_the_same_twice(drawn: Path, tmp_path: Path) -> None:
    build_report(trouble(), tmp_path)
    first = {p.name: p.read_bytes() for p in (drawn / "figures").iterdir()}
    assert {p.name: p.read_bytes() for p in (tmp_path / "figures").iterdir()} == first
    assert not any(b"<dc:date>" in content for content in first.values())


def test_figures_of_an_earlier_report_go(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "old.svg").write_text("")
    build_report(fake_plan([RNN], [fake_record(RNN, 42)], (42,)), tmp_path)
    assert not (tmp_path / "figures" / "old.svg").exists()


def test_a_model_has_its_colour_in_every_figure(drawn: Path) -> None:
    labels = [(c.label, c.model.trained) for c in trouble().cases]
    colours = style.looks(labels)
    assert style.looks(reversed(labels)) == colours
    for name in ("scores_common_1", "steps_common_1", "curves_every_step", "speed_common_1"):
        assert colours["LSTM"].colour in (drawn / "figures" / f"{name}.svg").read_text(encoding="utf-8")


def test_colours_of_a_large_suite_differ() -> None:
    made = style.looks((f"case{i:02}", True) for i in range(28))
    assert len({look.colour for look in made.values()}) == 28
    many = style.looks((f"case{i:02}", True) for i in range(80))
    assert len({(look.colour, str(look.dashes)) for look in many.values()}) >= 56


def test_drawing_leaves_the_global_style_alone(tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    build_report(fake_plan([RNN], [fake_record(RNN, 42)], (42,)), tmp_path)
    assert dict(mpl.rcParams) == before


def test_labels_spread_out_without_changing_order() -> None:
    made = style.spread_out([0.5, 0.5, 0.52, 0.9], 0.1, 0.0, 1.0)
    assert made == sorted(made)
    assert min(b - a for a, b in pairwise(made)) >= 0.1 - 1e-9
    assert style.spread_out([0.0, 1.0], 0.1, 0.0, 1.0) == [0.0, 1.0]
    crowded = style.spread_out([0.5] * 21, 0.1, 0.0, 1.0)
    assert min(crowded) >= -1e-9
    assert max(crowded) <= 1 + 1e-9


def test_a_strided_model_is_marked_and_does_not_rank(tmp_path: Path) -> None:
    conv = fake_case("fake/conv", task="every_step", label="conv", model=FakeNetwork(kind="conv"))
    records = [fake_record(conv, s, mse=0.01, mse_odd_positions=0.01) for s in (42, 43)]
    records += [fake_record(GRU, s, mse=m, mse_odd_positions=0.9 * m) for s, m in ((42, 0.02), (43, 0.021))]
    text = report_of(fake_plan([conv, GRU], records), tmp_path)
    assert re.search(r"^\| – +\| conv ‡", text, flags=re.MULTILINE)
    assert "the easier ones" in text


def grounds(plan: Plan, folder: Path) -> Results:
    build_report(plan, folder, figures=False)
    return Results(frames.read_frames(folder))


def test_rows_that_do_not_rank_stand_last(tmp_path: Path) -> None:
    results = grounds(trouble(), tmp_path)
    for ground in results.grounds:
        ranked = [r.name for r in ground.ranked]
        assert [r.name for r in ground.rows][: len(ranked)] == ranked
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    (peeks,) = re.findall(r"^\| – +\| naive \(as printed\) †.*$", text, flags=re.MULTILINE)[:1]
    assert [cell.strip() for cell in peeks.split("|")][10:12] == ["–", "–"]  # skill and multiple of the floor


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
    (common,) = grounds(fake_plan([NAIVE, every, SQUARES, other, RNN], records), tmp_path).commons
    names = ["RNN", "least squares (ten steps)", "least squares (every step)", "naive"]
    assert [r.name for r in common.rows] == names


def test_a_label_finding_shows_what_the_mean_hides(tmp_path: Path) -> None:
    gru = fake_case("fake/gru", task="reber", label="GRU")
    bigram = fake_case("fake/bigram", task="reber", label="bigram", model=FakeNaive())
    records = [fake_record(bigram, None, accuracy=0.86, accuracy_outer_only=0.1)]
    seeds = ((42, 0.006), (43, 0.519), (44, 0.017))
    records += [fake_record(gru, s, accuracy=0.99 + s / 1e5, accuracy_outer_only=outer) for s, outer in seeds]
    plan = fake_plan([gru, bigram], records)
    first = sentences(plan, tmp_path)[0]
    assert (
        "3 seeds reach 99.0 % on test, but under 5 % in 2, between the two in 1 on the extra test set outer only"
        in first
    )
    assert "no other model here is trained, and the best predictor is bigram with 86.00 %" in first
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "0.6, 51.9, 1.7 %" in text
    assert "| valid string " in text
    assert "2 is the outer letter" in text
    assert "| -1 " not in text


def test_errata_say_which_way_a_fault_goes_and_show_each_alone(tmp_path: Path) -> None:
    def variant(name: str, *faults: tuple[int, str]) -> Case:
        errata = tuple(Erratum(n, f"fault {n}", v) for n, v in faults)
        return fake_case(f"fake/{name}", task="every_step", label=name, errata=errata)

    fair = variant("fair", (3, "corrected"), (4, "corrected"))
    cases = {
        fair: 0.02,
        variant("twice", (3, "as printed")): 0.01,
        variant("softmax", (4, "as printed")): 0.08,
        variant("both", (3, "both faults"), (4, "both faults")): 0.09,
    }
    conv = variant("conv", (6, "as printed"))
    records = [
        fake_record(c, s, mse=m * (1 + s / 1e4), mse_odd_positions=m * 0.9) for c, m in cases.items() for s in (42, 43)
    ]
    records += [fake_record(conv, s, mse=0.01, mse_odd_positions=0.01) for s in (42, 43)]
    made = sentences(fake_plan([*cases, conv], records), tmp_path)
    (errata,) = (s for s in made if s.startswith("**Errata.**"))
    assert "no. 3 flatters twice, × 0.50; no. 4 hurts softmax, × 4.00; no. 6 flatters" in errata
    assert "both " not in errata.replace("scored both ways", "")
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "median of 1 trained model without a fault" in text  # The faulty ones are left out.


def test_printed_values_say_how_far_off_they_had_to_be(tmp_path: Path) -> None:
    naive = fake_case("fake/n", task="next_step", label="naive", model=FakeNaive(), published=Published(valid_mse=0.02))
    rnn = fake_case("fake/r", task="next_step", label="RNN", published=Published(valid_mse=0.0105))
    records = [fake_record(naive, None, mse=0.02)]
    records += [fake_record(rnn, s, mse=m) for s, m in ((42, 0.01), (43, 0.0102), (44, 0.0101))]
    (made,) = (s for s in sentences(fake_plan([naive, rnn], records), tmp_path) if "Printed" in s)
    assert "The one exact value matches. Of 1 value from trained models, none lies outside" in made
    assert re.search(r"none misses the uncorrected .* with 3 seeds a value had to differ by × 1\.05 to be called", made)


def test_the_fastest_is_named_only_where_its_seeds_are_all_faster(tmp_path: Path) -> None:
    other = fake_case("fake/o", task="ten_steps", label="other")

    def made(speeds: tuple[float, ...], alone: float = 1.0) -> str:
        records = []
        for i, seed in enumerate((42, 43)):
            mse = (0.010, 0.011)[i]
            records.append(fake_record(RNN, seed, mse=mse, windows_per_s=40_000, cpu_over_wall=alone))
            records.append(fake_record(other, seed, mse=mse * 1.01, windows_per_s=speeds[i]))
        return sentences(fake_plan([RNN, other], records), tmp_path)[0]

    assert "the fastest trained model among them is RNN" in made((20_000, 30_000))
    assert "fastest" not in made((20_000, 41_000))
    assert "fastest" not in made((20_000, 30_000), alone=0.5)  # a shared core says nothing of who is faster


def test_throughput_is_of_uncontended_runs_where_there_are_some(tmp_path: Path) -> None:
    records = [
        fake_record(RNN, 42, windows_per_s=10_000, cpu_over_wall=0.5),
        fake_record(RNN, 43, windows_per_s=40_000),
    ]
    (row,) = grounds(fake_plan([RNN], records), tmp_path).rows
    assert row.speeds.round(-2).tolist() == [39_900]
    assert not row.contended


def test_wall_time_stands_where_runs_followed_each_other(tmp_path: Path) -> None:
    records = [fake_record(RNN, 42), fake_record(RNN, 43)]
    assert "4 min from first start to last end" in report_of(fake_plan([RNN], records), tmp_path)
    late = records[1].provenance.model_copy(
        update={"started_at": "2026-01-02T05:00:00Z", "ended_at": "2026-01-02T05:01:00Z"}
    )
    records[1] = records[1].model_copy(update={"provenance": late})
    text = report_of(fake_plan([RNN], records), tmp_path)
    assert "of run time in all. To run" in text


def test_a_task_is_described_from_what_its_dataset_says(tmp_path: Path) -> None:
    text = report_of(trouble(), tmp_path)
    assert (
        "Fake steps after a window. Split by series, 70/20/10 %. A window has 50 steps of 1 value; "
        "the forecast is the 10 steps after it. Windows: 7,000 train, 2,000 valid, 1,000 test. An epoch trains on 6,976"
        in text
    )


def test_numbers_have_as_many_digits_as_they_know() -> None:
    assert markdown.ranged(Interval(0.002737, 0.002512, 0.002983, 10)) == "0.002737 [0.00251, 0.00298]"
    assert markdown.ranged(Interval(0.1217, None, None, 1)) == "0.1217"
    assert markdown.ranged(None) == "–"
    assert markdown.effect(Ratio(1.119, 0.968, 1.302)) == "1.12 [0.97, 1.30]"
    assert markdown.effect(Ratio(12.4, None, None)) == "12"
    assert markdown.effect(Ratio(2.0, 2.0, 2.0)) == "2.0"
    assert markdown.effect(Ratio(-0.012, -0.02, -0.004), points=True) == "-1.20 [-2.00, -0.40]"
    assert markdown.percent(Interval(0.9952, 0.9868, 1.0036, 3)) == "99.52 % [98.68, 100.00]"
    assert markdown.percent(Interval(0.5, None, None, 1), exact=True) == "50.00 %"
    assert markdown.between([0.5]) == "50.0 %"


def test_a_stuck_run_is_named_by_what_tells_it_from_the_others(tmp_path: Path) -> None:
    case = fake_case("fake/r", task="ten_steps", label="RNN")

    def made(*runs: tuple[int, int, float]) -> str:
        records = [fake_record(case, seed, data_seed=data, mse=mse) for data, seed, mse in runs]
        plan = replace(fake_plan([case], []), specs=[r.spec for r in records], records=records)
        return sentences(plan, tmp_path)[-1]

    assert "RNN seed 44 (0.09000)" in made((42, 42, 0.01), (42, 43, 0.011), (42, 44, 0.09))
    assert "RNN data seed 44 (0.09000)" in made((42, 42, 0.01), (43, 42, 0.011), (44, 42, 0.09))
    assert "RNN seed 43 of data seed 43 (0.09000)" in made(
        (42, 42, 0.01), (42, 43, 0.011), (43, 42, 0.01), (43, 43, 0.09)
    )
