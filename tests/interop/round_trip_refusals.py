"""Exports that must fail: with a message that says what to do, and with no manifest behind them."""

import pyarrow as pa

import round_trip_tables as tables

DAY_US = 86_400_000_000
YEAR_0 = -719_500


def refused():
    """Name, table, formats that refuse it, words of the message."""
    twice = pa.array([[("a", 1), ("a", 2)]], pa.map_(pa.string(), pa.int64()))
    json = ("csv", "json", "ndjson", "yaml", "xlsx")
    return [
        ("year0", pa.table({"d": tables.array(pa.date32(), [YEAR_0])}), ("xml",), ('column "d", row 1',)),
        (
            "year0at",
            pa.table({"t": tables.array(pa.timestamp("us"), [0, YEAR_0 * DAY_US])}),
            ("xml",),
            ('column "t", row 2',),
        ),
        ("year0in", pa.table({"l": pa.array([[0, YEAR_0]], pa.list_(pa.date32()))}), ("xml",), ('column "l", row 1',)),
        ("twice", pa.table({"m": twice}), json, ('column "m", row 1', 'key "a" twice')),
        ("longname", pa.table({"n" * 1_025: pa.array([1])}), ("yaml",), ("1024",)),
    ]


def check_refusals(lake):
    faults = []
    for name, table, formats, words in refused():
        lake.add(name, table)
        for form in formats:
            faults += check_refusal(lake, name, ("--dataset", name), form, words)
    statements = [
        (
            "two columns of a name",
            'SELECT 1 AS a, 2 AS "a"',
            ("csv", "json", "parquet", "arrow", "xlsx", "xml", "yaml"),
            ("",),
        ),
        ("no name", 'SELECT 1 AS ""', ("csv", "json", "parquet", "arrow", "xlsx", "xml", "yaml"), ("no name",)),
        (
            "seconds beyond milliseconds",
            "SELECT arrow_cast(9223372036854775807, 'Timestamp(Second, None)') AS t",
            ("parquet",),
            ('column "t"',),
        ),
        ("days beyond Date32", "SELECT arrow_cast(9223372036854775807, 'Date64') AS d", ("parquet",), ('column "d"',)),
    ]
    for name, statement, formats, words in statements:
        for form in formats:
            faults += check_refusal(lake, name, ("--sql", statement), form, words)
    return faults


def check_refusal(lake, name, what, form, words):
    folder = lake.folder.parent / f"refused-{form}-{abs(hash((name, form)))}"
    done = lake.run("export", *what, "--format", form, "--to", f"{folder}/")
    faults = []
    if done.returncode not in (1, 2):
        faults.append(f"exit code {done.returncode}")
    faults += [
        f"the message has no {word!r}: {done.stderr.strip()[-300:]}" for word in words if word not in done.stderr
    ]
    left = [path.name for path in folder.rglob("*")] if folder.exists() else []
    if any(name == "manifest.json" or name.startswith("part-") and not name.endswith(".xsd") for name in left):
        faults.append(f"left {left}")
    return [f"refusals: {name}: {form}: {fault}" for fault in faults]
