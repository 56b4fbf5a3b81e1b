"""What the harness itself costs: a plan, 10,000 records written and read, a report of 1,000 runs, tracking of a run."""

import math
from itertools import count
from pathlib import Path

import pytest

from bench.plan import Plan, make_plan
from bench.record import RunRecord
from bench.report.build import build_report
from bench.store import Store
from bench.suite import read_suite
from bench.tracking import MlflowTracker, tracking_uri
from bench.tracking.sending import KIND, SWEEP, send_record
from tests.chapter_fakes import chapter_like

CHAPTER = Path(__file__).parents[2] / "suites" / "chapter15.toml"
RECORDS, RUNS = 10_000, 1_000


@pytest.fixture(scope="module")
def some() -> list[RunRecord]:
    """Records of every kind of case that the chapter has, three seeds each."""
    return chapter_like().records


@pytest.fixture(scope="module")
def many(some) -> list[RunRecord]:
    """The same again and again under run ids of their own."""
    return [some[i % len(some)].model_copy(update={"run_id": f"{i:016x}"}) for i in range(RECORDS)]


@pytest.fixture(scope="module")
def written(many, tmp_path_factory) -> Store:
    """A store that holds all of them; made where no benchmark has written one."""
    store = Store(tmp_path_factory.mktemp("written"))
    write(store, many)
    return store


def write(store: Store, records: list[RunRecord]) -> Store:
    store.prepare()
    for record in records:
        store.write(record)
    return store


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_plan_of_chapter15(benchmark):
    plan = benchmark.pedantic(lambda: make_plan(read_suite(str(CHAPTER)), []), rounds=10, warmup_rounds=1)
    benchmark.extra_info["runs"] = len(plan.specs)
    assert plan.missing == plan.specs


def test_plan_of_chapter15_over_10000_records(benchmark, many):
    plan = benchmark.pedantic(lambda: make_plan(read_suite(str(CHAPTER)), many), rounds=5, warmup_rounds=1)
    assert plan.records == []


def test_write_of_10000_records(benchmark, many, tmp_path):
    folders = count()

    def afresh():
        return (Store(tmp_path / str(next(folders))), many), {}

    store = benchmark.pedantic(write, setup=afresh, rounds=2)
    benchmark.extra_info["bytes"] = size(store.folder)
    assert len(list(store.folder.iterdir())) == RECORDS


def test_read_of_10000_records(benchmark, written):
    records = benchmark.pedantic(written.read, rounds=3)
    benchmark.extra_info["bytes"] = size(written.folder)
    assert len(records) == RECORDS


@pytest.fixture(scope="module")
def thousand() -> Plan:
    """A plan like the chapter's with as many seeds as make a thousand runs, nearly all recorded with a result."""
    one, two = (len(chapter_like(tuple(range(n))).specs) for n in (1, 2))
    return chapter_like(tuple(range(42, 42 + 1 + math.ceil((RUNS - one) / (two - one)))))


@pytest.mark.parametrize("figures", [False, True], ids=["tables", "tables_and_figures"])
def test_report_of_1000_runs(benchmark, thousand, tmp_path, figures):
    readme = benchmark.pedantic(build_report, (thousand, tmp_path), {"figures": figures}, rounds=3, warmup_rounds=1)
    benchmark.extra_info |= {"runs": len(thousand.records), "bytes": size(tmp_path)}
    assert readme.stat().st_size > 10_000


def test_tracking_of_one_run(benchmark, some, tmp_path):
    tracker = MlflowTracker(tracking_uri(tmp_path, {}))
    tracker.open("microbench")
    parent = tracker.create("sweep", 0, {KIND: "sweep", SWEEP: "microbench"})
    trained = [record for record in some if record.curve.train_loss]
    fresh = (trained[i % len(trained)].model_copy(update={"run_id": f"{i:016x}"}) for i in count())

    def afresh():
        return (tracker, next(fresh), "microbench", lambda: parent), {}

    assert benchmark.pedantic(send_record, setup=afresh, rounds=20, warmup_rounds=2)
    benchmark.extra_info["bytes"] = size(tmp_path)
