"""Every kind of data that no run can use is one line, which says what and where; what can be used stays as it is."""

from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest

from bench.cases.base import Case
from bench.datasets.base import Dataset
from bench.datasets.checked import Fault, checked, warnings_of
from bench.datasets.loaded import BadData, check_batch, declared, load
from bench.errors import BenchError
from bench.listing import _asked
from bench.models.naive import Naive
from bench.task import Split, Splits, Target, TargetKind, Task

REAL = Task("real", TargetKind.LAST_STEP, 4, features=2, feature_names=("load", "price"), horizon=3)
EVERY = Task("every", TargetKind.EVERY_STEP, 4, targets=(Target("load"), Target("price")), horizon=2)
LABEL = Task("label", TargetKind.LABEL, 4)
TOKENS = Task("tokens", TargetKind.LABEL_EVERY_STEP, 4, classes=5, vocabulary=3, masked=True)
TASKS = {task.name: task for task in (REAL, EVERY, LABEL, TOKENS)}
OTHER = "asks another task than the declared one"
WINDOWS = {"train": 8, "valid": 6, "test": 5, "hard": 3}


def split_of(task, windows, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=task.input_shape(windows)).astype(np.float32)
    y = rng.normal(size=task.target_shape(windows)).astype(np.float32)
    mask = None
    if task.vocabulary:
        x = rng.integers(0, task.vocabulary, size=task.input_shape(windows)).astype(np.int32)
    if task.target.is_class:
        y = np.arange(y.size).reshape(y.shape) % task.classes
        y = y.astype(np.int32 if task.classes > 2 else np.float32)
    if task.masked:
        mask = np.ones(task.mask_shape(windows), bool)
        mask[:, 0] = False
    return Split(task, x, y, {"length": np.arange(windows)}, mask)


def splits_of(task):
    train, valid, test, hard = (split_of(task, n, seed) for seed, n in enumerate(WINDOWS.values()))
    return Splits(train, valid, test, {"hard": hard})


def spoilt(splits, part, **changes):
    """Splits in one of which arrays are others."""
    if part == "hard":
        return replace(splits, extra={"hard": replace(splits.extra["hard"], **changes)})
    return replace(splits, **{part: replace(getattr(splits, part), **changes)})


def with_value(array, place, value):
    made = array.copy()
    made[place] = value
    return made


def fault(splits, task):
    with pytest.raises(Fault) as raised:
        checked(splits, task, task)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("name", TASKS)
def test_good_splits_are_what_they_were_and_read_only(name):
    given = splits_of(TASKS[name])
    made = checked(given, TASKS[name], TASKS[name])
    for part in ("train", "valid", "test"):
        before, after = getattr(given, part), getattr(made, part)
        assert (after.x.tobytes(), after.y.tobytes()) == (before.x.tobytes(), before.y.tobytes())
        assert after.task == before.task
        with pytest.raises(ValueError, match="read-only"):
            after.x[0] = 0
        with pytest.raises(ValueError, match="read-only"):
            after.y[0] = 0
        before.x[0] = 0  # a dataset may go on with its own
    assert made.extra.keys() == {"hard"}
    assert not list(warnings_of(made))


@pytest.mark.parametrize("part", WINDOWS)
@pytest.mark.parametrize(
    ("task", "array", "place", "value", "words"),
    [
        ("real", "x", (2, 1, 1), np.nan, "{part} inputs is NaN, the first in window 2, step 1, feature 'price'"),
        ("real", "x", (2, 1, 0), -np.inf, "{part} inputs is infinite, the first in window 2, step 1, feature 'load'"),
        ("real", "y", (2, 1), np.nan, "{part} targets is NaN, the first in window 2, step 1 (counted from 0)"),
        ("every", "x", (2, 3, 0), np.inf, "{part} inputs is infinite, the first in window 2, step 3, feature 0"),
        ("every", "y", (2, 3, 0, 1), np.nan, "is NaN, the first in window 2, position 3, step 0, target 'price'"),
        ("label", "y", 2, 0.5, "{part} targets is no class from 0 to 1, the first 0.5 in window 2"),
        ("label", "y", 2, np.nan, "{part} targets is no class from 0 to 1, the first nan in window 2"),
        ("label", "y", 2, -1, "{part} targets is no class from 0 to 1, the first -1.0 in window 2"),
        ("tokens", "x", (2, 1), 3, "{part} inputs is no token id from 0 to 2, the first 3 in window 2, step 1"),
        ("tokens", "x", (2, 1), -1, "{part} inputs is no token id from 0 to 2, the first -1 in window 2, step 1"),
        ("tokens", "y", (2, 1), 5, "{part} targets is no class from 0 to 4, the first 5 in window 2, position 1"),
        ("tokens", "y", (2, 1), -1, "{part} targets is no class from 0 to 4, the first -1 in window 2, position 1"),
    ],
)
def test_a_value_that_is_none_is_counted_and_its_first_place_named(part, task, array, place, value, words):
    given = splits_of(TASKS[task])
    split = given.extra["hard"] if part == "hard" else getattr(given, part)
    values = getattr(split, array)
    said = fault(spoilt(given, part, **{array: with_value(values, place, value)}), TASKS[task])
    called = "extra test set 'hard'" if part == "hard" else part
    assert said.startswith(f"1 of {values.size} {called} ")
    assert words.format(part=called) in said


