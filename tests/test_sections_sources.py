"""Where the uncertainty comes from: the shares shown are those of lines of ``sources.csv`` made by hand."""

import pytest

from bench import stats
from bench.frames import make_frames, select, typed
from bench.frames.schemas import SOURCES
from bench.report.results import Results
from bench.report.sections.sources import sources_table
from tests.fakes import FakeNaive, fake_case, fake_plan, fake_record
from tests.section_fakes import lines

SEEDS = (42, 43, 44)
RNN, GRU = (fake_case(f"fake/{name}", label=name.upper()) for name in ("rnn", "gru"))
NAIVE = fake_case("fake/naive", label="naive", model=FakeNaive())
REBER = fake_case("fake/reber", task="reber", label="strings")


def line(case: str = "fake/rnn", **of: object) -> dict[str, object]:
    """Return a line of ``sources.csv``: of a standard deviation of logs of 0.1 a quarter, three fifths, the rest."""
    place = {"case": case, "device": "cpu", "backend": "numpy" if case == NAIVE.name else "tensorflow"}
    score = {"split": "valid", "weights": "last", "metric": "mse", "n_runs": 10, "n_series": 2_000, "joint": False}
    return {**place, **score, "seen": 0.0085, "epochs": 0.0025, "seeds": 0.006, "test_set": 0.0015, **of}


def made(*given: dict[str, object], about: dict[str, str] | None = None) -> tuple[str, list[str]] | None:
    records = [fake_record(case, seed, mse=0.01) for case in (RNN, GRU) for seed in SEEDS]
    records += [fake_record(REBER, seed, accuracy=0.9) for seed in SEEDS] + [fake_record(NAIVE, None, mse=0.02)]
    frames = make_frames(select(fake_plan([RNN, GRU, NAIVE, REBER], records, SEEDS)))
    told = frames["about"]
    for key, text in (about or {}).items():
        told = told.assign(text=told["text"].where(told["key"] != key, text))
    return sources_table(Results(frames | {"sources": typed(given, SOURCES), "about": told}))


def section(*given: dict[str, object], about: dict[str, str] | None = None) -> tuple[str, list[str]]:
    found = made(*given, about=about)
    assert found is not None
    return found


def ends(name: str, percent: int) -> str:
    """Return a share of ``line()`` in words, with its interval."""
    found = stats.share_intervals(0.0085, 10, epochs=0.0025, test_set=0.0015, series=2_000)
    low, high = (100 * end for end in found[name])
    assert low + 5 < percent < high - 5
    return f"{percent} % [{low:.0f}, {high:.0f}]"


def test_shares_are_of_the_sum_of_the_variances() -> None:
    body, notes = section(line())
    assert lines(body, "RNN") == [
        {
            "table": "Next step",
            "model": "RNN",
            "one run varies by": "× 1.11",  # exp(sqrt(0.0025 + 0.006 + 0.0015))
            "epoch to epoch": ends("epochs", 25),
            "seeds": ends("seeds", 60),
            "test set": ends("test_set", 15),
            "series": "2,000",
        }
    ]
    assert lines(body, "GRU") == [], "nothing is known of it"
    assert not any("with the draw of the data" in note for note in notes)


def test_what_is_not_known_is_no_share_and_in_no_sum() -> None:
    predictor_line = line(NAIVE.name, n_runs=1, seen=None, epochs=None, seeds=None)
    body, _ = section(line(epochs=None, test_set=None, n_series=None), predictor_line)
    (network,), (predictor,) = lines(body, "RNN"), lines(body, "naive")
    shares = ("epoch to epoch", "seeds", "test set", "series")
    assert [network[name] for name in shares] == ["–", "100 %", "–", "–"]
    assert network["one run varies by"] == "× 1.08"  # exp(sqrt(0.006))
    assert [predictor[name] for name in shares] == ["–", "–", "100 %", "2,000"]


def test_what_does_not_vary_has_no_shares() -> None:
    body, _ = section(line(seen=0.0, epochs=0.0, seeds=0.0, test_set=0.0))
    (row,) = lines(body, "RNN")
    assert (row["one run varies by"], row["seeds"], row["test set"]) == ("× 1.00", "–", "–")


def test_shares_of_forecasts_are_in_points() -> None:
    body, _ = section(line(REBER.name, metric="accuracy", seen=0.0003, epochs=0.0, seeds=0.0003, test_set=0.0001))
    (row,) = lines(body, "strings")
    assert row["one run varies by"] == "2.00 points"  # sqrt(0.0004)
    assert [row[name].split(" [")[0] for name in ("seeds", "test set")] == ["75 %", "25 %"]


def test_four_runs_say_nothing_of_shares() -> None:
    assert made(line(n_runs=4)) is None
    body, notes = section(line(n_runs=4), line(GRU.name, n_runs=5))
    assert lines(body, "RNN") == []
    assert len(lines(body, "GRU")) == 1
    assert "from 5 runs on" in " ".join(notes)


def test_where_the_best_epoch_ranks_what_epochs_change_is_the_seeds() -> None:
    assert "a part of the seeds" not in " ".join(section(line())[1])
    _, notes = section(line(split="test", weights="best", epochs=None), about={"rank": "best"})
    assert "a part of the seeds" in " ".join(notes)


def test_data_that_vary_with_the_seeds_are_named() -> None:
    body, notes = section(line(joint=True))
    (row,) = lines(body, "RNN")
    assert row["seeds and draw of the data"].startswith("60 % [")
    assert any("with the draw of the data" in note for note in notes)


@pytest.mark.parametrize(
    "of", [{"split": "test"}, {"weights": "best"}, {"metric": "mae"}, {"device": "gpu"}, {"backend": "jax"}]
)
def test_a_line_of_another_score_or_place_is_not_shown(of: dict[str, object]) -> None:
    assert made(line(**of)) is None


def test_without_lines_there_is_no_section() -> None:
    assert made() is None


def test_runs_that_kept_no_errors_are_counted_with_the_reason() -> None:
    _, notes = section(line(), about={"not_kept": "2", "not_kept_why": "they are of an older version"})
    assert "2 runs kept no errors a window (they are of an older version)" in " ".join(notes)
    _, notes = section(line(), about={"not_kept": "0"})
    assert "kept no errors" not in " ".join(notes)
