"""Fake cases, records and plans: what a test needs of a sweep, without one."""

import hashlib
from dataclasses import replace
from statistics import median
from typing import Any

import numpy as np

from bench.cases.base import Case, Erratum, Published, component
from bench.datasets.base import Dataset
from bench.measurement import PROCESSES, Measurement, MeasureSpec, Round
from bench.models.base import Network, Predictor
from bench.plan import Plan, shared_versions
from bench.provenance import Environment, Provenance
from bench.recipe import Recipe
from bench.record import Failure, ForecastSample, LearningCurve, RunRecord, RunSpec, Score, Timing, Weights
from bench.suite import Suite
from bench.task import TargetKind, Task

FLOOR = 0.1**2 / 12
TEN = "steps 50-59 from steps 0-49"
ODD = "mse_odd_positions"
ODD_POSITIONS = tuple(range(3, 50, 2))
TASKS = {
    task.name: task
    for task in (
        Task("next_step", TargetKind.LAST_STEP, 50, question="step 50"),
        Task("ten_steps", TargetKind.LAST_STEP, 50, horizon=10, question=TEN),
        Task("every_step", TargetKind.EVERY_STEP, 50, horizon=10, question=TEN, metrics=(ODD,)),
        Task("reber", TargetKind.LABEL, 30, features=7),
        Task("reber_exercise", TargetKind.LABEL, 30, features=7),
    )
}


class FakeWaves(Dataset):
    """Fake steps after a window.

    Split by series, 70/20/10 %.
    """

    name = "fake_waves"
    asks: str = "next_step"

    def task(self) -> Task:
        return TASKS[self.asks]

    @property
    def noise_floors(self) -> dict[str, float]:
        return {"mse": FLOOR, "last_time_step_mse": FLOOR}


class FakeStrings(Dataset):
    """Is a fake string valid?"""

    extra_note = "The extra test set outer only holds strings whose only fault is the outer letter."
    groups_note = "Positions are counted from the end: 2 is the outer letter."
    no_group = "valid string"

    name = "fake_strings"
    asks: str = "reber"

    def task(self) -> Task:
        return TASKS[self.asks]


class FakeNetwork(Network):
    name = "fake_network"
    kind: str = "rnn"


class FakeNaive(Predictor):
    name = "naive"


class FakeLeaky(Predictor):
    name = "naive_as_printed"
    leaks_target = True


class FakeLeastSquares(Predictor):
    name = "least_squares"


ENVIRONMENT = Environment(
    python="3.12.3",
    numpy="2.4.6",
    keras="3.15.0",
    backend="tensorflow",
    backend_version="2.21.0",
    device="cpu",
    device_name="",
    cpu="AMD EPYC 7B13",
    threads=1,
    precision="float32",
    jit="xla",
)
NO_BACKEND = ENVIRONMENT.model_copy(update={"keras": "", "backend": "numpy", "backend_version": "", "jit": ""})


def fake_case(
    name: str = "fake/rnn",
    *,
    task: str = "next_step",
    label: str = "",
    model: Any = None,
    recipe: Recipe | None = None,
    published: Published | None = None,
    errata: tuple[Erratum, ...] = (),
) -> Case:
    """Return an unregistered case on a fake dataset that asks ``task``."""
    dataset = FakeStrings(asks=task) if TASKS[task].target.is_class else FakeWaves(asks=task)
    label = label or name.rpartition("/")[2]
    return Case(dataset, model or FakeNetwork(), recipe, label, published or Published(), errata=errata, name=name)


def fake_spec(
    case: Case, seed: int | None = 42, device: str = "cpu", backend: str = "tensorflow", data_seed: int = 42
) -> RunSpec:
    """Return the spec that a plan would have for this case and seed."""
    trained = case.model.trained
    return RunSpec(
        case=case.name,
        dataset=component(case.dataset),
        model=component(case.model),
        recipe=case.recipe,
        data_seed=data_seed,
        model_seed=seed if trained else None,
        device=device if trained else "cpu",
        backend=backend if trained else "numpy",
        versions=shared_versions("tensorflow"),
    )


