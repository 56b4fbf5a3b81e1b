"""Rows of a leaderboard held against each other by lines of ``pairs.csv`` made by hand, in plain numbers."""

from collections.abc import Sequence
from math import exp, log, nan

import numpy as np
import pytest
from scipy.stats import t

from bench import stats
from bench.cases.base import Case
from bench.frames import make_frames, select, typed
from bench.frames.schemas import PAIRS
from bench.frames.scores import Key
from bench.report.judging import MOST, Judge, Pair, noise_of
from bench.report.leaderboards import Leaderboard
from bench.report.results import Results
from bench.report.rows import Row
from bench.report.tables import all_tables
from bench.stats import Verdict
from tests.fakes import FakeLeastSquares, FakeNaive, fake_case, fake_plan, fake_record

SEEDS = (42, 43, 44, 45, 46)
SPREAD = dict(zip(SEEDS, (0.98, 0.99, 1.0, 1.01, 1.02), strict=True))
CASES = {
    "rnn": fake_case("fake/rnn", label="RNN"),
    "gru": fake_case("fake/gru", label="GRU"),
    "naive": fake_case("fake/naive", label="naive", model=FakeNaive()),
    "squares": fake_case("fake/squares", label="least squares", model=FakeLeastSquares()),
    "ten": fake_case("fake/ten", task="ten_steps", label="ten"),
    "every": fake_case("fake/every", task="every_step", label="every"),
}
SCORES = {"rnn": 0.010, "gru": 0.012, "squares": 0.015, "naive": 0.018}
LINE = {"value": log(1.2), "error": 0.05, "freedom": 8.0, "beats": 0.1}
"""GRU over RNN, if nothing else is said."""


def pair(
    one: str, other: str, *, split: str = "valid", weights: str = "last", metric: str = "mse", **of: float
) -> dict[str, object]:
    """Return a line of ``pairs.csv``, of the first over the other."""
    places = {}
    for start, name in (("", one), ("rival_", other)):
        place = CASES[name].name, "cpu", "tensorflow" if CASES[name].model.trained else "numpy"
        places |= {f"{start}{column}": of for column, of in zip(("case", "device", "backend"), place, strict=True)}
    return {**places, "split": split, "weights": weights, "metric": metric, "n_series": 100, **LINE, **of}


def made(scores: dict[str, float], lines: Sequence[dict[str, object]], last: dict[str, float] | None = None) -> Results:
    """Return the results of runs with these scores and of these lines alone."""
    records = []
    for name, mse in scores.items():
        more = {"last_time_step_mse": last[name]} if last else {}
        seeds = SPREAD if CASES[name].model.trained else {None: 1.0}
        for seed, factor in seeds.items():
            scored = {key: factor * value for key, value in {"mse": mse, **more}.items()}
            records.append(fake_record(CASES[name], seed, **scored))
    cases: list[Case] = [CASES[name] for name in scores]
    frames = make_frames(select(fake_plan(cases, records, SEEDS)))
    return Results(frames | {"pairs": typed(lines, PAIRS)})


def board_of(*lines: dict[str, object]) -> tuple[Leaderboard, dict[str, Row]]:
    (board,) = made(SCORES, lines).tasks
    return board, {row.case.removeprefix("fake/"): row for row in board.rows}


def ends(ratio: stats.Ratio | None) -> tuple[float | None, ...]:
    assert ratio is not None
    return ratio.value, ratio.low, ratio.high


def by_hand(value: float, error: float, freedom: float, level: float) -> tuple[float, ...]:
    """Return a ratio of a log and its interval."""
    reach = t.ppf((1 + level) / 2, freedom) * error
    return exp(value), exp(value - reach), exp(value + reach)


