"""Whether what a reader got is the cell that went in, by the rules of each format.

`text(type)`, `json(type, yaml)`, `element(type)` and `sheet(type)` give functions of a cell and of what a reader of
CSV, JSON and YAML, XML, or a workbook got; they are true when it got the cell, in the form that the format says.
"""

import base64
import datetime
import decimal
import json as json_module
import math
import re
import struct

import numpy

from round_trip_texts import DAY, json_text, plain
from round_trip_values import UNITS, bare, field_names, inner_types, is_nested, kind, unit

FLOAT = re.compile(r"-?\d+\.\d+(e[+-]\d+)?")
FORBIDDEN = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
MEETS_ESCAPE = re.compile("_x[0-9A-Fa-f]{4}[\0-\x08\x0b-\x1f\ufffe\uffff]")
CELL_UNITS = 32_767
CUT = "…[cut]"
SHEET_DAYS = range(-25_508, 2_932_897)


def same_float(source):
    """Whether a number that was read is the cell, in the cell's own precision and with its sign."""
    make = {16: numpy.float16, 32: numpy.float32, 64: numpy.float64}[bare(source).bit_width]

    def same(cell, number):
        with numpy.errstate(over="ignore"):
            return struct.pack("d", float(make(number))) == struct.pack("d", cell)

    return same


def float_text(source, words):
    """The text of a float: always with a point, or one of the words for no number, plus and minus infinity."""
    same = same_float(source)

    def matches(cell, read):
        if math.isfinite(cell):
            return FLOAT.fullmatch(read) is not None and same(cell, float(read))
        return read == words[0 if math.isnan(cell) else 1 if cell > 0 else 2]

    return matches


def nullable(matches):
    return lambda cell, read: read is None if cell is None else read is not None and matches(cell, read)


def text(source):
    """Of CSV, and of the columns of a workbook that are texts."""
    if is_nested(source):
        inner = json(source)
        return nullable(lambda cell, read: inner(cell, json_module.loads(read, object_pairs_hook=no_twice)))
    if kind(source) == "float":
        return nullable(float_text(source, ("NaN", "Infinity", "-Infinity")))
    shown = plain(source)
    return nullable(lambda cell, read: read == shown(cell))


def no_twice(pairs):
    found = dict(pairs)
    assert len(found) == len(pairs), f"a key twice: {pairs}"
    return found


def json(source, yaml=False):
    """Of JSON and YAML, as Python has them."""
    of = kind(source)
    if of in ("bool", "int"):
        wanted = bool if of == "bool" else int
        return nullable(lambda cell, read: type(read) is wanted and read == cell)
    if of == "float":
        return nullable(json_float(source, yaml))
    if of == "list":
        item = json(inner_types(source)[0], yaml)
        return nullable(lambda cell, read: type(read) is list and len(read) == len(cell) and all(map(item, cell, read)))
    if of == "struct":
        return nullable(json_struct(source, yaml))
    if of == "map":
        return nullable(json_map(source, yaml))
    shown = plain(source)
    return nullable(lambda cell, read: type(read) is str and read == shown(cell))


def json_float(source, yaml):
    same, shown = same_float(source), float_text(source, ("NaN", "Infinity", "-Infinity"))

    def matches(cell, read):
        if math.isfinite(cell) or yaml:
            return type(read) is float and (same(cell, read) or (math.isnan(cell) and math.isnan(read)))
        return type(read) is str and shown(cell, read)

    return matches


def json_struct(source, yaml):
    names, parts = field_names(source), [json(one, yaml) for one in inner_types(source)]

    def matches(cell, read):
        return (
            type(read) is dict
            and list(read) == names
            and all(part(one, read[name]) for part, one, name in zip(parts, cell, names))
        )

    return matches


def json_map(source, yaml):
    key_type, value_type = inner_types(source)
    value = json(value_type, yaml)
    if kind(key_type) == "text":
        return lambda cell, read: (
            type(read) is dict
            and list(read) == [name for name, _ in cell]
            and all(value(one, read[name]) for name, one in cell)
        )
    key = json(key_type, yaml)
    return lambda cell, read: (
        type(read) is list
        and len(read) == len(cell)
        and all(
            list(entry) == ["key", "value"] and key(name, entry["key"]) and value(one, entry["value"])
            for (name, one), entry in zip(cell, read)
        )
    )


NAMESPACE = "{urn:auditlake:export:1}"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


def xml_year(shown):
    """XML Schema has no plus sign, and no more noughts than make four digits."""
    sign = "-" if shown.startswith("-") else ""
    year, rest = shown.lstrip("+-").split("-", 1)
    return f"{sign}{year.lstrip('0'):0>4}-{rest}"


def element(source):
    """Of XML: the element of a cell."""
    if is_nested(source):
        inner = nested_element(source)
    elif kind(source) == "float":
        number = float_text(source, ("NaN", "INF", "-INF"))
        inner = lambda cell, read: number(cell, read.text)
    elif kind(source) == "text":
        inner = lambda cell, read: element_text(read, bool(FORBIDDEN.search(cell))) == cell
    else:
        shown = plain(source)
        of_year = xml_year if kind(source) in ("date", "timestamp") else str
        inner = lambda cell, read: (read.text or "") == of_year(shown(cell)) and len(read) == 0
    return lambda cell, read: (
        (read.get(NIL) == "true") == (cell is None) and (is_bare(read) if cell is None else inner(cell, read))
    )


