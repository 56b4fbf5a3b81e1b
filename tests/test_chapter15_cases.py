import subprocess
import sys

import pytest

from bench.cases.base import cases
from bench.datasets.base import datasets
from bench.errors import BenchError
from bench.families.chapter15.printed import published_curve
from bench.metrics.base import evaluate, scored
from bench.recipe import Recipe
from bench.task import TargetKind

CHAPTER = [name for name in cases.names() if name.startswith("chapter15/")]
WITH_CURVE = [name for name in CHAPTER if cases.get(name).published.curve]

# Case: dataset, model, learning rate and epochs, validation MSE and last-step MSE as printed.
ROWS = """
naive_next_step                    waves_next_step              naive                   -      -   0.020211367 -
linear                             waves_next_step              linear                  0.001  20  0.0042      -
least_squares_next_step            waves_next_step              least_squares           -      -   -           -
wave_oracle_next_step              waves_next_step              wave_oracle             -      -   -           -
simple_rnn                         waves_next_step              simple_rnn              0.005  20  0.0108      -
deep_rnn                           waves_next_step              simple_rnn              0.001  20  0.0029      -
deep_rnn_dense                     waves_next_step              simple_rnn              0.001  20  0.0027      -
naive_ten_steps_as_printed         waves_ten_steps              naive_leaky             -      -   0.22278848  -
naive_ten_steps                    waves_ten_steps              naive                   -      -   -           -
linear_10                          waves_ten_steps              linear                  0.001  20  0.0188      -
least_squares_ten_steps            waves_ten_steps              least_squares           -      -   -           -
wave_oracle_ten_steps              waves_ten_steps              wave_oracle             -      -   -           -
deep_rnn_10                        waves_ten_steps              simple_rnn              0.001  20  0.0082      -
iterated_rnn_as_printed            waves_iterated_across_grids  iterated_rnn            0.001  20  0.0285489   -
iterated_rnn                       waves_iterated_one_grid      iterated_rnn            0.001  20  -           -
iterated_least_squares_as_printed  waves_iterated_across_grids  iterated_least_squares  -      -   -           -
iterated_least_squares             waves_iterated_one_grid      iterated_least_squares  -      -   -           -
naive_every_step                   waves_every_step             naive                   -      -   -           -
least_squares_every_step           waves_every_step             least_squares           -      -   -           -
seq2seq_rnn                        waves_every_step             simple_rnn              0.01   20  0.0198      0.0095
seq2seq_rnn_matched                waves_every_step             simple_rnn              0.001  20  -           -
seq2seq_rnn_batch_norm             waves_every_step             simple_rnn              0.001  20  0.0289      0.0171
seq2seq_rnn_layer_norm             waves_every_step             layer_norm_rnn          0.001  20  0.0275      0.0149
seq2seq_rnn_own_loop_as_printed    waves_every_step             while_loop_rnn          0.001  20  0.0276      0.0139
seq2seq_rnn_own_loop               waves_every_step             while_loop_rnn          0.001  20  -           -
seq2seq_lstm                       waves_every_step             lstm                    0.001  20  0.0237      0.0085
seq2seq_gru                        waves_every_step             gru                     0.001  20  0.0246      0.0111
conv_gru                           waves_every_step             conv_gru                0.001  20  0.0186      0.0081
wavenet                            waves_every_step             wavenet                 0.001  20  0.0207      0.0095
wavenet_gated_as_printed           waves_every_step             gated_wavenet           0.001  2   0.1217      0.1189
wavenet_gated_both_faults          waves_every_step             gated_wavenet           0.001  20  -           -
wavenet_gated_double_activation    waves_every_step             gated_wavenet           0.001  20  -           -
wavenet_gated_softmax_head         waves_every_step             gated_wavenet           0.001  20  -           -
wavenet_gated                      waves_every_step             gated_wavenet           0.001  20  -           -
reber_exercise_majority            reber_exercise               majority                -      -   -           -
reber_exercise_length_only         reber_exercise               length_only             -      -   -           -
reber_exercise_bigram              reber_exercise               bigram                  -      -   -           -
reber_exercise_gru                 reber_exercise               gru_classifier          0.005  60  -           -
reber_majority                     reber                        majority                -      -   -           -
reber_length_only                  reber                        length_only             -      -   -           -
reber_bigram                       reber                        bigram                  -      -   -           -
reber_gru                          reber                        gru_classifier          0.005  60  -           -
seq2seq_lstm_torch                 waves_every_step             torch_lstm              0.001  20  -           -
seq2seq_gru_torch                  waves_every_step             torch_gru               0.001  20  -           -
"""
TABLE = [line.split() for line in ROWS.strip().splitlines()]


def agrees(value: float | None, printed: str) -> bool:
    if value is None or printed == "-":
        return value is None and printed == "-"
    return f"{value:.{len(printed) - 2}f}" == printed


