"""`bench speed`: windows of other lengths, points within a budget, and their report. Fake processes, but for one."""

import json
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from bench.cases.base import cases
from bench.cli import call
from bench.commands import speed
from bench.devices import find_device
from bench.frames.base import typed
from bench.lengths import at_lengths, fits, rounds_s
from bench.measurement import measure_spec
from bench.process import Slot
from bench.report.folder import check_folder, render_folder
from bench.report.index import index_text
from bench.report.length_figure import draw, draw_powers
from bench.report.length_findings import findings
from bench.report.length_points import (
    BETWEEN_PROCESSES,
    POINTS,
    QUANTITIES,
    crossing_rows,
    curves_of,
    leaders,
    point_rows,
    read_points,
)
from bench.report.lengths import check_lengths, write_lengths
from bench.report.style import styled
from bench.task import TargetKind, Task
from bench.throughput.at_length import made_up
from bench.throughput.lengths import Over, _Try, measure_lengths
from bench.timing import Calls
from tests import length_children
from tests.fakes import FakeNetwork, fake_case, fake_spec

SLOTS = {"cpu": Slot("cpu", find_device("cpu"), None)}


@pytest.mark.parametrize(
    ("task", "x", "y"),
    [
        (Task("a", TargetKind.LAST_STEP, 50, 2, horizon=3), (4, 7, 2), (4, 3)),
        (Task("b", TargetKind.EVERY_STEP, 50, horizon=3), (4, 7, 1), (4, 7, 3)),
        (Task("c", TargetKind.LABEL, None, classes=5, vocabulary=9), (4, 7), (4,)),
        (Task("d", TargetKind.LABEL_EVERY_STEP, 50, masked=True), (4, 7, 1), (4, 7)),
    ],
)
def test_windows_are_made_up_as_a_task_of_that_length_shapes_them(task, x, y):
    split = made_up(task, 7, 4, 0)
    assert (split.x.shape, split.y.shape) == (x, y)
    assert split.task == replace(task, input_length=7)
    assert split.x.dtype == (np.float32 if task.vocabulary is None else np.int32)
    assert split.y.dtype == (np.int32 if task.target.is_class and task.classes > 2 else np.float32)
    assert (split.mask is not None) is task.masked
    assert np.array_equal(split.x, made_up(task, 7, 4, 0).x)


def test_a_case_says_why_it_takes_no_such_length():
    assert fits(cases.get("chapter15/seq2seq_gru"), 4000)
    assert "is not trained" in fits(cases.get("chapter15/naive_next_step"), 4000).reason
    assert "windows of 4 steps" in fits(cases.get("chapter15/conv_gru"), 3).reason


def test_specs_are_of_each_length_and_batch_short_ones_first_and_each_has_an_id():
    run = fake_spec(fake_case())
    made = at_lengths([measure_spec(run)], [200, 50], [1, 32])
    assert [(s.length, s.batch, s.recipe.batch_size) for s in made] == [
        (50, 1, 1),
        (50, 32, 32),
        (200, 1, 1),
        (200, 32, 32),
    ]
    assert len({s.measure_id for s in made} | {measure_spec(run).measure_id}) == 5


