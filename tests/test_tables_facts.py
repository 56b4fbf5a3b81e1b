"""What is found in a file, and how it would be split."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from bench.errors import BenchError
from bench.tables.facts import look, steps_of
from bench.tables.split import LEAST_WINDOWS, propose
from bench.tables.words import column_rows, sentences, split_rows

WEEKS = 40


def shops():
    """Return two shops' days with a weekly season, in turn, with further columns of all kinds."""
    days = pd.date_range("2020-01-01", periods=7 * WEEKS)
    rows = [
        {
            "day": day.date(),
            "shop": shop,
            "units": 10 * n + day.weekday() + day.month / 10,
            "open": 1,
            "note": "",
            "kind": f"k{d % 5}",
        }
        for d, day in enumerate(days)
        for n, shop in enumerate(["north", "south"])
    ]
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    path = tmp_path_factory.mktemp("facts") / "shops.csv"
    shops().to_csv(path, index=False)
    return look(path)


def test_columns_times_and_series_are_found(facts):
    assert [(c.name, c.kind) for c in facts.columns] == [
        ("day", "time"),
        ("shop", "id"),
        ("units", "number"),
        ("open", "constant"),
        ("note", "empty"),
        ("kind", "text"),
    ]
    assert (facts.time, facts.id, facts.step.name) == ("day", "shop", "day")
    assert facts.series == {"north": 7 * WEEKS, "south": 7 * WEEKS}
    assert (facts.first, facts.last) == ("2020-01-01", "2020-10-06")
    assert facts.faults == ()
    (units,) = facts.numbers
    assert units.season.steps == 7
    assert units.mean == pytest.approx(shops()["units"].mean())


def test_what_is_said_of_a_file(facts):
    assert sentences(facts) == [
        f"{14 * WEEKS} rows, 6 columns",
        "times: day, 2020-01-01 to 2020-10-06, a row every day",
        f"series: 2, told apart by shop: north ({7 * WEEKS} rows), south ({7 * WEEKS} rows)",
    ]
    headings, rows = column_rows(facts.columns)
    assert all(len(row) == len(headings) for row in rows)
    assert rows[4][:3] == ("note", "empty", f"{14 * WEEKS}")


def test_faults_are_told_and_not_raised(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text(
        "day,units,price\n2020-01-02,1,2.5\n2020-01-01,2,x\n2020-01-01,3,2.5\n2020-01-03,,2\n2020-01-04,4,2\n"
        "2020-01-05,4,2\n2020-01-06,4,2\n2020-01-07,4,2\n2020-01-09,4,2\n"
    )
    facts = look(path)
    assert (facts.unsorted, facts.twice, facts.gaps) == (3, 1, 1)
    assert facts.first_gaps == ("2020-01-07 to 2020-01-09",)
    assert [c.missing for c in facts.columns] == [0, 1, 0]
    assert facts.faults == (
        f"{path}, column 'units', row 5: no value; fill it in, or take the row out where it is at an end",
        f"{path}, column 'price', row 3: 'x' is no number; mend it, or leave the column out",
    )
    assert "order: row 3 is earlier than the one before it; a run sorts them" in sentences(facts)


def test_numbers_in_another_form_are_numbers_with_a_fault(tmp_path):
    path = tmp_path / "commas.csv"
    path.write_text("day;units\n2020-01-01;1,5\n2020-01-02;2,5\n")
    (fault,) = look(path).faults
    assert fault.endswith("row 2: '1,5' is written with a decimal comma; write decimals with a point (2 such rows)")


def test_a_file_without_numbers_or_times_says_so(tmp_path):
    path = tmp_path / "words.csv"
    path.write_text("a,b\nx,y\nz,w\n")
    facts = look(path)
    assert facts.faults == (f"{path}: no column of numbers to forecast; known: a, b",)
    assert steps_of(facts) is None
    with pytest.raises(BenchError, match="no column 'c'; known: a, b"):
        look(path, targets=["c"])


def test_a_proposed_split_covers_all_times_once(facts):
    times = steps_of(facts)
    made = propose(times, len(times), horizon=7, season=7)
    assert made.input_length == 28
    assert sum(part.steps for part in made.parts) == len(times)
    ends = [(np.datetime64(part.first), np.datetime64(part.last)) for part in made.parts]
    assert [after[0] - before[1] for before, after in pairwise(ends)] == [np.timedelta64(1, "D")] * 2
    assert (made.valid, made.test) == (made.parts[1].first, made.parts[2].first)
    _, rows = split_rows(made)
    assert rows[0][4] == str(made.parts[0].steps - 28 - 7 + 1)
    assert rows[1][4] == str(made.parts[1].steps - 7 + 1)


def test_parts_of_hours_begin_at_midnight():
    times = np.arange("2020-01-01", "2020-03-01", dtype="datetime64[h]").astype("datetime64[ns]")
    made = propose(times, len(times), horizon=24, season=24)
    assert made.input_length == 96
    assert len(made.valid) == len(made.test) == len("2020-02-11")


def test_without_times_parts_are_shares():
    made = propose(None, 200, horizon=5)
    assert (made.valid, made.test) == (0.15, 0.15)
    assert [part.steps for part in made.parts] == [140, 30, 30]


def test_a_window_is_shortened_for_a_short_series_and_a_series_that_is_too_short_is_an_error():
    made = propose(None, 60, horizon=4)
    assert made.input_length + made.horizon + LEAST_WINDOWS - 1 <= made.parts[0].steps
    with pytest.raises(BenchError, match=r"20 steps are too few for windows of 1 and a horizon of 7: training would"):
        propose(None, 20, horizon=7)
    with pytest.raises(BenchError, match="shorten --input-length or --horizon, or add rows"):
        propose(None, 200, horizon=7, input_length=150)


@pytest.mark.parametrize("row", [3, 150, 250])
def test_a_slip_of_the_hand_leaves_a_column_one_of_times(tmp_path, row):
    table = shops().astype({"day": str})
    table.loc[row - 2, "day"] = "2020-02-31"
    table.to_csv(tmp_path / "shops.csv", index=False)
    found = look(tmp_path / "shops.csv")
    assert found.time == "day"
    assert any(f"column 'day', row {row}: '2020-02-31' is no time" in fault for fault in found.faults)


def test_a_column_that_is_mostly_dates_or_years_does_not_stand_for_one_of_times(tmp_path):
    table = shops()
    table.insert(0, "opened", [f"20{10 + i % 9}-05-01" if i % 9 else "unknown" for i in range(len(table))])
    table.to_csv(tmp_path / "shops.csv", index=False)
    assert look(tmp_path / "shops.csv").time == "day", "which is whole"
    table["opened"] = [f"{2010 + i % 9}" if i % 9 else "A7" for i in range(len(table))]
    table.drop(columns="day").to_csv(tmp_path / "codes.csv", index=False)
    assert look(tmp_path / "codes.csv").time == "", "a code may be of digits"
