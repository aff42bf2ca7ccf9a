"""The text of a cell, worked out from the source alone: ISO 8601, all digits, base64; and JSON text of lists, structs
and maps.
"""

import base64
import decimal
import math
import re

import numpy

from round_trip_values import UNITS, bare, field_names, inner_types, is_nested, kind, unit

DECIMALS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
DAY = 86_400
ESCAPED = re.compile('[\0-\x1f"\\\\\x7f-\x9f\u2028\u2029]')
SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def year_month_day(days):
    """Of days since 1970, by NumPy's calendar, which has no end in sight."""
    month = numpy.datetime64(days, "D").astype("datetime64[M]")
    months = int(month.astype("int64"))
    day = int((numpy.datetime64(days, "D") - month.astype("datetime64[D]")).astype("int64")) + 1
    return 1970 + months // 12, months % 12 + 1, day


def date_text(days):
    year, month, day = year_month_day(days)
    shown = f"{year:04}" if 1 <= year <= 9999 else f"{year:+07}"
    return f"{shown}-{month:02}-{day:02}"


def time_text(value, of):
    seconds, rest = divmod(value, UNITS[of])
    fraction = f".{rest:0{DECIMALS[of]}}" if DECIMALS[of] else ""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{fraction}"


def split_days(value, of):
    return divmod(value, DAY * UNITS[of])


def timestamp_text(value, of, zone):
    days, rest = split_days(value, of)
    return f"{date_text(days)}T{time_text(rest, of)}{'Z' if zone else ''}"


def seconds_text(nanos):
    whole, rest = divmod(abs(nanos), UNITS["ns"])
    fraction = f".{rest:09}".rstrip("0") if rest else ""
    return f"{'-' if nanos < 0 else ''}{whole}{fraction}S"


def interval_text(parts):
    months, days, nanos = parts
    if any(part < 0 for part in parts) and all(part <= 0 for part in parts):
        return "-" + interval_text([-part for part in parts])
    years, months = int(months / 12), int(math.fmod(months, 12))
    shown = "".join(f"{value}{letter}" for value, letter in ((years, "Y"), (months, "M"), (days, "D")) if value)
    return f"P{shown}" + (f"T{seconds_text(nanos)}" if nanos or not shown else "")


def duration_text(value, of):
    return interval_text((0, 0, value * (UNITS["ns"] // UNITS[of])))


def decimal_text(value, scale):
    with decimal.localcontext(prec=200):
        return format(value.quantize(decimal.Decimal(1).scaleb(-max(scale, 0))) if value else abs(value), "f")


def plain(source):
    """A function from a cell to its text, for every type without parts but floats."""
    source, of = bare(source), kind(source)
    return {
        "null": str,
        "bool": lambda cell: "true" if cell else "false",
        "int": str,
        "decimal": lambda cell: decimal_text(cell, source.scale),
        "date": date_text,
        "time": lambda cell: time_text(cell, unit(source)),
        "timestamp": lambda cell: timestamp_text(cell, unit(source), source.tz),
        "duration": lambda cell: duration_text(cell, unit(source)),
        "interval": interval_text,
        "text": str,
        "binary": lambda cell: base64.b64encode(cell).decode(),
        "fixed": bytes.hex,
    }[of]


def float_digits(source):
    """The shortest digits that read back, always with a point, exponents always with a sign."""
    make = {16: numpy.float16, 32: numpy.float32, 64: numpy.float64}[bare(source).bit_width]

    def digits(cell):
        if cell == 0 or 1e-4 <= abs(cell) < 1e16:
            return numpy.format_float_positional(make(cell), unique=True, trim="0")
        return numpy.format_float_scientific(make(cell), unique=True, trim="0", exp_digits=1)

    return digits


def json_text(source):
    """A function from a cell to its JSON text: how long it is decides whether it fits into a sheet."""
    of = kind(source)
    if of == "float":
        digits = float_digits(source)
        shown = lambda cell: (
            digits(cell)
            if math.isfinite(cell)
            else '"NaN"'
            if math.isnan(cell)
            else f'"{"-" if cell < 0 else ""}Infinity"'
        )
    elif is_nested(source):
        shown = nested_json_text(source)
    else:
        inner = plain(source)
        shown = inner if of in ("bool", "int") else lambda cell: json_string(inner(cell))
    return lambda cell: "null" if cell is None else shown(cell)


def json_string(shown):
    return '"' + ESCAPED.sub(lambda match: SHORT.get(match[0]) or f"\\u{ord(match[0]):04x}", shown) + '"'


def nested_json_text(source):
    of, parts = kind(source), [json_text(one) for one in inner_types(source)]
    if of == "list":
        return lambda cell: f"[{','.join(map(parts[0], cell))}]"
    if of == "struct":
        names = [json_string(name) for name in field_names(source)]
        return lambda cell: "{" + ",".join(f"{name}:{part(one)}" for name, part, one in zip(names, parts, cell)) + "}"
    key, value = parts
    if kind(inner_types(source)[0]) == "text":
        return lambda cell: "{" + ",".join(f"{key(name)}:{value(one)}" for name, one in cell) + "}"
    return lambda cell: "[" + ",".join(f'{{"key":{key(name)},"value":{value(one)}}}' for name, one in cell) + "]"
