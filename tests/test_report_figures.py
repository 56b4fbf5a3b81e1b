"""The report's figures: there, the same each time, in colours that mean one model."""

import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from bench import stats
from bench.cases.variants import variants
from bench.frames import Frames, make_frames, typed
from bench.frames.schemas import TARGETS
from bench.frames.scores import Key
from bench.frames.selection import select
from bench.plan import Plan
from bench.recipe import RecipeGrid
from bench.report import style
from bench.report.build import build_report
from bench.report.figures.base import Draw, chosen_note, draw_all, label_looks, legend_above
from bench.report.figures.curves import caption, curves_figure
from bench.report.figures.forecasts import forecasts_figure
from bench.report.figures.groups import groups_figure
from bench.report.figures.scatter import pareto_figure, speed_figure
from bench.report.figures.scores import scores_figure
from bench.report.figures.tuning import tuning_figure
from bench.report.leaderboards import Leaderboard
from bench.report.parts import Overlay, overlays
from bench.report.results import Results
from bench.report.rows import Row
from bench.text.figure import LONGEST
from tests.fakes import FakeNetwork, fake_case, fake_plan, fake_record, with_throughput
from tests.report_fakes import GRU, LSTM, NAIVE, RNN, trouble

NAMES = ("$x_1$", "_hidden", "RNN \N{ROCKET} \\alpha", "a\nb\x1b", "long name " * 30, "100 % <&> {0}")
"""Labels that a formula, a template, XML or a small figure could trip over."""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a report with figures, made once."""
    folder = tmp_path_factory.mktemp("drawn")
    build_report(trouble(), folder)
    return folder


def results_of(plan: Plan, **changed: pd.DataFrame) -> Results:
    """Return a plan's results, with some of their frames in place of its own."""
    made: Frames = make_frames(select(plan)) | changed
    return Results(made)


def test_every_linked_figure_exists_as_svg_alone(drawn: Path) -> None:
    text = (drawn / "README.md").read_text(encoding="utf-8")
    linked = re.findall(r"\((figures/[^)]*\.svg)\)", text)
    assert len(linked) >= 5
    for path in linked:
        assert (drawn / path).stat().st_size > 1000
    assert {f"figures/{path.name}" for path in (drawn / "figures").iterdir()} == set(linked)


@pytest.mark.variant  # of the reports that test_docs renders
def test_figures_come_out_the_same_twice(drawn: Path, tmp_path: Path) -> None:
    build_report(trouble(), tmp_path)
    first = {p.name: p.read_bytes() for p in (drawn / "figures").iterdir()}
    assert {p.name: p.read_bytes() for p in (tmp_path / "figures").iterdir()} == first
    assert not any(b"<dc:date>" in content for content in first.values())


