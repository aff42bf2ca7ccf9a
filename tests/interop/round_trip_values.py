"""Cells of Arrow arrays as plain Python values, without going through dates and times, whose years end at 9999.

`cells(array)` gives a list: None, bool, int, float, Decimal, str, bytes, a list of items, a tuple of fields, a list of
pairs for a map. Dates, times, timestamps and durations are the whole numbers that Arrow keeps; intervals are triples of
months, days and nanoseconds. Dictionaries and runs are their values. `kind(type)` sorts types by what such a value is.
"""

import re

import pyarrow as pa
from pyarrow import types

UNITS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
DAY_MS = 86_400_000

LISTS = (types.is_list, types.is_large_list, types.is_fixed_size_list, types.is_list_view, types.is_large_list_view)
TEXTS = (types.is_string, types.is_large_string, types.is_string_view)
BINARIES = (types.is_binary, types.is_large_binary, types.is_binary_view)
NAMED = (
    ("null", (types.is_null,)),
    ("bool", (types.is_boolean,)),
    ("int", (types.is_integer,)),
    ("float", (types.is_floating,)),
    ("decimal", (types.is_decimal,)),
    ("date", (types.is_date,)),
    ("time", (types.is_time,)),
    ("timestamp", (types.is_timestamp,)),
    ("duration", (types.is_duration,)),
    ("fixed", (types.is_fixed_size_binary,)),
    ("text", TEXTS),
    ("binary", BINARIES),
    ("list", LISTS),
    ("struct", (types.is_struct,)),
    ("map", (types.is_map,)),
)
UNWRAPPED = ("month_interval", "day_time_interval")
INTERVALS = (*UNWRAPPED, "month_day_nano_interval")


def bare(kind_of):
    """The type of the values of a dictionary or of runs, and any other type as it is."""
    while types.is_dictionary(kind_of) or types.is_run_end_encoded(kind_of):
        kind_of = kind_of.value_type
    return kind_of


def kind(kind_of):
    """One word for what the cells of a column are."""
    kind_of = bare(kind_of)
    for name, tests in NAMED:
        if any(test(kind_of) for test in tests):
            return name
    if str(kind_of) in INTERVALS:
        return "interval"
    raise TypeError(f"no kind for {kind_of}")


def is_nested(kind_of):
    return kind(kind_of) in ("list", "struct", "map")


def unit(kind_of):
    """The unit of a time, timestamp or duration."""
    return bare(kind_of).unit


def cells(array):
    """The cells of an array or of a chunked one."""
    if str(array.type) in UNWRAPPED:
        return [
            _shown_interval(cell.strip(" ,"))
            for cell in array.to_string(window=10**9, container_window=10**9).split("\n")
            if cell.startswith("    ")
        ]
    if isinstance(array, pa.ChunkedArray):
        return [cell for chunk in array.chunks for cell in cells(chunk)]
    if types.is_dictionary(array.type):
        values = cells(array.dictionary)
        # Below a null, an index may be anything.
        return [values[index] if index is not None and index < len(values) else None for index in array.indices.to_pylist()]
    if types.is_run_end_encoded(array.type):
        return _runs(array)
    if isinstance(array, pa.ExtensionArray):
        return cells(array.storage)
    return READERS[kind(array.type)](array)


def _runs(array):
    values, start, found = cells(array.values), 0, []
    for value, end in zip(values, array.run_ends.to_pylist()):
        found.extend([value] * (end - start))
        start = end
    return found[array.offset : array.offset + len(array)]


def _simple(array):
    return array.to_pylist()


def _floats(array):
    return [None if cell is None else float(cell) for cell in array.to_pylist()]


def _whole(array):
    """The number that Arrow keeps."""
    width = array.type.bit_width
    return array.view(pa.int32() if width == 32 else pa.int64()).to_pylist()


def _dates(array):
    if types.is_date32(array.type):
        return _whole(array)
    return [None if cell is None else cell // DAY_MS for cell in _whole(array)]


def _intervals(array):
    return [None if cell is None else tuple(cell) for cell in array.to_pylist()]


def _shown_interval(shown):
    """Months, or days and milliseconds; pyarrow prints such cells and has no other way to them."""
    if shown == "null":
        return None
    months, days, milliseconds = re.fullmatch(r"(?:(-?\d+)M)?(?:(-?\d+)d(-?\d+)ms)?", shown).groups(default="0")
    return int(months), int(days), int(milliseconds) * 1_000_000


def _lists(array):
    valid = array.is_valid().to_pylist()
    if types.is_fixed_size_list(array.type):
        length = array.type.list_size
        items = cells(array.values)
        spans = [((array.offset + row) * length, (array.offset + row + 1) * length) for row in range(len(array))]
    elif types.is_list_view(array.type) or types.is_large_list_view(array.type):
        items = cells(array.values)
        spans = [(start, start + size) for start, size in zip(array.offsets.to_pylist(), array.sizes.to_pylist())]
    else:
        items = cells(array.values)
        offsets = array.offsets.to_pylist()
        spans = list(zip(offsets, offsets[1:]))
    return [items[start:end] if is_valid else None for is_valid, (start, end) in zip(valid, spans)]


def _structs(array):
    columns = [cells(array.field(index)) for index in range(array.type.num_fields)]
    rows = zip(*columns) if columns else ((),) * len(array)
    return [row if is_valid else None for is_valid, row in zip(array.is_valid().to_pylist(), rows)]


def _maps(array):
    pairs = list(zip(cells(array.keys), cells(array.items)))
    offsets = array.offsets.to_pylist()
    spans = zip(offsets, offsets[1:])
    return [
        pairs[start:end] if is_valid else None for is_valid, (start, end) in zip(array.is_valid().to_pylist(), spans)
    ]


READERS = {
    "null": _simple,
    "bool": _simple,
    "int": _simple,
    "float": _floats,
    "decimal": _simple,
    "date": _dates,
    "time": _whole,
    "timestamp": _whole,
    "duration": _whole,
    "interval": _intervals,
    "fixed": _simple,
    "text": _simple,
    "binary": _simple,
    "list": _lists,
    "struct": _structs,
    "map": _maps,
}


def inner_types(kind_of):
    """Types of the parts of a list, struct or map."""
    kind_of = bare(kind_of)
    if types.is_map(kind_of):
        return [kind_of.key_type, kind_of.item_type]
    if types.is_struct(kind_of):
        return [kind_of.field(index).type for index in range(kind_of.num_fields)]
    return [kind_of.value_type]


def field_names(kind_of):
    kind_of = bare(kind_of)
    return [kind_of.field(index).name for index in range(kind_of.num_fields)]


def converted(source):
    """A function that makes a cell comparable whatever unit, width or packing its column has: times become nanoseconds,
    and floats a text that tells -0.0 from 0.0 and takes every NaN for the same."""
    of = kind(source)
    if of == "float":
        change = float.hex
    elif of in ("time", "timestamp", "duration"):
        factor = UNITS["ns"] // UNITS[unit(source)]
        change = lambda cell: cell * factor
    elif of == "list":
        item = converted(inner_types(source)[0])
        change = lambda cell: [item(one) for one in cell]
    elif of == "struct":
        parts = [converted(one) for one in inner_types(source)]
        change = lambda cell: tuple(part(one) for part, one in zip(parts, cell))
    elif of == "map":
        key, value = (converted(one) for one in inner_types(source))
        change = lambda cell: [(key(name), value(one)) for name, one in cell]
    else:
        return lambda cell: cell
    return lambda cell: None if cell is None else change(cell)