def test_the_chapters_cases_stand_in_the_notebooks_order():
    assert [row[0] for row in TABLE] == [name.removeprefix("chapter15/") for name in CHAPTER]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_each_case_is_what_the_chapter_has(row):
    name, dataset, model, rate, epochs, valid, last = row
    case = cases.get(f"chapter15/{name}")
    assert (case.dataset.name, case.model.name) == (dataset, model)
    assert case.model.trained is (rate != "-")
    if case.recipe:
        label = dataset.startswith("reber")
        assert case.recipe == Recipe(
            loss="binary_crossentropy" if label else "mse",
            learning_rate=float(rate),
            epochs=int(epochs),
            batch_size=64 if label else 32,
        )
    assert agrees(case.published.values.get("mse"), valid)
    assert agrees(case.published.values.get("last_time_step_mse"), last)
    assert bool(case.published.source) is (valid != "-")
    assert bool(case.published.note) is (valid != "-" and rate != "-")
    assert case.variant_of == ""


def test_labels_are_short_and_tell_the_cases_of_one_dataset_apart():
    seen = [(cases.get(name).dataset.name, cases.get(name).label) for name in CHAPTER]
    assert len(set(seen)) == len(seen)
    assert max(len(label) for _, label in seen) <= 40


# Published curves


@pytest.mark.parametrize("name", WITH_CURVE)
def test_published_values_are_the_last_epoch_of_their_curve(name):
    published = cases.get(name).published
    curve = published_curve(published.curve)
    assert curve["epoch"].tolist() == list(range(1, cases.get(name).recipe.epochs + 1))
    for value, column in [
        (published.values.get("mse"), "valid_mse"),
        (published.values.get("last_time_step_mse"), "valid_last_time_step_mse"),
    ]:
        last = curve[column].iloc[-1]
        assert agrees(value, "-" if last != last else f"{last:.4f}")


def test_every_published_curve_belongs_to_one_case():
    named = [cases.get(name).published.curve for name in WITH_CURVE]
    assert len(named) == len(set(named)) == 15
    assert sum(len(published_curve(name)) for name in named) == 282


def test_an_unknown_curve_is_named_with_close_matches():
    with pytest.raises(BenchError, match="did you mean seq2seq_lstm"):
        published_curve("seq2seq_lst")


@pytest.mark.parametrize("name", ["naive_next_step", "naive_ten_steps_as_printed"])
def test_published_values_of_predictors_are_met_exactly(name):
    case = cases.get(f"chapter15/{name}")
    splits = case.dataset.load(42)
    task = splits.valid.task
    if case.model.leaks_target:
        forecast = case.model.fit_leaking(splits.train, task)(splits.valid)
    else:
        forecast = case.model.fit(splits.train, task)(splits.valid.x)
    (mse,) = (value for name, _, _, value in evaluate(scored(splits.valid, forecast, slice(None))) if name == "mse")
    assert mse == pytest.approx(case.published.values["mse"], rel=1e-6)


# Errata


def errata() -> dict[int, list]:
    found: dict[int, list] = {}
    for name in CHAPTER:
        for erratum in cases.get(name).errata:
            found.setdefault(erratum.number, []).append((name, erratum))
    return found


@pytest.mark.parametrize("number", range(1, 8))
def test_an_erratum_stands_as_printed_and_corrected(number):
    variants = {erratum.variant for _, erratum in errata()[number]}
    assert "as printed" in variants
    assert variants & {"corrected", "scored on the same positions"}
    assert len({erratum.fault for _, erratum in errata()[number]}) == 1


def test_errata_are_numbered_one_to_seven():
    assert sorted(errata()) == list(range(1, 8))
    assert {name for name, _ in errata()[7]} == {"chapter15/seq2seq_rnn", "chapter15/seq2seq_rnn_matched"}


@pytest.mark.parametrize("name", [n for n in CHAPTER if n.endswith("_as_printed")])
def test_a_case_as_printed_has_a_corrected_partner_that_differs(name):
    printed, corrected = cases.get(name), cases.get(name.removesuffix("_as_printed"))
    numbers = [erratum.number for erratum in printed.errata]
    assert numbers
    assert [(e.number, e.variant) for e in corrected.errata] == [(n, "corrected") for n in numbers]
    assert (printed.dataset, printed.model) != (corrected.dataset, corrected.model)


def test_only_the_own_loop_as_printed_depends_on_its_batch():
    dependent = [name for name in CHAPTER if cases.get(name).model.batch_dependent]
    assert dependent == ["chapter15/seq2seq_rnn_own_loop_as_printed"]


def test_only_conv_gru_forecasts_at_some_positions():
    task = datasets.get("waves_every_step")().task()
    strided = {name: cases.get(name).model.positions(task) for name in CHAPTER}
    assert {n: s for n, s in strided.items() if s != slice(None)} == {"chapter15/conv_gru": slice(3, None, 2)}


def test_one_question_joins_the_ten_step_tables():
    questions = {}
    for name in CHAPTER:
        dataset = cases.get(name).dataset
        if dataset.name.startswith("waves"):
            questions.setdefault(dataset.task().question, set()).add(dataset.task().target)
    assert questions.pop("") == {TargetKind.LAST_STEP}
    assert list(questions.values()) == [{TargetKind.LAST_STEP, TargetKind.EVERY_STEP}]


@pytest.mark.parametrize("name", CHAPTER)
def test_every_model_fits_its_task(name):
    assert cases.get(name).supports().reason == ""


def test_listing_cases_imports_no_heavy_package():
    code = (
        "import sys; from bench.cases.base import cases; assert cases.names(); "
        "print([m for m in ('keras', 'tensorflow', 'mlflow', 'matplotlib', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
