"""Tables to export: every type with its extremes, one per format's special rules, and random ones by seed.

Values are the whole numbers that Arrow keeps for dates and times, so that years beyond 9999 need no calendar of Python.
"""

import decimal
import math
import random
import string

import numpy
import pyarrow as pa
from round_trip_hostile import HOSTILE, LONGS, NAMES

UNITS = ("s", "ms", "us", "ns")
PER_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


def decimals(precision, scale, chance=None):
    """Extremes of a decimal type, or some at random."""
    with decimal.localcontext(prec=120):
        most = 10**precision - 1
        whole = [0, 1, -1, 5, most, -most, most // 7, -(10 ** (precision // 2))]
        if chance:
            whole = [chance.randint(-most, most) for _ in range(4)] + whole[:3]
        return [decimal.Decimal(one).scaleb(-scale) for one in whole]


def floats(bits):
    kind = {16: numpy.float16, 32: numpy.float32, 64: numpy.float64}[bits]
    info = numpy.finfo(kind)
    extremes = [info.max, info.min, info.tiny, info.smallest_subnormal, -info.smallest_subnormal, info.eps]
    more = [0.0, -0.0, 1.0, -1.0, 0.1, 1 / 3, 100.0, 123456.0, math.nan, math.inf, -math.inf]
    more += [1e16, 1e15, 123456789.0, 1e-5, 1e-7, 1e22, 1e-300, 1.5e300] if bits == 64 else [1e-5, 2048.0]
    with numpy.errstate(over="ignore"):
        return numpy.array(extremes + more, dtype=kind)


def whole(bits, signed):
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    around = [10**15 - 1, 10**15, 2**53 - 1, 2**53, 2**53 + 1] if bits == 64 else []
    return [0, 1, low, high, low + 1, high - 1] + around + [-one for one in around if signed]


def days(years=True):
    """2026, ends of the ranges of a sheet and of four digits, leap days; years beyond if they are wanted."""
    near = [0, -1, 20_541, -25_508, -25_509, -25_567, 2_932_896, 11_016, -719_162, -135_140]
    return near + ([2_932_897, -719_529, 3_652_059, -1_000_000, 100_000_000, -100_000_000] if years else [])


def moments(unit):
    one = PER_DAY[unit] // 86_400
    if unit == "ns":
        near = [day * PER_DAY[unit] for day in (0, -1, 20_541, -25_508, -25_509, 106_000, -106_000)]
    else:
        near = [day * PER_DAY[unit] for day in days()]
    odd = [
        20_541 * PER_DAY[unit] + 43_200 * one + part for part in (1, one - 1, one // 2, one // 2_000, one * 3_600 - 1)
    ]
    last = [2_932_897 * PER_DAY[unit] - 1] if unit != "ns" else [2**63 - 1, -(2**63) + 1]
    return near + odd + last


def times(unit):
    one = PER_DAY[unit] // 86_400
    return [0, 1, PER_DAY[unit] - 1, 43_200 * one, 45_296 * one + one // 3, 86_399 * one]


def durations(unit):
    one = PER_DAY[unit] // 86_400
    return [0, 1, -1, one, -one, 3 * one // 2, 90_061 * one + 1, -(90_061 * one + 1), 2**53, 2**63 - 1, -(2**63) + 1]


BYTES = [b"", b"\0", b"a", b"ab", b"abc", b"\xff" * 5, bytes(range(256)), b"=1+1", b"x" * 1_000]


def leaves():
    """Name, type and extremes of every type without parts that Parquet carries."""
    found = [("bool", pa.bool_(), [True, False]), ("null", pa.null(), [None])]
    for bits in (8, 16, 32, 64):
        found.append((f"int{bits}", pa.type_for_alias(f"int{bits}"), whole(bits, True)))
        found.append((f"uint{bits}", pa.type_for_alias(f"uint{bits}"), whole(bits, False)))
    found += [(f"float{bits}", pa.type_for_alias(f"float{bits}"), floats(bits)) for bits in (16, 32, 64)]
    for make, precision, scale in (
        (pa.decimal32, 9, 2),
        (pa.decimal32, 5, 0),
        (pa.decimal64, 18, 9),
        (pa.decimal64, 15, 4),
        (pa.decimal128, 38, 10),
        (pa.decimal128, 20, 20),
        (pa.decimal128, 12, 0),
        (pa.decimal256, 76, 38),
        (pa.decimal256, 50, 0),
        (pa.decimal256, 10, 3),
    ):
        kind = make(precision, scale)
        found.append((f"{kind}".replace(", ", "_").replace("(", "_").rstrip(")"), kind, decimals(precision, scale)))
    found += [("date32", pa.date32(), days()), ("date64", pa.date64(), [day * PER_DAY["ms"] for day in days()])]
    for unit in UNITS:
        make = pa.time32 if unit in ("s", "ms") else pa.time64
        found.append((f"time {unit}", make(unit), times(unit)))
        for zone in (None, "UTC", "Europe/Berlin", "+05:30"):
            found.append((f"timestamp {unit} {zone or 'none'}", pa.timestamp(unit, zone), moments(unit)))
        found.append((f"duration {unit}", pa.duration(unit), durations(unit)))
    found += [(f"{kind}", kind, BYTES) for kind in (pa.binary(), pa.large_binary())]
    found.append(("fixed 5", pa.binary(5), [b"\0" * 5, b"=1+1 ", bytes(range(250, 255))]))
    found += [(f"text {kind}", kind, HOSTILE + LONGS) for kind in (pa.string(), pa.large_string())]
    found.append(("text dictionary", pa.dictionary(pa.int32(), pa.string()), HOSTILE[::3] + LONGS[:1]))
    found.append(("int dictionary", pa.dictionary(pa.int8(), pa.int64()), whole(64, True)))
    return found


def nested():
    """Name, type and cells of lists, structs and maps, one in the other."""
    text, deep = pa.string(), pa.struct([("id", pa.int64()), ("tags", pa.map_(pa.string(), pa.list_(pa.string())))])
    odd = pa.struct(
        [
            ("a b", pa.float64()),
            ('q"', pa.decimal128(20, 3)),
            ("when", pa.timestamp("us", "UTC")),
            ("raw", pa.binary()),
            ("1", pa.bool_()),
        ]
    )
    at = [None, 0, 2_932_897 * PER_DAY["us"], 1_774_000_000_123_456]
    odds = [
        (value, decimal.Decimal("-12.345"), at[row % 4], b"\0\xff", row % 2 == 0)
        for row, value in enumerate(floats(64).tolist())
    ]
    found = [
        (
            "list of text",
            pa.list_(text),
            [HOSTILE[start : start + 7] for start in range(0, len(HOSTILE), 7)] + [[], [None], [None, ""]],
        ),
        ("large list", pa.large_list(pa.uint64()), [[], [1, None, 2**64 - 1], [2**53 - 1], [2**53]]),
        ("fixed list", pa.list_(pa.float32(), 3), [[1.5, None, math.nan], [-0.0, math.inf, 1e-40]]),
        ("list of list", pa.list_(pa.list_(pa.int32())), [[[1, None], [], None], [], [[]], None]),
        ("struct", odd, [dict(zip(("a b", 'q"', "when", "raw", "1"), row)) for row in odds]),
        (
            "map text",
            pa.map_(text, pa.int64()),
            [[(key, row) for row, key in enumerate(HOSTILE[start : start + 9])] for start in range(0, len(HOSTILE), 9)],
        ),
        ("map int", pa.map_(pa.int32(), text), [[(1, "a"), (1, "b"), (-5, None)], [], [(0, "=1+1")]]),
        (
            "deep",
            pa.list_(deep),
            [
                [{"id": 2**60, "tags": [("a", ["x", None]), ("b", None), ("", [])]}, None],
                [{"id": None, "tags": None}],
                [],
            ],
        ),
    ]
    return found


def column(kind, values, rows, shift):
    """The values in turn, with a null before each turn."""
    cycle = [None, *values]
    picked = [cycle[(row + shift) % len(cycle)] for row in range(rows)]
    return array(kind, picked)


def array(kind, values):
    """An array of values that are whole numbers where Python has no such date or time."""
    if pa.types.is_temporal(kind) and str(kind) != "month_day_nano_interval":
        plain = pa.int32() if kind.bit_width == 32 else pa.int64()
        return pa.array(values, plain).view(kind)
    return pa.array(values, kind)


def everything():
    """One column of each type, as many rows as the longest list of values."""
    columns = leaves() + nested()
    rows = max(len(values) for _, _, values in columns) + 1
    made = {name: column(kind, values, rows, shift) for shift, (name, kind, values) in enumerate(columns)}
    return pa.table(made)


def named():
    """Columns whose names are the difficulty."""
    return pa.table({name: pa.array([name, None, str(number)]) for number, name in enumerate(NAMES)})


def lone():
    """One column of texts: there a null cannot be nothing."""
    return pa.table({"only": pa.array([None, *HOSTILE, None])})


def empty():
    return everything().slice(0, 0)


def many(rows=9_000):
    """More rows than a chunk, with strings that come and go."""
    chance = random.Random(11)
    return pa.table(
        {
            "id": pa.array(range(rows), pa.int64()),
            "text": pa.array([chance.choice(HOSTILE) if chance.random() > 0.1 else None for _ in range(rows)]),
            "at": pa.array([chance.randrange(2**50) for _ in range(rows)], pa.timestamp("us", "UTC")),
            "list": pa.array([[chance.random() for _ in range(chance.randrange(4))] for _ in range(rows)]),
        }
    )


class Chance(random.Random):
    """Random types, and random cells of a type."""

    def table(self):
        names = self.sample(NAMES + [f"c{number}" for number in range(60)], self.randint(1, 9))
        rows = self.choice((*range(3), *(self.randint(3, 200) for _ in range(9))))
        nulls = self.choice((0.0, 0.1, 0.5, 1.0))
        kinds = [self.type(3) for _ in names]
        return pa.table({name: array(kind, self.values(kind, rows, nulls)) for name, kind in zip(names, kinds)})

    def type(self, depth):
        if depth == 0 or self.random() < 0.6:
            return self.choice(LEAVES)[1]
        shape = self.randrange(6)
        if shape == 0:
            return pa.list_(self.type(depth - 1))
        if shape == 1:
            return pa.large_list(self.type(depth - 1))
        if shape == 2:
            return pa.list_(self.type(depth - 1), self.randint(1, 3))
        if shape == 3:
            names = self.sample(NAMES + list(string.ascii_lowercase), self.randint(1, 4))
            return pa.struct([(name, self.type(depth - 1)) for name in names])
        return pa.map_(pa.string() if shape == 4 else pa.int32(), self.type(depth - 1))

    def values(self, kind, count, nulls):
        return [None if self.random() < nulls else self.value(kind, nulls) for _ in range(count)]

    def value(self, kind, nulls):
        types = pa.types
        if types.is_fixed_size_list(kind):
            return self.values(kind.value_type, kind.list_size, nulls)
        if types.is_list(kind) or types.is_large_list(kind):
            return self.values(kind.value_type, self.choice((0, 1, 2, 5)), nulls)
        if types.is_struct(kind):
            return {
                kind.field(index).name: self.values(kind.field(index).type, 1, nulls)[0]
                for index in range(kind.num_fields)
            }
        if types.is_map(kind):
            keys = (
                self.sample(HOSTILE, self.randrange(4))
                if types.is_string(kind.key_type)
                else [self.randint(-(2**31), 2**31 - 1) for _ in range(self.randrange(4))]
            )
            return list(zip(keys, self.values(kind.item_type, len(keys), nulls)))
        if types.is_string(kind) or types.is_large_string(kind):
            return self.text()
        if types.is_decimal(kind):
            return self.choice(decimals(kind.precision, kind.scale, self))
        if types.is_binary(kind) or types.is_large_binary(kind):
            return self.randbytes(self.randrange(12))
        return self.choice(EXTREMES[kind])

    def text(self):
        drawn = self.random()
        if drawn < 0.7:
            return self.choice(HOSTILE)
        if drawn < 0.71:
            return self.choice(LONGS)
        return "".join(self.letter() for _ in range(self.randrange(12)))

    def letter(self):
        code = self.choice(
            (self.randrange(0x20, 0x7F), self.randrange(0xA0), self.randrange(0x10000), self.randrange(0x110000))
        )
        return "\ufffd" if 0xD800 <= code < 0xE000 else chr(code)


LEAVES = leaves()
# Years that some formats refuse have tests of their own.
EXTREMES = {kind: list(values) for _, kind, values in LEAVES}
