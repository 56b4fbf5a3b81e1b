"""The section and the finding on backends, against numbers by hand."""

import math
from dataclasses import replace

from bench.report.prose import opening
from bench.report.sections.backends import backends, backends_table
from bench.report.tables import all_tables
from tests.fakes import fake_case, fake_plan, fake_record
from tests.section_fakes import lines, results_of

SEEDS = range(42, 52)
APART = 0.03
"""Of the logs of one seed on the first and the last backend, beside what parts the two anyway."""


def runs(case, backend, centre, apart=0.0):
    """Ten runs whose logs lie a little and symmetrically about that of the centre, in one order on every backend.

    Those of one seed lie ``apart`` farther up, or down, in turn.
    """
    logs = {seed: 0.05 * (seed - 46.5) / 4.5 + (apart if seed % 2 else -apart) for seed in SEEDS}
    return [fake_record(case, seed, mse=centre * math.exp(log), backend=backend) for seed, log in logs.items()]


def made(*scores, backends=("tensorflow", "jax")):
    """Results of one network for each pair of scores, one a backend."""
    cases = [fake_case(f"fake/m{i}", label=f"m{i}") for i in range(len(scores))]
    records = [
        record
        for case, pair in zip(cases, scores, strict=True)
        for backend, score in zip(backends, pair, strict=True)
        for record in runs(case, backend, score, APART if backend == backends[-1] else 0.0)
    ]
    return results_of(fake_plan(cases, records, tuple(SEEDS), backends=backends))


def test_backends_that_agree_and_one_that_does_not():
    results = made((0.01, 0.0101), (0.02, 0.04))
    body, (how, verdict) = backends_table(results)
    (near,), (far,) = lines(body, "m0"), lines(body, "m1")
    assert near["backends"] == "tensorflow, jax"
    # half of the seeds up by 0.03 and half down: a standard error of 0.03 / 3, and t with nine degrees is 2.262
    low, high = (1.01 * math.exp(end * 2.262 * APART / 3) for end in (-1, 1))
    assert near["second over first"] == f"1.01 [{low:.2f}, {high:.2f}]"
    # of the distances, half are log 1.01 + 0.03 and half 0.03 - log 1.01: the median lies between the two
    assert (near["one seed"], near["verdict"]) == (f"× {math.exp(APART):.3f}", "not apart")
    assert (far["one seed"], far["verdict"]) == ("× 2.000", "**apart**")
    assert far["second over first"] == "2.0 [1.96, 2.0]"
    assert 1.01 < float(near["two seeds"].removeprefix("× ")) < 1.1
    assert "both as a ratio" in how
    assert "over all 2 pairs" in verdict
    (said,) = backends(results, all_tables(results))
    assert "Of 2 pairs of one network on two backends, 1 ends apart. The errors of one seed's two runs end" in said
    middle = f"end × {(math.exp(APART) + 2) / 2:.3f} apart in the median"
    assert said.endswith(f"{middle}, and × 2.000 for the pair of backends where they end farthest apart.")


def test_none_apart_is_said_and_one_backend_has_no_table():
    results = made((0.01, 0.0101))
    assert "backends, none ends apart. The" in backends(results, all_tables(results))[0]
    alone = made((0.01,), backends=("jax",))
    assert backends_table(alone) is None
    assert backends(alone, all_tables(alone)) == []


def test_a_backend_with_fewer_seeds_has_all_of_them_and_the_report_says_how_many():
    case, few = fake_case("fake/m0", label="m0"), [44, 45, 46]
    records = [r for backend in ("tensorflow", "torch") for r in runs(case, backend, 0.01)]
    plan = fake_plan([case], records, tuple(SEEDS), backends=("tensorflow", "torch"))
    kept = [r for r in records if r.spec.backend == "tensorflow" or r.spec.model_seed in few]
    suite = plan.suite.model_copy(update={"seeds_on": {"torch": few}})
    specs = [s for s in plan.specs if s.backend == "tensorflow" or s.model_seed in few]
    results = results_of(replace(plan, suite=suite, specs=specs, records=kept))
    assert {row.backend: f"{len(row.done)} of {row.info['n_planned']}" for row in results.rows} == {
        "tensorflow": "10 of 10",
        "torch": "3 of 3",
    }
    results.about["command"] = "bench run fake"
    said = " ".join(opening(results, all_tables(results)))
    assert "10 seeds (trainings from other random starts), 3 on torch," in said
    body, _ = backends_table(results)
    (line,) = lines(body, "m0")
    assert (line["one seed"], line["verdict"]) == ("× 1.000", "not apart")
