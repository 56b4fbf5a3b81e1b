"""Sets of results to hold against each other: records in folders, and the tables of a report."""

from dataclasses import replace

import numpy as np

from bench.frames import make_frames, select, write_frames
from bench.measurement import Measurement, Round, measure_spec
from bench.recipe import Recipe
from bench.store import Store
from tests.fakes import ENVIRONMENT, FakeNaive, FakeNetwork, fake_case, fake_plan, fake_record

SEEDS = tuple(range(42, 52))
RNN = fake_case("fake/rnn", recipe=Recipe())
GRU = fake_case("fake/gru", model=FakeNetwork(kind="gru"), recipe=Recipe())
NAIVE = fake_case("fake/naive", model=FakeNaive())
INTEL = ENVIRONMENT.model_copy(update={"cpu": "Intel Xeon", "threads": 2})


def noise(n, seed=0, size=0.05):
    return np.exp(size * np.random.default_rng(seed).standard_normal(n))


def runs(case, mse, seeds=SEEDS, **kwargs):
    values = np.broadcast_to(mse, len(seeds))
    return [fake_record(case, seed, mse=float(v), **kwargs) for seed, v in zip(seeds, values, strict=True)]


def results(folder, records, measurements=()):
    store = Store(folder)
    store.prepare()
    for record in records:
        store.write(record)
    for measurement in measurements:
        store.write_measurement(measurement)
    return folder


def report(folder, records, cases, measurements=()):
    """Write the tables that a report of these records would have beside it."""
    seeds = tuple(sorted({r.spec.model_seed for r in records} - {None})) or (42,)
    plan = fake_plan(cases, records, seeds)
    specs = {r.run_id: r.spec for r in records}  # of whatever backend
    plan = replace(plan, specs=list(specs.values()), records=list(records), measurements=tuple(measurements))
    write_frames(folder, make_frames(select(plan)))
    return folder


def measured(speed=1000.0, case=RNN, environment=ENVIRONMENT, spread=0.01, ended="2026-01-02", processes=5):
    """Return what processes of a case left, whose speeds lie as far as ``spread`` on either side, evenly."""
    record = fake_record(case, 42, environment=environment)
    spec = measure_spec(record.spec)
    return [
        Measurement(
            measure_id=spec.measure_id, spec=spec, data_seed=42, latency_s=(1 / speed,) * 100,
            peak_memory_bytes=10**8, environment=environment, attempt=number,
            provenance=record.provenance.model_copy(update={"ended_at": ended}),
            rounds=tuple(
                Round(kind=kind, number=n, warm_up=False, windows=1000, wall_s=1000 / (speed * factor), cpu_s=1.0,
                      contended=False)
                for kind in ("train", "infer") for n in range(3)
            ),
        )
        for number, factor in enumerate(np.linspace(1 - spread, 1 + spread, processes), start=1)
    ]  # fmt: skip
