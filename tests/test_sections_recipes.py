"""The section on recipes: the best of a grid by validation, gains on test, ranks under both, edges."""

import pytest
from scipy.stats import kendalltau

from bench import stats
from bench.cases.base import Case
from bench.cases.variants import variants
from bench.frames.scores import Key
from bench.recipe import RecipeGrid
from bench.report.build import build_report
from bench.report.findings.tuning import tuning
from bench.report.markdown import Table
from bench.report.results import Results
from bench.report.sections.grids import grid_cases, means
from bench.report.sections.orders import places
from bench.report.sections.recipes import BEST, DEFAULT, kept, recipes_table
from tests.chapter_fakes import chapter_like
from tests.fakes import ODD_POSITIONS, FakeNaive, fake_case, fake_plan, fake_record
from tests.section_fakes import results_of

SEEDS = (1, 2, 3)
TABLES = {"recipes": Table("recipes", 9, "Recipes", "")}
SPREAD = dict(zip(SEEDS, (0.99, 1.0, 1.01), strict=True))
RATES = RecipeGrid(learning_rate=[0.001, 0.003, 0.01])
NAIVE = fake_case("fake/naive", label="naive", model=FakeNaive())
SCORES = {"a": (0.010, 0.009, 0.012), "b": (0.011, 0.008, 0.006), "c": (0.013, 0.014, 0.015)}
"""Validation MSE of each model at each rate: a leads under the default, b under the best recipes; c is never better."""


def grid(name: str, task: str = "next_step", rates: RecipeGrid = RATES) -> list[Case]:
    return variants(fake_case(f"fake/{name}", task=task, label=name), rates)


def flips(broken: str = "") -> Results:
    cases, records = [NAIVE], [fake_record(NAIVE, None, mse=0.02)]
    for name, scores in SCORES.items():
        for case, mse in zip(grid(name), scores, strict=True):
            cases.append(case)
            # b's best recipe is luckier on validation than on test.
            factor = 1.2 if case.name == "fake/b@learning_rate=0.01" else 1.02
            for seed, wobble in SPREAD.items():
                status = "diverged" if case.name == broken and seed == 1 else "done"
                records.append(fake_record(case, seed, status=status, mse=mse * wobble, test_factor=factor))
    return results_of(fake_plan(cases, records, SEEDS))


def rows(body: str) -> dict[str, list[str]]:
    return {line.split("|")[2].strip(): [c.strip() for c in line.split("|")[1:-1]] for line in body.splitlines()[2:]}


@pytest.fixture(scope="module")
def flipped() -> Results:
    return flips()


def test_the_best_recipe_is_chosen_by_validation_and_ranks_flip(flipped):
    found = grid_cases(flipped.tasks[0])
    assert {f.name: f.recipe for f in found} == {"b": "learning rate 0.01", "a": "learning rate 0.003", "c": ""}
    assert [f.tuned for f in found] == [True, True, False]
    assert places(means(found, DEFAULT, Key("mse"))) == {"a": 1, "b": 2, "c": 3}
    assert places(means(found, BEST, Key("mse"))) == {"b": 1, "a": 2, "c": 3}
    assert kept(found, Key("mse")) == (pytest.approx(kendalltau([1, 2, 3], [2, 1, 3]).statistic), 3)
    assert [f.edges for f in found] == [["learning rate 0.01"], [], ["learning rate 0.001"]]


def test_the_gain_is_the_ratio_of_test_scores(flipped):
    b, a, c = grid_cases(flipped.tasks[0])
    assert a.gain().value == pytest.approx(0.009 / 0.010, rel=1e-5)
    assert b.gain().value == pytest.approx(0.006 * 1.2 / (0.011 * 1.02), rel=1e-5)
    best = [0.006 * 1.2 * w for w in SPREAD.values()]
    default = [0.011 * 1.02 * w for w in SPREAD.values()]
    expected = stats.ratio(stats.Sample(best), stats.Sample(default))
    assert (b.gain().low, b.gain().high) == pytest.approx((expected.low, expected.high), rel=1e-3)
    assert c.gain() is None