def test_several_values_are_counted_and_called_what_they_are():
    given = splits_of(REAL)
    y = with_value(given.valid.y, (slice(3, 5), 0), np.nan)
    assert fault(spoilt(given, "valid", y=y), REAL).startswith(
        "2 of 18 valid targets are NaN, the first in window 3, step 0 (counted from 0); "
    )
    y[5, 2] = np.inf
    assert fault(spoilt(given, "valid", y=y), REAL).startswith("3 of 18 valid targets are not finite, the first in")


@pytest.mark.parametrize(
    ("task", "part", "changes", "words"),
    [
        ("real", "valid", lambda s: {"x": s.x.astype(np.float64)}, "valid inputs are float64; give float32"),
        ("real", "valid", lambda s: {"y": s.y.astype(np.float16)}, "valid targets are float16; give float32"),
        ("real", "test", lambda s: {"y": s.y.astype(object)}, "test targets are object; give float32"),
        ("real", "train", lambda s: {"x": s.x.astype(">f4")}, "train inputs are >f4; give float32"),
        ("real", "valid", lambda s: {"x": s.x.tolist()}, "valid inputs are list; give a numpy.ndarray"),
        ("real", "valid", lambda s: {"y": None}, "valid targets are None; give a numpy.ndarray"),
        ("real", "valid", lambda s: {"x": np.ma.masked_invalid(s.x)}, "valid inputs are MaskedArray; give a numpy"),
        ("real", "valid", lambda s: {"y": np.float32(3)}, "valid targets are float32; give a numpy.ndarray"),
        ("real", "valid", lambda s: {"y": np.array(3, np.float32)}, "valid has 6 windows of inputs and 0 of targets"),
        ("real", "valid", lambda s: {"y": s.y[:5]}, "valid has 6 windows of inputs and 5 of targets"),
        ("real", "train", lambda s: {"x": s.x[:0], "y": s.y[:0]}, "train has no windows"),
        ("real", "hard", lambda s: {"x": s.x[:0], "y": s.y[:0]}, "extra test set 'hard' has no windows"),
        ("real", "valid", lambda s: {"y": s.y[:, :1]}, "valid targets have shape (6, 1), and task"),
        ("real", "valid", lambda s: {"x": s.x[..., 0]}, "valid inputs have shape (6, 4), and task"),
        ("tokens", "test", lambda s: {"y": s.y.astype(np.int64)}, "test targets are int64; give int32"),
        ("tokens", "test", lambda s: {"x": s.x.astype(np.float32)}, "test inputs are float32; give int32"),
        ("label", "test", lambda s: {"y": s.y.astype(bool)}, "test targets are bool; give float32"),
        ("tokens", "valid", lambda s: {"mask": None}, "valid has no mask, and task 'tokens' is masked"),
        ("real", "valid", lambda s: {"mask": np.ones(6, bool)}, "valid has a mask, and task 'real' is not masked"),
        ("tokens", "valid", lambda s: {"mask": s.mask[:5]}, "valid mask values have shape (5, 4)"),
        ("tokens", "valid", lambda s: {"mask": s.mask.astype(np.float32)}, "valid mask values are float32; give bool"),
        ("tokens", "train", lambda s: {"mask": ~(s.mask | True)}, "train mask is False at all of its 32 places"),
        ("real", "valid", lambda s: {"groups": {"age": np.arange(5)}}, "valid group 'age' has shape (5,)"),
        ("real", "valid", lambda s: {"groups": {"age": np.ones(6)}}, "valid group 'age' is float64; give int64"),
        ("real", "valid", lambda s: {"groups": {"age": [1] * 6}}, "valid group 'age' is list; give int64"),
        ("real", "valid", lambda s: {"groups": [1]}, "valid groups are list; give a mapping"),
        ("real", "test", lambda s: {"task": replace(REAL, name="other")}, f"test {OTHER} (name 'other', not 'real')"),
        ("real", "test", lambda s: {"task": None}, f"test {OTHER} (None)"),
    ],
)  # fmt: skip
def test_a_form_that_is_not_the_tasks_is_named(task, part, changes, words):
    given = splits_of(TASKS[task])
    split = given.extra["hard"] if part == "hard" else getattr(given, part)
    assert fault(spoilt(given, part, **changes(split)), TASKS[task]).startswith(words)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"input_length": 0}, "train inputs have shape (8, 0, 2), which holds nothing"),
        ({"features": 0, "feature_names": ()}, "train inputs have shape (8, 4, 0), which holds nothing"),
        ({"horizon": 0}, "train targets have shape (8, 0), which holds nothing"),
        ({"input_length": None}, "task 'real' has no input_length"),
    ],
)
def test_a_task_that_asks_for_nothing_is_said(changes, words):
    task = replace(REAL, **changes)
    given = splits_of(task) if task.input_length is not None else splits_of(REAL)
    assert fault(given, task).startswith(words)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (None, "load() returned None; return bench.task.Splits"),
        ((1, 2, 3), "load() returned tuple; return bench.task.Splits"),
        (Splits(None, None, None), "split 'train' is None; give a bench.task.Split"),
        (replace(splits_of(REAL), extra={"a": 3}), "split 'a' is int; give a bench.task.Split"),
        (replace(splits_of(REAL), extra=[3]), "extra is list; give extra test sets as a mapping"),
        (replace(splits_of(REAL), extra={"valid": split_of(REAL, 2, 9)}), "an extra test set is called 'valid'"),
        (replace(splits_of(REAL), extra={" ": split_of(REAL, 2, 9)}), "an extra test set is called ' '"),
    ],
)
def test_what_are_no_splits_is_said(made, words):
    assert fault(made, REAL).startswith(words)


