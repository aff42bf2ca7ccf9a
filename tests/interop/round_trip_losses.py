"""What a manifest must count of a cell, by format, worked out from the source alone."""

import math
import re

from round_trip_expect import CUT, FORBIDDEN, MEETS_ESCAPE, is_sheet_float, milliseconds, sheet_moment, sheet_text
from round_trip_texts import json_text, plain, split_days, year_month_day
from round_trip_values import inner_types, is_nested, kind, unit

FORMULA = re.compile("'*[=+\\-@\uff1d\uff0b\uff0d\uff20\t\r\n\0]")
DOUBLES_ALL = 2**53 - 1


def notes(source):
    """A function from a cell to everything that could be counted of it and of its parts."""
    of = kind(source)
    if of == "int":
        return lambda cell: {"beyond_2_53"} if abs(cell) > DOUBLES_ALL else ()
    if of == "float":
        return lambda cell: () if math.isfinite(cell) else {"non_finite"}
    if of in ("date", "timestamp"):
        day = (lambda cell: cell) if of == "date" else (lambda cell: split_days(cell, unit(source))[0])
        return lambda cell: () if 1 <= year_month_day(day(cell))[0] <= 9999 else {"expanded_year"}
    if of == "text":
        return lambda cell: {"base64"} if FORBIDDEN.search(cell) else ()
    if not is_nested(source):
        return lambda cell: ()
    parts = [notes(one) for one in inner_types(source)]
    if of == "list":
        return lambda cell: set().union(*(parts[0](one) for one in cell if one is not None))
    if of == "struct":
        return lambda cell: set().union(*(part(one) for part, one in zip(parts, cell) if one is not None))
    return lambda cell: set().union(*(part(one) for pair in cell for part, one in zip(parts, pair) if one is not None))


COUNTED = {
    "csv": {"expanded_year"},
    "json": {"non_finite", "beyond_2_53", "expanded_year"},
    "ndjson": {"non_finite", "beyond_2_53", "expanded_year"},
    "yaml": {"beyond_2_53", "expanded_year"},
    "xml": {"base64", "expanded_year"},
    "parquet": set(),
    "arrow": set(),
}


def losses(form, source, guard=False):
    """A function from a cell to the names under which the manifest counts it."""
    found = sheet_losses(source) if form == "xlsx" else text_losses(form, source, guard)
    return lambda cell: set() if cell is None else found(cell)


def text_losses(form, source, guard):
    counted = COUNTED["json"] if form == "csv" and is_nested(source) else COUNTED[form]
    noted = notes(source)
    if guard and kind(source) == "text":
        return lambda cell: {"guarded"} if FORMULA.match(cell) else set()
    return lambda cell: counted & set(noted(cell))


def sheet_losses(source):
    of, noted = kind(source), notes(source)
    if of == "int":
        return lambda cell: {"as_text"} if abs(cell) >= 10**15 else set()
    if of == "float":
        return lambda cell: set() if is_sheet_float(cell) else {"as_text"} if cell == 0 else {"non_finite"}
    if of in ("date", "time", "timestamp"):
        return sheet_moment_losses(source)
    if of == "text" or not is_nested(source):
        shown = plain(source)
        return lambda cell: sheet_text_losses(shown(cell))
    shown = json_text(source)
    return lambda cell: (COUNTED["json"] & set(noted(cell))) | sheet_text_losses(shown(cell))


def sheet_text_losses(shown):
    found = {"base64"} if MEETS_ESCAPE.search(shown) else set()
    if shown == "":
        return {"empty_as_blank"}
    return found | {"cut"} if sheet_text(shown).endswith(CUT) and not shown.endswith(CUT) else found


def sheet_moment_losses(source):
    of, noted, moment = kind(source), notes(source), sheet_moment(source)

    def found(cell):
        if moment(cell) is None:
            return {"as_text", *noted(cell)}
        return {"rounded_to_ms"} if of != "date" and milliseconds(cell, unit(source))[1] else set()

    return found
