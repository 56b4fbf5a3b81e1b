"""Frames of pairs and of sources: what is compared by errors a window, and what is left out."""

from dataclasses import replace

import numpy as np
import pytest

from bench.frames import make_frames, select
from bench.frames.pairs import pairs_rows
from bench.frames.sources import sources_rows
from bench.kept import Kept, KeptErrors
from bench.metrics.base import metrics
from bench.report.build import build_report
from bench.stats.crossed import HeldOut, difference, sampled
from bench.store import NotKept
from tests.fakes import FakeLeaky, FakeNaive, fake_case, fake_plan, fake_record

SEEDS = (42, 43, 44)
RNN, GRU, NAIVE = (
    fake_case("fake/rnn", task="ten_steps", label="RNN"),
    fake_case("fake/gru", task="every_step", label="GRU"),
    fake_case("fake/naive", task="ten_steps", label="naive", model=FakeNaive()),
)
WINDOWS = 60


def errors_of(record, split, weights, metric, truth, hard):
    rng = np.random.default_rng(int(record.run_id[:8], 16))
    level = record.score(metric, split, weights)
    return KeptErrors(split, weights, metric, truth, (level * hard * rng.gamma(20, 0.05, WINDOWS)).astype(np.float32))


def kept_of(record, truth=""):
    """Errors of a run: the same windows are hard for every model, and at the last position all forecast the same."""
    found = []
    for split in ("valid", "test"):
        hard = np.random.default_rng([split == "test", record.spec.data_seed]).gamma(2, 0.5, WINDOWS)
        for weights in ("last", "best"):
            if record.score("mse", split, weights) is not None:
                for metric in ("mse", "last_time_step_mse"):
                    name = f"{truth}{split}{record.task.name if metric == 'mse' else ''}{record.spec.data_seed}"
                    found.append(errors_of(record, split, weights, metric, name, hard))
    return Kept(tuple(found))


def shown(
    rank="last",
    cases=(RNN, GRU, NAIVE),
    data_seed=lambda seed: 42,
    read=kept_of,
    odd=lambda record: record,
    seeds=SEEDS,
):
    records = [
        odd(fake_record(case, seed, data_seed=data_seed(seed), mse=mse * (1 + 0.02 * (seed % 3))))
        for case, mse in zip(cases, (0.010, 0.012, 0.03), strict=False)
        for seed in (seeds if case.model.trained else seeds[:1])
    ]
    plan = fake_plan([*cases], records, seeds, rank=rank)
    plan = replace(plan, specs=[r.spec for r in records], records=records)
    return select(plan).reading(read)


def pairs(found):
    return {
        (r["case"], r["rival_case"], r["split"], r["weights"], r["metric"]): r for r in pairs_rows(found)
    }  # fmt: skip


def test_pairs_are_of_one_task_or_one_question_by_the_scores_that_rank_and_their_twins():
    found = pairs(shown())
    tasks = {(a, b) for a, b, *_, metric in found if metric == "mse"}
    questions = {(a, b) for a, b, *_, metric in found if metric == "last_time_step_mse"}
    # The naive forecast has no weights of a best epoch in these fake records.
    assert tasks == {("fake/rnn", "fake/naive")}
    assert questions == {("fake/rnn", "fake/gru"), ("fake/rnn", "fake/naive"), ("fake/gru", "fake/naive")}
    scores = [(s, w) for a, b, s, w, m in found if (a, b) == ("fake/rnn", "fake/gru")]
    assert scores == [("valid", "last"), ("test", "last"), ("test", "best")]
    best = [(s, w) for a, b, s, w, m in pairs(shown("best")) if (a, b) == ("fake/rnn", "fake/gru")]
    assert best == [("test", "best"), ("valid", "last")]


