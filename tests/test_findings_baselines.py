"""The first finding on a user's own series: whether a network beats the best baseline."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t

from bench.cases.variants import variants
from bench.frames import make_frames, select
from bench.kept import Kept
from bench.recipe import RecipeGrid
from bench.report.findings.baselines import against_baselines, candidates
from bench.report.results import Results
from tests.fakes import FakeNaive, FakeWaves, fake_case, fake_plan, fake_record
from tests.report_fakes import sentences
from tests.test_frames_pairs import kept_of

SEEDS = tuple(range(42, 48))


class Own(FakeWaves):
    """The fake waves, as a user's own."""

    name = "fake_own"
    own_series = True


def own(name, **more):
    case = fake_case(name, task="ten_steps", **more)
    return replace(case, dataset=Own(**case.dataset.model_dump()))


NAIVE, DRIFT = (own(f"fake/{name}", label=name, model=FakeNaive()) for name in ("naive", "drift"))
RNN = own("fake/rnn", label="RNN")


def plan_of(cases, scores, seeds=SEEDS, spread=0.02):
    records = [
        fake_record(case, seed, mse=scores[case.name] * (1 + spread * (seed % 3)))
        for case in cases
        for seed in (seeds if case.model.trained else seeds[:1])
    ]
    return fake_plan([*cases], records, seeds, rank="last")


def board_of(plan, read=lambda record: Kept()):
    return Results(make_frames(select(plan).reading(read))).leading()[0]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (0.5, "RNN beats the best baseline, drift (MSE 0.01"),
        (2.0, "RNN does not beat the best baseline, drift (MSE 0.01"),
        (0.98, "RNN is not shown to beat the best baseline, drift (MSE 0.01"),
    ],
)
def test_it_is_said_first_of_the_user_s_own_series(error, said, tmp_path):
    plan = plan_of([NAIVE, DRIFT, RNN], {"fake/naive": 0.03, "fake/drift": 0.01, "fake/rnn": 0.01 * error})
    first = sentences(plan, tmp_path)[0]
    assert first.startswith("**[Is a network worth it?](#table-")
    assert said in first
    assert first.endswith("over seeds alone.")


def of_any_epoch(record):
    """Return a predictor's record with its scores as those of the best epoch, too."""
    best = tuple(score._replace(weights="best") for score in record.scores)
    return record.model_copy(update={"scores": (*record.scores, *best)})


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (0.5, "RNN with its recipe beats the best baseline, naive"),
        (2.0, "RNN with its recipe, the best of 2 networks on validation, does not beat the best baseline, naive"),
    ],
)
def test_networks_of_unlike_recipes_are_said_to_have_them(error, said):
    scores = {"fake/naive": 0.01, "fake/rnn": 0.01 * error, "fake/gru": 0.05}
    alike = own("fake/gru", label="GRU")
    other = replace(alike, recipe=alike.recipe.model_copy(update={"learning_rate": 0.02}))
    assert said in against_baselines(board_of(plan_of([NAIVE, RNN, other], scores)))
    assert "recipe" not in against_baselines(board_of(plan_of([NAIVE, RNN, alike], scores)))


def test_a_network_that_leads_on_test_alone_is_named():
    gru = own("fake/gru", label="GRU")
    naive = fake_record(NAIVE, None, mse=0.012)
    records = [
        naive.model_copy(update={"scores": (*naive.scores, *(s._replace(weights="best") for s in naive.scores))})
    ]
    records += [fake_record(RNN, seed, mse=0.0100 + seed / 1e6, test_factor=1.5) for seed in SEEDS]
    records += [fake_record(gru, seed, mse=0.0102 + seed / 1e6, test_factor=0.5) for seed in SEEDS]
    said = against_baselines(board_of(fake_plan([NAIVE, RNN, gru], records, SEEDS, rank="best")))
    assert said.startswith("RNN, the best of 2 networks on validation, does not beat the best baseline, naive")
    assert ": it is at × 1.2" in said
    assert said.endswith(" GRU, which leads on test, is not what validation chooses.")


def test_a_baseline_that_is_ahead_on_test_alone_is_named():
    predictors = fake_record(NAIVE, None, mse=0.02, test_factor=0.1), fake_record(DRIFT, None, mse=0.015)
    records = [*map(of_any_epoch, predictors)]
    records += [fake_record(RNN, seed, mse=0.0100 + seed / 1e6) for seed in SEEDS]
    said = against_baselines(board_of(fake_plan([NAIVE, DRIFT, RNN], records, SEEDS, rank="best")))
    assert said.startswith(
        "RNN beats the best baseline on validation, drift (MSE 0.01530), but not naive (0.002000): it is at"
    )
    assert said.endswith(" Naive, which leads on test, is not what validation chooses.")


def test_nothing_is_said_of_other_data_or_of_networks_alone(tmp_path):
    other = fake_case("fake/rnn", task="ten_steps")
    naive = fake_case("fake/naive", task="ten_steps", model=FakeNaive())
    made = sentences(plan_of([naive, other], {"fake/naive": 0.01, "fake/rnn": 0.02}), tmp_path)
    assert not any("worth it" in sentence for sentence in made)
    assert against_baselines(board_of(plan_of([RNN], {"fake/rnn": 0.02}))) == ""


def test_few_seeds_that_do_not_tell_say_so():
    plan = plan_of([NAIVE, RNN], {"fake/naive": 0.0101, "fake/rnn": 0.01}, seeds=SEEDS[:3])
    assert against_baselines(board_of(plan)).startswith("Too few seeds to say whether RNN beats the best")


def test_errors_a_window_are_paired():
    plan = plan_of([NAIVE, RNN], {"fake/naive": 0.03, "fake/rnn": 0.01})
    board = board_of(plan, kept_of)
    said = against_baselines(board)
    (pair,) = {p for (one, _, key), p in board.pairs.items() if one[0] == "fake/rnn" and key == board.score}
    reach = t.ppf(0.975, pair.freedom) * pair.error
    low, high = np.exp([pair.value - reach, pair.value + reach])
    assert f"it is at × {np.exp(pair.value):.2f} [{low:.2f}, {high:.2f}], paired by window." in said


def test_a_grid_is_chosen_from_by_validation_and_scored_on_other_seeds():
    """Two learning rates: even seeds prefer the second, odd seeds the first, so each half scores the other's choice."""
    laid = variants(RNN, RecipeGrid(learning_rate=[0.001, 0.01]))
    scores = {0.001: [1, 3, 1, 3, 1, 3], 0.01: [2, 2, 2, 2, 2, 2]}
    records = [
        fake_record(case, seed, mse=0.01 * scores[case.recipe.learning_rate][place])
        for case in laid
        for place, seed in enumerate(SEEDS)
    ]
    plan = fake_plan([NAIVE, *laid], [fake_record(NAIVE, None, mse=0.05), *records], SEEDS, rank="last")
    board = board_of(plan)
    (network,) = candidates(board)
    np.testing.assert_allclose(network.sample.values, 0.01 * np.array([2, 3, 2, 3, 2, 3]))
    said = against_baselines(board)
    assert f"it is at × {np.sqrt(6) / 5:.2f} " in said
    assert said.endswith(
        " Each network at the best of 2 learning rates, chosen on validation and scored on the seeds that did not "
        "choose it."
    )
