"""What may be asked of an export beside its format: the zone of timestamps, whole numbers as texts, one archive of it all."""

import datetime
import hashlib
import itertools
import json
import re
import zipfile
import zoneinfo

import duckdb
import pyarrow as pa
import pyarrow.csv
import round_trip_expect as expect
import round_trip_tables as tables
from round_trip_check import FORMATS, TEXTS, check_folder, rows_of, told
from round_trip_readers import READERS, Shape
from round_trip_texts import timestamp_text
from round_trip_values import UNITS

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC")
# Both sides of the changes of 2026, an hour that comes twice, years of other rules, and one before standard time.
SECONDS = [
    1_774_745_999,
    1_774_746_000,
    1_792_890_000,
    1_792_893_600,
    1_772_953_199,
    1_793_512_800,
    0,
    -1_600_000_000,
    -2_800_000_000,
]


def check_options(lake):
    return [f"options: {fault}" for check in (check_zones, check_int64, check_styles, check_bundles) for fault in check(lake)]


def check_zones(lake):
    columns = {
        f"{unit} {zone or 'none'}": tables.array(
            pa.timestamp(unit, zone), [None, *(one * UNITS[unit] for one in SECONDS)]
        )
        for unit in ("ms", "us", "ns")
        for zone in (None, "UTC", "Asia/Tokyo")
    }
    table, faults = pa.table(columns), []
    lake.add("zones", table)
    rows, _ = rows_of(lake, ("--dataset", "zones"), table)
    for form in (*TEXTS, "xlsx"):
        for zone in ZONES:
            folder = lake.export(form, ("--dataset", "zones"), "--timezone", zone)
            beside = folder / "part-00001.xsd"
            shape = Shape(rows.names, rows.count, beside if beside.exists() else None, rows.names)
            reader, read = next(iter(READERS[form].items()))
            got = read(folder / f"part-00001.{form}", shape)
            for name, one, column, found in zip(rows.names, rows.kinds, rows.columns, got):
                matches = zoned(form, one, zoneinfo.ZoneInfo(zone))
                bad = [
                    (row, cell, value)
                    for row, (cell, value) in enumerate(zip(column, found))
                    if not matches(cell, value)
                ]
                faults += told(f"{form} in {zone}: {reader}", name, one, bad)
    return faults


