"""The report's figures: there, the same each time, in colours that mean one model."""

import re
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import pytest

from bench.report import style
from bench.report.build import build_report
from bench.report.figures.base import legend_above
from tests.fakes import fake_plan, fake_record
from tests.report_fakes import RNN, trouble


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
