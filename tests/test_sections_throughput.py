"""The throughput section: what the benchmark measured, by hand, and what it says where it did not."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import ttest_ind

from bench import timing
from bench.cases.base import Case
from bench.measurement import Kind, Measurement, Round, measure_spec
from bench.plan import Plan
from bench.recipe import Recipe
from bench.record import Failure
from bench.report.columns.costs import throughput, windows_per_s
from bench.report.sections.throughput import throughput_table
from tests.fakes import ENVIRONMENT, NO_BACKEND, FakeNaive, FakeNetwork, fake_case, fake_plan, fake_record, fake_spec
from tests.section_fakes import lines, results_of

RNN = fake_case("fake/rnn", label="RNN")
GRU = fake_case("fake/gru", label="GRU | wide")
NAIVE = fake_case("fake/naive", label="naive", model=FakeNaive())
SPEEDS = (980.0, 990.0, 1000.0, 1010.0, 1020.0)
"""Of five processes: their geometric mean is 999.9, and Student's t with four degrees reaches 2.776 standard errors."""
MIB = 2**20


def measured(
    case: Case,
    train: Sequence[float] = (1000.0,) * 10,
    infer: Sequence[float] = (5000.0,) * 10,
    *,
    reason: str = "",
    contended: int = 1,
    compilations: int = 0,
    evaluations: int = 0,
    **change: Any,
) -> Measurement:
    """Return what a process left whose counted rounds have these windows per second, or failed for a reason."""
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
        "rounds": tuple(rounds),
        "latency_s": tuple(0.001 * n for n in range(1, 101)),
        "compile_s": 1.8 if trained else None,
        "peak_memory_bytes": 500 * MIB,
        "base_memory_bytes": 400 * MIB,
    }
    return Measurement(**shared | numbers | change)


def processes(
    case: Case, speeds: Sequence[float] = SPEEDS, infer: Sequence[float] = (5000.0,) * 5, **change: Any
) -> list[Measurement]:
    """Return what processes of these training and inference speeds left, five equal rounds each."""
    return [
        measured(case, (a,) * 5, (b,) * 5, attempt=n, **change)
        for n, (a, b) in enumerate(zip(speeds, infer, strict=True), start=1)
    ]


def plan_of(*measurements: Measurement) -> Plan:
    records = [
        *(fake_record(RNN, s, mse=m) for s, m in ((42, 0.010), (43, 0.011))),
        *(fake_record(GRU, s, mse=m, windows_per_s=9000) for s, m in ((42, 0.02), (43, 0.021))),
        fake_record(NAIVE, None, mse=0.25),
    ]
    return replace(fake_plan([RNN, GRU, NAIVE], records, (42, 43)), measurements=measurements)


def section(plan: Plan) -> tuple[str, list[str]]:
    made = throughput_table(results_of(plan))
    assert made is not None
    return made


def test_energy_is_all_joules_over_all_windows_where_the_machine_tells_them() -> None:
    (made,) = processes(RNN, SPEEDS[:1], (5000.0,))
    told = [r.model_copy(update={"energy_j": 40.0 * n} if r.kind == "train" else {}) for n, r in enumerate(made.rounds)]
    joules = [r.energy_j for r in told if r.kind == "train" and r.counts]
    body, notes = section(plan_of(made.model_copy(update={"rounds": tuple(told)})))
    (row,) = lines(body, "RNN")
    assert row["J/1,000 windows: training, inference"] == f"{sum(joules) / len(joules):g}, –"
    assert sum("RAPL" in note for note in notes) == 1
    body, notes = section(plan_of(made))
    assert "J/1,000" not in body + " ".join(notes)