def test_what_a_mask_leaves_out_may_be_missing_and_becomes_0():
    given = splits_of(TOKENS)
    y = with_value(given.valid.y, (1, 0), -1)
    made = checked(spoilt(given, "valid", y=y), TOKENS, TOKENS)
    assert made.valid.y[1, 0] == 0
    np.testing.assert_array_equal(made.valid.y[given.valid.mask], given.valid.y[given.valid.mask])
    task = replace(EVERY, masked=True)
    split = split_of(task, 6, 1)
    split.y[2, 0] = np.nan
    real = Splits(split_of(task, 6, 0), split, split_of(task, 6, 2))
    made = checked(real, task, task)
    assert (made.valid.y[2, 0] == 0).all()
    assert made.valid.y.dtype == np.float32
    split.y[2, 1, 0, 1] = np.nan
    assert fault(real, task).startswith(
        "1 of 96 valid targets is NaN, the first in window 2, position 1, step 0, target"
    )


def test_arrays_that_are_not_contiguous_are_fine():
    given = splits_of(REAL)
    turned = spoilt(given, "valid", x=np.asfortranarray(given.valid.x), y=given.valid.y[::-1])
    assert checked(turned, REAL, REAL).valid.x.tobytes() == given.valid.x.tobytes()


WALK = np.arange(60, dtype=np.float32)


def walk(windows):
    """Windows of four steps that slide along one series, in its memory, with the next step as target."""
    task = Task("walk", TargetKind.LAST_STEP, 4)
    x = np.lib.stride_tricks.sliding_window_view(WALK, 4)[:-1]
    return task, Split(task, x[windows][..., np.newaxis], WALK[4:][windows][:, np.newaxis])


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((range(20), range(10, 30), range(30, 40)), "10 of 20 valid windows are windows of train in the same memory"),
        ((range(20), range(20, 30), range(20)), "20 of 20 test windows are windows of train in the same memory"),
        ((range(20), range(20, 30), range(20, 30)), "10 of 10 test windows are windows of valid in the same memory"),
    ],
)
def test_a_window_that_stands_in_two_splits_is_a_fault(parts, words):
    cut = [walk(slice(part.start, part.stop)) for part in parts]
    assert fault(Splits(*(split for _, split in cut)), cut[0][0]).startswith(words)


def test_windows_that_share_steps_or_stand_in_test_and_a_part_of_it_are_fine():
    cut = [walk(slice(*ends)) for ends in ((0, 20), (20, 30), (30, 40), (35, 40))]
    train, valid, test, late = (split for _, split in cut)
    checked(Splits(train, valid, test, {"late": late}), cut[0][0], cut[0][0])
    alike = fault(Splits(train, valid, test, {"late": walk(slice(0, 3))[1]}), cut[0][0])
    assert alike.startswith("3 of 3 extra test set 'late' windows are windows of train")


