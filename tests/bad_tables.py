"""Files that people have, and the line that each gets: what follows its name, as ``day`` and ``units`` are read."""

from dataclasses import dataclass

ROWS = "".join(f"2020-01-{day:02d},{day}\n" for day in range(1, 13))


@dataclass(frozen=True)
class Bad:
    """A bad file, how it is read, what is said of it, and whether `bench new` finds by itself what is lacking."""

    name: str
    text: str | bytes
    complaint: str
    arguments: tuple = ("day", "", ("units",))
    mended: bool = False


def hours(*times):
    """Return a file of hours, each with another value."""
    return "day,units\n" + "".join(f"{time},{n}\n" for n, time in enumerate(times))


AUTUMN = [f"2019-10-{day} {hour:02d}:00" for day in (26, 27) for hour in range(24)]
DST = hours(*AUTUMN[:27], AUTUMN[26], *AUTUMN[27:])
SPRING = hours(*(f"2019-03-31 {hour:02d}:00" for hour in range(24) if hour != 2))

BAD = [
    Bad("empty", b"", ": empty, 0 bytes; save it again with a row of names and rows of values"),
    Bad("names alone", "day,units\n", ": a row of names and no values; add rows"),
    Bad("no names", ROWS, ", row 1: holds values, not names; put a row of names above it"),
    Bad("a name twice", "day,units,units\n" + ROWS, ", row 1: columns 2 and 3 are both 'units'; rename one"),
    Bad("misspelt", "day,unitts\n" + ROWS, ": no column 'units'; did you mean unitts?"),
    Bad("no column", "day,volume\n" + ROWS, ": no column 'units'; known: day, volume"),
    Bad(
        "no time column",
        "date,units\n" + ROWS,
        ": no column 'days'; did you mean date?",
        ("days", "", ("units",)),
    ),
    Bad(
        "text",
        "day,units\n" + ROWS + "2020-01-13,closed\n",
        ", column 'units', row 14: 'closed' is no number; mend it, or leave the column out",
    ),
    Bad(
        "missing value",
        "day,units\n" + ROWS + "2020-01-13,\n2020-01-14,NaN\n",
        ", column 'units', row 14: no value; fill it in, or take the row out where it is at an end (2 such rows)",
    ),
    Bad(
        "NaN",
        "day,units\n" + ROWS + "2020-01-13,NaN\n",
        ", column 'units', row 14: no value ('NaN'); fill it in, or take the row out where it is at an end",
    ),
    Bad(
        "infinite",
        "day,units\n" + ROWS + "2020-01-13,inf\n",
        ", column 'units', row 14: 'inf' is not finite; give it a value",
    ),
    Bad(
        "mixed zones",
        hours("2020-01-01T00:00+01:00", "2020-01-01T01:00+01:00", "2020-01-01T02:00+02:00"),
        ", column 'day', row 4: time zone +02:00, and row 2 has +01:00; write all times in one, such as UTC",
    ),
    Bad(
        "a zone here and there",
        hours("2020-01-01T00:00Z", "2020-01-01T01:00"),
        ", column 'day', row 3: time zone none, and row 2 has Z; write all times in one, such as UTC",
    ),
    Bad(
        "summer time ends",
        DST,
        ", column 'day', rows 28 and 29: both 2019-10-27 02:00, as summer time ends; write times in UTC, or take one "
        "out",
    ),
    Bad(
        "summer time begins",
        SPRING,
        ", column 'day', rows 3 and 4: 2019-03-31 03:00 follows 2019-03-31 01:00, where a row comes every hour "
        "(1 missing); fill the rows in, or cut the series with since or until",
    ),
    Bad(
        "a time twice",
        "day,units\n" + ROWS + "2020-01-07,70\n",
        ", column 'day', rows 8 and 14: both 2020-01-07 with other values (such pairs: 1); take one out, or name an id "
        "column",
    ),
    Bad(
        "many series",
        "day,shop,units\n" + "".join(f"2020-01-{d:02d},{s},{d}{s}\n" for d in range(1, 9) for s in (1, 2)),
        ", column 'day', rows 2 and 3: both 2020-01-01 with other values (such pairs: 8); name the column of the "
        "series with id",
        mended=True,
    ),
    Bad(
        "a gap",
        "day,units\n" + ROWS + "2020-01-20,20\n",
        ", column 'day', rows 13 and 14: 2020-01-20 follows 2020-01-12, where a row comes every day (7 missing); fill "
        "the rows in, or cut the series with since or until",
    ),
    Bad(
        "no time",
        "day,units\n" + ROWS + ",13\n",
        ", column 'day', row 14: no time; fill it in or take the row out",
    ),
    Bad(
        "a total below",
        "day,units\n" + ROWS + "total,78\n",
        ", column 'day', row 14: 'total' is no time; others are like '2020-01-01'; write it as 2019-05-31 12:00",
    ),
    Bad(
        "day or month",
        "day,units\n01/02/2020,1\n01/03/2020,2\n",
        ", column 'day', row 2: '01/02/2020' may be day and month or month and day; write dates as 2019-05-31",
    ),
    Bad(
        "Latin 1",
        "day,units,café\n".encode("latin-1"),
        ", row 1: not UTF-8 text (byte 0xe9); save it as 'CSV UTF-8'",
    ),
    Bad(
        "Latin 1 below",
        ("day,units,where\n2020-01-01,1,café\n" + "2020-01-02,1,cafe\n").encode("latin-1"),
        ", row 2: not UTF-8 text (byte 0xe9); save it as 'CSV UTF-8'",
    ),
    Bad(
        "UTF-16",
        ("day,units\n" + ROWS).encode("utf-16"),
        ": UTF-16 text, where UTF-8 is expected; save it as 'CSV UTF-8'",
    ),
    Bad(
        "zeros",
        b"day,units\n2020-01-01,1\n" + b"\0" * 99,
        ", row 3: a byte of zero, which no text holds; save it again as 'CSV UTF-8'",
    ),
    Bad("a BOM alone", b"\xef\xbb\xbf", ", row 1: empty; begin the file with a row of names"),
    Bad(
        "a quote left open",
        "day,units\n" + ROWS + '"2020-01-13,13\n2020-01-14,14\n',
        ", row 14: a quote is opened and never closed; close it, or take it out",
    ),
    Bad(
        "a workbook",
        b"PK\x03\x04\x14\x00",
        ": called a CSV, but is a zip file or an Excel workbook; save the table as CSV, or give it its own suffix",
    ),
    Bad(
        "decimal commas",
        "day;units\n2020-01-01;1\n2020-01-02;2,5\n",
        ", column 'units', row 3: '2,5' is written with a decimal comma; write decimals with a point",
    ),
    Bad(
        "decimal commas between commas",
        "day,units\n2020-01-01,1,5\n2020-01-02,2,5\n",
        ", row 2: more fields than the 2 names of row 1; quote fields that hold a comma, write decimals with a point, "
        "and take commas out of thousands",
    ),
    Bad(
        "decimal commas now and then",
        "day,units\n2020-01-01,1\n2020-01-02,2,5\n",
        ": Expected 2 fields in row 3, saw 3; quote fields that hold a comma, write decimals with a point, and take "
        "commas out of thousands",
    ),
    Bad(
        "quoted thousands",
        'day,units\n2020-01-01,999\n2020-01-02,"1,234"\n',
        ", column 'units', row 3: '1,234' has commas between thousands, or is a decimal with one; write '1234'",
    ),
    Bad(
        "no series",
        "day,shop,units\n2020-01-01,a,1\n2020-01-02,,2\n",
        ", column 'shop', row 3: does not name a series; fill it in or take the row out",
        ("day", "shop", ("units",)),
    ),
]

