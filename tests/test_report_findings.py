"""The report's findings: what its first sentences claim, and what they must not."""

import re
from dataclasses import replace
from pathlib import Path

from bench.cases.base import Case, Erratum, Published
from bench.report.findings import WORDS, words
from bench.task import TargetKind, Task
from tests.chapter_fakes import chapter_like
from tests.fakes import ODD_POSITIONS, FakeNaive, FakeWaves, fake_case, fake_plan, fake_record
from tests.report_fakes import FAIR, GRU, NAIVE, RNN, SQUARES, golden, report_of, sentences, with_throughput


def test_findings_of_a_suite_like_the_chapter_read_as_agreed(tmp_path: Path) -> None:
    made = sentences(chapter_like(), tmp_path)
    assert words(made) <= WORDS
    assert all(re.search(r"\]\(#table-\d+-", sentence) for sentence in made[:-1])
    golden("findings_chapter_like.md", "\n".join(made) + "\n")


def test_findings_with_one_seed_claim_nothing(tmp_path: Path) -> None:
    records = [fake_record(RNN, 42, mse=0.01), fake_record(GRU, 42, mse=0.02, last_time_step_mse=0.009)]
    golden(
        "findings_one_seed.md",
        "\n".join(sentences(with_throughput(fake_plan([RNN, GRU], records, (42,))), tmp_path)) + "\n",
    )


def test_many_tables_still_give_150_words_and_the_failures_last(tmp_path: Path) -> None:
    class Many(FakeWaves):
        name = "fake_many"

        def task(self) -> Task:
            return Task(self.asks, TargetKind.LAST_STEP, 50)

    cases = [replace(fake_case(f"fake/m{i}", label=f"m{i}"), dataset=Many(asks=f"task_{i}")) for i in range(30)]
    records = [fake_record(case, seed, mse=0.01) for case in cases for seed in (42, 43)]
    made = sentences(fake_plan(cases, records, (42, 43, 44)), tmp_path)
    assert words(made) <= WORDS
    assert words(made) > WORDS - 20
    assert re.fullmatch(r"\*\*More below:\*\* \d+ questions\.", made[-2])
    assert made[-1].startswith("**Runs.** 60 of 90 runs gave a result; 30 runs not recorded yet")


def test_words_are_what_a_reader_reads() -> None:
    assert words(["**[Two words](#table-1-x).** A leads: MSE 0.01 (× 1.2)."]) == 7
    assert words(["Worse: 9 others (2\\*)."]) == 3, "a mark is no word"


def test_two_seeds_rank_nothing_and_no_finding_says_otherwise(tmp_path: Path) -> None:
    """Least squares ahead of every seed of a network, with two seeds: no finding calls that a difference."""
    tcn = fake_case("fake/tcn", task="ten_steps", label="TCN")
    records = [fake_record(SQUARES, None, mse=0.010)]
    records += [fake_record(tcn, s, mse=m) for s, m in ((42, 0.016), (43, 0.027))]
    plan = fake_plan([SQUARES, tcn], records, (42, 43))
    made = sentences(plan, tmp_path)
    assert "Too few seeds to rank TCN (× 2.1) against least squares" in made[0]
    assert not any("beats" in sentence or "lower" in sentence for sentence in made)
    text = report_of(plan, tmp_path)
    assert "**With 2 seeds a network this ranks only what lies far apart" in text.partition("## Findings")[0]
    assert re.search(r"^\| – +\| least squares +\|.*\| too few seeds \\\* \|", text, flags=re.MULTILINE)
    assert re.search(r"^\| – +\| TCN +\|.*\| too few seeds \\\* \|", text, flags=re.MULTILINE)
    rival = next(line for line in text.partition("Rivals: what would decide")[2].splitlines() if "TCN" in line)
    assert re.search(r"\| too few seeds \\\* \| +\d+", rival)


def test_the_finding_names_who_leads_by_the_other_score(tmp_path: Path) -> None:
    other = fake_case("fake/o", task="ten_steps", label="other")
    records = []
    for seed in range(42, 48):
        records.append(fake_record(RNN, seed, mse=seed / 4000))
        unstable = fake_record(other, seed, mse=seed / 1000)
        scores = tuple(s._replace(value=s.value / 10) if s.weights == "best" else s for s in unstable.scores)
        records.append(unstable.model_copy(update={"scores": scores}))
    plan = fake_plan([RNN, other], records, range(42, 48))
    assert "RNN leads" in (first := sentences(plan, tmp_path)[0])
    assert "Other leads by test, best epoch" in first


