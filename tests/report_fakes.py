"""Fake cases of a report, a plan with every kind of trouble, and what a report says of a plan."""

import os
from pathlib import Path

from bench import frames
from bench.cases.base import Erratum, Published
from bench.plan import Plan
from bench.recipe import Recipe
from bench.report.build import build_report
from bench.report.findings import all_findings
from bench.report.results import Results
from bench.report.tables import all_tables
from tests.fakes import FakeLeaky, FakeLeastSquares, FakeNaive, fake_case, fake_plan, fake_record, with_throughput

GOLDEN = Path(__file__).parent / "golden"
NAIVE = fake_case("fake/naive", task="ten_steps", label="naive", model=FakeNaive())
PEEK = fake_case(
    "fake/naive_as_printed",
    task="ten_steps",
    label="naive (as printed)",
    model=FakeLeaky(),
    published=Published(values={"mse": 0.005}),
    errata=(Erratum(1, "it sees the answer", "as printed"),),
)
FAIR = fake_case(
    "fake/naive_fair",
    task="ten_steps",
    label="naive, fair",
    model=FakeNaive(),
    errata=(Erratum(1, "it sees the answer", "corrected"),),
)
SQUARES = fake_case("fake/least_squares", task="ten_steps", label="least squares", model=FakeLeastSquares())
RNN = fake_case("fake/rnn", task="ten_steps", label="RNN", published=Published(values={"mse": 0.0101}))
GRU = fake_case("fake/gru", task="every_step", label="GRU", recipe=Recipe(learning_rate=0.01))
LSTM = fake_case("fake/lstm", task="every_step", label="LSTM", published=Published(values={"mse": 0.05}))
ODD = fake_case("fake/odd", task="ten_steps", label="odd | name\n*bold* <b>")


def golden(name: str, text: str) -> None:
    """Hold text to a file; UPDATE_GOLDEN=1 writes the file anew, to be read before it is kept."""
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def trouble() -> Plan:
    """Return a plan with a tie, a failed, a diverged and a missing run, a stuck seed and an odd name."""
    records = [
        fake_record(NAIVE, None, mse=0.25),
        fake_record(PEEK, None, mse=0.2),
        fake_record(FAIR, None, mse=0.25),
        fake_record(SQUARES, None, mse=0.0155),
        *(fake_record(RNN, s, mse=m) for s, m in ((42, 0.010), (43, 0.0104), (44, 0.0102))),
        *(
            fake_record(GRU, s, mse=2 * m, last_time_step_mse=m, windows_per_s=20_000)
            for s, m in ((42, 0.0101), (43, 0.0103))
        ),
        fake_record(GRU, 44, status="diverged", reason="loss is not finite in epoch 3"),
        *(fake_record(LSTM, s, mse=m, last_time_step_mse=m, windows_per_s=9_000) for s, m in ((42, 0.02), (43, 0.021))),
        fake_record(LSTM, 44, mse=0.2, last_time_step_mse=0.2, cpu_over_wall=0.5),
        fake_record(ODD, 42, status="failed", reason="bad | pipe\nsecond line"),
        fake_record(ODD, 43, mse=0.03),
    ]
    plan = fake_plan([NAIVE, PEEK, FAIR, SQUARES, RNN, GRU, LSTM, ODD], records, title="Trouble | everywhere")
    return with_throughput(plan)


def report_of(plan: Plan, folder: Path) -> str:
    """Return a plan's report without figures and without its page."""
    return build_report(plan, folder, figures=False, page=False).read_text(encoding="utf-8")


def sentences(plan: Plan, folder: Path) -> list[str]:
    """Return the findings of a plan, from the CSVs that its report is rendered from."""
    frames.write_frames(folder, frames.make_frames(frames.select(plan)))
    results = Results(frames.read_frames(folder))
    return all_findings(results, all_tables(results))
