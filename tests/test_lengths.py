"""`bench speed`: windows of other lengths, points within a budget, and their report. Fake processes, but for one."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest

from bench.cases.base import cases
from bench.cli import call
from bench.commands import speed
from bench.devices import find_device
from bench.lengths import at_lengths, fits
from bench.measurement import measure_spec
from bench.process import Slot
from bench.report.length_figure import draw, draw_powers
from bench.report.lengths import QUANTITIES, curves_of, write_lengths
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


def test_the_report_says_exponents_crossings_and_what_was_not_measured(measured, tmp_path):
    short, long = (p for p in measured if p.label == "good")
    other = [p.model_copy(update={"label": "other", "spec": p.spec.model_copy(update={"case": "fake/other"})})
             for p in (short, long)]  # fmt: skip
    slower = [r.model_copy(update={"wall_s": r.wall_s * 3}) for r in other[0].rounds]
    faster = [r.model_copy(update={"wall_s": r.wall_s / 3}) for r in other[1].rounds]
    other = [p.model_copy(update={"rounds": tuple(r)}) for p, r in zip(other, (slower, faster), strict=True)]
    lost = longer(long, 1000, status="too slow", reason="not measured in 9 s", rounds=(), latency_s=())
    lost = lost.model_copy(update={"peak_memory_bytes": None})
    readme = write_lengths(
        [short, long, lost, *other],
        {"fake/other": "quadratic"},
        ["fake/naive: <not> trained"],
        tmp_path / "out",
        "bench speed x",
    )
    powers = pd.read_csv(readme.parent / "powers.csv")
    assert set(powers[powers["curve"] == "good"]["exponent"].round(9)) == {1.0}
    crossings = pd.read_csv(readme.parent / "crossings.csv")
    assert set(crossings["quantity"]) == {"train_windows_per_s", "infer_windows_per_s"}
    assert set(crossings["at"].round(6)) == {round(float(np.sqrt(20 * 100)), 6)}
    assert crossings["first_is_less"].all()
    points = pd.read_csv(readme.parent / "points.csv")
    assert list(points["status"]) == ["done", "done", "too slow", "done", "done"]
    assert points["train_windows_per_s_middle"][1] == pytest.approx(20.0)
    assert points["train_time_steps_per_s"][1] == pytest.approx(2000.0)
    assert points["train_steps_per_s"][1] == pytest.approx(5.0)
    text = readme.read_text()
    assert "| training, windows/s" in text
    assert "45 (20 to 100)" in text
    assert "1000 steps, batch 4: too slow, not measured in 9 s" in text
    assert "fake/naive: &lt;not&gt; trained" in text
    assert (readme.parent / "lengths.svg").stat().st_size > 1000
    with styled():
        figure = draw(curves_of([short, long, lost, *other], {}), QUANTITIES)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["batch 4", "", "", ""]
    assert [ax.get_xlabel() for ax in figure.axes] == ["", "", "", "steps in a window"]
    assert [ax.get_ylabel() for ax in figure.axes] == [quantity.title for quantity in QUANTITIES]
    assert {ax.get_yscale() for ax in figure.axes} == {ax.get_xscale() for ax in figure.axes} == {"log"}
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["good", "other", "too slow"]
    (turn,) = crossings[crossings["quantity"] == "train_windows_per_s"].to_dict("records")
    with styled():
        ringed = draw(curves_of([short, long, *other], {}), QUANTITIES, [turn])
        slopes = draw_powers(powers.astype(object).where(powers.notna(), None).to_dict("records"), QUANTITIES)
    rings = [line.get_xydata()[0] for line in ringed.axes[0].lines if line.get_fillstyle() == "none"]
    good, turned = ([float(np.median(p.windows_per_s("train"))) for p in each] for each in ((short, long), other))
    assert rings == [pytest.approx((turn["at"], np.sqrt(np.prod(good))))]
    assert np.prod(good) == pytest.approx(np.prod(turned)), "both curves go through the ring"
    assert [label.get_text() for label in slopes.axes[0].get_yticklabels()] == ["good", "other, says quadratic"]
    assert [ax.get_title(loc="left") for ax in slopes.axes] == ["training", "inference", "latency", "memory"]
    dots = [line for line in slopes.axes[0].lines if line.get_fillstyle() == "none"]
    steep = powers[powers["quantity"] == "train_windows_per_s"].set_index("curve")["last"]
    assert sorted(dot.get_xdata()[0] for dot in dots) == pytest.approx(sorted(steep))
    assert "| other" in text
    assert "| quadratic |" in " ".join(text.split())
    again = write_lengths([short, long, lost, *other], {}, [], tmp_path / "again", "bench speed x")
    assert (again.parent / "lengths.svg").read_bytes() == (readme.parent / "lengths.svg").read_bytes()


def test_a_report_of_nothing_but_failures_can_be_written(measured, tmp_path):
    failed = [p for p in measured if p.status in ("failed", "contended", "out of memory")]
    text = write_lengths(failed, {}, [], tmp_path, "bench speed x").read_text()
    assert "0 of " in text
    assert "out of memory" in text


def test_names_of_curves_hold_what_tells_them_apart(measured):
    point = measured[0]
    jax = point.model_copy(update={"spec": point.spec.model_copy(update={"backend": "jax"})})
    assert [c.name for c in curves_of([point], {})] == [point.label]
    assert [c.name for c in curves_of([point, jax], {})] == [f"{point.label}, tensorflow", f"{point.label}, jax"]
    twin = point.model_copy(update={"spec": point.spec.model_copy(update={"case": "fake/twin"})})
    assert [c.name for c in curves_of([point, twin], {})] == [point.spec.case, "fake/twin"]
    assert [q.cost(point).middle for q in QUANTITIES] == pytest.approx([0.04 / 4, 0.02 / 4, 20.0, 20.0])


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
