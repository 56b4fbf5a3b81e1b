"""Printed values of test sets, those that a report leaves out, and what faults cost by the metric of their task."""

from dataclasses import replace

import numpy as np
import pytest

from bench.cases.base import AS_PRINTED, CORRECTED, Erratum, Published, cases
from bench.cases.printed import NotRun, further_faults, not_run
from bench.frames import make_frames, select
from bench.report.columns.printed import printed_columns
from bench.report.errata import significant, variants
from bench.report.findings.printed import errata
from bench.report.parts import overlays
from bench.report.printed import printed_values
from bench.report.results import Results
from bench.report.sections.errata import errata_table
from bench.report.sections.reproduction import not_run_table
from bench.report.tables import all_tables
from tests.fakes import FakeNaive, FakeWaves, fake_case, fake_plan, fake_record
from tests.section_fakes import lines, results_of

OF_TEST = Published(values={"mse": 0.0102}, split="test", weights="best", why_not="takes a day")
RNN = fake_case("source/rnn", label="RNN", published=OF_TEST, errata=(Erratum(1, "it forgets", CORRECTED),))
FAULTY = fake_case("source/faulty", label="faulty RNN", errata=(Erratum(1, "it forgets", AS_PRINTED),))
LABELS = [
    fake_case(f"source/{name}", task="reber", label=name, errata=(Erratum(2, "it adds up", variant),))
    for name, variant in (("summed", AS_PRINTED), ("fresh", CORRECTED))
]


@pytest.fixture
def held() -> Results:
    records = []
    for seed in (1, 2, 3):
        records += [fake_record(RNN, seed, mse=0.01 + seed / 1e4), fake_record(FAULTY, seed, mse=0.02 + seed / 1e4)]
        records += [fake_record(case, seed, accuracy=0.9 + seed / 1e3) for case in LABELS]
    return results_of(fake_plan([RNN, FAULTY, *LABELS], records, (1, 2, 3)))


def test_a_value_of_test_is_held_to_test_scores(held):
    (value,) = printed_values(held)
    assert value.sample.values == pytest.approx(np.array([0.0101, 0.0102, 0.0103]) * 1.02 * 0.98)
    assert value.elsewhere
    assert value.verdict == "inside"


@pytest.mark.parametrize(
    ("rank", "heading", "drawn"), [("last", "printed test MSE", None), ("best", "printed MSE", 0.0102)]
)
def test_what_was_printed_of_another_score_than_the_one_that_ranks_is_named_and_not_drawn(rank, heading, drawn):
    results = results_of(fake_plan([RNN], [fake_record(RNN, seed, mse=0.01) for seed in (1, 2)], (1, 2), rank=rank))
    (board,) = results.tasks
    (column,) = printed_columns(results, board).items()
    assert (column[0], column[1](board.rows[0])) == (heading, "0.0102")
    assert overlays.get("printed").final(results, board, board.rows[0]) == drawn


def test_printed_values_of_unlike_weights_stand_in_one_column():
    last = fake_case("source/gru", label="GRU", published=Published(values={"mse": 0.03}, split="test", weights="last"))
    results = results_of(fake_plan([RNN, last], [fake_record(case, 1, mse=0.01) for case in (RNN, last)], (1,)))
    (board,) = results.tasks
    (column,) = printed_columns(results, board).values()
    assert {row.name: column(row) for row in board.rows} == {"RNN": "0.0102", "GRU": "0.0300"}


def test_costs_are_told_by_the_ranking_error_and_of_classes_by_what_chose_the_epoch(held):
    found = {v.row.name: v for v in variants(held)}
    assert {name: v.key.metric for name, v in found.items()} == {
        "RNN": "mse", "faulty RNN": "mse", "summed": "cross_entropy", "fresh": "cross_entropy",
    }  # fmt: skip
    means = [np.exp(np.log(base + np.array([1, 2, 3]) / 1e4).mean()) for base in (0.02, 0.01)]
    assert found["faulty RNN"].ratio == pytest.approx(means[0] / means[1], rel=1e-4)
    assert found["RNN"].reference is None
    body, notes = errata_table(held)
    assert "validation errors" in " ".join(notes)
    (line,) = lines(body, "faulty RNN")
    assert line["× corrected"].startswith("1.9")


def test_values_that_nothing_is_held_to_say_why():
    cases.add("source/rnn", RNN)
    naive = fake_case("source/naive", label="naive", model=FakeNaive())
    cases.add("source/naive", naive)
    lines_left = (
        NotRun("music", "TCN", "loss", 8.10, "no data | here"),
        NotRun("waves, larger", "TCN", "MSE", 0.0099, "another size", like="source/naive"),
        NotRun("waves", "Mixer", "MSE", None, "no copy was found"),
    )
    not_run.add("source", lines_left)
    try:
        other = fake_case("source/other")
        records = [*(fake_record(other, s, mse=0.1) for s in (1, 2)), fake_record(naive, None, mse=0.25)]
        body, notes = not_run_table(results_of(fake_plan([other, naive], records, (1, 2))))
        networks, bare = not_run_table(results_of(fake_plan([other], records[:2], (1, 2))))
        alone = results_of(fake_plan([fake_case()], [fake_record(fake_case(), s, mse=0.1) for s in (1, 2)], (1, 2)))
        assert not_run_table(alone) is None
    finally:
        cases.remove("source/rnn")
        cases.remove("source/naive")
        not_run.remove("source")
    (line,) = lines(body, "RNN")
    assert (line["printed"], line["run it by"], line["why not here"]) == ("0.0102", "`source/rnn`", "takes a day")
    assert line["best untrained here"] == "0.2550 (naive)", "test MSE on the same task"
    music, waves = lines(body, "TCN")
    assert (music["printed"], music["run it by"], music["why not here"]) == ("8.1", "–", "no data ¦ here")
    assert (music["best untrained here"], waves["best untrained here"]) == ("–", "0.2550 (naive)")
    (line,) = lines(body, "Mixer")
    assert (line["printed"], line["why not here"]) == ("–", "no copy was found")
    assert "which what was printed has to beat" in " ".join(notes)
    assert "best untrained here" not in networks + " ".join(bare), "no column where no predictor is here"


