"""The throughput section: what the benchmark measured, by hand, and what stands where it did not."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench import timing
from bench.cases.base import Case
from bench.measurement import Kind, Measurement, Round, measure_spec
from bench.plan import Plan
from bench.record import Failure
from bench.report.columns.costs import windows_per_s
from bench.report.sections.throughput import throughput_table
from tests.fakes import ENVIRONMENT, NO_BACKEND, FakeNaive, fake_case, fake_plan, fake_record, fake_spec
from tests.section_fakes import lines, results_of

RNN = fake_case("fake/rnn", label="RNN")
GRU = fake_case("fake/gru", label="GRU | wide")
NAIVE = fake_case("fake/naive", label="naive", model=FakeNaive())
SPEEDS = tuple(900.0 + 10 * n for n in range(10))
"""Median 945; with ten values the interval's ends are the second smallest and the second largest, 910 and 980."""
MIB = 2**20


def measured(
    case: Case,
    train: Sequence[float] = SPEEDS,
    infer: Sequence[float] = (5000.0,) * 10,
    *,
    reason: str = "",
    contended: int = 1,
    compilations: int = 0,
    evaluations: int = 0,
    **change: Any,
) -> Measurement:
    """Return a measurement whose counted rounds have these windows per second, or one that failed for a reason."""
    spec = measure_spec(fake_spec(case))
    trained = case.model.trained
    shared: dict[str, Any] = {
        "measure_id": spec.measure_id,
        "spec": spec,
        "data_seed": 42,
        "task": case.task,
        "environment": ENVIRONMENT if trained else NO_BACKEND,
        "provenance": fake_record().provenance,
    }
    if reason:
        return Measurement(**shared, status="failed", failure=Failure(reason=reason))

    def taken(kind: Kind, number: int, speed: float, **marks: Any) -> Round:
        wall = 1000 / speed
        return Round(kind=kind, number=number, windows=1000, wall_s=wall, cpu_s=wall, **marks)

    counts = {"warm_up": False, "contended": False}
    rounds = [taken("infer", n, s, **counts) for n, s in enumerate(infer)]
    if trained:
        dirty = {"compilations": compilations, "evaluations": evaluations}
        rounds += [taken("train", n, s, **counts, **(dirty if n == 0 else {})) for n, s in enumerate(train)]
        rounds += [taken("train", 90 + n, 1.0, warm_up=False, contended=True) for n in range(contended)]
        rounds += [taken("train", 99, 2.0, warm_up=True, contended=False)]
    numbers: dict[str, Any] = {
        "parameters": 1000 if trained else None,
        "model_bytes": 4096 if trained else None,
        "settled": True,
        "rounds": tuple(rounds),
        "latency_s": tuple(0.001 * n for n in range(1, 101)),
        "compile_s": 1.8 if trained else None,
        "peak_memory_bytes": 500 * MIB,
        "base_memory_bytes": 400 * MIB,
    }
    return Measurement(**shared | numbers | change)


def plan_of(*measurements: Measurement, cpu_over_wall: float = 1.0) -> Plan:
    records = [
        *(fake_record(RNN, s, mse=m) for s, m in ((42, 0.010), (43, 0.011))),
        *(
            fake_record(GRU, s, mse=m, windows_per_s=9000, cpu_over_wall=cpu_over_wall)
            for s, m in ((42, 0.02), (43, 0.021))
        ),
        fake_record(NAIVE, None, mse=0.25),
    ]
    return replace(fake_plan([RNN, GRU, NAIVE], records, (42, 43)), measurements=measurements)


def section(plan: Plan) -> tuple[str, list[str]]:
    made = throughput_table(results_of(plan))
    assert made is not None
    return made


def test_a_measured_row_by_hand() -> None:
    made = measured(RNN)
    body, notes = section(plan_of(made))
    (row,) = lines(body, "RNN")
    assert row == {
        "environment": f"`{ENVIRONMENT.digest}`",
        "model": "RNN",
        "device, backend": "cpu, tensorflow",
        "training windows/s [95 %]": "945 [910, 980]",
        "time steps/s": "47,200",
        "inference windows/s, batch 32 [95 %]": "5,000 [5,000, 5,000]",
        "latency p50, ms": "50.5",
        "p99, ms": "99.0",
        "compilation, s": "1.8",
        "peak memory, MiB (above base)": "500 (100)",
        "parameters": "1,000",
        "model, KiB": "4.00",
        "rounds: training, inference (left out)": "10, 10 (1)",
        "settled": "yes",
        "in the clock": "0",
        "measurement": f"`{made.measure_id}`",
    }
    assert not any("Not clean" in note or "Unstable" in note for note in notes)


