import re
from collections import Counter
from functools import cache

import numpy as np
import pytest
from pydantic import ValidationError

from bench.datasets.base import Dataset, datasets
from bench.datasets.reber import Reber, ReberExercise, corrupt, corrupt_outer, draw_valid
from bench.datasets.table import TableData
from bench.datasets.waves import (
    WavesEveryStep,
    WavesIteratedAcrossGrids,
    WavesIteratedOneGrid,
    WavesNextStep,
    WavesTenSteps,
    draw_waves,
)
from bench.task import Split, Splits, TargetKind
from bench.windows import parts
from tests.tables import made

WAVES = [WavesNextStep, WavesTenSteps, WavesEveryStep, WavesIteratedAcrossGrids, WavesIteratedOneGrid]
SMALL = {"n_series": 200, "draws": 3_000, "train_windows": 200, "valid_windows": 60, "test_windows": 60}

# The embedded grammar as a regular expression, worked out by hand from the chapter's diagram.
AFTER_LOOP = r"(?:T*VPX)*T*V(?:V|PS)"
INNER = rf"B(?:TS*X(?:S|X{AFTER_LOOP})|P{AFTER_LOOP})E"
GRAMMATICAL = re.compile(rf"B([TP]){INNER}\1E")


def small(name: str) -> Dataset:
    cls = datasets.get(name)
    return made() if cls is TableData else cls.model_validate({k: v for k, v in SMALL.items() if k in cls.model_fields})


def all_splits(splits: Splits) -> dict[str, Split]:
    return {"train": splits.train, **splits.evaluated()}


@cache
def loaded(cls: type[Dataset]) -> Splits:
    return cls().load(42)


def strings(split: Split) -> list[str]:
    letters = np.where(split.x.any(axis=2), split.x.argmax(axis=2), 7)
    return ["".join("BEPSTVX"[code] for code in row if code < 7) for row in letters]


# Contracts of every registered dataset


@pytest.mark.parametrize("name", datasets.names())
def test_one_seed_gives_the_same_bits_and_another_gives_others(name):
    first, second, other = (all_splits(small(name).load(seed)) for seed in (42, 42, 43))
    for part, split in first.items():
        np.testing.assert_array_equal(split.x, second[part].x)
        np.testing.assert_array_equal(split.y, second[part].y)
        assert {k: v.tolist() for k, v in split.groups.items()} == {
            k: v.tolist() for k, v in second[part].groups.items()
        }
        same = split.x.shape == other[part].x.shape and np.array_equal(split.x, other[part].x)
        assert same is not datasets.get(name).seeded


@pytest.mark.parametrize("name", datasets.names())
def test_loading_leaves_numpys_global_generator_alone(name):
    np.random.seed(1)
    before = np.random.get_state()[1].copy()
    small(name).load(42)
    np.testing.assert_array_equal(before, np.random.get_state()[1])


@pytest.mark.parametrize("name", datasets.names())
def test_splits_keep_their_shapes_and_ask_one_question(name):
    splits = small(name).load(42)
    assert {split.task for split in splits.evaluated().values()} == {splits.valid.task}
    for split in all_splits(splits).values():
        assert len(split.x) > 0
        for array in (*parts(split.x), *parts(split.y)):
            assert array.flags.c_contiguous
            assert np.isfinite(array).all()
        assert all(v.shape == (len(split.x),) and v.dtype == np.int64 for v in split.groups.values())


@pytest.mark.parametrize("name", datasets.names())
def test_docstring_states_split_and_floor(name):
    doc = datasets.get(name).__doc__ or ""
    assert "Split" in doc
    assert "oise floor" in doc


# Waves