def test_a_target_that_is_one_value_is_no_fault_and_is_said():
    given = splits_of(EVERY)
    for part in ("train", "test"):
        getattr(given, part).y[..., 1] = 7.5
    (said,) = warnings_of(checked(given, EVERY, EVERY))
    assert said.startswith("every target 'price' is 7.5 in train and test: ")
    one_class = splits_of(LABEL)
    one_class.extra["hard"].y[:] = 0  # such a set of faults alone is made on purpose
    assert not list(warnings_of(one_class))
    one_class.valid.y[:] = 1
    assert [text.partition(":")[0] for text in warnings_of(one_class)] == ["every target is 1 in valid"]
    masked = splits_of(TOKENS)
    masked.valid.y[:, 1:] = 2
    assert [text.partition(":")[0] for text in warnings_of(masked)] == ["every target is 2 in valid"]


def test_values_whose_squares_leave_float32_are_said():
    given = splits_of(REAL)
    given.train.x[0, 0, 0] = -1e20
    (said,) = warnings_of(checked(given, REAL, REAL))
    assert said.startswith("inputs of train are over 1.8e+19: ")


class Odd(Dataset):
    """Does what its name says in ``fault``."""

    name = "odd"
    fault: str = ""

    def task(self):
        if self.fault == "task raises":
            raise KeyError("horizon")
        return None if self.fault == "no task" else replace(LABEL, input_length=None) if self.fault == "long" else REAL

    def load(self, data_seed):
        if self.fault == "raises":
            raise ValueError("first line\nsecond line")
        if self.fault == "exits":
            raise SystemExit(3)
        if self.fault == "complains":
            raise BenchError("dataset 'odd': no file; name one")
        if self.fault == "memory":
            raise MemoryError("no room")
        if self.fault == "numpy":
            np.stack([])
        return splits_of(REAL)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("raises", "load() raised ValueError: first line second line at test_checked.py:"),
        ("exits", "load() raised SystemExit: 3 at test_checked.py:"),
        ("numpy", "load() raised ValueError: need at least one array to stack at test_checked.py:"),
        ("task raises", "task() raised KeyError: 'horizon' at test_checked.py:"),
        ("no task", "task() returned None; return a bench.task.Task"),
        ("long", "task 'label' has no input_length; declare how many steps a window has"),
    ],
)
def test_a_dataset_that_raises_is_named_with_its_parameters_and_the_place(fault, words):
    with pytest.raises(BadData) as raised:
        load(Odd(fault=fault), 1)
    assert str(raised.value).startswith(f"dataset 'odd' (fault = {fault!r}): {words}")
    assert "\n" not in str(raised.value)


def test_a_line_of_a_datasets_own_stands_and_a_lack_of_memory_is_no_fault_of_the_data():
    with pytest.raises(BadData, match=r"^dataset 'odd': no file; name one$"):
        load(Odd(fault="complains"), 1)
    with pytest.raises(MemoryError):
        load(Odd(fault="memory"), 1)


def test_the_record_of_a_load_that_raised_has_its_traceback_and_that_of_bad_values_has_none():
    with pytest.raises(BadData) as raised:
        load(Odd(fault="raises"), 1)
    assert "second line" in raised.value.failure.details
    assert raised.value.failure.reason == str(raised.value)
    with pytest.raises(BadData) as raised:
        declared(Odd(fault="no task"))
    assert raised.value.failure.details == ""


def test_a_case_whose_task_cannot_be_made_is_bad_input():
    case = Case(Odd(fault="task raises"), Naive(), name="x")
    for ask in (lambda: case.task, case.supports):
        with pytest.raises(BenchError, match="task\\(\\) raised KeyError"):
            ask()


def test_a_dataset_whose_task_cannot_be_made_is_listed_all_the_same():
    assert _asked(Odd) == "last_step: 3 steps of value, from 4 steps of 2 features"
    with patch.object(Odd, "task", side_effect=RuntimeError("no")):
        assert _asked(Odd) == "depends on its parameters"


def test_training_windows_that_fill_no_batch_are_named_before_a_network_is_built():
    splits = load(Odd(), 1).splits
    check_batch(Odd(), splits, WINDOWS["train"])
    words = r"^dataset 'odd': train has 8 windows, and a batch of the recipe 9; lower batch_size, or"
    with pytest.raises(BadData, match=words):
        check_batch(Odd(), splits, WINDOWS["train"] + 1)
