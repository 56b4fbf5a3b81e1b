import numpy as np
import pytest

from bench.metrics.base import Scored, evaluate, metrics, scored
from bench.task import Split, TargetKind, Task

LAST = TargetKind.LAST_STEP
EVERY = TargetKind.EVERY_STEP
LABEL = TargetKind.LABEL


def pair(target, truth, forecast, positions=(), groups=None):
    return Scored(
        target,
        np.array(truth, dtype=np.float64),
        np.array(forecast, dtype=np.float64),
        np.array(positions, dtype=np.int64),
        {name: np.array(values) for name, values in (groups or {}).items()},
    )


# Two windows, three steps: errors 1, 2, 3 and 0, -1, 1.
TEN = pair(LAST, [[1, 2, 3], [4, 5, 6]], [[0, 0, 0], [4, 6, 5]])
# One window, six positions, one step: the error at a position is its index.
SIX = pair(EVERY, [[[0], [1], [2], [3], [4], [5]]], [[[0]] * 6], positions=range(6))
# The same forecasts from a model that stands at positions 1, 3 and 5 only.
ODD = pair(EVERY, [[[1], [3], [5]]], [[[0]] * 3], positions=[1, 3, 5])
# Right, wrong, right (one half counts as 1), wrong.
FOUR = pair(LABEL, [1, 1, 1, 0], [0.9, 0.2, 0.5, 0.75], groups={"length": [9, 9, 11, 11]})

KNOWN = [
    ("mse", TEN, 16 / 6),
    ("mse", SIX, 55 / 6),
    ("mse", ODD, 35 / 3),
    ("mae", TEN, 8 / 6),
    ("mae", SIX, 15 / 6),
    ("last_time_step_mse", TEN, 16 / 6),
    ("last_time_step_mse", SIX, 25.0),
    ("last_time_step_mse", ODD, 25.0),
    ("mse_per_step", TEN, [0.5, 2.5, 5.0]),
    ("mse_per_step", SIX, [25.0]),
    ("mse_odd_positions", SIX, (9 + 25) / 2),
    ("mse_odd_positions", ODD, (9 + 25) / 2),
    ("accuracy", FOUR, 0.5),
    ("cross_entropy", FOUR, -np.log([0.9, 0.2, 0.5, 0.25]).mean()),
    ("windows_by_group", FOUR, {"length=9": 2.0, "length=11": 2.0}),
    ("accuracy_by_group", FOUR, {"length=9": 0.5, "length=11": 0.5}),
]


@pytest.mark.parametrize(("name", "given", "expected"), KNOWN)
def test_known_answers(name, given, expected):
    assert metrics.get(name).compute(given) == pytest.approx(expected, rel=1e-12)


def test_every_metric_has_a_known_answer_for_every_kind_of_target():
    assert {(name, given.target) for name, given, _ in KNOWN} == {
        (name, kind) for name in metrics.names() for kind in metrics.get(name).kinds
    }


def test_a_certain_and_wrong_label_costs_a_finite_entropy():
    result = metrics.get("cross_entropy").compute(pair(LABEL, [1, 0], [0.0, 1.0]))
    assert result == pytest.approx(-np.log(1e-7), rel=1e-6)


def test_groups_give_the_accuracy_of_each_value():
    given = pair(LABEL, [1, 0, 0], [1, 1, 0], groups={"length": [9, 9, 9], "corrupted_position": [-1, 2, 3]})
    assert metrics.get("accuracy_by_group").compute(given) == pytest.approx(
        {
            "length=9": 2 / 3,
            "corrupted_position=-1": 1,
            "corrupted_position=2": 0,
            "corrupted_position=3": 1,
        }
    )


def test_evaluate_computes_what_applies_and_per_epoch_what_is_meant_for_it():
    assert set(evaluate(TEN)) == {n for n in metrics.names() if LAST in metrics.get(n).kinds}
    assert set(evaluate(SIX, per_epoch=True)) == {"mse", "last_time_step_mse"}
    assert set(evaluate(FOUR, per_epoch=True)) == {"accuracy", "cross_entropy"}


def every_step_split():
    y = np.arange(2 * 6 * 3, dtype=np.float32).reshape(2, 6, 3)
    return Split(Task("t", EVERY, 6, 1, horizon=3), np.zeros((2, 6, 1), np.float32), y)


def test_scored_cuts_targets_to_the_positions_of_a_strided_model():
    split = every_step_split()
    made = scored(split, split.y[:, 3::2], slice(3, None, 2))
    assert made.positions.tolist() == [3, 5]
    assert made.truth.dtype == made.forecast.dtype == np.float64
    assert evaluate(made)["mse"] == 0


def test_scored_refuses_a_forecast_of_another_shape():
    split = every_step_split()
    with pytest.raises(ValueError, match="forecast has shape"):
        scored(split, split.y[:, 3::2], slice(None))


def test_a_whole_split_in_float64_is_not_a_mean_of_batch_means():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(1_001, 1))
    given = pair(LAST, truth, np.zeros_like(truth))
    assert evaluate(given)["mse"] == pytest.approx(float(sum(v**2 for v in truth[:, 0])) / 1_001, rel=1e-12)
