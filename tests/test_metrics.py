from dataclasses import replace

import numpy as np
import pytest

from bench.errors import BenchError
from bench.metrics.base import Scored, evaluate, metric, metrics, monitor, ranking, scored, squared_errors
from bench.metrics.traits import Axis, Direction, Traits
from bench.task import Split, Target, TargetKind, Task

LAST = TargetKind.LAST_STEP
EVERY = TargetKind.EVERY_STEP
LABEL = TargetKind.LABEL
LABELS = TargetKind.LABEL_EVERY_STEP
ODD_TOO = ("mse_odd_positions",)


def pair(task, truth, forecast, positions=None, groups=None, mask=None):
    """Forecasts beside the truth, whose axes are those that `Scored` names."""
    truth, forecast = np.array(truth), np.array(forecast, dtype=np.float64)
    where = list(range(truth.shape[1])) if positions is None else list(positions)
    return Scored(
        task,
        truth if task.target.is_class else truth.astype(np.float64),
        forecast,
        np.array(where, dtype=np.int64),
        np.ones(truth.shape[:2], dtype=np.bool_) if mask is None else np.array(mask),
        {name: np.array(values) for name, values in (groups or {}).items()},
    )


def test_errors_are_subtracted_in_float64_whatever_was_given():
    """Float32 could not tell these apart."""
    task = Task("t", TargetKind.LAST_STEP, 5, 1)
    split = Split(task, np.zeros((2, 5, 1), np.float32), np.array([[1.0], [1.0]], np.float32))
    forecast = np.array([[1e-9], [-1e-9]], np.float32)
    for given in (forecast, forecast.astype(np.float64)):
        seen = scored(split, given, slice(None))
        assert seen.truth.dtype == seen.forecast.dtype == seen.errors().dtype == np.float64
        np.testing.assert_array_equal(seen.errors(), seen.truth - seen.forecast)
        np.testing.assert_array_equal(squared_errors(seen), (seen.truth - seen.forecast) ** 2)
        assert len(np.unique(seen.errors())) == 2
        seen.errors()[:] = 0
        assert seen.errors().all(), "each caller has an array of its own"


def real(values):
    """Numbers ``[windows, positions, horizon]`` of one target."""
    return np.array(values, dtype=np.float64)[..., np.newaxis]


def sure(labels, of):
    """The probabilities of a model that is sure of its labels."""
    return np.eye(of)[np.array(labels)]


def two(shares):
    """Probabilities of two classes from those of the second: ``[windows, 1, 2]``."""
    p = np.array(shares)[:, np.newaxis]
    return np.stack([1 - p, p], axis=-1)


def found(given, **options):
    return {(name, index): value for name, _, index, value in evaluate(given, **options)}


# Two windows, three steps: errors 1, 2, 3 and 0, -1, 1.
TEN = pair(
    Task("ten", LAST, 1, horizon=3), real([[[1, 2, 3]], [[4, 5, 6]]]), real([[[0, 0, 0]], [[4, 6, 5]]]), positions=[0]
)
# One window, six positions, one step: the error at a position is its index.
OF_SIX = Task("six", EVERY, 6, metrics=ODD_TOO)
SIX = pair(OF_SIX, real([[[0], [1], [2], [3], [4], [5]]]), real([[[0]] * 6]))
# The same forecasts from a model that stands at positions 1, 3 and 5 only.
ODD = pair(OF_SIX, real([[[1], [3], [5]]]), real([[[0]] * 3]), positions=[1, 3, 5])
# The same again, where the last two positions are not scored.
MASKED = pair(OF_SIX, real([[[0], [1], [2], [3], [4], [5]]]), real([[[0]] * 6]), mask=[[True] * 4 + [False] * 2])
# Two targets, two steps: errors 1 and 3 of the first, 0 and 2 of the second.
BOTH = pair(
    Task("both", LAST, 1, horizon=2, targets=(Target("load", "MW"), Target("price", "EUR"))),
    [[[[1.0, 0.0], [3.0, 2.0]]]],
    [[[[0.0, 0.0], [0.0, 0.0]]]],
)
# Two targets, one step, two positions: errors 1 and 0 of the first, 0 and 2 of the second.
BOTH_AT_EVERY = pair(
    Task("at_every", EVERY, 2, targets=(Target("load", "MW"), Target("price", "EUR"))),
    [[[[1.0, 0.0]], [[0.0, 2.0]]]],
    [[[[0.0, 0.0]], [[0.0, 0.0]]]],
)
# Right, wrong, right (of equal classes the higher counts), wrong.
FOUR = pair(Task("four", LABEL, 1), [[1], [1], [1], [0]], two([0.9, 0.2, 0.5, 0.75]), groups={"length": [9, 9, 11, 11]})
# Three classes at each of two positions: right, wrong; right, right.
THREE = pair(
    Task("three", LABELS, 2, classes=3), [[0, 1], [2, 1]], [[[0.8, 0.1, 0.1], [0.1, 0.4, 0.5]], sure([2, 1], 3)],
    groups={"length": [9, 11]},
)  # fmt: skip

