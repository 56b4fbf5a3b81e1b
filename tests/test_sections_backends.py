"""The section and the finding on backends, against numbers by hand."""

import math

from bench.report.sections.backends import backends, backends_table
from bench.report.tables import all_tables
from tests.fakes import fake_case, fake_plan, fake_record
from tests.section_fakes import lines, results_of

SEEDS = range(42, 52)


def runs(case, backend, centre):
    """Ten runs whose logs lie a little and symmetrically about that of the centre, in one order on every backend."""
    return [
        fake_record(case, seed, mse=centre * math.exp(0.05 * (seed - 46.5) / 4.5), backend=backend) for seed in SEEDS
    ]


def made(*scores, backends=("tensorflow", "jax")):
    """Results of one network for each pair of scores, one a backend."""
    cases = [fake_case(f"fake/m{i}", label=f"m{i}") for i in range(len(scores))]
    records = [
        record
        for case, pair in zip(cases, scores, strict=True)
        for backend, score in zip(backends, pair, strict=True)
        for record in runs(case, backend, score)
    ]
    return results_of(fake_plan(cases, records, tuple(SEEDS), backends=backends))


def test_backends_that_agree_and_one_that_does_not():
    results = made((0.01, 0.0101), (0.02, 0.04))
    body, (how, verdict) = backends_table(results)
    (near,), (far,) = lines(body, "m0"), lines(body, "m1")
    assert near["backends"] == "tensorflow, jax"
    assert near["second over first"].startswith("1.01 [0.9")
    assert (near["one seed"], near["verdict"]) == ("× 1.010", "not apart")
    assert (far["one seed"], far["verdict"]) == ("× 2.000", "**apart**")
    assert far["second over first"] == "2.0 [1.94, 2.1]"
    assert 1.01 < float(near["two seeds"].removeprefix("× ")) < 1.1
    assert "both as a ratio" in how
    assert "over all 2 pairs" in verdict
    (said,) = backends(results, all_tables(results))
    assert said.endswith("1 of 2 pairs ends apart.")


def test_none_apart_is_said_and_one_backend_has_no_table():
    results = made((0.01, 0.0101))
    assert backends(results, all_tables(results))[0].endswith("No pair ends apart.")
    alone = made((0.01,), backends=("jax",))
    assert backends_table(alone) is None
    assert backends(alone, all_tables(alone)) == []
