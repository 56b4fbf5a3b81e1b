"""Scores at lengths as in training and beyond, against the numbers of fake runs."""

from dataclasses import replace

import numpy as np
import pytest

from bench.report.figures.base import label_looks
from bench.report.figures.carried import carried_figure, wanted
from bench.report.figures.groups import groups_figure
from bench.report.groups import as_trained, group_tables
from bench.report.style import styled
from tests.fakes import FakeStrings, fake_case, fake_plan, fake_record
from tests.section_fakes import lines, results_of

SEEDS = (42, 43, 44)


class FakeLong(FakeStrings):
    """Fake strings, longer in test.

    Split by string.
    """

    name = "fake_long"
    as_trained = "outer_only"

    @property
    def chance(self) -> dict[str, float]:
        return {"accuracy": 0.5}


def run(case, seed: int, beyond: float):
    """Return a run that is always right at lengths 8 to 12 of the extra set, and ``beyond`` often at 13 to 30."""
    made = fake_record(case, seed, accuracy=0.9)
    scores = []
    for score in made.scores:
        if score.axis == "length":
            inside = int(score.index) <= 12
            if inside is not (score.split == "outer_only"):
                continue
            if score.metric == "accuracy_by_group":
                # The weights that do not rank are never right.
                score = score._replace(value=(1.0 if inside else beyond) if score.weights == "best" else 0.0)
        scores.append(score)
    return made.model_copy(update={"scores": tuple(scores)})


@pytest.fixture(scope="module")
def results():
    far, near = (
        replace(fake_case(f"fake/{name}", label=name), dataset=FakeLong(asks="reber")) for name in ("far", "near")
    )
    passed = replace(near, name="fake/near@x", label="near, x", variant_of=near.name)
    records = [run(case, s, value + 0.01 * (s - 43)) for case, value in ((far, 0.9), (near, 0.5)) for s in SEEDS]
    records += [fake_record(passed, s, accuracy=0.6, cross_entropy=2.0) for s in SEEDS]
    return results_of(fake_plan([far, near, passed], records, SEEDS, rank="best"))


def test_a_panel_a_network_holds_both_sides_and_a_line_a_seed(results):
    (board,) = results.leading()
    assert (as_trained(board), wanted(results, board)) == ("outer_only", True)
    with styled():
        picture = carried_figure(results, board, label_looks(results))
    assert picture is not None
    assert [ax.get_title("left") for ax in picture.axes] == ["far", "near"], "the recipe that validation left has none"
    far = picture.axes[0]
    (mean,) = [line for line in far.lines if line.get_linewidth() == 1.9]
    drawn = dict(mean.get_xydata().tolist())
    assert list(drawn) == list(range(8, 31))
    assert (drawn[8], drawn[12], drawn[13], drawn[30]) == pytest.approx((100, 100, 90, 90))
    assert sum(line.get_linewidth() == 0.6 for line in far.lines) == len(SEEDS)
    labels = [label.get_text() for label in far.get_xticklabels()]
    assert labels[:3] == ["8", "12", "30"]
    places = np.sort(np.log(np.array(labels, float)))
    assert len(labels) > 4
    assert np.diff(places).min() >= 0.1 * np.ptp(places), "no label lies over another"
    assert any([*line.get_ydata()] == [50, 50] for line in far.lines), "chance"


def test_the_table_tells_training_s_lengths_from_test_s(results):
    (board,) = results.leading()
    _, body, notes = next(each for each in group_tables(board) if "length" in each[0])
    inside, beyond = body.split("\n\n")
    assert inside.startswith("| length, as in training")
    assert "near, x" not in body
    assert lines(inside, "8 to 9")[0]["far"].startswith("100.0 %")
    assert lines(beyond, "13 to 14")[0]["near"].startswith("50.0 %")
    assert "best epoch" in notes[0]


def test_groups_that_are_not_training_s_have_the_plain_figure():
    case = fake_case("fake/gru", label="gru", task="reber")
    results = results_of(fake_plan([case], [fake_record(case, s, accuracy=0.9) for s in SEEDS], SEEDS))
    (board,) = results.leading()
    assert not wanted(results, board)
    with styled():
        assert groups_figure(results, board, label_looks(results)) is not None