# Quantiles 1, 3 and 4 of 2 and of 5: losses 0.25, 0.5, 0.5 and 1, 1, 0.75; inside and outside.
LEVELS = (0.25, 0.5, 0.75)
SPREAD = replace(
    pair(Task("spread", LAST, 1, quantiles=LEVELS), real([[[2]], [[5]]]), real([[[3]], [[3]]]), positions=[0]),
    given_quantiles=np.array([1.0, 3.0, 4.0]) * np.ones((2, 1, 1, 1, 1)),
)
SPREAD_AT_EVERY = replace(
    pair(Task("spread", EVERY, 2, quantiles=LEVELS), real([[[2], [5]]]), real([[[3], [3]]])),
    given_quantiles=np.array([1.0, 3.0, 4.0]) * np.ones((1, 2, 1, 1, 1)),
)

SCALES = np.array([[2.0, 4.0]])
"""Of MASE, by target."""
KNOWN = [
    ("mse", TEN, 16 / 6),
    ("mse", SIX, 55 / 6),
    ("mse", ODD, 35 / 3),
    ("mse", MASKED, 14 / 4),
    ("mse", BOTH, 14 / 4),
    ("mae", TEN, 8 / 6),
    ("mae", SIX, 15 / 6),
    ("mae", MASKED, 6 / 4),
    ("last_time_step_mse", TEN, 16 / 6),
    ("last_time_step_mse", SIX, 25.0),
    ("last_time_step_mse", ODD, 25.0),
    ("mse_per_step", TEN, [0.5, 2.5, 5.0]),
    ("mse_per_step", SIX, [25.0]),
    ("mse_per_step", BOTH, [0.5, 6.5]),
    ("mse_per_target", BOTH, [5.0, 2.0]),
    ("mse_per_target", BOTH_AT_EVERY, [0.5, 2.0]),
    ("rmse", TEN, (16 / 6) ** 0.5),
    ("rmse", SIX, (55 / 6) ** 0.5),
    ("mase", replace(BOTH, naive_error=SCALES), (1 / 2 + 3 / 2 + 0 / 4 + 2 / 4) / 4),
    ("mase", replace(BOTH_AT_EVERY, naive_error=SCALES), (1 / 2 + 0 / 4 + 0 / 2 + 2 / 4) / 4),
    ("mae_per_step", TEN, [0.5, 1.5, 2.0]),
    ("mae_per_step", SIX, [5.0]),
    ("mae_per_target", BOTH, [2.0, 1.0]),
    ("mae_per_target", BOTH_AT_EVERY, [0.5, 1.0]),
    *(
        (name, given, value)
        for given in (SPREAD, SPREAD_AT_EVERY)
        for name, value in (("pinball", 4 / 6), ("coverage", 0.5), ("interval_width", 3.0))
    ),
    ("mse_odd_positions", SIX, (9 + 25) / 2),
    ("mse_odd_positions", ODD, (9 + 25) / 2),
    ("accuracy", FOUR, 0.5),
    ("accuracy", THREE, 0.75),
    ("cross_entropy", FOUR, -np.log([0.9, 0.2, 0.5, 0.25]).mean()),
    ("cross_entropy", THREE, -np.log([0.8, 0.4, 1 - 1e-7, 1 - 1e-7]).mean()),
    ("windows_by_group", FOUR, {"length": {9: 2.0, 11: 2.0}}),
    ("windows_by_group", THREE, {"length": {9: 1.0, 11: 1.0}}),
    ("accuracy_by_group", FOUR, {"length": {9: 0.5, 11: 0.5}}),
    ("accuracy_by_group", THREE, {"length": {9: 0.5, 11: 1.0}}),
]