def test_the_interval_of_a_ratio_and_of_a_difference_by_hand() -> None:
    # Student's t at 95 % and 8 degrees of freedom is 2.306004, so the reach is 0.1153002.
    line = Pair(log(1.2), 0.05, 8.0, 0.1)
    assert ends(line.ratio(log=True, level=0.95)) == pytest.approx((1.2, 1.2 * exp(-0.1153002), 1.2 * exp(0.1153002)))
    apart = Pair(-0.03, 0.05, 8.0, None)
    assert ends(apart.ratio(log=False, level=0.95)) == pytest.approx((-0.03, -0.1453002, 0.0853002))


def test_a_pair_turned_is_that_of_the_second_against_the_first() -> None:
    assert Pair(0.3, 0.05, 8.0, 0.25).turned() == Pair(-0.3, 0.05, 8.0, 0.75)
    assert Pair(0.3, 0.05, 8.0, None).turned().beats is None


@pytest.mark.parametrize(
    ("value", "error", "verdict"),
    [
        (log(1.2), 0.05, Verdict.WORSE),  # 1.07 to 1.35
        (log(1.2), 0.10, Verdict.UNDECIDED),  # 0.95 to 1.51
        (log(1.01), 0.01, Verdict.EQUIVALENT),  # 0.987 to 1.034, within 1.05 either way
    ],
)
def test_a_verdict_is_of_the_interval_of_the_pair_and_not_of_the_seeds(
    value: float, error: float, verdict: Verdict
) -> None:
    judge = Judge(log=True, worse_is_higher=True, region=stats.Region(), level=0.95)
    own, other = (stats.Sample(factor * stats.finite([*SPREAD.values()])) for factor in (3.0, 1.0))
    assert judge.verdict(own, other) is Verdict.WORSE
    assert judge.verdict(own, other, Pair(value, error, 8.0, 0.1)) is verdict


def test_a_board_reads_its_line_at_the_level_of_its_table() -> None:
    board, row = board_of(pair("gru", "rnn"))
    assert 0.95 < board.judge.level < 1
    contrast = board.contrast(row["gru"])
    assert contrast is not None
    assert ends(contrast.ratio) == pytest.approx(by_hand(log(1.2), 0.05, 8.0, board.judge.level))
    assert ends(board.ratio(row["gru"])) == ends(contrast.ratio)
    assert contrast.beats == 0.1


@pytest.mark.parametrize("turned", [False, True])
def test_a_line_serves_both_orientations(turned: bool) -> None:
    line = pair("rnn", "gru", value=-log(1.2), beats=0.9) if turned else pair("gru", "rnn")
    board, row = board_of(line)
    found, back = board.against(row["gru"], row["rnn"]), board.against(row["rnn"], row["gru"])
    value, low, high = by_hand(log(1.2), 0.05, 8.0, board.judge.level)
    assert ends(found.ratio) == pytest.approx((value, low, high))
    assert ends(back.ratio) == pytest.approx((1 / value, 1 / high, 1 / low))
    assert (found.beats, back.beats) == (pytest.approx(0.1), pytest.approx(0.9))


def test_an_unknown_chance_to_beat_is_not_taken_from_the_seeds() -> None:
    board, row = board_of(pair("gru", "rnn", beats=nan))
    assert board.against(row["gru"], row["rnn"]).beats is None


@pytest.mark.parametrize("other", [{"split": "test"}, {"weights": "best"}, {"metric": "last_time_step_mse"}])
def test_a_line_of_another_score_is_not_read(other: dict[str, str]) -> None:
    board, row = board_of(pair("gru", "rnn", **other))  # type: ignore[arg-type]
    assert board.pairs
    assert ends(board.ratio(row["gru"])) == ends(board_of()[0].ratio(row["gru"]))


def test_where_a_pair_has_no_line_seeds_alone_decide() -> None:
    board, row = board_of(pair("gru", "squares"))  # a line, but not against the leader
    logs = {seed: log(factor) for seed, factor in SPREAD.items()}
    mean = sum(logs.values()) / 5
    variance = sum((each - mean) ** 2 for each in logs.values()) / 4 / 5
    # Both scatter alike, so that Welch's degrees of freedom are 5 + 5 - 2.
    expected = by_hand(log(1.2), (2 * variance) ** 0.5, 8.0, board.judge.level)
    assert ends(board.ratio(row["gru"])) == pytest.approx(expected)
    contrast = board.contrast(row["gru"])
    assert contrast is not None
    assert (contrast.beats, contrast.verdict) == (0.0, Verdict.WORSE)