def specs_of(*kinds, lengths=(100,)):
    made = [
        measure_spec(fake_spec(fake_case(f"fake/{kind or 'good'}", model=FakeNetwork(kind=kind)))) for kind in kinds
    ]
    return at_lengths(made, lengths, [4])


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Points of networks that fare differently from 100 steps on, each from a process that knows no backend."""
    folder = tmp_path_factory.mktemp("measured")
    specs = [*specs_of("", lengths=(20, 100)), *specs_of("raises", "shared"), *specs_of("lacks", lengths=(100, 1000))]
    labels = {spec.case: spec.case.rpartition("/")[2] for spec in specs}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.throughput.lengths.free_memory", lambda: 2**40)
        made = measure_lengths(
            specs, labels, SLOTS, budget_s=60, logs=folder, folder=folder / "lock", target=length_children.serve
        )
        return list(made)


def test_each_point_says_how_it_fared(measured):
    found = {(p.label, p.spec.length): p.status for p in measured}
    assert {length: found["good", length] for length in (20, 100)} == {20: "done", 100: "done"}
    assert (found["raises", 100], found["lacks", 100]) == ("failed", "out of memory")
    assert found["shared", 100] == "contended"
    assert found["lacks", 1000] == "out of memory"
    reasons = {(p.label, p.spec.length): p.reason for p in measured}
    assert reasons["raises", 100] == "RuntimeError: on purpose"
    assert reasons["lacks", 1000] == "not tried: out of memory at 100 steps"


def test_a_point_holds_what_its_process_gave(measured):
    (point,) = (p for p in measured if p.label == "good" and p.spec.length == 100)
    assert set(point.windows_per_s("train")) == {4 / 0.2}
    assert set(point.windows_per_s("infer")) == {4 / 0.1}
    assert point.latency_p50_s == 0.1
    assert len(point.latency_s) == 5
    assert (point.memory_bytes, point.parameters, point.compile_s) == (100 * 2**20, 7, 0.2)
    assert point.environment == SLOTS["cpu"].device.environment("tensorflow")


def test_what_takes_too_long_or_too_much_memory_is_ended(tmp_path, monkeypatch):
    try_it = partial(
        measure_lengths, slots=SLOTS, logs=tmp_path, folder=tmp_path / "lock", target=length_children.serve
    )
    specs = specs_of("hangs", lengths=(100, 200))
    slow, not_tried = try_it(specs, {"fake/hangs": "hangs"}, budget_s=1.0)
    assert (slow.status, slow.reason) == ("too slow", "not measured in 1 s")
    assert (not_tried.status, not_tried.reason) == ("too slow", "not tried: too slow at 100 steps")
    monkeypatch.setattr("bench.throughput.lengths.MEMORY_SHARE", 1.0)
    monkeypatch.setattr("bench.throughput.lengths.free_memory", lambda: 2**28)
    (large,) = try_it(specs_of("grows"), {"fake/grows": "grows"}, budget_s=60)
    assert (large.status, large.reason) == ("out of memory", "more than the 0.2 GiB that it may hold")


def test_a_point_whose_time_is_up_since_others_had_its_core_is_not_too_slow(tmp_path):
    (spec,) = specs_of("")
    tried = _Try(spec, "x", SLOTS["cpu"], -1.0, tmp_path / "log", lambda: False, length_children.serve)
    contended = tried._contended(None)
    assert not contended(Calls((1.0,), 1.0, 1.0))
    with pytest.raises(Over, match="not measured in") as slow:
        tried._watch(None)
    assert contended(Calls((1.0,), 1.0, 0.5))
    with pytest.raises(Over, match="shared its core") as shared:
        tried._watch(None)
    assert (slow.value.status, shared.value.status) == ("too slow", "contended")


def test_known_points_are_not_measured_again_and_a_stop_is_heard(tmp_path, measured):
    point = measured[0]
    options = {"budget_s": 60, "logs": tmp_path, "folder": tmp_path / "lock", "target": length_children.serve}
    known = {(point.spec.measure_id, point.spec.device): point}
    assert list(measure_lengths([point.spec], {}, SLOTS, known=known, **options)) == []
    with pytest.raises(InterruptedError):
        list(measure_lengths([point.spec], {point.spec.case: "x"}, SLOTS, stop=lambda: True, **options))


def longer(point, length, **changes):
    spec = point.spec.model_copy(update={"length": length})
    return point.model_copy(update={"spec": spec, **changes})


def lost(point, length, status, reason):
    """Return the point of longer windows that were not measured."""
    return longer(point, length, status=status, reason=reason, rounds=(), latency_s=(), peak_memory_bytes=None)


def other(point, name, times=1.0):
    """Return the point of another network, whose rounds take so many times as long."""
    spec = point.spec.model_copy(update={"case": f"fake/{name}"})
    rounds = tuple(r.model_copy(update={"wall_s": r.wall_s * times}) for r in point.rounds)
    return point.model_copy(update={"label": name, "spec": spec, "rounds": rounds})


def curves_from(points, growths=()):
    """Return curves as a report reads them."""
    return curves_of(read_points(typed(point_rows(points, dict(growths), {}), POINTS)))


@pytest.fixture
def turning(measured):
    """Points of a network at 20 and 100 steps, of which a longer one was too slow, and of another that crosses it."""
    short, long = (p for p in measured if p.label == "good")
    beyond = lost(long, 1000, "too slow", "not measured in 9 s")
    return [short, long, beyond, other(short, "other", 3), other(long, "other", 1 / 3)]


def test_the_report_says_growth_crossings_and_what_was_not_measured(turning, tmp_path):
    skipped = ["fake/naive: <not> trained"]
    readme = write_lengths(turning, {"fake/other": "quadratic"}, skipped, tmp_path / "out", "bench speed x")
    folder = readme.parent
    powers = pd.read_csv(folder / "powers.csv")
    assert set(powers[powers["curve"] == "good"]["exponent"].round(5)) == {1.0}
    speeds = powers["quantity"].str.contains("windows")
    assert powers[~speeds]["last_high"].isna().all(), "how far two processes lie apart is known of speeds alone"
    reach = (powers["last_high"] - powers["last"])[speeds]
    assert reach.to_numpy() == pytest.approx(1.96 * np.sqrt(2) * BETWEEN_PROCESSES / np.log(5), rel=1e-4)
    crossings = pd.read_csv(folder / "crossings.csv")
    assert set(crossings["quantity"]) == {"train_windows_per_s", "infer_windows_per_s"}
    assert crossings["at"].to_numpy() == pytest.approx(np.sqrt(20 * 100), rel=1e-5)
    assert crossings["first_is_less"].all()
    assert crossings["leads"].all()
    points = pd.read_csv(folder / "points.csv")
    assert list(points["status"]) == ["done", "done", "too slow", "done", "done"]
    assert points["train_windows_per_s_middle"][1] == pytest.approx(20.0)
    assert points["train_time_steps_per_s"][1] == pytest.approx(2000.0)
    assert points["train_steps_per_s"][1] == pytest.approx(5.0)
    text = readme.read_text()
    assert "## Training, windows/s" in text
    assert "45 (20 to 100)" in text
    assert "1000 steps, batch 4: too slow, not measured in 9 s" in text
    assert "Not measured for want of memory or time: 1 point too slow." in text
    assert "fake/naive: &lt;not&gt; trained" in text
    assert "| quadratic |" in " ".join(text.split())


def test_what_was_timed_is_told_its_forecasts_and_weights(turning, tmp_path):
    told = {"fake/good": "after every step", "fake/other": "after the last step"}
    known = [p.model_copy(update={"parameters": 1234 * p.spec.length}) for p in turning]
    text = write_lengths(known, {}, [], tmp_path, "bench speed x", forecasts=told).read_text()
    timed = " ".join(text.partition("## What was timed")[2].partition("## Who leads")[0].split())
    assert "compare like with like" in timed
    assert "| good | after every step | 24,680 | 123,400 |" in timed
    assert "| other | after the last step | 24,680 | 123,400 | – |" in timed


def test_an_interval_that_goes_on_past_its_panel_has_an_arrow(turning, tmp_path):
    folder = write_lengths(turning, {}, [], tmp_path, "bench speed x").parent
    powers = pd.read_csv(folder / "powers.csv")
    rows = powers.astype(object).where(powers.notna(), None).to_dict("records")
    wide = [row | {"low": -2.0, "high": 1.5} for row in rows]
    with styled():
        (first, *_) = draw_powers(wide, QUANTITIES).axes
    arrows = [line for line in first.lines if line.get_marker() in ("<", ">")]
    assert [line.get_marker() for line in arrows] == ["<"] * 2
    assert {line.get_xdata()[0] for line in arrows} == {first.get_xlim()[0]}


def test_the_page_states_machine_day_commit_batch_and_limits(turning, tmp_path):
    text = write_lengths(turning, {}, [], tmp_path, "bench speed x", "Which <is> quick?").read_text()
    told, how = turning[0].provenance, text.partition("## How it was measured")[2]
    for fact in (turning[0].environment.cpu.split("(")[0], turning[0].environment.digest, told.platform.split("_")[0]):
        assert fact in how
    for fact in (told.ended_at[:10], told.git_commit, "Batch 4 in", "A point may take 60 s", "GiB", "bench speed x"):
        assert fact in how
    assert 'networks of "Which &lt;is&gt; quick?"' in text


def test_a_report_is_what_its_csvs_give_and_an_edit_is_found_out(turning, tmp_path):
    folder = write_lengths(turning, {"fake/other": "quadratic"}, ["a: b"], tmp_path / "speed", "bench speed x").parent
    (tmp_path / "README.md").write_text("# Reports\n")
    before = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert len(before) == 6 + 5
    assert check_folder(folder) == []
    render_folder(folder)
    assert {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert (
        "- [Speed against the length of windows](speed/README.md), last run 20" in (tmp_path / "README.md").read_text()
    )
    assert "**" not in index_text(tmp_path)
    (folder / "README.md").write_text(
        (folder / "README.md").read_text().replace("3 of", "4 of").replace("4 of", "5 of")
    )
    (folder / "crossings.csv").write_text((folder / "crossings.csv").read_text().replace("44.7", "44.8"))
    (folder / "figures" / "powers.svg").unlink()
    (folder / "powers.csv").unlink()
    found = check_folder(folder)
    assert any(line.startswith("-5 of 5 points") for line in found)
    assert any("44.8" in line for line in found)
    assert {line.rpartition("/")[2] for line in found if line.startswith("missing: ")} == {"powers.svg", "powers.csv"}


def test_the_command_writes_a_folder_again_or_checks_it(turning, tmp_path, capsys):
    folder = write_lengths(turning, {}, [], tmp_path / "speed", "bench speed x").parent
    readme = (folder / "README.md").read_text()
    (folder / "README.md").write_text(readme + "more")
    assert call(["report", str(folder), "--check"]) == 1
    assert "-more" in capsys.readouterr().out
    assert call(["report", str(folder)]) == 0
    assert capsys.readouterr().out.strip() == str(folder / "README.md")
    assert (folder / "README.md").read_text() == readme
    assert call(["report", str(folder), "--check"]) == 0
    assert "what its CSVs give" in capsys.readouterr().out
    for words, said in [
        ([str(folder), "--seeds", "1"], "--seeds goes with a suite"),
        ([str(tmp_path)], "has neither of runs.csv, points.csv"),
    ]:
        assert call(["report", *words]) == 2
        assert said in capsys.readouterr().err
    (folder / "points.csv").write_text("case\n1\n")
    assert call(["report", str(folder), "--check"]) == 2
    assert "points.csv" in capsys.readouterr().err


def test_findings_say_who_is_quickest_where_and_whose_growth_is_not_linear(measured):
    short, long = (p for p in measured if p.label == "good")
    longest = other(longer(long, 500), "good", 5)
    steep = [other(p, "steep", times) for p, times in ((short, 0.5), (long, 2.5), (longest, 12.5))]
    told = {"fake/good": "linear", "fake/steep": "quadratic"}
    quickest, growth, faster = findings(curves_from([short, long, longest, *steep], told))
    assert "In training steep on 20 steps (200 windows/s) and good on 500 steps (4 windows/s)" in quickest
    assert "steep" in growth
    assert "from 1.00 [1.00, 1.00] (good)" in growth
    assert "for steep (2.00 [1.76, 2.24] from 100 to 500 steps)." in faster
    assert "All of their models say so" in faster
    *_, faster = findings(
        curves_from([short, long, longest, *steep], {"fake/good": "quadratic", "fake/steep": "linear"})
    )
    assert "The model of steep says that it grows linearly" in faster
    assert "though the model says that it is faster: good (1.00" in faster
    slow = [p.model_copy(update={"rounds": tuple(r for r in p.rounds if r.kind == "infer")}) for p in steep]
    *_, faster = findings(curves_from([short, long, longest, *slow], {"fake/good": "linear", "fake/steep": "linear"}))
    assert "for none" in faster
    assert "In inference that power lies above 1 for steep (2.00 [1.76, 2.24] from 100 to 500 steps), whose" in faster
    *_, faster = findings(curves_from([short, long, longest, *steep]))
    assert "say" not in faster.partition(".)")[0].partition("steps).")[2]
    *_, faster = findings(curves_from([short, long], told))
    assert "for none" in faster


def test_rounds_that_overlap_lead_together_and_only_crossings_of_leaders_are_marked(measured):
    short, long = (p for p in measured if p.label == "good")
    same = [other(short, "same"), other(long, "same")]
    slow = [other(short, "slow", 9), other(long, "slow", 8)]
    slower = [other(short, "slower", 8), other(long, "slower", 9)]
    curves = curves_from([short, long, *same, *slow, *slower])
    assert [curve.name for curve in leaders(curves, QUANTITIES[0], 20)] == ["good", "same"]
    found = [(row["first"], row["second"], row["leads"]) for row in crossing_rows(curves)]
    assert set(found) == {("slow", "slower", False)}


def test_a_figure_names_each_curve_at_its_end_and_rings_where_the_lead_turns(turning):
    curves = curves_from(turning)
    turns = list(crossing_rows(curves))
    with styled():
        figure = draw(curves, QUANTITIES[0], turns)
    (ax,) = figure.axes
    assert {ax.get_yscale(), ax.get_xscale()} == {"log"}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("steps in a window", "training, windows/s")
    assert [text.get_text() for text in ax.texts] == ["good >", "other"]
    assert all(text.get_fontsize() >= 8 for text in [*ax.texts, *ax.get_xticklabels(), *ax.get_yticklabels()])
    heights = [text.get_position()[1] for text in ax.texts]
    assert heights[0] < heights[1], "as their ends stand"
    rings = [line.get_xydata()[0] for line in ax.lines if line.get_fillstyle() == "none"]
    good, turned = ([curve.points[n].spans[QUANTITIES[0].key].middle for n in (20, 100)] for curve in curves)
    assert rings == [pytest.approx((np.sqrt(20 * 100), np.sqrt(np.prod(good))))]
    assert np.prod(good) == pytest.approx(np.prod(turned)), "both curves go through the ring"
    with styled():
        unmarked = draw(curves, QUANTITIES[0], [turn | {"leads": False} for turn in turns])
    assert not [line for line in unmarked.axes[0].lines if line.get_fillstyle() == "none"]


def test_names_of_twenty_curves_that_end_alike_do_not_overlap(measured):
    short, long = (p for p in measured if p.label == "good")
    points = [other(p, f"network {i}", 1 + i / 1000) for i in range(20) for p in (short, long)]
    with styled():
        figure = draw(curves_from(points), QUANTITIES[0])
    boxes = sorted((Text.get_window_extent(text) for text in figure.axes[0].texts), key=lambda box: box.y0)
    assert len(boxes) == 20
    assert all(below.y1 <= above.y0 + 1 for below, above in pairwise(boxes)), "a pixel may be shared"
    assert all(box.x1 <= figure.bbox.x1 for box in boxes)


def test_the_powers_are_drawn_with_what_a_model_says(turning, tmp_path):
    folder = write_lengths(turning, {"fake/other": "quadratic"}, [], tmp_path, "bench speed x").parent
    powers = pd.read_csv(folder / "powers.csv")
    rows = powers.astype(object).where(powers.notna(), None).to_dict("records")
    with styled():
        slopes = draw_powers(rows, QUANTITIES)
        steeper = draw_powers([row | {"exponent": -0.9, "last": 2.9} for row in rows], QUANTITIES)
    assert [label.get_text() for label in slopes.axes[0].get_yticklabels()] == ["good", "other, says quadratic"]
    assert [ax.get_title(loc="left") for ax in slopes.axes] == ["training", "inference", "latency", "memory"]
    dots = [line for line in slopes.axes[0].lines if line.get_fillstyle() == "none"]
    steep = powers[powers["quantity"] == "train_windows_per_s"].set_index("curve")["last"]
    assert sorted(dot.get_xdata()[0] for dot in dots) == pytest.approx(sorted(steep))
    low, high = steeper.axes[0].get_xlim()
    assert low < -1, "no power lies on the edge"
    assert high > 3


def test_a_report_of_nothing_but_failures_can_be_written(measured, tmp_path):
    failed = [p for p in measured if p.status in ("failed", "contended", "out of memory")]
    text = write_lengths(failed, {}, [], tmp_path, "bench speed x").read_text()
    assert "0 of " in text
    assert "out of memory" in text
    assert "No network was measured" in text
    assert check_lengths(tmp_path) == []


def test_names_of_curves_hold_what_tells_them_apart(measured):
    point = measured[0]
    jax = point.model_copy(update={"spec": point.spec.model_copy(update={"backend": "jax"})})
    assert [c.name for c in curves_from([point])] == [point.label]
    assert [c.name for c in curves_from([point, jax])] == [f"{point.label}, tensorflow", f"{point.label}, jax"]
    twin = point.model_copy(update={"spec": point.spec.model_copy(update={"case": "fake/twin"})})
    assert [c.name for c in curves_from([point, twin])] == [point.spec.case, "fake/twin"]
    (read,) = read_points(typed(point_rows([point], {}, {"fake/good": "after every step"}), POINTS))
    assert [read.cost(q).middle for q in QUANTITIES] == pytest.approx([0.04 / 4, 0.02 / 4, 20.0, 20.0])


def test_windows_that_would_take_too_long_are_not_tried(measured, tmp_path):
    short, long = (p for p in measured if p.label == "good")
    rounds = 7 * (100 / 20) * (0.2 + 0.1)
    assert rounds_s([short, long], 500) == pytest.approx(rounds)
    assert rounds_s([long, short, lost(long, 300, "too slow", "")], 500) == pytest.approx(rounds)
    assert rounds_s([long], 500) is None
    known = {(p.spec.measure_id, p.spec.device): p for p in (short, long)}
    options = {"logs": tmp_path, "folder": tmp_path / "lock", "target": length_children.serve, "known": known}
    specs = [short.spec, long.spec, *(longer(long, length).spec for length in (500, 2500))]
    made = measure_lengths(specs, {short.spec.case: "x"}, SLOTS, budget_s=rounds - 0.5, **options)
    assert [(p.spec.length, p.status, p.reason) for p in made] == [
        (500, "too slow", "not tried: going on as before its rounds would take 10 s"),
        (2500, "too slow", "not tried: too slow at 500 steps"),
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["wave-nothing"], "unknown case 'wave-nothing'"),
        (["waves-modern", "--no-measure"], "no such points"),
        (["nothing"], "unknown case 'nothing'"),
        (["linear", "--lengths", "0"], "--lengths '0': expected numbers from 1"),
        (["linear", "--batch", "x"], "--batch 'x': expected integers"),
        (["linear", "--device", "gpu:99"], "device 'gpu:99'"),
        (["linear", "--backend", "theano"], "unknown backend 'theano'"),
        (["naive_next_step"], "nothing to measure: chapter15/naive_next_step: model 'naive' is not trained"),
    ],
)
def test_bad_input_is_a_line(words, said, capsys, tmp_path):
    assert call(["speed", *words, "--results", str(tmp_path)]) == 2
    assert said in capsys.readouterr().err


def test_the_command_keeps_its_points_goes_on_and_refuses_a_bad_one(tmp_path, monkeypatch, measured, capsys):
    asked = []

    def fake(specs, labels, slots, *, known, **options):
        for spec in specs:
            if (spec.measure_id, spec.device) not in known:
                asked.append(spec.length)
                if len(asked) == 2:
                    raise InterruptedError
                template = measured[0]
                yield template.model_copy(
                    update={
                        "spec": spec,
                        "label": labels[spec.case],
                        "environment": slots["cpu"].device.environment("jax"),
                    }
                )

    monkeypatch.setattr(speed, "measure_lengths", fake)
    monkeypatch.setattr(speed, "see_backends", lambda *_: None)
    words = [
        "speed",
        "linear",
        "--backend",
        "jax",
        "--lengths",
        "20,50,100",
        "--batch",
        "8",
        "--results",
        str(tmp_path),
    ]
    assert call(words) == 3
    assert "go on with: " in capsys.readouterr().out
    assert call(words) == 0
    assert asked == [20, 50, 50, 100]
    assert call(words) == 0
    assert asked == [20, 50, 50, 100], "all are there"
    said = capsys.readouterr().out
    assert "0 of 3 points to measure" in said
    readme = next((tmp_path / "speed").glob("*/README.md"))
    assert f"report: {readme}" in said
    assert "bench speed linear --lengths 20,50,100" in readme.read_text()
    assert "| says |" in " ".join(readme.read_text().split())
    there = tmp_path / "there"
    assert call([*words, "--to", str(there)]) == 0
    assert f"--to {there}" in (there / "README.md").read_text()
    assert sorted(path.name for path in there.iterdir()) == sorted(path.name for path in readme.parent.iterdir())
    readme.unlink()
    assert call([*words, "--no-measure"]) == 0
    assert readme.exists()
    assert call([*words, "--no-measure", "--device", "gpu:7"]) == 2, "of a machine that has one"
    assert "no such points" in capsys.readouterr().err
    bad = next((tmp_path / "speed" / "points").glob("*.json"))
    bad.write_text(bad.read_text().replace('"budget_s": 60', '"budget_s": 61'))
    assert call(words) == 2
    assert "is not a good record: its checksum does not match" in capsys.readouterr().err


@pytest.mark.variant
@pytest.mark.slow
def test_a_real_network_is_measured_at_another_length(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.timing.ROUNDS", 2)
    monkeypatch.setattr("bench.timing.CAP_CONTENDED", 2)
    monkeypatch.setattr("bench.throughput.lengths.machine_folder", lambda: tmp_path / "lock")
    monkeypatch.setattr("bench.throughput.lengths.shared_core", lambda taken: False)
    words = ["speed", "linear", "--backend", "jax", "--lengths", "40", "--batch", "2", "--results", str(tmp_path)]
    assert call(words) == 0
    (point,) = (json.loads(path.read_text()) for path in (tmp_path / "speed" / "points").iterdir())
    assert (point["spec"]["length"], point["status"], point["parameters"]) == (40, "done", 41)
    assert all(r["windows"] % 2 == 0 and not r["compilations"] for r in point["rounds"])
    assert {r["kind"] for r in point["rounds"]} == {"train", "infer"}