def test_figures_of_an_earlier_report_go(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    for kind in ("svg", "png"):
        (tmp_path / "figures" / f"old.{kind}").write_text("")
    build_report(fake_plan([RNN], [fake_record(RNN, 42)], (42,)), tmp_path)
    assert not list((tmp_path / "figures").glob("old.*"))


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


def test_text_from_data_stands_as_it_is_on_one_line() -> None:
    assert style.as_text("$x_1$\n \x1b y") == "$x_1$ \N{REPLACEMENT CHARACTER} y"
    long = style.as_text("the first of " + "x" * 300 + " and its end")
    assert len(long) <= LONGEST
    assert (long[:9], long[-7:]) == ("the first", "its end")


def test_hostile_names_and_units_are_drawn_everywhere(tmp_path: Path) -> None:
    cases = [fake_case(f"fake/{i}", task="every_step", label=name) for i, name in enumerate(NAMES)]
    records = [fake_record(c, s, mse=0.01 * (i + 1) + 0.0001 * s) for i, c in enumerate(cases) for s in (42, 43)]
    plan = with_throughput(fake_plan(cases, records, (42, 43)))
    frames = make_frames(select(plan))
    tasks = frames["tasks"].assign(targets="load $_{1}$, second", units="$m^2$")
    metrics = frames["metrics"].assign(heading="$MSE_{x}$ {0}")
    made = draw_all(results_of(plan, tasks=tasks, metrics=metrics), tmp_path)
    (shown,) = [figures for key, figures in made.items() if key == "every_step"]
    assert len(shown) == 5
    for figure in shown:
        ElementTree.parse(tmp_path / Path(figure.path).name)


def drawn_by(draw: Draw, results: Results, key: str) -> Figure:
    """Return one figure of one leaderboard, laid out."""
    (board,) = [board for board in results.leaderboards if board.key == key]
    with style.styled():
        figure = draw(results, board, label_looks(results))
        assert figure is not None
        figure.draw_without_rendering()
    return figure


def legend_of(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_values_from_elsewhere_are_drawn_and_named(request: pytest.FixtureRequest) -> None:
    def final(results: Results, board: Leaderboard, row: Row) -> float | None:
        return 0.0123 if row.label == "GRU" else None

    def curve(results: Results, board: Leaderboard, row: Row) -> pd.Series:
        return pd.Series([0.05, 0.04], index=[1, 2]) if row.label == "LSTM" else pd.Series(dtype="float64")

    results = results_of(trouble())
    before = len(drawn_by(curves_figure, results, "every_step").axes[0].lines)
    request.addfinalizer(lambda: overlays.remove("elsewhere"))
    overlays.add("elsewhere", Overlay("from elsewhere", final, curve))
    scores = drawn_by(scores_figure, results, "every_step")
    assert "from elsewhere" in legend_of(scores)
    assert any(np.isclose(np.asarray(c.get_offsets())[0, 0], 0.0123) for c in scores.axes[0].collections)
    curves = drawn_by(curves_figure, results, "every_step")
    assert "from elsewhere" in legend_of(curves)
    (panel,) = [ax for ax in curves.axes if ax.get_title(loc="left").startswith("LSTM")]
    assert any(np.asarray(line.get_ydata()).tolist() == [0.05, 0.04] for line in panel.lines)
    assert len(curves.axes[0].lines) == before


def test_axes_are_named_by_heading_and_unit_and_scaled_as_the_metric_says() -> None:
    strings = fake_case("fake/strings", task="reber", label="strings")
    plan = fake_plan([RNN, strings], [fake_record(RNN, 42, mse=0.01), fake_record(strings, 42, accuracy=0.9)], (42,))
    results = results_of(plan)
    errors = drawn_by(scores_figure, results, "ten_steps").axes[0]
    assert (errors.get_xlabel(), errors.get_xscale()) == ("validation MSE after the last epoch", "log")
    shares = drawn_by(scores_figure, results, "reber").axes[0]
    assert (shares.get_xlabel(), shares.get_xscale()) == ("validation accuracy after the last epoch, %", "linear")
    assert np.asarray(shares.collections[-1].get_offsets())[0, 0] == pytest.approx(90)
    curves = drawn_by(curves_figure, results, "reber").axes[0]
    assert curves.get_yscale() == "linear"
    assert max(curves.get_ylim()) > 80


def test_an_axis_is_of_the_split_that_ranks() -> None:
    results = results_of(fake_plan([RNN], [fake_record(RNN, seed, mse=0.01) for seed in (1, 2)], (1, 2), rank="best"))
    assert drawn_by(scores_figure, results, "ten_steps").axes[0].get_xlabel() == "test MSE of the best epoch"


def test_groups_are_drawn_from_scores_without_counts_and_without_windows_of_no_group() -> None:
    strings = fake_case("fake/strings", task="reber", label="strings")
    results = results_of(fake_plan([strings], [fake_record(strings, s, accuracy=0.9) for s in (42, 43)], (42, 43)))
    figure = drawn_by(groups_figure, results, "reber")
    assert [ax.get_xlabel() for ax in figure.axes] == ["length", "corrupted position"]
    assert [ax.get_ylabel() for ax in figure.axes] == ["test accuracy, %", ""]
    (row,) = results.rows
    assert row.values(Key("windows_by_group", "test", axis="length", index="8")).tolist() == [40, 40]
    for ax in figure.axes:
        assert all(np.max(line.get_ydata()) > 50 and np.min(line.get_xdata()) >= 0 for line in ax.lines)


def test_forecasts_name_target_and_unit() -> None:
    plan = fake_plan([NAIVE, RNN], [fake_record(NAIVE, None, mse=0.2), fake_record(RNN, 42, mse=0.01)], (42,))
    targets = make_frames(select(plan))["targets"]

    def label(*named: tuple[str, str]) -> str:
        other = [{"task": "ten_steps", "target": name, "unit": unit} for name, unit in named]
        frame = typed(other, TARGETS) if other else targets
        axes = drawn_by(forecasts_figure, results_of(plan, targets=frame), "ten_steps").axes
        return axes[0].get_ylabel()

    assert label() == "window 0\nvalue, no unit"
    assert label(("load", "kW")) == "window 0\nload, kW"
    assert label(("load", "kW"), ("heat", "°C")) == "window 0\nload, kW", "a sample is of the first target"


def test_expected_scores_against_recipes_tried_are_those_of_the_tuning_curve() -> None:
    """Recipes that cross over the seeds: an even place chooses another than an odd one."""
    seeds = (1, 2, 3, 4)
    tried = {
        "a": np.array([[0.010, 0.012, 0.011, 0.013], [0.020, 0.008, 0.021, 0.009], [0.030, 0.031, 0.029, 0.030]]),
        "b": np.array([[0.016, 0.015, 0.014, 0.016], [0.012, 0.013, 0.012, 0.012], [0.014, 0.018, 0.013, 0.017]]),
    }
    cases, records = [NAIVE], [fake_record(NAIVE, None, mse=0.2)]
    for name, scores in tried.items():
        grid = variants(
            fake_case(f"fake/{name}", task="ten_steps", label=name), RecipeGrid(learning_rate=[0.001, 0.003, 0.01])
        )
        cases += grid
        records += [
            fake_record(case, seed, mse=float(mse))
            for case, row in zip(grid, scores, strict=True)
            for seed, mse in zip(seeds, row, strict=True)
        ]
    figure = drawn_by(tuning_figure, results_of(fake_plan(cases, records, seeds)), "ten_steps")
    (ax,) = figure.axes
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("recipes tried", "validation MSE after the last epoch")
    expected = {}
    for name, scores in tried.items():
        curve = [interval for interval in stats.tuning_curve(scores) if interval is not None]
        assert len(curve) == 3
        expected[name] = np.array([[each.centre, each.low, each.high] for each in curve], dtype="float64")
    names = legend_of(figure)
    assert sorted(names) == sorted(expected)
    for name, drawn, bars in zip(names, ax.lines, ax.collections, strict=True):
        assert np.round(np.asarray(drawn.get_xdata(), dtype="float64")).tolist() == [1, 2, 3]
        assert np.asarray(drawn.get_ydata()) == pytest.approx(expected[name][:, 0])
        low, high = np.array([path.vertices[:, 1] for path in bars.get_paths()]).T  # type: ignore[index]
        assert low == pytest.approx(expected[name][:, 1])
        assert high == pytest.approx(expected[name][:, 2])
    # One recipe tried is any of the three: the geometric mean of all.
    assert expected["a"][0, 0] == pytest.approx(np.exp(np.log(tried["a"]).mean()))


def test_a_metric_without_curves_is_replaced_by_the_one_that_chose_the_epoch() -> None:
    plan = fake_plan([GRU, LSTM], [fake_record(c, 42, mse=0.01) for c in (GRU, LSTM)], (42,))
    metrics = make_frames(select(plan))["metrics"]
    ranked_by_mae = metrics.assign(ranks=metrics["metric"] == "mae")
    results = results_of(plan, metrics=ranked_by_mae)
    assert results.tasks[0].metric.name == "mae"
    figure = drawn_by(curves_figure, results, "every_step")
    assert figure.get_supylabel() == "validation MSE"


@pytest.mark.parametrize("width", [4.0, 5.7, 8.6])
@pytest.mark.parametrize(
    "labels", [("one seed",), ("one seed", "g" * 50, "other models", "naive, no training"), ("m" * 30,) * 5]
)
def test_a_legend_stays_within_its_figure(width: float, labels: tuple[str, ...]) -> None:
    figure = style.new_figure(width, 3.0)
    figure.subplots()
    legend_above(figure, [(label, {}) for label in labels])
    figure.canvas.draw()
    assert figure.legends[0].get_window_extent().width <= figure.bbox.width


def test_a_score_of_zero_has_its_place_on_every_axis() -> None:
    """Else a logarithmic axis leaves it out, and the best model is in no figure."""
    best = fake_case("fake/best", task="ten_steps", label="best", model=FakeNetwork(kind="best"))
    records = [fake_record(best, 42, mse=0.0), fake_record(RNN, 42, mse=0.01), fake_record(NAIVE, None, mse=0.0)]
    results = results_of(with_throughput(fake_plan([best, RNN, NAIVE], records, (42,))))
    scores = drawn_by(scores_figure, results, "ten_steps").axes[0]
    assert scores.get_xscale() == "symlog"
    assert "0" in [text.get_text() for text in scores.get_xticklabels()]
    for ax in (scores, *drawn_by(curves_figure, results, "ten_steps").axes[:2]):
        low, high = sorted(ax.get_xlim() if ax is scores else ax.get_ylim())
        assert low < 0 < 0.01 < high
    speed = drawn_by(speed_figure, results, "ten_steps").axes[0]
    assert speed.get_yscale() == "symlog"
    assert len(speed.collections) == 2


def test_of_a_model_s_recipes_the_one_that_validation_chose_is_drawn_alone() -> None:
    """Where a figure holds one line or point a model; the caption says so."""
    cases, records = [NAIVE], [fake_record(NAIVE, None, mse=0.2)]
    for name, scores in (("a", (0.010, 0.012)), ("b", (0.020, 0.015))):
        grid = variants(
            fake_case(f"fake/{name}", task="ten_steps", label=name), RecipeGrid(learning_rate=[0.001, 0.01])
        )
        cases += grid
        records += [fake_record(c, s, mse=m) for c, m in zip(grid, scores, strict=True) for s in (1, 2)]
    results = results_of(fake_plan(cases, records, (1, 2)))
    (board,) = results.tasks
    drawn = drawn_by(pareto_figure, results, board.key)
    assert sorted(text.get_text() for text in drawn.axes[0].texts if "naive" not in text.get_text()) == [
        "a",
        "b, learning rate 0.01",
    ]
    assert chosen_note(board) == " Of each model, the recipe that validation chose."
    assert all(chosen_note(each) == "" for each in results_of(trouble()).leaderboards)


def test_the_caption_says_where_seeds_have_ended_before_others() -> None:
    records = [fake_record(RNN, seed, mse=0.01, epochs=epochs) for seed, epochs in ((1, 20), (2, 20), (3, 12))]
    for chosen, said in ((records[:2], False), (records, True)):
        (board, *_) = (results := results_of(fake_plan([RNN], chosen, (1, 2, 3)))).tasks
        assert ("Where a seed has ended, the mean is of those that go on." in caption(results, board)) is said
