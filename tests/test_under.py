"""Best within bounds: how bounds are read, what is answered, and the command line; the figure of the same costs."""

import math
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest

from bench.cli import call
from bench.errors import BenchError
from bench.measurement import Measurement
from bench.plan import Plan
from bench.record import RunRecord
from bench.report.appendix import environments
from bench.report.build import build_report
from bench.report.figures.base import label_looks
from bench.report.figures.scatter import front, pareto_figure
from bench.report.results import Results
from bench.report.style import styled
from bench.report.under import Bound, answer, parse_bounds
from tests.chapter_fakes import chapter_like
from tests.fakes import ENVIRONMENT, FakeLeastSquares, fake_case, fake_plan, fake_record
from tests.section_fakes import results_of
from tests.test_sections_throughput import measured

BIG = fake_case("fake/big", label="big")
MID = fake_case("fake/mid", label="mid")
NEAR = fake_case("fake/near", label="near\nmid")
SMALL = fake_case("fake/small", label="small")
SQUARES = fake_case("fake/squares", label="least squares", model=FakeLeastSquares())
NETWORKS = (BIG, MID, NEAR, SMALL)
SEEDS = ((0.0099, 0.0100, 0.0101), (0.0150, 0.0152, 0.0154), (0.0140, 0.0155, 0.0170), (0.0298, 0.0300, 0.0302))
PARAMETERS = (5000, 1500, 1900, 50)
LATENCY_S = (0.008, 0.004, 0.003, 0.001)


def plan(*measurements: Measurement) -> Plan:
    records = [
        fake_record(case, seed, mse=mse, parameters=parameters)
        for case, scores, parameters in zip(NETWORKS, SEEDS, PARAMETERS, strict=True)
        for seed, mse in zip((42, 43, 44), scores, strict=True)
    ]
    records.append(fake_record(SQUARES, None, mse=0.05))
    return replace(fake_plan([*NETWORKS, SQUARES], records), measurements=measurements)


def all_measured() -> list[Measurement]:
    made = [
        measured(case, latency_s=(latency_s,) * 3, parameters=parameters)
        for case, latency_s, parameters in zip(NETWORKS, LATENCY_S, PARAMETERS, strict=True)
    ]
    return [*made, measured(SQUARES, latency_s=(0.0001,) * 3)]


def asked(bounds: str, *measurements: Measurement, task: str | None = None) -> str:
    return answer(results_of(plan(*measurements)), parse_bounds(bounds), task)


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("latency_p50=5ms", Bound("latency_p50", 0.005, "ms")),
        ("latency_p99 = 250 us", Bound("latency_p99", 0.00025, "us")),
        ("parameters=2000", Bound("parameters", 2000.0, "")),
        ("parameters=2k", Bound("parameters", 2000.0, "k")),
        ("peak_memory=1.5GiB", Bound("peak_memory", 1.5 * 2**30, "GiB")),
        ("model_size=20KB", Bound("model_size", 20_000.0, "KB")),
        ("train_s=2min", Bound("train_s", 120.0, "min")),
        ("train_throughput=1e4", Bound("train_throughput", 10_000.0, "")),
    ],
)
def test_a_bound_is_read_in_its_unit(text: str, bound: Bound) -> None:
    (made,) = parse_bounds(text)
    assert (made.key, made.unit) == (bound.key, bound.unit)
    assert made.limit == pytest.approx(bound.limit)


def test_bounds_say_themselves_in_the_unit_given() -> None:
    shown = [str(b) for b in parse_bounds("latency_p50=5ms,parameters=20000,infer_throughput=2.5k")]
    assert shown == ["latency_p50 <= 5 ms", "parameters <= 20,000", "infer_throughput >= 2.5 k"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("latency=5ms", "unknown key 'latency'; did you mean latency_p"),
        ("colour=5", "unknown key 'colour'; known: latency_p50, "),
        ("latency_p50", "expected bounds separated by commas, as in latency_p50=5ms"),
        ("latency_p50=5ms,", "expected bounds separated by commas"),
        ("latency_p50=5", "latency_p50=5 has no unit; add one of us, ms, s"),
        ("latency_p50=5m", "unknown unit 'm'; did you mean ms?"),
        ("peak_memory=5Mib", "unknown unit 'Mib'; did you mean MiB"),
        ("parameters=few", "parameters='few' is no number above zero"),
        ("parameters=0", "is no number above zero"),
        ("parameters=-5", "is no number above zero"),
        ("parameters=1e999", "is no number above zero"),
        ("parameters=1.2.3", "is no number above zero"),
        ("parameters=5,parameters=6", "names parameters twice"),
    ],
)
def test_bad_bounds_are_one_line(text: str, complaint: str) -> None:
    with pytest.raises(BenchError) as error:
        parse_bounds(text)
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)