def test_a_measured_row_by_hand() -> None:
    made = processes(RNN)
    body, notes = section(plan_of(*made))
    (row,) = lines(body, "RNN")
    logs = np.log(SPEEDS)
    reach = 2.776445 * logs.std(ddof=1) / np.sqrt(5)
    low, high = (np.exp(logs.mean() + sign * reach) for sign in (-1, 1))
    assert (round(low), round(high)) == (980, 1020)
    assert row == {
        "environment": f"`{ENVIRONMENT.digest}`",
        "model": "RNN",
        "device, backend": "cpu, tensorflow",
        "training windows/s [95 %]": "1,000 [980, 1,020]",
        "time steps/s": "50,000",
        "inference windows/s, batch 32 [95 %]": "5,000 [5,000, 5,000]",
        "drift: training, inference": "+0.0 %, +0.0 %",
        "latency p50, ms": "50.5",
        "p99, ms": "99.0",
        "compilation, s": "1.8",
        "peak memory, MiB (above base)": "500 (100)",
        "parameters": "1,000",
        "model, KiB": "4.00",
        "processes": "5",
        "rounds: training, inference (left out, calls left out)": "25, 25 (5, 0)",
        "settled": "yes",
        "in the clock": "0",
        "measurement": f"`{made[0].measure_id}`",
    }
    assert not any("Not clean" in note or "Unsettled" in note or "fewer" in note for note in notes)