def test_a_pair_is_what_the_statistics_say_of_its_errors():
    of = shown()
    row = pairs(of)["fake/rnn", "fake/gru", "valid", "last", "last_time_step_mse"]
    models = []
    for name in ("fake/rnn", "fake/gru"):
        errors = [
            kept_of(r).errors_of("valid", "last", "last_time_step_mse") for r in of.records if r.spec.case == name
        ]
        test = HeldOut(errors[0].truth, np.ones(WINDOWS))
        models.append(sampled([e.values for e in errors], [test] * 3, [42] * 3))
    expected = difference(*models)
    assert (row["value"], row["error"]) == pytest.approx((expected.value, expected.error))
    assert (row["freedom"], row["n_series"]) == pytest.approx((expected.freedom, WINDOWS))
    a, b = (model.scores for model in models)
    assert row["beats"] == pytest.approx(np.mean(a[:, None] < b) + np.mean(a[:, None] == b) / 2)
    assert row["value"] < 0, "the log of the ratio to the rival"


def test_where_each_run_draws_its_data_pairs_are_by_draw():
    found = pairs(shown(data_seed=lambda seed: seed))
    row = found["fake/rnn", "fake/gru", "test", "best", "last_time_step_mse"]
    assert row["freedom"] == 2
    assert row["beats"] in (0, 1 / 3, 2 / 3, 1)


def partial(record):
    return record.model_copy(update={"positions": (3, 5, 49)}) if record.spec.case == GRU.name else record


def test_what_may_not_rank_is_in_no_pair():
    more = fake_case("fake/lstm", task="every_step", label="LSTM")
    assert ("fake/gru", "fake/lstm", "valid", "last", "mse") in pairs(shown(cases=(GRU, more)))
    found = pairs(shown(cases=(GRU, more), odd=partial))
    assert {metric for *_, metric in found} == {"last_time_step_mse"}, "at fewer positions only the last one ranks"
    leaky = fake_case("fake/peek", task="ten_steps", label="peek", model=FakeLeaky())
    assert all("fake/peek" not in key for key in pairs(shown(cases=(RNN, leaky, NAIVE))))


def test_a_run_that_kept_nothing_costs_its_place_the_pairing_and_is_said():
    def read(record):
        if (record.spec.case, record.spec.model_seed) == (GRU.name, 43):
            raise NotKept("its file is gone")
        return kept_of(record)

    found = shown(read=read)
    assert all(GRU.name not in key for key in pairs(found))
    assert found.not_kept == ("its file is gone",)
    about = make_frames(found)["about"].set_index("key")["text"]
    assert (about["not_kept"], about["not_kept_why"]) == ("1", "its file is gone")


def test_a_score_of_0_has_no_log_and_is_in_no_pair():
    def exact(record):
        kept = kept_of(record)
        if record.spec.case != GRU.name:
            return kept
        return Kept(tuple(replace(e, values=np.zeros_like(e.values)) for e in kept.errors))

    assert all(GRU.name not in key for key in pairs(shown(read=exact)))


def test_sources_are_of_each_place_and_epochs_only_where_a_curve_tells_them():
    of = shown(seeds=range(42, 47))
    rows = {(r["case"], r["split"], r["weights"], r["metric"]): r for r in sources_rows(of)}
    last = rows["fake/gru", "valid", "last", "last_time_step_mse"]
    assert last["n_runs"] == 5
    assert last["epochs"] > 0
    assert last["test_set"] > 0
    best = rows["fake/gru", "test", "best", "last_time_step_mse"]
    assert best["epochs"] is None
    logs = [np.log(np.mean(kept_of(r).errors_of("test", "best", "last_time_step_mse").values))
            for r in of.records if r.spec.case == GRU.name]  # fmt: skip
    assert best["seeds"] == best["seen"] == pytest.approx(np.var(logs, ddof=1), rel=1e-4)
    naive = rows["fake/naive", "valid", "last", "mse"]
    assert (naive["seen"], naive["epochs"], naive["seeds"], naive["joint"]) == (None, None, None, False)
    assert naive["test_set"] > 0, "an exact score of a finite test set"
    own = [r for r in sources_rows(shown(data_seed=lambda seed: seed)) if r["case"] == GRU.name]
    assert {r["joint"] for r in own} == {True}


def test_a_report_has_its_pairs_where_its_runs_kept_errors(tmp_path):
    of = shown()
    for name, read, rows in (("with", kept_of, True), ("without", None, False)):
        build_report(of.plan, tmp_path / name, figures=False, kept=read)
        assert (len((tmp_path / name / "pairs.csv").read_text().splitlines()) > 1) is rows
    assert metrics.get("mse").log
