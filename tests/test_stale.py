from bench.stale import find_stale
from tests.fakes import fake_case, fake_record, fake_spec


def record_of(spec, **changes):
    return fake_record(spec.case, spec.model_seed).model_copy(update={"spec": spec, "run_id": spec.run_id, **changes})


def test_a_changed_recipe_or_version_is_named():
    now = fake_spec(fake_case("fake/rnn"), 1)
    recipe = now.recipe.model_copy(update={"epochs": 99})
    then = now.model_copy(update={"recipe": recipe, "versions": now.versions | {"engine": "0"}})
    (stale,) = find_stale([now], [record_of(then)])
    assert stale.spec == now
    assert stale.changes == (
        f"recipe.epochs: 99 -> {now.recipe.epochs}",
        f"versions.engine: 0 -> {now.versions['engine']}",
    )


def test_a_parameter_that_came_or_went_is_named():
    now = fake_spec(fake_case("fake/rnn"), 1)
    model = now.model.model_copy(update={"params": {"old": [1, 2]}})
    (stale,) = find_stale([now], [record_of(now.model_copy(update={"model": model}))])
    assert "model.params.old: [1, 2] -> absent" in stale.changes


def test_the_newest_record_counts_and_failures_and_other_seeds_do_not():
    now = fake_spec(fake_case("fake/rnn"), 1)

    def earlier(epochs, when, **changes):
        spec = now.model_copy(update={"recipe": now.recipe.model_copy(update={"epochs": epochs})})
        record = record_of(spec, **changes)
        return record.model_copy(update={"provenance": record.provenance.model_copy(update={"ended_at": when})})

    records = [earlier(7, "2026-02-01"), earlier(8, "2026-01-01"), earlier(9, "2026-03-01", status="failed")]
    (stale,) = find_stale([now], records)
    assert stale.changes == (f"recipe.epochs: 7 -> {now.recipe.epochs}",)
    assert find_stale([fake_spec(fake_case("fake/rnn"), 2)], records) == []
    assert find_stale([now], [record_of(now)]) == []