def test_the_table_and_its_notes(flipped):
    body, notes = recipes_table(flipped)
    found = rows(body)
    assert list(found) == ["b", "a", "c"]
    assert found["b"][2] == "learning rate 0.01"
    assert found["b"][12] == "0.006000 [0.00585, 0.00615]", "all seeds choose alike"
    assert found["b"][7] == "3 of 3"
    assert found["b"][8].startswith("0.64 [")
    assert found["b"][9:12] == ["2", "1", "a"]
    assert found["a"][9:12] == ["1", "2", "b"]
    assert (found["c"][2], found["c"][8], found["c"][9:12]) == ("default", "–", ["3", "3", "c"])
    assert "share that luck" in notes[0]
    assert notes[1].endswith("may do better. Next step: b (learning rate 0.01); c (learning rate 0.001).")
    assert notes[2] == (
        "**Next step.** The order under the default recipes partly agrees with that under the best ones: tau = 0.33, "
        "on test tau = 0.33 (3 models). a leads under the default recipes, b leads under the best. On test, with the "
        "best recipes, b is first, and every other model differs from it significantly."
    )


def test_the_finding_says_how_many_gain(flipped):
    assert tuning(flipped, TABLES) == [
        "**[Recipes](#table-9-recipes).** Of 3 models, 2 gain; 2 chose an end of the grid."
    ]


def test_a_recipe_with_a_diverged_run_is_not_chosen():
    results = flips(broken="fake/b@learning_rate=0.01")
    b = next(f for f in grid_cases(results.tasks[0]) if f.name == "b")
    assert b.recipe == "learning rate 0.003"
    assert b.edges == [], "0.01 was tried"
    assert [r.name for r in b.passed_over] == ["b, learning rate 0.01"]
    _, notes = recipes_table(results)
    assert "Never chosen, since a run of theirs ended without a score: b, learning rate 0.01." in notes


def test_a_grid_without_the_default_compares_the_best_alone():
    cases = [c for name in ("a", "b") for c in grid(name, rates=RecipeGrid(learning_rate=[0.003, 0.01]))]
    scores = [s for name in ("a", "b") for s in SCORES[name][1:]]
    records = [fake_record(c, s, mse=m * w) for c, m in zip(cases, scores, strict=True) for s, w in SPREAD.items()]
    results = results_of(fake_plan(cases, records, SEEDS))
    found = grid_cases(results.tasks[0])
    assert [(f.name, f.default, f.recipe) for f in found] == [
        ("fake/b", None, "learning rate 0.01"),
        ("fake/a", None, "learning rate 0.003"),
    ]
    body, notes = recipes_table(results)
    assert rows(body)["fake/b"][3:5] == ["–", "–"]
    assert rows(body)["fake/b"][9:11] == ["–", "1"]
    assert "fake/b leads under the best recipes." in notes[-1]
    assert tuning(results, TABLES) == []


def test_a_model_scored_on_easier_positions_does_not_rank():
    cases, records = [], []
    for name in ("whole", "odd"):
        for case, mse in zip(grid(name, "every_step"), SCORES["a"], strict=True):
            cases.append(case)
            for seed, wobble in SPREAD.items():
                positions = ODD_POSITIONS if name == "odd" else None
                records.append(fake_record(case, seed, mse=mse * wobble, positions=positions))
    results = results_of(fake_plan(cases, records, SEEDS))
    body, notes = recipes_table(results)
    body = "\n".join(line for line in body.splitlines() if "Steps 50-59" not in line)  # there both rank
    assert list(rows(body)) == ["whole", "odd ‡"]
    assert rows(body)["odd ‡"][8].startswith("0.90 [")
    assert rows(body)["odd ‡"][9:12] == ["–", "–", "–"]
    assert any(n.startswith("‡") and n.endswith("does not rank. Every step: odd.") for n in notes)
    assert notes[-1].endswith("Only whole ranks, so there is no order.")