FEW = ("too few for windows of 1 and a horizon of 1: training would have 8 of the 11 that it needs; shorten "
       "--input-length or --horizon, or add rows")  # fmt: skip
UNFIT = [
    Bad("shorter than a window", "day,units\n" + ROWS, f": 12 steps are {FEW}"),
    Bad(
        "an empty part",
        "units\n1\n2\n",
        ": 2 steps are too few for windows of 1 and a horizon of 1: training would have 1 of the 11 that it needs, "
        "test would have 0 of the 1 that it needs; shorten --input-length or --horizon, or add rows",
    ),
    Bad("constant", "units\n" + "5\n" * 99, ", column 'units': 5 in every row; name another --target"),
    Bad(
        "constant until validation",
        "units\n" + "5\n" * 80 + "6\n7\n" * 10,
        ", column 'units': 5 in every row of the training part, the first 70, of which nothing is learnt; name another "
        "--target, or take these rows out",
    ),
    Bad(
        "constant until a date",
        "day,units\n"
        + "".join(f"2020-{month:02d}-{day:02d},{month // 10}\n" for month in range(1, 13) for day in (1, 15)),
        ", column 'units': 0 in every row of the training part, before 2020-09-15, of which nothing is learnt; name "
        "another --target, or take these rows out",
    ),
]
"""Files that can be read, of which nothing can be learnt."""