def is_bare(read):
    return read.text is None and len(read) == 0


def element_text(read, is_coded):
    assert len(read) == 0 and (read.get("enc") == "base64") == is_coded
    shown = read.text or ""
    return base64.b64decode(shown, validate=True).decode() if is_coded else shown


def element_name(column):
    """The escapes of SQL/XML, read back by `column_name`."""
    return re.sub(r"_x([0-9A-F]{4,6})_", lambda match: chr(int(match[1], 16)), column)


def nested_element(source):
    of, parts = kind(source), [element(one) for one in inner_types(source)]
    if of == "list":
        return lambda cell, read: (
            len(read) == len(cell)
            and all(one.tag == f"{NAMESPACE}item" and parts[0](value, one) for value, one in zip(cell, read))
        )
    if of == "struct":
        names = field_names(source)
        return lambda cell, read: (
            [element_name(one.tag.removeprefix(NAMESPACE)) for one in read] == names
            and all(part(value, one) for part, value, one in zip(parts, cell, read))
        )

    def entry(pair, read):
        tags = [one.tag.removeprefix(NAMESPACE) for one in read]
        return tags == ["key", "value"] and all(part(value, one) for part, value, one in zip(parts, pair, read))

    return lambda cell, read: (
        len(read) == len(cell)
        and all(one.tag == f"{NAMESPACE}entry" and entry(pair, one) for pair, one in zip(cell, read))
    )


def utf16_units(shown):
    return len(shown.encode("utf-16-le")) // 2


def cut(shown):
    """As many whole characters as fit with the mark behind them."""
    if utf16_units(shown) <= CELL_UNITS:
        return shown
    room, kept = CELL_UNITS - utf16_units(CUT), 0
    while kept < len(shown) and room >= (2 if ord(shown[kept]) > 0xFFFF else 1):
        room -= 2 if ord(shown[kept]) > 0xFFFF else 1
        kept += 1
    return shown[:kept] + CUT


def sheet_text(shown):
    """A text as it stands in a cell: base64 where readers would take the end of it for an escape, and cut if it is long."""
    return cut(base64.b64encode(shown.encode()).decode() if MEETS_ESCAPE.search(shown) else shown)


def milliseconds(value, of):
    """Rounded half up, and whether that lost anything."""
    per = UNITS[of] // 1_000
    return (value * 1_000, False) if per == 0 else ((value + per // 2) // per, value % per != 0)


def sheet_moment(source):
    """A function from a date, time or timestamp to days since 1970 and milliseconds; none where a sheet has no such day."""
    of = kind(source)

    def moment(cell):
        days, ms = (cell, 0) if of == "date" else divmod(milliseconds(cell, unit(source))[0], DAY * 1_000)
        return (days, ms) if of == "time" or days in SHEET_DAYS else None

    return moment


def is_number(source):
    """Whether the cells of a column of decimals are numbers."""
    return kind(source) == "decimal" and bare(source).precision <= 15


def sheet(source):
    """Of a workbook, whose empty texts are empty places."""
    of, shown = kind(source), text(source)
    if of == "bool":
        return nullable(lambda cell, read: type(read) is bool and read == cell)
    if of == "int":
        return nullable(
            lambda cell, read: read == (cell if abs(cell) < 10**15 else str(cell)) and type(read) is not float
        )
    if of == "float":
        same = same_float(source)
        return nullable(
            lambda cell, read: (
                type(read) in (int, float) and same(cell, float(read)) if is_sheet_float(cell) else shown(cell, read)
            )
        )
    if is_number(source):
        step = decimal.Decimal(1).scaleb(-bare(source).scale)
        return nullable(
            lambda cell, read: type(read) in (int, float) and decimal.Decimal(repr(read)).quantize(step) == cell
        )
    if of in ("date", "time", "timestamp"):
        moment = sheet_moment(source)
        return nullable(
            lambda cell, read: shown(cell, read) if moment(cell) is None else read_moment(read, of) == moment(cell)
        )
    if is_nested(source):
        whole = json_text(source)
        is_as_it_is = lambda cell: sheet_text(whole(cell)) == whole(cell)
        return nullable(lambda cell, read: shown(cell, read) if is_as_it_is(cell) else read == sheet_text(whole(cell)))
    texts = plain(source)
    return lambda cell, read: (read or "") == ("" if cell is None else sheet_text(texts(cell)))


def is_sheet_float(cell):
    """Whether a sheet has such a number: it knows neither infinities nor a nought with a sign."""
    return math.isfinite(cell) and (cell != 0 or math.copysign(1, cell) > 0)


def read_moment(read, of):
    """Days since 1970 and milliseconds of what a reader made of a date or time."""
    if isinstance(read, datetime.time):
        read = datetime.datetime.combine(datetime.date(1970, 1, 1), read)
    elif not isinstance(read, datetime.datetime):
        return None
    elif of == "time":
        # The end of the day is day 1 of the sheet.
        return (1, 0) if read == datetime.datetime(1900, 1, 1) else None
    days, rest = divmod(read - datetime.datetime(1970, 1, 1), datetime.timedelta(days=1))
    return days, rest // datetime.timedelta(milliseconds=1)