def zoned(form, one, zone):
    """Whether a cell stands in a zone, with the offset behind it where it is text."""
    unit = one.unit

    def offset(cell):
        at = datetime.datetime.fromtimestamp(cell // UNITS[unit], zone) if one.tz else None
        minutes, rest = divmod(int(at.utcoffset().total_seconds()), 60) if at else (0, 0)
        return 0 if rest else minutes

    def matches(cell, read):
        minutes = 0 if cell is None else offset(cell)
        if cell is None or form == "xlsx":
            moved = None if cell is None else cell + minutes * 60 * UNITS[unit]
            return is_null(form, read) if cell is None else expect.sheet(one)(moved, read)
        sign = "-" if minutes < 0 else "+"
        ending = (
            "" if one.tz is None else "Z" if minutes == 0 else f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
        )
        wanted = timestamp_text(cell + minutes * 60 * UNITS[unit], unit, None) + ending
        return (read.text if form == "xml" else read) == wanted

    return matches


def is_null(form, read):
    return read.get(expect.NIL) == "true" if form == "xml" else read in (None, "")


def check_int64(lake):
    table = pa.table(
        {
            "whole": pa.array([None, 2**63 - 1, -(2**53) - 1, 5]),
            "list": pa.array([[None, 2**64 - 1], [], None, [7]], pa.list_(pa.uint64())),
            "small": pa.array([1, 2, 3, None], pa.int32()),
        }
    )
    lake.add("wide", table)
    faults = []
    for form in ("json", "ndjson"):
        folder = lake.export(form, ("--dataset", "wide"), "--int64", "string")
        text = (folder / f"part-00001.{form}").read_text(encoding="utf-8")
        rows = [json.loads(line) for line in text.splitlines()] if form == "ndjson" else json.loads(text)
        wanted = [
            {"whole": None, "list": [None, str(2**64 - 1)], "small": 1},
            {"whole": str(2**63 - 1), "list": [], "small": 2},
            {"whole": str(-(2**53) - 1), "list": None, "small": 3},
            {"whole": "5", "list": ["7"], "small": None},
        ]
        cells = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["cells"]
        faults += [] if rows == wanted else [f"{form} --int64 string: {rows}"]
        faults += [] if cells == {} else [f"{form} --int64 string: texts are counted: {cells}"]
    return faults


def check_styles(lake):
    """CSV with every delimiter, line end and mark, a word for null among texts and numbers that read like it."""
    texts = ["", "NULL", "a,b", "a;b", "a\tb", "a|b", 'a"b', "a\nb", "\ufeff", " x ", "0", None, "ü"]
    table = pa.table({"text": texts, "number": pa.array([*range(len(texts) - 1), None], pa.int64())})
    lake.add("styles", table)
    wanted = [[None if cell is None else str(cell) for cell in column.to_pylist()] for column in table.columns]
    faults = []
    letters = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
    for word, null, end, bom in itertools.product(letters, ("", "NULL", "0"), ("crlf", "lf"), (False, True)):
        options = ["--delimiter", word, "--line-end", end, "--null-text", null, *(["--bom"] if bom else [])]
        folder = lake.export("csv", ("--dataset", "styles"), *options)
        part = folder / "part-00001.csv"
        text = part.read_bytes()
        good = text.startswith(b"\xef\xbb\xbf") == bom and text.endswith(b"\r\n") == (end == "crlf")
        faults += [] if good else [f"csv {' '.join(options)}: mark or line end"]
        read = pyarrow.csv.read_csv(
            part,
            parse_options=pyarrow.csv.ParseOptions(delimiter=letters[word], newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={"text": pa.string(), "number": pa.string()},
                null_values=[null],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        faults += [] if read.column_names == table.column_names else [f"csv {' '.join(options)}: {read.column_names}"]
        got = {"pyarrow": [column.to_pylist() for column in read.columns]}
        rows = duckdb.sql(
            f"SELECT * FROM read_csv('{part}', delim='{letters[word]}', header=true, all_varchar=true, quote='\"', "
            f"escape='\"', nullstr='{null}', allow_quoted_nulls=false, auto_detect=false, "
            "columns={'text': 'VARCHAR', 'number': 'VARCHAR'})"
        ).fetchall()
        got["duckdb"] = [list(column) for column in zip(*rows)]
        faults += [
            f"csv {' '.join(options)}: {reader} {column}" for reader, column in got.items() if column != wanted
        ]
    return faults


def check_bundles(lake):
    table, faults = tables.lone(), []
    lake.add("bundled", table)
    rows, _ = rows_of(lake, ("--dataset", "bundled"), table)
    for form in FORMATS:
        for compression, split in ((None, None), ("gzip" if form in TEXTS else None, 50)):
            options = (["--compress", compression] if compression else []) + (
                ["--split-rows", str(split)] if split else []
            )
            folder = lake.export(form, ("--dataset", "bundled"), "--bundle", "zip", *options)
            found = check_bundle(lake, folder, form, rows, compression, split)
            faults += [f"{form} --bundle zip {' '.join(options)}: {fault}" for fault in found]
    return faults


def check_bundle(lake, folder, form, rows, compression, split):
    """The archive as the only part, and what is inside as an export of its own."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (part,) = manifest["parts"]
    stored = (folder / part["path"]).read_bytes()
    faults = (
        [] if (part["bytes"], part["sha256"]) == (len(stored), hashlib.sha256(stored).hexdigest()) else ["other bytes"]
    )
    faults += (
        [] if sorted(path.name for path in folder.iterdir()) == ["manifest.json", part["path"]] else ["other files"]
    )
    faults += [] if lake.verify(folder) == 0 else ["verify: does not exit with 0"]
    inside = folder / "inside"
    with zipfile.ZipFile(folder / part["path"]) as archive:
        faults += [] if archive.testzip() is None else ["an entry is damaged"]
        archive.extractall(inside)
        names = archive.namelist()
    sums = dict(reversed(re.split("  ", line, maxsplit=1)) for line in (inside / "SHA256SUMS").read_text().splitlines())
    if sums != {
        name: hashlib.sha256((inside / name).read_bytes()).hexdigest() for name in names if name != "SHA256SUMS"
    }:
        faults.append(f"SHA256SUMS: {sums}")
    (inside / "SHA256SUMS").unlink()
    return faults + check_folder(inside, form, rows, compression, split)[0]