def test_the_conditions_are_those_of_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "WIDEST", 0.031)
    monkeypatch.setattr(timing, "CAP_ROUNDS", 77)
    monkeypatch.setattr(timing, "LATENCY_CALLS", 4321)
    note = " ".join(section(plan_of(measured(RNN, infer=(500.0,) * 11)))[1])
    assert "(2.0 s in the median)" in note  # 1,000 windows: eleven rounds of 2 s, ten of 1.0 to 1.1 s
    for words in (
        "exclusive lock",
        "one pinned core",
        "in turn",
        "narrower than 3.1 % of it",
        "after 77",
        "4,321 calls",
    ):
        assert words in note
    assert "`rounds.csv`" in note
    assert "`results/measurements/<measurement>-*.json`" in note


def test_a_predictor_has_no_training_numbers() -> None:
    body, _ = section(plan_of(measured(NAIVE)))
    (row,) = lines(body, "naive")
    assert row["device, backend"] == "cpu, numpy"
    for column in ("training windows/s [95 %]", "time steps/s", "compilation, s", "parameters", "model, KiB"):
        assert row[column] == "–"
    assert row["rounds: training, inference (left out)"] == "–, 10 (0)"


def test_rows_stand_by_environment_the_fastest_first() -> None:
    body, _ = section(plan_of(measured(RNN), measured(NAIVE), measured(GRU, [2 * s for s in SPEEDS])))
    order = [lines(body, name)[0] for name in ("RNN", "naive", "GRU ¦ wide")]
    places = {row["model"]: body.index(row["measurement"]) for row in order}
    assert places["GRU ¦ wide"] < places["RNN"]
    between = places["GRU ¦ wide"] < places["naive"] < places["RNN"]
    assert not between
    assert (places["naive"] < places["RNN"]) == (NO_BACKEND.digest < ENVIRONMENT.digest)


def test_what_never_settled_or_was_not_clean_is_said() -> None:
    dirty = measured(GRU, compilations=2, evaluations=1)
    body, notes = section(plan_of(measured(RNN, settled=False), dirty))
    assert lines(body, "RNN")[0]["settled"] == "**unstable**"
    assert lines(body, "GRU ¦ wide")[0]["in the clock"] == "**2 compilations, 1 evaluation**"
    assert notes[0].startswith("**Not clean")
    assert "GRU \\| wide (2 compilations, 1 evaluation)" in notes[0]
    assert "Unstable: RNN." in notes


def test_few_rounds_have_no_interval() -> None:
    (row,) = lines(section(plan_of(measured(RNN, SPEEDS[:5])))[0], "RNN")
    assert row["training windows/s [95 %]"] == "920"


def test_rows_that_were_not_measured_fall_back_to_their_runs() -> None:
    body, notes = section(plan_of(measured(RNN), cpu_over_wall=0.5))
    assert "from the accuracy runs: 1 row." in body
    (row,) = lines(body, "GRU ¦ wide")
    assert row["windows/s"] == "8,970 (c)"
    assert row["contended runs"] == "2 of 2"
    assert "settled" not in row
    assert [r for r in lines(body, "RNN") if "settled" not in r] == []
    assert "(c)" in notes[-1]


def test_a_failed_measurement_is_named_with_its_reason() -> None:
    failed = measured(GRU, reason="ran out | of memory")
    body, notes = section(plan_of(measured(RNN), failed))
    (note,) = [n for n in notes if "without a result" in n]
    assert f"GRU \\| wide (cpu, tensorflow, `{failed.measure_id}`): ran out \\| of memory" in note
    assert lines(body, "GRU ¦ wide")[0]["windows/s"] == "8,970"


def test_without_the_benchmark_the_runs_alone_are_shown() -> None:
    body, notes = section(plan_of())
    assert lines(body, "RNN")[0]["windows/s"] == "39,900"
    assert "Not measured alone" not in body
    assert len(notes) == 1


def test_nothing_timed_is_no_section() -> None:
    assert throughput_table(results_of(fake_plan([NAIVE], [fake_record(NAIVE, None, mse=0.25)]))) is None


def test_median_interval_of_these_speeds_is_as_said() -> None:
    assert timing.median_interval(SPEEDS) == (910.0, 980.0)
    assert np.median(SPEEDS) == 945


def test_training_is_marked_for_its_own_rounds_alone() -> None:
    """A model whose inference never settled has a training throughput as good as any, and the other way round."""
    steady = (1000.0,) * 10
    plan = plan_of(measured(RNN, steady, SPEEDS, settled=False), measured(GRU, SPEEDS))
    rows = {r.label: r for r in results_of(plan).rows}
    assert windows_per_s(rows["RNN"]) == "1,000"
    assert windows_per_s(rows["GRU | wide"]) == "945 (u)"
    assert (rows["RNN"].unsettled, rows["GRU | wide"].unsettled) == (True, False)
