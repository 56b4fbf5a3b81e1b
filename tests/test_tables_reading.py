"""Reading a user's file: what is accepted, and the one line that each bad file gets."""

import numpy as np
import pandas as pd
import pytest

from bench.errors import BenchError
from bench.tables import files
from bench.tables.reading import moment, read, table
from tests.bad_tables import BAD


def written(folder, text, name="sales.csv"):
    """Write a file and return its path."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_a_bad_file_is_one_line_that_names_it_and_says_what_to_do(tmp_path, bad):
    path = written(tmp_path, bad.text)
    with pytest.raises(BenchError) as caught:
        table(path, *bad.arguments)
    message = str(caught.value)
    assert message == f"{path}{bad.complaint}"
    assert "\n" not in message


def test_a_file_that_memory_cannot_hold_is_not_read(tmp_path, monkeypatch):
    path = written(tmp_path, "date,units\n2020-01-01,1\n")
    monkeypatch.setattr(files, "free_memory", lambda: 10)
    monkeypatch.setattr(pd, "read_csv", None)
    with pytest.raises(
        BenchError,
        match=r"sales\.csv: .* GB, which may take .* GB to read, and .* GB of memory are free; keep the columns",
    ):
        read(path)


def test_a_file_that_is_missing_or_of_another_kind(tmp_path):
    with pytest.raises(BenchError, match=r"none\.csv: cannot be read \(No such file or directory\); name a file"):
        read(tmp_path / "none.csv")
    with pytest.raises(BenchError, match=r"a folder or device, not a file"):
        read(tmp_path)
    with pytest.raises(BenchError, match=r"expected a file that ends in \.csv or \.parquet"):
        read(written(tmp_path, "a\n1\n", "book.xlsx"))
    with pytest.raises(BenchError, match=r"not a whole Parquet file"):
        read(written(tmp_path, "a\n1\n", "book.parquet"))


def test_a_table_is_sorted_by_series_and_time_and_says_so(tmp_path):
    text = "day,shop,units\n2020-01-02,b,4\n2020-01-01,b,3\n2020-01-01,a,1\n2020-01-02,a,2\n"
    made = table(written(tmp_path, text), "day", "shop", ["units"])
    assert made.series_names == ("b", "a")
    assert made.series.tolist() == [0, 0, 1, 1]
    assert made.values.ravel().tolist() == [3, 4, 1, 2]
    assert made.rows.tolist() == [3, 2, 4, 5]
    assert made.times.dtype == "datetime64[ns]"
    assert made.step.name == "day"
    assert made.notes == ("rows are not in the order of 'day', first in row 3; they were sorted",)


def test_rows_that_stand_twice_alike_are_counted_once(tmp_path):
    text = "day,units\n2020-01-01,1\n2020-01-02,2\n2020-01-02,2\n2020-01-03,3\n"
    made = table(written(tmp_path, text), "day", "", ["units"])
    assert made.values.ravel().tolist() == [1, 2, 3]
    assert made.notes == ("rows that stand twice with the same values, as 3 and 4, were counted once (1 left out)",)


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbfday,units\r\n2020-01-01,1\r\n2020-01-02,2.5\r\n\r\n\r\n",
        "day;units\n2020-01-01;1\n2020-01-02;2.5\n",
        "day\tunits\n2020-01-01\t1\n2020-01-02\t2.5",
        ' day, units, remark\n"2020-01-01", 1, "a, b"\n2020-01-02, 2.5, é\n',
        "day,units,remark\n20200101,1,NA\n20200102,2.5,\n",
        "day,units\n2020-01-01T00:00+01:00,1\n2020-01-02T00:00+01:00,2.5\n",
        "day,units\n13.01.2020,0\n14.01.2020,1\n15.01.2020,2.5\n",
    ],
    ids=["BOM", "semicolons", "tabs", "blanks", "digits", "offset", "points"],
)
def test_forms_that_are_accepted(tmp_path, text):
    made = table(written(tmp_path, text), "day", "", ["units"])
    assert made.values[-2:].ravel().tolist() == [1.0, 2.5]
    assert (made.times.astype("datetime64[D]") == made.times).all()
    assert made.rows[-1] == len(made.rows) + 1


def test_parquet_gives_what_a_csv_gives(tmp_path):
    days = pd.date_range("2020-01-01", periods=4, tz="UTC")
    frame = pd.DataFrame({"day": days, "shop": ["a", "b"] * 2, "units": pd.array([1, 2, 3, 4], dtype="Int64")})
    frame.to_parquet(tmp_path / "t.parquet")
    made = table(tmp_path / "t.parquet", "day", "shop", ["units"])
    assert made.values.ravel().tolist() == [1, 3, 2, 4]
    assert made.times[0] == np.datetime64("2020-01-01")
    frame.loc[2, "units"] = pd.NA
    frame.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(BenchError, match="column 'units', row 4: no value; fill it in"):
        table(tmp_path / "t.parquet", "day", "shop", ["units"])


def test_times_of_a_zone_with_summer_time_become_utc(tmp_path):
    hours = pd.date_range("2019-10-26 23:00", periods=5, freq="h", tz="UTC").tz_convert("Europe/Berlin")
    pd.DataFrame({"hour": hours, "load": range(5)}).to_parquet(tmp_path / "t.parquet")
    made = table(tmp_path / "t.parquet", "hour", "", ["load"])
    assert made.times[0] == np.datetime64("2019-10-26T23:00")
    assert made.step.name == "hour"


@pytest.mark.parametrize(
    ("times", "name"),
    [
        (pd.date_range("2020-01-31", periods=30, freq="ME"), "month"),
        (pd.date_range("2020-01-01", periods=9, freq="QS"), "3 months"),
        (pd.date_range("2000-01-01", periods=9, freq="YS"), "year"),
        (pd.date_range("2020-01-01", periods=30, freq="B"), "working day"),
        (pd.date_range("2020-01-05", periods=30, freq="W"), "week"),
        (pd.date_range("2020-01-01", periods=30, freq="15min"), "15 minutes"),
        (pd.date_range("2020-01-06", periods=5, freq="D"), "day"),
        (pd.to_datetime(["2020-01-01", "2020-01-04", "2020-02-09"]), None),
    ],
)
def test_the_step_of_times_is_found(tmp_path, times, name):
    pd.DataFrame({"t": times, "y": range(len(times))}).to_csv(tmp_path / "t.csv", index=False)
    step = table(tmp_path / "t.csv", "t", "", ["y"]).step
    assert (step and step.name) == name


def test_since_and_until_cut_before_anything_is_held_against_the_rows(tmp_path):
    text = "day,units\n2019-12-01,\n2020-01-01,1\n2020-01-02,2\n2020-02-01,x\n"
    path = written(tmp_path, text)
    made = table(path, "day", "", ["units"], since="2020", until="2020-01")
    assert made.values.ravel().tolist() == [1, 2]
    assert made.rows.tolist() == [3, 4]
    with pytest.raises(BenchError, match="no row from 2021 to its end; it goes 2019-12-01 to 2020-02-01"):
        table(path, "day", "", ["units"], since="2021")
    with pytest.raises(BenchError, match="since is 'soon': no date; write it as 2019-05-31"):
        table(path, "day", "", ["units"], since="soon")


def test_a_moment_is_the_start_or_the_end_of_what_is_named():
    assert moment("2019-05", "until") == np.datetime64("2019-05-01")
    assert moment("2019-05", "until", end=True) == np.datetime64("2019-06-01") - np.timedelta64(1, "ns")
    assert moment("2019-05-31 12:00", "valid") == np.datetime64("2019-05-31T12:00")


def test_a_table_without_times_keeps_the_order_of_the_file(tmp_path):
    made = table(written(tmp_path, "shop,units\nb,4\na,1\nb,3\n"), "", "shop", ["units"])
    assert made.times is None
    assert made.values.ravel().tolist() == [4, 3, 1]
