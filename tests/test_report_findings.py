"""The report's findings: what its first sentences claim, and what they must not."""

import re
from dataclasses import replace
from pathlib import Path

from bench.cases.base import Case, Erratum, Published
from bench.report.findings import LIMIT
from bench.task import TargetKind, Task
from tests.chapter_fakes import chapter_like
from tests.fakes import ODD_POSITIONS, FakeNaive, FakeWaves, fake_case, fake_plan, fake_record
from tests.report_fakes import FAIR, GRU, NAIVE, RNN, golden, sentences


def test_findings_of_a_suite_like_the_chapter_read_as_agreed(tmp_path: Path) -> None:
    made = sentences(chapter_like(), tmp_path)
    assert len(made) == LIMIT
    assert all(re.search(r"\[Table \d+\]\(#", sentence) for sentence in made)
    golden("findings_chapter_like.md", "\n".join(made) + "\n")


def test_findings_with_one_seed_claim_nothing(tmp_path: Path) -> None:
    records = [fake_record(RNN, 42, mse=0.01), fake_record(GRU, 42, mse=0.02, last_time_step_mse=0.009)]
    golden("findings_one_seed.md", "\n".join(sentences(fake_plan([RNN, GRU], records, (42,)), tmp_path)) + "\n")


def test_many_tables_still_give_seven_findings_and_the_failures_last(tmp_path: Path) -> None:
    class Many(FakeWaves):
        name = "fake_many"

        def task(self) -> Task:
            return Task(self.asks, TargetKind.LAST_STEP, 50)

    cases = [replace(fake_case(f"fake/m{i}", label=f"m{i}"), dataset=Many(asks=f"task_{i}")) for i in range(9)]
    records = [fake_record(case, seed, mse=0.01) for case in cases for seed in (42, 43)]
    made = sentences(fake_plan(cases, records, (42, 43, 44)), tmp_path)
    assert len(made) == LIMIT
    assert "further tables" in made[-2]
    assert made[-1].startswith("**Runs.** 18 of 27 planned runs")


def test_an_exact_tie_is_called_level(tmp_path: Path) -> None:
    records = [fake_record(NAIVE, None, mse=0.25), fake_record(FAIR, None, mse=0.25)]
    assert "Naive leads" in (made := sentences(fake_plan([NAIVE, FAIR], records), tmp_path))[0]
    assert "level with naive, fair" in made[0]


def test_a_label_finding_shows_what_the_mean_hides(tmp_path: Path) -> None:
    gru = fake_case("fake/gru", task="reber", label="GRU")
    bigram = fake_case("fake/bigram", task="reber", label="bigram", model=FakeNaive())
    records = [fake_record(bigram, None, accuracy=0.86, accuracy_outer_only=0.1)]
    seeds = ((42, 0.006), (43, 0.519), (44, 0.017))
    records += [fake_record(gru, s, accuracy=0.99 + s / 1e5, accuracy_outer_only=outer) for s, outer in seeds]
    plan = fake_plan([gru, bigram], records)
    first = sentences(plan, tmp_path)[0]
    assert "3 seeds reach 99.0 % on test, but on the extra test set *outer only* 2 at under 5 %, 1 in between" in first
    assert "no other model here is trained, and the best predictor is bigram with 86.00 %" in first
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "0.6, 51.9, 1.7 %" in text
    assert "| valid string " in text
    assert "2 is the outer letter" in text
    assert "| -1 " not in text


def test_errata_say_which_way_a_fault_goes_and_show_each_alone(tmp_path: Path) -> None:
    def variant(name: str, *faults: tuple[int, str]) -> Case:
        errata = tuple(Erratum(n, f"fault {n}", v) for n, v in faults)
        return fake_case(f"fake/{name}", task="every_step", label=name, errata=errata)

    fair = variant("fair", (3, "corrected"), (4, "corrected"))
    cases = [
        (fair, 0.02),
        (variant("twice", (3, "as printed")), 0.01),
        (variant("softmax", (4, "as printed")), 0.08),
        (variant("both", (3, "both faults"), (4, "both faults")), 0.09),
    ]
    conv = variant("conv", (6, "as printed"))
    records = [fake_record(c, s, mse=m * (1 + s / 1e4), mse_odd_positions=m * 0.9) for c, m in cases for s in (42, 43)]
    records += [fake_record(conv, s, mse=0.01, mse_odd_positions=0.01, positions=ODD_POSITIONS) for s in (42, 43)]
    made = sentences(fake_plan([*(case for case, _ in cases), conv], records), tmp_path)
    (errata,) = (s for s in made if s.startswith("**Errata.**"))
    assert "no. 3 flatters twice, × 0.50; no. 4 hurts softmax, × 4.00; no. 6 flatters" in errata
    assert "both " not in errata.replace("scored both ways", "")
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "median of 1 trained model without a fault" in text  # The faulty ones are left out.


def test_printed_values_say_how_far_off_they_had_to_be(tmp_path: Path) -> None:
    naive = fake_case(
        "fake/n", task="next_step", label="naive", model=FakeNaive(), published=Published(values={"mse": 0.02})
    )
    rnn = fake_case("fake/r", task="next_step", label="RNN", published=Published(values={"mse": 0.0105}))
    records = [fake_record(naive, None, mse=0.02)]
    records += [fake_record(rnn, s, mse=m) for s, m in ((42, 0.01), (43, 0.0102), (44, 0.0101))]
    (made,) = (s for s in sentences(fake_plan([naive, rnn], records), tmp_path) if "Printed" in s)
    assert "The one exact value matches. Of 1 value from trained models, none lies outside" in made
    assert re.search(r"none misses the uncorrected .* with 3 seeds a value had to differ by × 1\.05 to be called", made)


def test_the_fastest_is_named_only_where_its_seeds_are_all_faster(tmp_path: Path) -> None:
    other = fake_case("fake/o", task="ten_steps", label="other")

    def made(speeds: tuple[float, ...], alone: float = 1.0) -> str:
        records = []
        for i, seed in enumerate((42, 43)):
            mse = (0.010, 0.011)[i]
            records.append(fake_record(RNN, seed, mse=mse, windows_per_s=40_000, cpu_over_wall=alone))
            records.append(fake_record(other, seed, mse=mse * 1.01, windows_per_s=speeds[i]))
        return sentences(fake_plan([RNN, other], records), tmp_path)[0]

    assert "the fastest trained model among them is RNN" in made((20_000, 30_000))
    assert "fastest" not in made((20_000, 41_000))
    assert "fastest" not in made((20_000, 30_000), alone=0.5)  # a shared core says nothing of who is faster


def test_a_stuck_run_is_named_by_what_tells_it_from_the_others(tmp_path: Path) -> None:
    case = fake_case("fake/r", task="ten_steps", label="RNN")

    def made(*runs: tuple[int, int, float]) -> str:
        records = [fake_record(case, seed, data_seed=data, mse=mse) for data, seed, mse in runs]
        plan = replace(fake_plan([case], []), specs=[r.spec for r in records], records=records)
        return sentences(plan, tmp_path)[-1]

    assert "RNN seed 44 (0.09000)" in made((42, 42, 0.01), (42, 43, 0.011), (42, 44, 0.09))
    assert "RNN data seed 44 (0.09000)" in made((42, 42, 0.01), (43, 42, 0.011), (44, 42, 0.09))
    assert "RNN seed 43 of data seed 43 (0.09000)" in made(
        (42, 42, 0.01), (42, 43, 0.011), (43, 42, 0.01), (43, 43, 0.09)
    )