def test_the_conditions_are_those_of_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "WIDEST", 0.031)
    monkeypatch.setattr(timing, "ROUNDS", 77)
    monkeypatch.setattr(timing, "LATENCY_CALLS", 4321)
    halved = [speed / 2 for speed in SPEEDS]
    note = " ".join(section(plan_of(*processes(RNN, halved, infer=(500.0,) * 5)))[1])
    assert "(2.0 s in the median)" in note  # rounds of 1,000 windows; the interval is 4 % of the speed
    for words in (
        "exclusive lock",
        "one pinned core",
        "in turn",
        "wider than 3.1 % of the speed",
        "then 77 that count",
        "21,605 calls",
        "5 fresh processes",
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
    assert row["rounds: training, inference (left out, calls left out)"] == "–, 10 (0, 0)"
    assert row["drift: training, inference"] == "–, +0.0 %"


def test_rows_stand_by_environment_the_fastest_first() -> None:
    body, _ = section(plan_of(measured(RNN), measured(NAIVE), measured(GRU, (2000.0,) * 10)))
    order = [lines(body, name)[0] for name in ("RNN", "naive", "GRU ¦ wide")]
    places = {row["model"]: body.index(row["measurement"]) for row in order}
    assert places["GRU ¦ wide"] < places["RNN"]
    between = places["GRU ¦ wide"] < places["naive"] < places["RNN"]
    assert not between
    assert (places["naive"] < places["RNN"]) == (NO_BACKEND.digest < ENVIRONMENT.digest)


def test_what_never_settled_or_was_not_clean_is_said() -> None:
    """Which kind of round it is of stands in the table and below it."""
    dirty = measured(GRU, compilations=2, evaluations=1)
    rough = processes(RNN, infer=(1000.0, 2000.0, 3000.0, 4000.0, 5000.0))
    body, notes = section(plan_of(*rough, dirty))
    assert lines(body, "RNN")[0]["settled"] == "**not inference**"
    assert lines(body, "GRU ¦ wide")[0]["settled"] == "**not training, inference**"
    assert lines(body, "GRU ¦ wide")[0]["in the clock"] == "**2 compilations, 1 evaluation**"
    assert notes[0].startswith("**Not clean")
    assert "GRU \\| wide (2 compilations, 1 evaluation)" in notes[0]
    assert notes[1].startswith("Unsettled, since the 95 % interval is wider than 10 % of the speed, or ")
    assert notes[1].endswith(": RNN (inference).")
    assert notes[2].startswith(
        "Measured in fewer than 5 processes, so that an interval is wide or missing: GRU \\| wide."
    )


def test_one_process_has_a_speed_and_no_interval() -> None:
    (row,) = lines(section(plan_of(measured(RNN)))[0], "RNN")
    assert (row["training windows/s [95 %]"], row["processes"]) == ("1,000", "1")


def test_a_machine_that_was_never_idle_gives_no_speed_and_says_so() -> None:
    busy = [
        made.model_copy(update={"rounds": tuple(r.model_copy(update={"contended": True}) for r in made.rounds)})
        for made in processes(RNN)
    ]
    body, notes = section(plan_of(*busy))
    (row,) = lines(body, "RNN")
    assert (row["training windows/s [95 %]"], row["settled"]) == ("–", "**not training, inference**")
    assert any("every round shared its core or its GPU: RNN (training, inference)" in note for note in notes)


def test_contended_rounds_and_calls_are_counted_and_left_out() -> None:
    shared = [made.model_copy(update={"latency_contended": 50, "latency_s": ()}) for made in processes(RNN)]
    (row,) = lines(section(plan_of(*shared))[0], "RNN")
    assert row["rounds: training, inference (left out, calls left out)"] == "25, 25 (5, 250)"
    assert row["latency p50, ms"] == "–"


def test_drift_within_processes_is_tested_and_shown() -> None:
    falling = [measured(RNN, [s * 0.99**n for n in range(5)], attempt=i) for i, s in enumerate(SPEEDS)]
    body, notes = section(plan_of(*falling, *processes(GRU)))
    assert lines(body, "RNN")[0]["drift: training, inference"] == "**-3.9 %**, +0.0 %"
    assert any("1 of 4 speeds, 1 after Holm's correction" in note for note in notes)


def test_one_program_under_two_names_is_held_against_itself() -> None:
    """Learning rates alone differ; another batch size or model is another program. By SciPy's Welch on logs."""
    at = {rate: replace(RNN, name=f"fake/at_{rate}", label=f"RNN {rate}", recipe=Recipe(learning_rate=rate))
          for rate in (0.01, 0.03)}  # fmt: skip
    larger = replace(RNN, name="fake/larger", label="larger", recipe=Recipe(learning_rate=0.1, batch_size=64))
    other = replace(GRU, model=FakeNetwork(kind="gru"))
    cases = [*at.values(), larger, other, NAIVE]
    records = [fake_record(case, 42 if case is not NAIVE else None, mse=0.01) for case in cases]
    for factor, apart in ((1.0, ""), (0.9, ", **told apart**")):
        speeds = [factor * speed for speed in SPEEDS[::-1]]
        made = [m for case in (at[0.01], larger, other) for m in processes(case)]
        _, notes = section(
            replace(fake_plan(cases, records, (42,)), measurements=(*made, *processes(at[0.03], speeds)))
        )
        (note,) = [note for note in notes if "under two names" in note]
        ends = ttest_ind(np.log(SPEEDS), np.log(speeds), equal_var=False).confidence_interval()
        said = f"× {1 / factor:.3f} [{np.exp(ends.low):.3f}, {np.exp(ends.high):.3f}]{apart}"
        assert f"{int(factor < 1)} of 2 such pairs are told apart, where 5 % are to be expected" in note
        pair = "RNN 0.01 over RNN 0.03"
        assert note.endswith(f": {pair}, training: {said}; {pair}, inference: × 1.000 [1.000, 1.000].")


def test_a_failed_measurement_is_named_with_its_reason() -> None:
    failed = measured(GRU, reason="ran out | of memory")
    body, notes = section(plan_of(measured(RNN), failed))
    (note,) = [n for n in notes if "without a result" in n]
    assert f"GRU \\| wide (cpu, tensorflow, `{failed.measure_id}`): ran out \\| of memory" in note
    assert lines(body, "GRU ¦ wide") == []


def test_without_the_benchmark_no_speed_is_shown_but_how_to_measure_one() -> None:
    """However fast the runs were, which shared the machine."""
    results = results_of(plan_of())
    body, notes = section(plan_of())
    assert body == ""
    assert [note[:23] for note in notes] == ["Speed was not measured:"]
    assert "`--no-throughput`" in notes[0]
    assert {row.speed for row in results.rows} == {None}
    assert throughput(results, results.tasks[0]) == {}
    some = results_of(plan_of(measured(RNN)))
    assert list(throughput(some, some.tasks[0])) == ["windows/s"]


def test_nothing_timed_is_no_section() -> None:
    assert throughput_table(results_of(fake_plan([NAIVE], [fake_record(NAIVE, None, mse=0.25)]))) is None


def test_training_is_marked_for_its_own_rounds_alone() -> None:
    """A model whose inference never settled has a training throughput as good as any, and the other way round."""
    rough = (500.0, 1000.0, 1500.0, 2000.0, 2500.0)
    plan = plan_of(*processes(RNN, infer=rough), *processes(GRU, rough))
    rows = {r.label: r for r in results_of(plan).rows}
    assert windows_per_s(rows["RNN"]) == "1,000 ± 2 %"
    assert windows_per_s(rows["GRU | wide"]) == "1,300 ± 120 %"
    assert (rows["RNN"].unsettled, rows["GRU | wide"].unsettled) == (["infer"], ["train"])
