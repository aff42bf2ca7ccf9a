"""What a column must be in Parquet and Arrow files, and which columns their readers take.

`stored(form, type)` gives a function from a cell to what the file holds, to be compared with what a reader got after
`converted`. `readable(reader, format, names, types)` lists the columns that a reader takes at all.
"""

import pyarrow as pa
from pyarrow import types

from round_trip_texts import plain
from round_trip_values import bare, converted, inner_types, kind

DIGITS = 38


def rebuilt(source, inner, leaf):
    """A function of a cell: `inner` of the parts of lists, structs and maps, and `leaf` of what has none."""
    of = kind(source)
    if of == "list":
        item = inner(inner_types(source)[0])
        change = lambda cell: [item(one) for one in cell]
    elif of == "struct":
        parts = [inner(one) for one in inner_types(source)]
        change = lambda cell: tuple(part(one) for part, one in zip(parts, cell))
    elif of == "map":
        key, value = (inner(one) for one in inner_types(source))
        change = lambda cell: [(key(name), value(one)) for name, one in cell]
    else:
        change = leaf(source)
    return lambda cell: None if cell is None else change(cell)


def stored(form, source):
    """From a cell to what a file of this format holds, comparable."""
    return converted(source) if form == "arrow" else rebuilt(source, lambda one: stored(form, one), in_parquet)


def in_parquet(source):
    """Durations are counts of their unit; intervals, and decimals of more than 38 digits, are texts."""
    of = kind(source)
    if of == "duration":
        return lambda cell: cell
    if of == "interval" or (of == "decimal" and bare(source).precision - min(bare(source).scale, 0) > DIGITS):
        return plain(source)
    return converted(source)


def in_parquet_type(source):
    """The Arrow type that a column has in a Parquet file."""
    of, source = kind(source), bare(source)
    if of == "list":
        return pa.list_(in_parquet_type(source.value_type))
    if of == "struct":
        return pa.struct([(one.name, in_parquet_type(one.type)) for one in map(source.field, range(source.num_fields))])
    if of == "map":
        return pa.map_(in_parquet_type(source.key_type), in_parquet_type(source.item_type))
    if of == "decimal":
        digits = source.precision - min(source.scale, 0)
        return pa.decimal128(digits, max(source.scale, 0)) if digits <= DIGITS else pa.string()
    if of == "timestamp":
        return pa.timestamp("ms" if source.unit == "s" else source.unit, "UTC" if source.tz else None)
    if types.is_time32(source):
        return pa.time32("ms")
    fixed = {
        "date": pa.date32(),
        "duration": pa.int64(),
        "interval": pa.string(),
        "text": pa.string(),
        "binary": pa.binary(),
    }
    return fixed.get(of, source)


def same_type(one, other):
    """Whether two types are one, whatever their fields are called in lists and maps, and whether they may be null."""
    one, other = bare(one), bare(other)
    if kind(one) != kind(other):
        return False
    if kind(one) in ("list", "map", "struct"):
        names = [
            [field.name for field in map(kind_of.field, range(kind_of.num_fields))] if types.is_struct(kind_of) else []
            for kind_of in (one, other)
        ]
        shape = [str(kind_of).split("<")[0] for kind_of in (one, other)]
        return (
            names[0] == names[1] and shape[0] == shape[1] and all(map(same_type, inner_types(one), inner_types(other)))
        )
    return one == other


# Types that a reader of a format does not take, wherever they stand in a column; of the versions this was written for.
UNREADABLE = {
    ("duckdb", "arrow"): lambda one: (
        is_wide(one)
        or has_number_keys(one)
        or kind(one) in ("duration", "interval")
        or types.is_float16(one)
        or types.is_run_end_encoded(one)
        or (types.is_decimal(one) and one.scale < 0)
        # It rounds what is no whole day towards 1970.
        or types.is_date64(one)
    ),
    ("polars", "arrow"): lambda one: is_wide(one) or types.is_date64(one) or str(one) == "duration[s]",
    ("polars", "parquet"): lambda one: has_number_keys(one),
}
# Types for which a reader refuses the whole file.
FATAL = {
    ("polars", "arrow"): lambda one: (
        kind(one) == "interval"
        or types.is_run_end_encoded(one)
        or types.is_list_view(one)
        or types.is_large_list_view(one)
    ),
}


def is_wide(source):
    return types.is_decimal256(source)


def has_number_keys(source):
    """Such maps may have a key twice."""
    return types.is_map(source) and kind(source.key_type) != "text"


def holds(source, test):
    """Whether a type, or one inside it, passes a test."""
    nested = kind(source) in ("list", "struct", "map")
    return test(source) or test(bare(source)) or (nested and any(holds(one, test) for one in inner_types(source)))


def readable(reader, form, names, kinds):
    """The columns that a reader takes; none where it refuses the file for one of them."""
    never = lambda _: False
    fatal, unreadable = FATAL.get((reader, form), never), UNREADABLE.get((reader, form), never)
    if any(holds(one, fatal) for one in kinds):
        return []
    return [name for name, one in zip(names, kinds) if not holds(one, unreadable)]
