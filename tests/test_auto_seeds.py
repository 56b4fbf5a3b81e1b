"""Seeds that a suite does not list: the rule, replayed over records."""

import random

import pytest

from bench.plan import make_plan
from bench.suite import Suite, override
from tests.fakes import fake_case, fake_record

LINEAR, REBER = "chapter15/linear", "chapter15/reber_gru"


def suite(**changes):
    base = {"name": "s", "cases": ["chapter15/naive_next_step", LINEAR], "seeds": "auto"}
    return Suite.model_validate(base | changes)


def record(spec, value, status="done", label=False, **changes):
    score = {"cross_entropy": value, "accuracy": 0.9} if label else {"mse": value}
    made = fake_record(fake_case("fake/x", task="reber" if label else "next_step"), 1, status=status, **score)
    return made.model_copy(update={"spec": spec, "run_id": spec.run_id, **changes})


def narrow(spec):
    return 0.003 * (1 + 0.01 * (spec.model_seed % 3))


def wide(spec):
    return 0.003 * (1 + spec.model_seed % 3)


def complete(chosen, score, records=(), here=frozenset()):
    """What a driver does: run what is missing and plan again, until nothing is."""
    records = list(records)
    plan = make_plan(chosen, records, here)
    while plan.missing:
        records += [record(spec, 0.02 if spec.model_seed is None else score(spec)) for spec in plan.missing]
        plan = make_plan(chosen, records, here)
    return plan


def test_a_case_starts_with_ten_seeds_and_a_predictor_has_none():
    plan = make_plan(suite(), [])
    assert plan.seeds == list(range(42, 52))
    assert [s.model_seed for s in plan.missing] == [None, *range(42, 52)]
    other = make_plan(suite(auto_seeds={"first": 7, "least": 12}), [])
    assert other.seeds == list(range(7, 19))


@pytest.mark.parametrize(("score", "expected"), [(narrow, 10), (wide, 30)])
def test_seeds_end_when_the_interval_is_narrow_or_at_the_cap(score, expected):
    plan = complete(suite(), score)
    assert plan.seeds == list(range(42, 42 + expected))
    assert len(plan.done) == len(plan.specs) == 1 + expected


def test_five_more_come_at_a_time_and_the_last_batch_ends_at_the_cap():
    chosen = suite(auto_seeds={"cap": 17})
    planned, records = [], []
    plan = make_plan(chosen, records)
    while plan.missing:
        planned.append(len(plan.seeds))
        records += [record(spec, wide(spec) if spec.model_seed else 0.02) for spec in plan.missing]
        plan = make_plan(chosen, records)
    assert planned == [10, 15, 17]


def test_each_case_has_its_own_number_of_seeds():
    plan = complete(suite(cases=[LINEAR, "chapter15/deep_rnn"]), lambda s: (narrow if s.case == LINEAR else wide)(s))
    assert [sum(s.case == name for s in plan.specs) for name in (LINEAR, "chapter15/deep_rnn")] == [10, 30]


def test_a_batch_under_way_asks_for_no_more():
    chosen = suite(cases=[LINEAR])
    specs = make_plan(chosen, []).specs
    plan = make_plan(chosen, [record(s, wide(s)) for s in specs[:9]])
    assert plan.missing == specs[9:]


def test_the_order_of_records_and_a_sweep_cut_off_change_nothing():
    whole = complete(suite(), wide)
    draw = random.Random(0)
    records = []
    for _ in range(200):
        plan = make_plan(suite(), records)
        if not plan.missing:
            break
        spec = draw.choice(plan.missing)
        records.append(record(spec, wide(spec) if spec.model_seed else 0.02))
    draw.shuffle(records)
    assert make_plan(suite(), records).specs == whole.specs
    assert not make_plan(suite(), records).missing


def test_seeds_beyond_the_rule_are_not_counted():
    """Records of a longer list of seeds do not make a case look at more of them."""
    listed = Suite.model_validate({"name": "t", "cases": [LINEAR], "seeds": list(range(42, 72))})
    records = [record(s, narrow(s)) for s in make_plan(listed, []).specs]
    plan = make_plan(suite(cases=[LINEAR]), records)
    assert plan.seeds == list(range(42, 52))
    assert len(plan.records) == 10


def test_a_seed_that_diverged_is_used_and_has_no_value():
    chosen = suite(cases=[LINEAR])
    specs = make_plan(chosen, []).specs
    records = [record(s, narrow(s), "diverged" if s.model_seed == 44 else "done") for s in specs]
    plan = make_plan(chosen, records)
    assert plan.seeds == list(range(42, 57)), "nine values are fewer than ten"
    assert [s.model_seed for s in plan.missing] == list(range(52, 57))
    assert len(complete(chosen, narrow, records).seeds) == 15