def test_an_exact_tie_is_called_level(tmp_path: Path) -> None:
    records = [fake_record(NAIVE, None, mse=0.25), fake_record(FAIR, None, mse=0.25)]
    assert "Naive leads" in (made := sentences(fake_plan([NAIVE, FAIR], records), tmp_path))[0]
    assert "Level with it: naive, fair" in made[0]


def test_a_label_finding_shows_what_the_mean_hides(tmp_path: Path) -> None:
    gru = fake_case("fake/gru", task="reber", label="GRU")
    bigram = fake_case("fake/bigram", task="reber", label="bigram", model=FakeNaive())
    records = [fake_record(bigram, None, accuracy=0.86, accuracy_outer_only=0.1)]
    seeds = ((42, 0.006), (43, 0.519), (44, 0.017))
    records += [fake_record(gru, s, accuracy=0.99 + s / 1e5, accuracy_outer_only=outer) for s, outer in seeds]
    plan = fake_plan([gru, bigram], records)
    first = sentences(plan, tmp_path)[0]
    assert "GRU beats the one predictor: accuracy 99.04 %. 3 of 3 seeds fail test *outer only*." in first
    text = report_of(plan, tmp_path)  # 51.9 % is a coin's
    assert "0.6 to 51.9 %, median 1.7 %" in text
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
    plan = fake_plan([*(case for case, _ in cases), conv], records)
    made = sentences(plan, tmp_path)
    (errata,) = (s for s in made if s.startswith("**[Errata]"))
    assert errata.endswith("Of 3 faults, 1 hurts, 2 flatter.")  # both at once are no one's fault alone
    text = report_of(plan, tmp_path)
    assert "median of 1 trained model without a fault" in text  # The faulty ones are left out.


def test_printed_values_are_counted(tmp_path: Path) -> None:
    naive = fake_case(
        "fake/n", task="next_step", label="naive", model=FakeNaive(), published=Published(values={"mse": 0.02})
    )
    rnn = fake_case("fake/r", task="next_step", label="RNN", published=Published(values={"mse": 0.0105}))
    records = [fake_record(naive, None, mse=0.02)]
    records += [fake_record(rnn, s, mse=m) for s, m in ((42, 0.01), (43, 0.0102), (44, 0.0101))]
    (made,) = (s for s in sentences(fake_plan([naive, rnn], records), tmp_path) if "Printed" in s)
    assert made.endswith("Both values fit our seeds.")


def test_a_stuck_run_is_named_by_what_tells_it_from_the_others(tmp_path: Path) -> None:
    case = fake_case("fake/r", task="ten_steps", label="RNN")

    def made(*runs: tuple[int, int, float]) -> str:
        records = [fake_record(case, seed, data_seed=data, mse=mse) for data, seed, mse in runs]
        plan = replace(fake_plan([case], []), specs=[r.spec for r in records], records=records)
        assert "[1 stuck](#table-" in sentences(plan, tmp_path)[-1]
        text = report_of(plan, tmp_path)
        return next(line for line in text.splitlines() if re.search(r"\| stuck +\|", line))

    assert re.search(r"RNN +\| seed 44 +\| stuck +\| +0\.09000 ", made((42, 42, 0.01), (42, 43, 0.011), (42, 44, 0.09)))
    assert re.search(
        r"RNN +\| data seed 44 +\| stuck +\| +0\.09000 ", made((42, 42, 0.01), (43, 42, 0.011), (44, 42, 0.09))
    )
    assert re.search(r"RNN +\| seed 44 +\| stuck +\| +0\.09000 ", made((42, 42, 0.01), (43, 43, 0.011), (44, 44, 0.09)))
    assert re.search(
        r"RNN +\| seed 43 of data seed 44 +\| stuck +\| +0\.09000 ",
        made((42, 42, 0.01), (43, 42, 0.011), (44, 43, 0.09)),
    )