def test_labels_are_compared_in_points():
    cases, records = [], []
    for name, accuracies in (("good", (0.95, 0.99, 0.98)), ("poor", (0.9, 0.8, 0.7))):
        for case, accuracy in zip(grid(name, "reber"), accuracies, strict=True):
            cases.append(case)
            records += [fake_record(case, s, accuracy=accuracy + s / 1000) for s in SEEDS]
    results = results_of(fake_plan(cases, records, SEEDS))
    good, poor = grid_cases(results.tasks[0])
    assert (good.name, good.recipe, poor.tuned) == ("good", "learning rate 0.003", False)
    assert good.gain().value == pytest.approx(0.04)
    body, notes = recipes_table(results)
    assert rows(body)["good"][8].startswith("4.00 [")
    assert "for shares the difference in points" in notes[0]
    assert "good leads under both" in notes[-1]


def test_where_test_ranks_validation_still_chooses_for_the_seeds_that_score():
    """Of two recipes test is far better for the one that validation would not have."""
    lucky, chosen = grid("a", rates=RecipeGrid(learning_rate=[0.001, 0.01]))
    records = [fake_record(lucky, seed, mse=0.02 * wobble, test_factor=0.1) for seed, wobble in SPREAD.items()]
    records += [fake_record(chosen, seed, mse=0.01 * wobble, test_factor=1.0) for seed, wobble in SPREAD.items()]
    results = results_of(fake_plan([lucky, chosen], records, SEEDS, rank="best"))
    (found,) = grid_cases(results.tasks[0])
    assert found.best.case == chosen.name
    assert found.fresh() == stats.interval(chosen_scores := found.best.values(found.board.score))
    assert min(chosen_scores) > 0.009
    assert (found.edges, found.two_tried) == ([], ["learning rate"])
    made = recipes_table(results)
    assert made is not None
    said = " ".join(made[1])
    assert "whose mean validation score of the best epoch is best" in said
    assert "Of learning rate two values were tried" in said


def test_without_a_grid_there_is_no_section():
    results = results_of(chapter_like())
    assert recipes_table(results) is None
    assert tuning(results, TABLES) == []


def test_a_related_report_stands_first_only_on_what_most_rows_answer(tmp_path):
    rivals = grid("a", task="next_step")
    scored = [fake_record(case, seed, mse=0.01) for case in rivals for seed in SEEDS]
    build_report(fake_plan(rivals, scored, SEEDS), tmp_path / "b", figures=False, page=False)
    main = [fake_case(f"fake/{name}", task="ten_steps", label=name) for name in "xyz"]
    for more, first in (([], False), (grid("b", task="next_step"), True)):
        made = [*main, fake_case("fake/rnn", task="next_step"), *more]
        records = [fake_record(case, seed, mse=0.01) for case in made for seed in SEEDS]
        readme = build_report(
            fake_plan(made, records, SEEDS), tmp_path / "a", figures=False, page=False, related={"b": "And?"}
        )
        text = readme.read_text(encoding="utf-8")
        assert "**At equal tuning** ([b](../b/README.md)). Next step." in text
        assert ("1. **At equal tuning**" in text) is first


def test_a_related_report_at_equal_tuning_answers_where_it_is_on_a_task_of_this_one(tmp_path):
    rivals = [case for name in SCORES for case in grid(name)]
    build_report(
        fake_plan(rivals, [fake_record(c, s, mse=0.01) for c in rivals for s in SEEDS], SEEDS),
        tmp_path / "b",
        figures=False,
        page=False,
    )
    for task, answered in (("next_step", True), ("every_step", False)):
        case = fake_case("fake/rnn", task=task)
        plan = fake_plan([case], [fake_record(case, seed, mse=0.01) for seed in SEEDS], SEEDS)
        text = build_report(plan, tmp_path / "a", figures=False, page=False, related={"b": "And?"}).read_text(
            encoding="utf-8"
        )
        assert ("1. **At equal tuning** ([b](../b/README.md)). " in text) is answered
        assert "[b](../b/README.md): And?" in text