def flat(value):
    """A value as pairs: pytest compares no nested mappings."""
    if isinstance(value, dict):
        return {(group, at): number for group, parts in value.items() for at, number in parts.items()}
    return value


@pytest.mark.parametrize(("name", "given", "expected"), KNOWN)
def test_known_answers(name, given, expected):
    assert flat(metrics.get(name).compute(given)) == pytest.approx(flat(expected), rel=1e-12)


def test_every_metric_has_a_known_answer_for_every_kind_of_target():
    assert {(name, given.task.target) for name, given, _ in KNOWN} == {
        (name, kind) for name in metrics.names() for kind in metrics.get(name).kinds
    }


def test_a_certain_and_wrong_label_costs_a_finite_entropy():
    result = metrics.get("cross_entropy").compute(pair(Task("t", LABEL, 1), [[1], [0]], two([0.0, 1.0])))
    assert result == pytest.approx(-np.log(1e-7), rel=1e-6)


def test_groups_give_the_accuracy_of_each_value():
    groups = {"length": [9, 9, 9], "corrupted_position": [-1, 2, 3]}
    given = pair(Task("t", LABEL, 1), [[1], [0], [0]], two([1, 1, 0]), groups=groups)
    result = metrics.get("accuracy_by_group").compute(given)
    assert result["length"] == pytest.approx({9: 2 / 3})
    assert result["corrupted_position"] == {-1: 1, 2: 0, 3: 1}


def test_evaluate_computes_what_applies_and_per_epoch_what_is_meant_for_it():
    named = [n for n in metrics.names() if LAST in metrics.get(n).kinds and not metrics.get(n).opt_in]
    assert {name for name, _ in found(BOTH)} == set(named)
    assert {name for name, _ in found(SIX, per_epoch=True)} == {"mse", "last_time_step_mse"}
    assert {name for name, _ in found(FOUR, per_epoch=True)} == {"accuracy", "cross_entropy"}


def test_evaluate_names_what_a_metric_keeps_apart():
    assert [(a, i) for n, a, i, _ in evaluate(TEN) if n == "mse_per_step"] == [
        ("step", "1"),
        ("step", "2"),
        ("step", "3"),
    ]
    assert [(a, i) for n, a, i, _ in evaluate(BOTH) if n == "mse_per_target"] == [
        ("target", "load"),
        ("target", "price"),
    ]
    assert [(a, i) for n, a, i, _ in evaluate(FOUR) if n == "accuracy_by_group"] == [("length", "9"), ("length", "11")]
    assert [(a, i) for n, a, i, _ in evaluate(FOUR) if n == "accuracy"] == [("", "")]


def test_a_metric_to_opt_in_is_computed_where_a_task_or_a_caller_names_it():
    plain = pair(Task("plain", EVERY, 6), real([[[0]] * 6]), real([[[0]] * 6]))
    assert ("mse_odd_positions", "") not in found(plain)
    assert ("mse_odd_positions", "") in found(plain, named=ODD_TOO)
    with pytest.raises(BenchError, match="did you mean mse_odd_positions"):
        found(plain, named=("mse_od_positions",))


def test_a_task_says_what_ranks_and_what_chooses_the_epoch():
    assert (ranking(TEN.task).name, monitor(TEN.task).name) == ("mse", "mse")
    assert (ranking(FOUR.task).name, monitor(FOUR.task).name) == ("accuracy", "cross_entropy")
    assert ranking(Task("t", LAST, 5, rank="mae")).name == "mae"
    assert monitor(Task("t", LABEL, 5, monitor="accuracy")).name == "accuracy"
    with pytest.raises(BenchError, match="metric 'accuracy' ranks, but does not apply to last_step targets"):
        ranking(Task("t", LAST, 5, rank="accuracy"))
    with pytest.raises(BenchError, match="metric 'mae' is not computed every epoch"):
        monitor(Task("t", LAST, 5, monitor="mae"))