def test_a_seed_that_failed_is_used_and_stays_missing():
    chosen = suite(cases=[LINEAR])
    specs = make_plan(chosen, []).specs
    records = [record(s, narrow(s), "crashed" if s.model_seed == 44 else "done") for s in specs]
    plan = make_plan(chosen, records)
    assert [s.model_seed for s in plan.missing] == [44, *range(52, 57)]
    again = make_plan(chosen, [*records, record(specs[2], narrow(specs[2]), attempt=2)])
    assert again.seeds == list(range(42, 52))
    assert not again.missing


def test_where_nothing_has_a_value_seeds_end_at_the_cap():
    chosen = suite(cases=[LINEAR], auto_seeds={"cap": 15})
    specs = make_plan(chosen, [record(s, 0, "diverged") for s in make_plan(chosen, []).specs]).specs
    plan = make_plan(chosen, [record(s, 0, "diverged") for s in specs])
    assert len(plan.specs) == len(plan.done) == 15


def test_another_machines_records_do_not_stop_ours():
    theirs = complete(suite(cases=[LINEAR]), narrow).records
    assert make_plan(suite(cases=[LINEAR]), theirs).missing == []
    ours = make_plan(suite(cases=[LINEAR]), theirs, frozenset({"another"}))
    assert len(ours.missing) == 10
    wide_theirs = complete(suite(cases=[LINEAR]), wide).records
    assert len(make_plan(suite(cases=[LINEAR]), wide_theirs, frozenset({"another"})).specs) == 10


def test_each_seed_may_draw_its_own_data_and_predictors_see_as_many_draws():
    chosen = suite(data_seeds="seeds")
    for score, expected in ((narrow, 10), (wide, 30)):
        plan = complete(chosen, score)
        draws = list(range(42, 42 + expected))
        assert [(s.data_seed, s.model_seed) for s in plan.specs if s.case == LINEAR] == [(n, n) for n in draws]
        assert [s.data_seed for s in plan.specs if s.model_seed is None] == draws
    assert len(make_plan(suite(cases=["chapter15/naive_next_step"], data_seeds="seeds"), []).specs) == 10


@pytest.mark.parametrize(("rank", "seeds"), [("best", 30), ("last", 10)])
def test_the_score_that_ranks_says_whether_seeds_are_enough(rank, seeds):
    """Test scores of the best epoch scatter here, validation scores after the last do not."""

    def scattered(spec):
        made = record(spec, narrow(spec))
        factor = 1 + spec.model_seed % 3
        best = [s._replace(value=factor * s.value) if s[:2] == ("test", "best") else s for s in made.scores]
        return made.model_copy(update={"scores": tuple(best)})

    chosen = suite(cases=[LINEAR], rank=rank)
    records = []
    while (plan := make_plan(chosen, records)).missing:
        records += map(scattered, plan.missing)
    assert len(plan.seeds) == seeds
    words = "test error of the best epoch" if rank == "best" else "validation error after the last epoch"
    assert words in chosen.seeds_rule


def test_one_device_that_asks_for_more_seeds_gets_them_on_all():
    chosen = suite(cases=[LINEAR], devices=["cpu", "gpu"])
    plan = complete(chosen, lambda s: wide(s) if s.device == "gpu" else narrow(s))
    assert {(s.device, s.model_seed) for s in plan.specs} == {(d, n) for d in ("cpu", "gpu") for n in range(42, 72)}


def test_labels_go_by_cross_entropy():
    chosen = suite(cases=[REBER])
    specs = make_plan(chosen, []).specs
    assert not make_plan(chosen, [record(s, narrow(s), label=True) for s in specs]).missing
    assert len(make_plan(chosen, [record(s, wide(s), label=True) for s in specs]).missing) == 5


def test_the_rule_in_words_and_a_list_in_its_place():
    auto = suite(auto_seeds={"cap": 20, "width": 1.05})
    assert "10 seeds, from 42 on, then 5 more at a time" in auto.seeds_rule
    assert "at most 1.05 times that mean or 20 seeds" in auto.seeds_rule
    listed = override(auto, seeds=[42, 43])
    assert (listed.seeds, listed.seeds_rule) == ([42, 43], "")
    assert make_plan(listed, []).seeds == [42, 43]
    assert override(auto, epochs=2).auto_seeds == auto.auto_seeds