def fake_record(
    case: Case | str = "fake/rnn",
    seed: int | None = 42,
    *,
    task: str | None = None,
    status: str = "done",
    reason: str = "out of memory",
    device: str = "cpu",
    backend: str = "tensorflow",
    data_seed: int = 42,
    epochs: int = 20,
    parameters: int = 1000,
    windows_per_s: float = 40_000.0,
    cpu_over_wall: float | None = 1.0,
    environment: Environment | None = None,
    host: str = "fake-host",
    attempt: int = 1,
    ended_at: str = "2026-01-02T03:04:05Z",
    test_factor: float = 1.02,
    positions: tuple[int, ...] | None = None,
    **scores: Any,
) -> RunRecord:
    """Return a record of a case with the validation ``scores`` given, such as ``mse=0.003``.

    Test scores are these times ``test_factor`` (labels: the same). ``accuracy_outer_only`` is the
    accuracy on the extra test set of that name. Curves fall smoothly to the final score.
    """
    made = fake_case(case, task=task or "next_step") if isinstance(case, str) else case
    asked = TASKS[task] if task else made.task
    spec = fake_spec(made, seed, device, backend, data_seed)
    trained = made.model.trained
    environment = environment or (ENVIRONMENT if trained else NO_BACKEND)
    shared: dict[str, Any] = {
        "run_id": spec.run_id,
        "attempt": attempt,
        "status": status,
        "spec": spec,
        "task": asked,
        "environment": environment,
        "noise_floors": dict(made.dataset.noise_floors),
        "positions": positions,
        "provenance": Provenance(
            host=host,
            platform="Linux-6.8 x86_64",
            bench_version="0.1.0",
            git_commit="0123456789abcdef",
            core=0,
            load_1min=1.0,
            started_at="2026-01-02T03:00:00Z",
            ended_at=ended_at,
        ),
    }
    if status != "done":
        return RunRecord(**shared, failure=Failure(reason=reason))
    label = asked.target.is_class
    valid = fake_label_scores(scores, seed) if label else fake_scores(asked, scores)
    splits = {"valid": valid, "test": valid if label else scaled(valid, test_factor)}
    if label:
        outer = scores.get("accuracy_outer_only", 0.5)
        splits["outer_only"] = [(n, a, i, outer if n == "accuracy" else v) for n, a, i, v in valid]
    last = [Score(split, "last", *value) for split, values in splits.items() for value in values]
    best = [s._replace(weights="best", value=s.value * (1 if label else 0.98)) for s in last] if trained else []
    curve, timing = LearningCurve(), Timing(total_s=0.2, evaluate_s=0.1, other_s=0.1)
    if trained:
        curve = fake_curve(f"{made.name}{seed}", valid, epochs)
        epoch_s = [7000 / windows_per_s] * epochs
        timing = Timing(
            epoch_s=epoch_s,
            train_s=sum(epoch_s),
            compile_s=1.8,
            total_s=sum(epoch_s) + 3,
            evaluate_s=1.0,
            cpu_over_wall=cpu_over_wall,
        )
    return RunRecord(
        **shared,
        parameters=parameters if trained else None,
        train_windows=6976 if trained else 0,
        windows={"train": 7000, "valid": 2000, "test": 1000},
        scores=(*last, *best),
        best_epoch=max(epochs - 2, 1) if trained else None,
        curve=curve,
        timing=timing,
        sample=None if label else fake_sample(asked.horizon, scores.get("mse", 0.003), made.name),
    )


def fake_measurement(
    spec: MeasureSpec,
    environment: Environment | None = None,
    *,
    windows_per_s: float = 40_000.0,
    status: str = "done",
    attempt: int = 1,
) -> Measurement:
    """Return what one process left: two warm-up rounds of each kind, then ten that count."""
    kinds = ("train", "infer") if spec.recipe else ("infer",)
    rounds = tuple(
        Round(
            kind=kind,
            number=n,
            warm_up=n < 2,
            windows=4_000,
            wall_s=4_000 / windows_per_s * (1 + 0.0005 * n),
            cpu_s=4_000 / windows_per_s,
            contended=False,
        )
        for n in range(12)
        for kind in kinds
    )
    return Measurement(
        measure_id=spec.measure_id,
        attempt=attempt,
        status=status,
        spec=spec,
        data_seed=42,
        task=TASKS.get(spec.dataset.all_params.get("asks", "")),
        rounds=rounds if status == "done" else (),
        latency_s=tuple(0.0004 + 1e-7 * n for n in range(1_000)) if status == "done" else (),
        build_s=0.02,
        compile_s=3.0 if spec.recipe else None,
        peak_memory_bytes=900_000_000,
        base_memory_bytes=700_000_000,
        parameters=1000 if spec.recipe else None,
        model_bytes=4000 if spec.recipe else None,
        failure=None if status == "done" else Failure(reason="out of memory"),
        environment=environment or (ENVIRONMENT if spec.recipe else NO_BACKEND),
        provenance=fake_record().provenance,
    )


def with_throughput(plan: Plan) -> Plan:
    """Return a plan whose cases are measured alone, in as many processes as usual: as fast as their runs were."""
    known: dict[tuple[str, str, str], list[RunRecord]] = {}
    for record in plan.records:
        known.setdefault((record.spec.case, record.spec.device, record.spec.backend), []).append(record)
    made = []
    for spec in plan.measured:
        runs = known.get((spec.case, spec.device, spec.backend), [])
        speed = median([r.windows_per_s for r in runs if r.windows_per_s] or [40_000.0])
        where = runs[0].environment if runs else None
        made += [
            fake_measurement(spec, where, windows_per_s=(1 + 0.002 * n) * speed, attempt=n + 1)
            for n in range(PROCESSES)
        ]
    return replace(plan, measurements=tuple(made))