def test_a_predictor_is_held_against_a_predictor_over_series() -> None:
    """Without a line two exact scores differ by all they differ; with one, as far as the series say."""
    sure, row = board_of()
    assert ends(sure.against(row["naive"], row["squares"]).ratio) == pytest.approx((1.2, 1.2, 1.2))
    assert sure.beaten_by(row["naive"], row["squares"]) is Verdict.LEADS
    open_, row = board_of(pair("naive", "squares", error=0.2, freedom=99.0))
    found = open_.against(row["naive"], row["squares"])
    assert ends(found.ratio) == pytest.approx(by_hand(log(1.2), 0.2, 99.0, open_.judge.level))
    assert found.verdict is Verdict.UNDECIDED
    assert open_.beaten_by(row["naive"], row["squares"]) is Verdict.UNDECIDED


def test_a_common_board_reads_the_line_of_its_last_step_metric() -> None:
    scores = {"ten": 0.010, "every": 0.030}
    lines = [pair("every", "ten", value=log(3.0)), pair("every", "ten", metric="last_time_step_mse")]
    (board,) = made(scores, lines, last={"ten": 0.010, "every": 0.012}).commons
    assert board.score == Key("last_time_step_mse")
    assert [row.case for row in board.ranked] == ["fake/ten", "fake/every"]
    expected = by_hand(log(1.2), 0.05, 8.0, board.judge.level)
    assert ends(board.ratio(board.ranked[1])) == pytest.approx(expected)


def test_how_much_series_count_beside_seeds_by_hand() -> None:
    """Variances of five seeds are 1, so of their means 0.2 each; the errors have 0.6, 1 and 0.6 beyond: halved, 0.3."""
    unit = stats.Sample(np.array([-1.0, -1.0, 0.0, 1.0, 1.0]))
    pairs = [(unit, unit, Pair(0.0, (0.4 + beyond) ** 0.5, 9.0, None, 80)) for beyond in (0.6, 1.0, 0.6)]
    expected = 10 ** (-2 / 4)  # 0.316: 0.3 to a quarter of a power of ten
    assert noise_of([unit] * 4, pairs, log=False) == stats.Noise(80, pytest.approx(expected))
    logs = stats.Sample(np.exp(unit.values))
    in_logs = [(logs, logs, pair) for *_, pair in pairs]
    assert noise_of([logs] * 4, in_logs, log=True) == stats.Noise(80, pytest.approx(expected))
    assert noise_of([unit] * 4, pairs, log=False, by_draw=True) == stats.Noise(by_draw=True)
    assert noise_of([unit] * 4, [], log=False) == stats.Noise()
    exact = stats.Sample(np.array([1.0]), exact=True)
    assert noise_of([exact], [(exact, exact, Pair(0.0, 0.1, 79.0, None, 80))], log=False) == stats.Noise(80, MOST)
    sure = [(unit, unit, Pair(0.0, 0.4**0.5, 8.0, None, 80))]
    assert noise_of([unit] * 2, sure, log=False).share == pytest.approx(1 / MOST)


def test_a_boards_level_is_of_what_its_lines_are_over() -> None:
    board, _ = board_of(*(pair(name, "rnn") for name in ("gru", "naive", "squares")))
    assert board.noise.series == 100
    assert board.noise.share > 1
    assert board.judge.level == stats.pair_level((5, 5, 0, 0), noise=board.noise)
    assert board_of()[0].noise == stats.Noise()


def of_seeds(*names: str) -> list[stats.Sample]:
    return [
        stats.Sample(SCORES[name] * np.array([*SPREAD.values()] if CASES[name].model.trained else [1.0]), exact)
        for name in names
        for exact in [not CASES[name].model.trained]
    ]