def test_the_best_within_bounds_its_equals_and_the_price() -> None:
    text = asked("latency_p50=5ms,parameters=2000", *all_measured())
    assert text.count("\n") == 0
    start = (
        "Next step, latency_p50 <= 5 ms, parameters <= 2,000: mid is the best of 3 within the bounds, of 5, with a "
        "validation MSE of 0.01520 ["
    )
    assert text.startswith(start)
    assert "; near mid does not differ significantly from it; the bounds cost × 1.52 [1." in text
    assert "of the error of big, which leads without them." in text
    assert text.endswith("Not known of least squares: parameters.")


def test_bounds_that_the_leader_meets_cost_nothing() -> None:
    text = asked("parameters=5000")
    assert "big is the best of 4 within the bounds, of 5" in text
    text = text.partition("; every other one within them differs significantly from it; ")[2]
    assert text.startswith("the bounds cost nothing, since it leads without them too.")


def test_no_price_is_named_where_the_leader_may_meet_the_bounds() -> None:
    records = [
        *(fake_record(MID, seed, mse=0.01 + seed / 1e5, parameters=1500) for seed in (42, 43, 44)),
        fake_record(SQUARES, None, mse=0.005),
    ]
    text = answer(results_of(fake_plan([MID, SQUARES], records)), parse_bounds("parameters=2000"), None)
    assert text.endswith(
        "; least squares leads without them, and may be within them. Not known of least squares: parameters."
    )


def test_a_share_of_a_programs_seconds_is_no_models_own() -> None:
    def made(stack: int, *more: RunRecord) -> Results:
        where = ENVIRONMENT.model_copy(update={"stack": stack})
        records = [fake_record(BIG, seed, mse=0.01 + seed / 1e5, environment=where) for seed in (42, 43, 44)]
        return results_of(fake_plan([BIG, *[SQUARES] * bool(more)], [*records, *more]))

    asked, squares = parse_bounds("train_s=1h"), fake_record(SQUARES, None, mse=0.05)
    assert "big is the best of 2 within the bounds, of 2" in answer(made(1, squares), asked)
    text = answer(made(4, squares), asked)
    assert "least squares is the best of 1 within the bounds, of 2" in text
    assert text.endswith("Not known of big: train_s (seeds that train in one program have but a share of its train_s).")
    assert "train_s is known of no model, since all trained several seeds in one program" in answer(made(4), asked)
    assert environments(made(4)).endswith("are its share of all of theirs: no model alone trains in so few.")
    assert "share" not in environments(made(1))


def test_a_bound_that_nothing_meets_says_the_least() -> None:
    text = asked("latency_p50=50us,parameters=9000", *all_measured())
    assert "no model is known to fit: latency_p50 <= 50 us excludes all, the least is 100 us (least squares)." in text
    assert "parameters" not in text.partition("no model")[2]


def test_a_throughput_bound_is_a_lower_one_and_says_the_most() -> None:
    made = [measured(case, infer=(speed,) * 10) for case, speed in ((BIG, 4000.0), (SMALL, 6000.0))]
    text = asked("infer_throughput=5000", *made)
    assert "small is the best of 1 within the bounds" in text
    assert "Not known of mid, near mid and least squares: infer_throughput." in text
    none = asked("infer_throughput=7k", *made)
    assert "infer_throughput >= 7 k excludes the 2 that it is known of, the most is 6 k (small)." in none


def test_bounds_that_exclude_all_only_together() -> None:
    text = asked("latency_p50=900us,parameters=9000", *all_measured()[:-1], measured(SQUARES, latency_s=(0.0001,)))
    assert "latency_p50 <= 900 us alone leaves 1, parameters <= 9,000 alone leaves 4" in text
    assert "Not known of least squares: parameters." in text


def test_what_nobody_measured_is_said() -> None:
    text = asked("peak_memory=1GiB")
    assert "peak_memory is known of no model, since none was measured." in text
    assert "Not known of big, mid, near mid, small and least squares: peak_memory." in text


