"""Types that Parquet does not hold: intervals, runs, views of texts and of lists, seconds; made by `arrow_cast` in a
statement.
"""

import decimal

import pyarrow as pa
from round_trip_check import FORMATS, TEXTS, check_export, rows_as
from round_trip_hostile import HOSTILE
from round_trip_values import DAY_MS

NANOS = 10**9
# Texts that the engine reads as intervals, and months, days and nanoseconds of each; MIXED have parts of either sign.
YEAR_MONTHS = [("1 year 2 months", 14), ("-1 month", -1), ("0 months", 0), ("-30 years", -360), ("11 months", 11)]
DAY_TIMES = [
    ("3 days 1.5 seconds", (3, 1_500)),
    ("-1 day", (-1, 0)),
    ("0 days", (0, 0)),
    ("-2 days -0.001 seconds", (-2, -1)),
    ("1 hour", (0, 3_600_000)),
]
PLAIN = [
    ("1 month 2 days 3.000000001 seconds", (1, 2, 3 * NANOS + 1)),
    ("-14 months -1 day -0.5 seconds", (-14, -1, -NANOS // 2)),
    ("0 days", (0, 0, 0)),
    ("100 years", (1_200, 0, 0)),
    ("36 hours", (0, 0, 36 * 3_600 * NANOS)),
]
MIXED = [
    ("1 month -2 days", (1, -2, 0)),
    ("-1 month 2 days 0.25 seconds", (-1, 2, NANOS // 4)),
    ("1 day -0.5 seconds", (0, 1, -NANOS // 2)),
    ("-13 months 1 day", (-13, 1, 0)),
    ("1 day -36 hours", (0, 1, -36 * 3_600 * NANOS)),
]
NUMBERS = [0, 1, -1, 86_399, -86_401, 253_402_300_799, 253_402_300_800, -62_167_219_201]


def given():
    """The dataset that the statements read: a row of each, and a last one of nulls."""
    rows = len(HOSTILE)

    def turns(values):
        return [*(values[row % len(values)] for row in range(rows)), None]

    return {
        "text": turns(HOSTILE),
        "run": turns([word for word in HOSTILE[:40] for _ in range(3)]),
        "number": turns(NUMBERS),
        "time": turns([0, 1, 86_399]),
        "yearmonth": turns(YEAR_MONTHS),
        "daytime": turns(DAY_TIMES),
        "plain": turns(PLAIN),
        "mixed": turns(MIXED),
        "decimal": turns([decimal.Decimal(one) for one in ("0", "100", "-100", "99900", "-12300")]),
    }


def words(values):
    return [None if value is None else value[0] for value in values]


def parts(values, change):
    return [None if value is None else change(value[1]) for value in values]


def each(values, change):
    return [None if value is None else change(value) for value in values]


def table(rows):
    texts = {name: words(rows[name]) for name in ("yearmonth", "daytime", "plain", "mixed")}
    return pa.table({**rows, **texts, "decimal": pa.array(rows["decimal"], pa.decimal128(12, 0))})


def selected(rows):
    """Name, expression, and what its cells are, comparable."""
    text, number, nested = rows["text"], rows["number"], parts(rows["plain"], tuple)
    seconds = each(number, lambda cell: cell * NANOS)
    days = [None if cell is None else cell * 1_000 // DAY_MS for cell in number]
    runs = '\'RunEndEncoded("run_ends": non-null Int32, "values": nullable {})\''
    return [
        ("view", "arrow_cast(text, 'Utf8View')", text),
        ("bytes", "arrow_cast(arrow_cast(text, 'Utf8'), 'BinaryView')", each(text, str.encode)),
        ("large", "arrow_cast(text, 'LargeUtf8')", text),
        ("dictionary", "arrow_cast(text, 'Dictionary(Int32, Utf8)')", text),
        ("runs", f"arrow_cast(arrow_cast(run, 'Utf8'), {runs.format('Utf8')})", rows["run"]),
        ("run numbers", f"arrow_cast(time, {runs.format('Int64')})", rows["time"]),
        (
            "year-month",
            "arrow_cast(yearmonth, 'Interval(YearMonth)')",
            parts(rows["yearmonth"], lambda months: (months, 0, 0)),
        ),
        (
            "day-time",
            "arrow_cast(daytime, 'Interval(DayTime)')",
            parts(rows["daytime"], lambda part: (0, part[0], part[1] * 1_000_000)),
        ),
        ("month-day-nano", "arrow_cast(plain, 'Interval(MonthDayNano)')", nested),
        ("mixed", "arrow_cast(mixed, 'Interval(MonthDayNano)')", parts(rows["mixed"], tuple)),
        ("list view", "arrow_cast(make_array(number, NULL), 'ListView(Int64)')", [[cell, None] for cell in number]),
        ("large list view", "arrow_cast(make_array(text, 'x'), 'LargeListView(Utf8)')", [[cell, "x"] for cell in text]),
        ("list of intervals", "make_array(arrow_cast(plain, 'Interval(MonthDayNano)'))", [[cell] for cell in nested]),
        (
            "struct",
            "named_struct('a b', arrow_cast(plain, 'Interval(MonthDayNano)'), 'd', "
            "arrow_cast(text, 'Dictionary(Int16, Utf8)'))",
            list(zip(nested, text)),
        ),
        ("seconds", "arrow_cast(number, 'Timestamp(Second, None)')", seconds),
        ("zoned seconds", "arrow_cast(number, 'Timestamp(Second, Some(\"Europe/Berlin\"))')", seconds),
        (
            "seconds of a day",
            "arrow_cast(arrow_cast(time, 'Int32'), 'Time32(Second)')",
            each(rows["time"], lambda cell: cell * NANOS),
        ),
        ("duration", "arrow_cast(number, 'Duration(Second)')", seconds),
        ("date64", "arrow_cast(number * 1000, 'Date64')", days),
        ("noughts", "arrow_cast(\"decimal\", 'Decimal128(8, -2)')", rows["decimal"]),
        ("wide", "arrow_cast(\"decimal\", 'Decimal256(60, 5)')", rows["decimal"]),
        (
            "half",
            "arrow_cast(time, 'Float16')",
            each(rows["time"], lambda cell: float(cell if cell < 60_000 else "inf").hex()),
        ),
        ("nothing", "NULL", [None] * len(text)),
    ]


def check_statements(lake):
    rows = given()
    lake.add("given", table(rows))
    faults = []
    for form in FORMATS:
        # A duration of XML has one sign, and that in front.
        columns = [column for column in selected(rows) if form != "xml" or column[0] != "mixed"]
        items = ", ".join(f'{expression} AS "{name}"' for name, expression, _ in columns)
        what = ("--sql", f"SELECT {items} FROM given")
        source, found = rows_as(lake, what, [name for name, _, _ in columns], [cells for _, _, cells in columns])
        faults += found
        for options in ({"verify": True}, {"compression": "gzip" if form in TEXTS else None, "split_rows": 40}):
            faults += check_export(lake, source, what, form, **options)
    return [f"statements: {fault}" for fault in dict.fromkeys(faults)]