def test_a_chance_of_another_verdict_counts_the_test_set_beside_the_seeds() -> None:
    """The pair's error is of the two models' seeds, 0.0158 each, and of what is left, the test set."""
    board, row = board_of(pair("gru", "rnn"), pair("squares", "rnn", error=0.02))
    over_seeds = float(np.var(np.log([*SPREAD.values()]), ddof=1)) / len(SEEDS)
    error = np.zeros((4, 4))
    error[0, 1] = error[1, 0] = np.sqrt(0.05**2 - 2 * over_seeds)
    error[0, 2] = error[2, 0] = np.sqrt(0.02**2 - over_seeds)
    names = ("rnn", "gru", "squares", "naive")
    shown = [Verdict.LEADS, *(board.contrasts[row[name].name].verdict for name in names[1:])]
    how = {"region": board.region, "level": board.judge.level}
    known = stats.flip_chances(of_seeds(*names), shown, beyond=stats.Beyond(error, 100), **how)
    assert [board.flip_chances[row[name].name] for name in names] == pytest.approx(list(known), abs=1e-9)
    assert board.fragile == {row[n].name for n, c in zip(names, known, strict=True) if c > stats.FRAGILE}
    assert board_of()[0].flip_chances != board.flip_chances


def test_each_fragile_verdict_of_every_table_has_its_star_and_a_note_says_what_it_means() -> None:
    results = made({"rnn": 0.010, "gru": 0.0101, "squares": 0.0104, "naive": 0.018}, [])
    (board,) = results.tasks
    assert board.fragile == {"RNN", "GRU", "least squares"}
    made_tables = all_tables(results)
    for key in (board.table, f"{board.table}/all"):
        table = made_tables[key]
        lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.body.splitlines()[2:]]
        starred = {line[1] for line in lines if line[4].endswith("\\*")}
        assert starred == board.fragile
        assert any("with a probability above 10 %" in note for note in table.notes)
    calm = made({"rnn": 0.010, "naive": 0.018}, [])
    assert not any("\\*" in text for table in all_tables(calm).values() for text in (table.body, *table.notes))


def test_rows_that_each_drew_their_own_data_are_replicated_draw_by_draw() -> None:
    """Draws of the data move both models by a third, and leave their ratio within two percent."""
    drawn = np.exp(np.array([-0.4, -0.1, 0.0, 0.2, 0.3]))
    own = 1.05 * drawn * np.array([0.98, 1.01, 1.0, 1.02, 0.99])
    records = [
        fake_record(CASES[name], seed, mse=0.01 * value)
        for name, values in (("rnn", drawn), ("gru", own))
        for seed, value in zip(SEEDS, values, strict=True)
    ]
    frames = make_frames(select(fake_plan([CASES["rnn"], CASES["gru"]], records, SEEDS)))
    frames["runs"]["data_seed"] = frames["runs"]["seed"].astype(frames["runs"]["data_seed"].dtype)
    gap = np.log(own / drawn)
    line = pair("gru", "rnn", value=float(gap.mean()), error=float(gap.std(ddof=1) / np.sqrt(5)), freedom=4.0)
    (board,) = Results(frames | {"pairs": typed([line], PAIRS)}).tasks
    (apart,) = Results(dict(frames)).tasks
    assert board.noise.by_draw
    assert board.flip_chances["RNN"] < 0.05 < 0.3 < apart.flip_chances["RNN"]


def test_scores_at_the_end_of_what_numbers_hold_have_a_chance_of_another_verdict() -> None:
    frames = dict(made({"rnn": 0.0100, "gru": 0.0105}, []).frames)
    scores = frames["scores"][frames["scores"]["metric"] == "mse"]
    frames["scores"] = scores.assign(value=1.7e308 * (scores["value"] / scores["value"].max()))
    board = Results(frames).tasks[0]
    assert set(board.flip_chances) == {"RNN", "GRU"}