@pytest.mark.parametrize("name", metrics.names())
def test_traits_go_together(name):
    each = metrics.get(name)
    assert each.compute.__doc__, "a metric says in its docstring what it is"
    assert each.at_last in ("", *metrics.names())
    if each.ranks or each.monitors:
        assert each.direction is not Direction.NONE
        assert each.axis is Axis.NONE
    if each.monitors or each.per_epoch:
        assert each.axis is Axis.NONE
    if each.monitors:
        assert each.per_epoch


@pytest.mark.parametrize(
    ("traits", "complaint"),
    [
        ({"direction": Direction.HIGHER}, "a log scale is for errors, of which less is better; say scale plain"),
        ({"axis": Axis.STEP, "per_epoch": True}, "is many numbers: it is not computed every epoch"),
        ({"axis": Axis.GROUP, "ranks": True}, "is many numbers"),
    ],
)
def test_traits_that_do_not_go_together_are_refused(traits, complaint):
    with pytest.raises(ValueError, match=complaint):
        Traits("odd", "odd", **traits)


def test_an_error_below_zero_has_no_logs():
    error = metrics.get("mse")
    assert error.suited([0.0, 1e40, float("nan"), float("inf")]).log
    assert not error.suited([0.1, -0.1]).log
    assert error.suited([0.1, -0.1]).direction is error.direction
    share = metrics.get("accuracy")
    assert share.suited([-1.0]) == share


def test_a_metric_is_one_function_and_one_decorator():
    @metric("worst_error", LAST, heading="worst error")
    def worst_error(given):
        """Largest absolute error."""
        return float(np.max(np.abs(given.truth - given.forecast)))

    try:
        assert found(TEN)["worst_error", ""] == 3
    finally:
        metrics.remove("worst_error")


def every_step_split():
    y = np.arange(2 * 6 * 3, dtype=np.float32).reshape(2, 6, 3)
    return Split(Task("t", EVERY, 6, 1, horizon=3), np.zeros((2, 6, 1), np.float32), y)


def test_scored_cuts_targets_to_the_positions_of_a_strided_model():
    split = every_step_split()
    made = scored(split, split.y[:, 3::2], slice(3, None, 2))
    assert made.positions.tolist() == [3, 5]
    assert made.truth.shape == (2, 2, 3, 1)
    assert made.truth.dtype == made.forecast.dtype == np.float64
    assert found(made)["mse", ""] == 0


def test_a_model_that_makes_no_forecast_at_the_last_position_has_no_score_there():
    split = every_step_split()
    made = scored(split, split.y[:, 0:5:2], slice(0, 5, 2))
    assert made.at_last is None
    assert not {name for name, _ in found(made)} & {"last_time_step_mse", "mse_per_step"}


def test_scored_refuses_a_forecast_of_another_shape():
    split = every_step_split()
    with pytest.raises(ValueError, match="forecast has shape"):
        scored(split, split.y[:, 3::2], slice(None))


def test_scored_gives_classes_probabilities_and_obeys_a_mask():
    task = Task("t", LABELS, 2, features=1, classes=3, masked=True)
    y, mask = np.array([[0, 1], [2, 2]], np.int32), np.array([[True, False], [True, True]])
    made = scored(Split(task, np.zeros((2, 2, 1), np.float32), y, mask=mask), sure([[0, 0], [2, 1]], 3), slice(None))
    assert made.forecast.shape == (2, 2, 3)
    assert found(made)["accuracy", ""] == pytest.approx(2 / 3)


def test_a_whole_split_in_float64_is_not_a_mean_of_batch_means():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(1_001, 1))
    given = pair(Task("t", LAST, 1), real(truth[:, np.newaxis]), np.zeros((1_001, 1, 1, 1)))
    assert found(given)["mse", ""] == pytest.approx(float(sum(v**2 for v in truth[:, 0])) / 1_001, rel=1e-12)