def test_a_predictor_meets_bounds_on_training() -> None:
    text = asked("train_throughput=1M", *all_measured())
    assert "least squares is the best of 1 within the bounds" in text
    assert "Not known" not in text


def test_training_seconds_are_the_median_over_runs() -> None:
    # Twenty epochs of 7,000 windows at 40,000 windows/s: 3.5 s.
    assert "big is the best of 5" in asked("train_s=3.51s")
    assert "least squares is the best of 1" in asked("train_s=3.49s")


def test_a_common_leaderboard_leads_in_place_of_its_tasks_and_a_task_can_be_asked_for() -> None:
    results = results_of(chapter_like())
    bounds = parse_bounds("parameters=2000")
    made = answer(results, bounds).splitlines()
    assert len(made) == len(results.leading()) > 2
    assert sum(line.startswith("Steps 50-59") for line in made) == 1
    assert answer(results, bounds, "every_step").startswith("Every step, parameters <= 2,000: ")
    (label,) = [line for line in made if line.startswith("Reber, ")]
    assert "% validation accuracy" in label or "no model is known to fit" in label
    with pytest.raises(BenchError, match="--task 'evry_step' is not in this report; did you mean every_step"):
        answer(results, bounds, "evry_step")


def test_the_command_asks_a_report_without_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build_report(plan(*all_measured()), tmp_path / "smoke", figures=False)
    before = {p.name: p.read_bytes() for p in (tmp_path / "smoke").iterdir()}
    ask = ["report", "smoke", "--reports", str(tmp_path), "--results", str(tmp_path / "none")]
    assert call([*ask, "--under", "latency_p50=5ms,parameters=2000"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("Next step, latency_p50 <= 5 ms, parameters <= 2,000: mid is the best of 3")
    assert (printed.out.count("\n"), printed.err) == (1, "")
    assert call([*ask, "--under", "parameters=2000", "--task", "next_step"]) == 0
    assert {p.name: p.read_bytes() for p in (tmp_path / "smoke").iterdir()} == before


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--under", "parameters=2000"], "to ask; write it first: bench report smoke"),
        (["--under", "params=2000"], "did you mean parameters?"),
        (["--task", "next_step"], "--task goes with --under alone"),
        (["--under", "parameters=2000", "--check"], "ask one at a time"),
        (["--under", "parameters=2000", "--environment", "abc"], "write it with --environment first"),
    ],
)
def test_bad_questions_are_one_line_and_code_2(
    options: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["report", "smoke", "--reports", str(tmp_path), "--results", str(tmp_path), *options]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert complaint in printed.err


def test_the_front_by_hand() -> None:
    points = [(1, 9), (2, 4), (3, 5), (4, 1), (4, 3), (9, 1), (1, 9)]
    xs, ys = ([float(v) for v in values] for values in zip(*points, strict=True))
    assert front(xs, ys) == [0, 6, 1, 3]
    assert front([], []) == []


def test_two_panels_where_latency_is_measured_one_where_it_is_not_none_without_costs() -> None:
    def panels(made: Plan) -> list[str]:
        results = results_of(made)
        with styled():
            picture = pareto_figure(results, results.tasks[0], label_looks(results))
        return [ax.get_xlabel().split()[0] for ax in picture.axes] if picture else []

    assert panels(plan(*all_measured())) == ["latency", "parameters"]
    assert panels(plan()) == ["parameters"]
    alone = fake_plan([BIG, SQUARES], [fake_record(BIG, 42, mse=0.01), fake_record(SQUARES, None, mse=0.02)])
    assert panels(alone) == []


def test_no_two_labels_of_the_figure_overlap() -> None:
    results = results_of(chapter_like())
    with styled():
        for board in (b for b in results.leading() if not b.metric.share):
            picture = pareto_figure(results, board, label_looks(results))
            assert picture is not None
            picture.draw_without_rendering()
            for ax in picture.axes:
                boxes = [text.get_window_extent() for text in ax.texts]
                assert len(boxes) > 3
                for a, b in combinations(boxes, 2):
                    across = min(a.x1, b.x1) - max(a.x0, b.x0)
                    up = min(a.y1, b.y1) - max(a.y0, b.y0)
                    assert min(across, up) < 1
                assert all(math.isfinite(box.x0) for box in boxes)