FakeScores = list[tuple[str, str, str, float]]
"""Metric, axis, index and value."""


def fake_scores(task: Task, scores: dict[str, Any]) -> FakeScores:
    mse = scores.get("mse", 0.003)
    last = scores.get("last_time_step_mse", mse)
    made: FakeScores = [("mse", "", "", mse), ("last_time_step_mse", "", "", last), ("mae", "", "", mse**0.5 * 0.8)]
    growth = np.linspace(0.4, 1.6, task.horizon) if task.horizon > 1 else np.ones(1)
    made += [("mse_per_step", "step", str(n), float(last * g)) for n, g in enumerate(growth, start=1)]
    if task.target.every_position:
        made.append((ODD, "", "", scores.get(ODD, mse * 0.9)))
    return made


def fake_label_scores(scores: dict[str, Any], seed: int | None) -> FakeScores:
    accuracy = scores.get("accuracy", 0.95)
    groups = {("length", n): min(1.0, accuracy + 0.002 * (n - 15)) for n in range(8, 31)}
    groups |= {("corrupted_position", n): max(0.0, accuracy - 0.03 * (n % 5)) for n in range(-1, 12)}
    entropy = scores.get("cross_entropy", 0.693 * (1 - accuracy) + 1e-4)
    return [
        ("accuracy", "", "", accuracy),
        ("cross_entropy", "", "", entropy),
        *(("accuracy_by_group", group, str(at), value) for (group, at), value in groups.items()),
        *(("windows_by_group", group, str(at), 40.0) for group, at in groups),
    ]


def scaled(scores: FakeScores, factor: float) -> FakeScores:
    return [(metric, axis, index, value * factor) for metric, axis, index, value in scores]


def fake_curve(name: str, valid: FakeScores, epochs: int) -> LearningCurve:
    rng = seeded(name)
    fall = np.exp(-np.arange(epochs) / rng.uniform(2, 5))
    noise = np.exp(0.06 * rng.standard_normal(epochs))
    noise[-1] = 1.0
    series = {}
    for metric, axis, _, value in valid:
        if metric in ("mse", "last_time_step_mse", "cross_entropy"):
            series[metric] = [float(v) for v in value * (1 + 12 * (fall - fall[-1])) * noise]
        elif metric == "accuracy" and not axis:
            series[metric] = [float(v) for v in value - (value - 0.5) * (fall - fall[-1])]
    main = series.get("mse", series.get("cross_entropy", []))
    return LearningCurve(train_loss=[v * 0.97 for v in main], valid=series)


def fake_sample(horizon: int, mse: float, name: str, windows: int = 6) -> ForecastSample:
    waves, noise = seeded("windows"), seeded(name)
    x, truth, forecast = [], [], []
    for _ in range(windows):
        f1, f2 = waves.uniform(10, 30), waves.uniform(30, 50)
        a, b = waves.random(2)
        t = np.linspace(0, 1, 60)
        series = 0.5 * np.sin((t - a) * f1) + 0.2 * np.sin((t - b) * f2) + 0.1 * (waves.random(60) - 0.5)
        after = series[50 : 50 + horizon]
        x.append([round(float(v), 4) for v in series[:50]])
        truth.append([float(v) for v in after])
        drift = np.sqrt(mse) * noise.standard_normal() * np.linspace(0.5, 1.5, horizon)
        forecast.append([float(v) for v in after + drift])
    return ForecastSample(window=list(range(windows)), x=x, truth=truth, forecast=forecast)


def fake_plan(
    cases: list[Case],
    records: list[RunRecord],
    seeds: tuple[int, ...] = (42, 43, 44),
    devices: tuple[str, ...] = ("cpu",),
    name: str = "fake",
    title: str = "Fake networks",
    rank: Weights = "last",
    backends: tuple[str, ...] = ("tensorflow",),
) -> Plan:
    """Return a plan of unregistered cases with the records that belong to it."""
    places = {"devices": list(devices), "backends": list(backends)}
    suite = Suite(name=name, title=title, cases=["x"], seeds=list(seeds), rank=rank, **places)
    specs = [
        spec
        for case in cases
        for spec in dict.fromkeys(
            fake_spec(case, seed, device, backend).model_dump_json()
            for device in devices
            for backend in backends
            for seed in seeds
        )
    ]
    parsed = [RunSpec.model_validate_json(spec) for spec in specs]
    wanted = {spec.run_id for spec in parsed}
    return Plan(suite, cases, parsed, [r for r in records if r.run_id in wanted])


def seeded(name: str) -> np.random.Generator:
    """Return a generator of its own for each name."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))