def test_waves_are_the_chapters_bit_for_bit():
    rng = np.random.RandomState(7)
    f1, f2, o1, o2 = rng.rand(4, 3, 1)
    noise = rng.rand(3, 51)
    t = np.arange(51) / 50
    expected = 0.5 * np.sin((t - o1) * (10 + 10 * f1)) + 0.2 * np.sin((t - o2) * (20 + 20 * f2)) + 0.1 * (noise - 0.5)
    np.testing.assert_allclose(draw_waves(7, 3, 51)[..., 0], expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("cls", WAVES)
def test_wave_splits_are_70_20_10_and_disjoint(cls):
    splits = loaded(cls)
    assert [len(s.x) for s in all_splits(splits).values()] == [7_000, 2_000, 1_000]
    assert {row.tobytes() for row in splits.train.x}.isdisjoint(row.tobytes() for row in splits.valid.x)
    assert cls().noise_floors["mse"] == pytest.approx(0.01 / 12)


def test_wave_targets_are_the_steps_after_the_window():
    series = draw_waves(42, 200, 60)[..., 0]
    ten, every, one = (cls(n_series=200).load(42) for cls in (WavesTenSteps, WavesEveryStep, WavesIteratedOneGrid))
    np.testing.assert_array_equal(ten.train.y, series[:140, 50:])
    np.testing.assert_array_equal(one.train.y, series[:140, 50:51])
    np.testing.assert_array_equal(every.test.y[:, -1], ten.test.y)
    np.testing.assert_array_equal(every.valid.y[:, 7, 3], series[140:180, 11])
    np.testing.assert_array_equal(every.valid.x, ten.valid.x)
    assert ten.valid.task.question == every.valid.task.question != ""


def test_iterated_datasets_train_on_one_step_and_are_asked_ten():
    across, same = loaded(WavesIteratedAcrossGrids), loaded(WavesIteratedOneGrid)
    ten = loaded(WavesTenSteps)
    np.testing.assert_array_equal(across.train.x, loaded(WavesNextStep).train.x)
    np.testing.assert_array_equal(across.train.y, loaded(WavesNextStep).train.y)
    np.testing.assert_array_equal(same.train.x, ten.train.x)
    for splits in (across, same):
        np.testing.assert_array_equal(splits.valid.x, ten.valid.x)
        np.testing.assert_array_equal(splits.test.y, ten.test.y)
        assert splits.train.task.horizon == 1
        assert splits.valid.task == ten.valid.task


def test_a_series_has_the_same_waves_on_both_grids():
    start_and_end = [draw_waves(42, 500, points)[:, [0, -1], 0] for points in (51, 60)]
    np.testing.assert_allclose(*start_and_end, atol=0.1 + 1e-6)  # only the noise differs


def test_noise_floor_is_the_variance_of_what_the_waves_do_not_explain():
    rng = np.random.RandomState(3)
    f1, f2, o1, o2 = rng.rand(4, 2_000, 1)
    t = np.linspace(0, 1, 60)
    clean = 0.5 * np.sin((t - o1) * (f1 * 10 + 10)) + 0.2 * np.sin((t - o2) * (f2 * 20 + 20))
    noise = draw_waves(3, 2_000, 60)[..., 0] - clean
    assert np.mean(noise**2) == pytest.approx(WavesNextStep().noise_floors["mse"], rel=0.01)


def test_parameters_are_checked():
    with pytest.raises(ValidationError):
        WavesNextStep(n_series=3)
    with pytest.raises(ValidationError):
        WavesNextStep(n_serie=300)
    with pytest.raises(ValidationError):
        Reber(outer_share=1.5)


# Reber


@pytest.mark.parametrize("cls", [ReberExercise, Reber])
def test_no_string_stands_in_two_splits_or_twice_in_one(cls):
    splits = loaded(cls)
    parts = {name: strings(split) for name, split in all_splits(splits).items()}
    assert all(len(set(found)) == len(found) for found in parts.values())
    for one, other in [("train", "valid"), ("train", "test"), ("valid", "test")]:
        assert set(parts[one]).isdisjoint(parts[other])
    assert set(parts["outer_only"]).isdisjoint([*parts["train"], *parts["valid"]])


@pytest.mark.parametrize("cls", [ReberExercise, Reber])
def test_labels_agree_with_an_independent_recogniser(cls):
    for split in all_splits(loaded(cls)).values():
        assert [float(bool(GRAMMATICAL.fullmatch(s))) for s in strings(split)] == split.y.tolist()


@pytest.mark.parametrize("cls", [ReberExercise, Reber])
def test_classes_are_balanced_and_matched_in_length(cls):
    splits = loaded(cls)
    for split in (splits.train, splits.valid, splits.test):
        lengths = [len(s) for s in strings(split)]
        assert split.groups["length"].tolist() == lengths
        assert max(lengths) <= 30
        of = {label: Counter(n for n, y in zip(lengths, split.y, strict=True) if y == label) for label in (0, 1)}
        assert of[0] == of[1]
    sizes = np.array([len(split.x) for split in (splits.train, splits.valid, splits.test)])
    assert sizes / sizes.sum() == pytest.approx([0.7, 0.15, 0.15], abs=0.01)


@pytest.mark.parametrize("cls", [ReberExercise, Reber])
def test_each_corruption_changes_one_letter_of_a_valid_string_of_its_split(cls):
    splits = loaded(cls)
    for split in (splits.train, splits.valid, splits.test):
        found, half = strings(split), len(split.y) // 2
        for good, bad, at in zip(
            found[:half], found[half:], split.groups["corrupted_position"][half:].tolist(), strict=True
        ):
            assert [len(good) - i for i, (a, b) in enumerate(zip(good, bad, strict=True)) if a != b] == [at]
        assert (split.groups["corrupted_position"][:half] == -1).all()


@pytest.mark.parametrize("cls", [ReberExercise, Reber])
def test_outer_only_holds_the_test_strings_with_nothing_wrong_but_the_outer_letter(cls):
    splits = loaded(cls)
    outer = splits.extra["outer_only"]
    repaired = [s[:-2] + s[1] + s[-1] for s in strings(outer)]
    assert repaired == [s for s, y in zip(strings(splits.test), splits.test.y, strict=True) if y == 1]
    assert {s[-2] for s in strings(outer)} == {"T", "P"}
    assert not outer.y.any()
    assert set(outer.groups["corrupted_position"].tolist()) == {2}


def test_share_of_outer_faults():
    def share(cls):
        position = loaded(cls).train.groups["corrupted_position"]
        return np.mean(position[position > 0] == 2)

    assert share(ReberExercise) == pytest.approx(1 / 17, abs=0.02)
    assert share(Reber) == pytest.approx(1 / 3 + 2 / 3 / 19, abs=0.03)


def test_reber_has_the_number_of_distinct_strings_that_the_design_counted():
    assert len(draw_valid(np.random.default_rng(42), 300_000, 30)) == pytest.approx(5_490, rel=0.02)


def test_draws_follow_the_grammar_and_reject_long_strings():
    found = [s.decode() for s in draw_valid(np.random.default_rng(0), 20_000, 20)]
    assert all(GRAMMATICAL.fullmatch(s) for s in found)
    assert max(map(len, found)) <= 20
    assert min(map(len, found)) == 9
    assert len(set(found)) == len(found)


def test_corruptions_reach_every_position_and_letter_evenly():
    letters = np.tile(np.frombuffer(b"BTBTXSETE\0\0", dtype=np.uint8), (20_000, 1))
    changed = corrupt(np.random.default_rng(1), letters, outer_share=0.0)
    rows, at = np.nonzero(changed != letters)
    assert rows.tolist() == list(range(20_000))
    assert np.bincount(at, minlength=11)[:9] / 20_000 == pytest.approx(np.full(9, 1 / 9), abs=0.01)
    first = Counter(chr(c) for c in changed[at == 0, 0])
    assert set(first) == set("EPSTVX")
    assert bytes(corrupt_outer(letters[:1])[0]) == b"BTBTXSEPE\0\0"


@pytest.mark.parametrize("cls", [ReberExercise, Reber])
def test_reber_encoding_is_one_hot_and_padded_on_the_right(cls):
    split = loaded(cls).valid
    assert split.task.target is TargetKind.LABEL
    assert split.x.shape[1:] == (30, 7)
    used = split.x.sum(axis=2)
    np.testing.assert_array_equal(used, np.arange(30) < split.groups["length"][:, None])