def exact(name, mse, number, variant):
    made = fake_case(f"source/{name}", label=name, model=FakeNaive(), errata=(Erratum(number, "it peeps", variant),))
    return made, fake_record(made, None, mse=mse)


def test_a_fault_that_leaves_an_exact_score_as_it_is_changes_nothing():
    same = [exact("peeps", 0.1, 1, AS_PRINTED), exact("mended", 0.1, 1, CORRECTED)]
    other = [exact("drops", 0.2, 2, AS_PRINTED), exact("whole", 0.1, 2, CORRECTED)]
    faulty, fair = (fake_case(f"source/{v}", label=v, errata=(Erratum(3, "it forgets", w),))
                    for v, w in (("rnn a", AS_PRINTED), ("rnn b", CORRECTED)))  # fmt: skip
    pairs = [*same, *other, *((c, fake_record(c, s, mse=0.01)) for c in (faulty, fair) for s in (1, 2, 3))]
    made = list({case.name: case for case, _ in pairs}.values())
    results = results_of(fake_plan(made, [record for _, record in pairs], (1, 2, 3)))
    (said,) = errata(results, all_tables(results))
    assert said.endswith("Of 3 faults, 1 hurts, 1 changes nothing, 1 undecided."), "equal seeds are no exact score"


def test_where_each_run_draws_its_own_data_a_fault_is_held_to_its_correction_draw_by_draw():
    """What makes a draw hard for both cancels: a fifth more on each of draws that lie far apart."""
    seeds = (1, 2, 3, 4)
    faulty, fair = (
        fake_case(f"source/{v}", label=v, errata=(Erratum(3, "it forgets", w),))
        for v, w in (("rnn a", AS_PRINTED), ("rnn b", CORRECTED))
    )
    hard = dict(zip(seeds, (0.01, 0.05, 0.2, 1.0), strict=True))
    times = dict(zip(seeds, (1.19, 1.2, 1.21, 1.2), strict=True))
    records = [
        fake_record(case, s, mse=hard[s] * (times[s] if case is faulty else 1.0))
        for case in (faulty, fair)
        for s in seeds
    ]
    frames = make_frames(select(fake_plan([faulty, fair], records, seeds)))
    for own in (False, True):
        if own:
            frames["runs"]["data_seed"] = frames["runs"]["seed"].astype(frames["runs"]["data_seed"].dtype)
        results = Results(frames)
        made = errata_table(results)
        assert made is not None
        (found,) = (v for v in variants(results) if v.reference)
        assert found.effect.value == pytest.approx(1.2, rel=1e-2)
        assert (found.effect.low > 1.15) is own
        assert ("Student's t of the ratios draw by draw" in " ".join(made[1])) is own
        assert significant([found]) == [own]


def test_faults_that_no_case_has_stand_under_the_table(held):
    _, notes = errata_table(held)
    assert not any("no case has them" in note for note in notes)
    further_faults.add("source", ("figure 4 | shows figure 5", "two sizes are swapped"))
    try:
        faulty = fake_plan(
            [RNN, FAULTY], [fake_record(case, s, mse=0.01) for case in (RNN, FAULTY) for s in (1, 2)], (1, 2)
        )
        results = results_of(faulty)
        other = results_of(fake_plan([fake_case()], [fake_record(fake_case(), 1, mse=0.1)], (1,)))
    finally:
        further_faults.remove("source")
    _, notes = errata_table(results)
    at = notes.index("Further faults of the source, which change no score here, so that no case has them:")
    assert notes[at + 1 : at + 3] == ["- figure 4 \\| shows figure 5.", "- two sizes are swapped."]
    assert [v.number for v in variants(results)] == [1, 1]
    assert not len(other.frames["errata"]), "of another family"


class Riddle(FakeWaves):
    """Fake waves that count as solved from some error on."""

    name = "fake_solvable"

    @property
    def solved(self) -> dict[str, float]:
        return {"mse": 0.0105}


def test_a_cost_of_means_over_seeds_of_which_some_fail_points_to_the_count():
    fair, faulty = (
        replace(fake_case(f"source/{name}", label=name, errata=(Erratum(1, "it forgets", variant),)), dataset=Riddle())
        for name, variant in (("fair", CORRECTED), ("faulty", AS_PRINTED))
    )
    records = [fake_record(fair, s, mse=0.01) for s in (1, 2, 3)]
    records += [fake_record(faulty, s, mse=m) for s, m in ((1, 0.01), (2, 0.2), (3, 0.2))]
    _, notes = errata_table(results_of(fake_plan([fair, faulty], records, (1, 2, 3))))
    assert "Of faulty some seeds solve the task and others do not" in " ".join(notes)
    _, notes = errata_table(results_of(fake_plan([fair, faulty], records[:4], (1, 2, 3))))
    assert "solve the task" not in " ".join(notes)
