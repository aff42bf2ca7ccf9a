"""Exports tables in every format and reads them back with readers that we did not write.

Usage: round_trip.py BINARY [--seeds N] [--first SEED] [--only NAME] [--keep FOLDER]. Needs duckdb, lxml, openpyxl,
pandas, polars, pyarrow, pyyaml and ruamel.yaml; jq and LibreOffice where they are installed. Tables: every type with
its extremes, hostile names, one column alone, no rows, more rows than a chunk, types that only SQL makes, tables that
must be refused, and N random ones by seed. Every cell must be equal to the source, or be counted in the manifest;
counts must be exact. A seed that fails is run again with --seeds 1 --first SEED. Prints what differs and ends with 1
when anything does.
"""

import argparse
import collections
import multiprocessing
import shutil
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import round_trip_tables as tables
from round_trip_borders import check_borders
from round_trip_check import FORMATS, TEXTS, Lake, check_export, rows_of
from round_trip_options import check_options
from round_trip_refusals import check_refusals
from round_trip_sheets import check_sheets
from round_trip_sql import check_statements

WORKERS = 2
SEEDS_A_LAKE = 20
# From here on it is the long run, with workbooks of millions of rows.
LONG_SEEDS = 1_000
HAS_JQ = shutil.which("jq") is not None


def dataset(lake, name, table, variants, **written):
    """Faults of a table in every format, in each of the ways that `variants(format)` lists."""
    lake.add(name, table, **written)
    what = ("--dataset", name)
    rows, faults = rows_of(lake, what, table)
    for form in FORMATS:
        for options in variants(form):
            faults += check_export(lake, rows, what, form, jq=HAS_JQ, **options)
    return [f"{name}: {fault}" for fault in faults]


def every_way(form):
    ways = [{"verify": True}, {"split_rows": 50, "verify": True}]
    ways += [{"compression": one, "verify": True} for one in ("gzip", "zstd")] if form in TEXTS else []
    return ways + ([{"guard": True}, {"guard": True, "compression": "zstd", "split_rows": 70}] if form == "csv" else [])


def plainly(form):
    return [{"verify": True}] + ([{"guard": True}] if form == "csv" else [])


def in_parts(form):
    return [{}, {"split_rows": 7_000, "compression": "zstd" if form in TEXTS else None}]


def fixed(binary, folder, is_long):
    """The tables that are the same every time, as names and functions to run."""

    def lake(name):
        return Lake(binary, folder / name)

    return {
        "everything": lambda: dataset(
            lake("everything"), "everything", tables.everything(), every_way, row_group_size=64
        ),
        "named": lambda: dataset(lake("named"), "named", tables.named(), plainly),
        "lone": lambda: dataset(lake("lone"), "lone", tables.lone(), plainly),
        "empty": lambda: dataset(lake("empty"), "empty", tables.empty(), plainly),
        "many": lambda: dataset(lake("many"), "many", tables.many(), in_parts),
        "recut": lambda: recut(lake("recut")),
        "statements": lambda: check_statements(lake("statements")),
        "options": lambda: check_options(lake("options")),
        "refusals": lambda: check_refusals(lake("refusals")),
        "sheets": lambda: check_sheets(lake("sheets")),
    } | ({"borders": lambda: check_borders(lake("borders"))} if is_long else {})


def recut(lake):
    """The same rows in row groups of another size give the same bytes."""
    import hashlib

    table, faults, others = tables.many(20_000), [], Lake(lake.binary, lake.folder.parent / "recut-too")
    lake.add("rows", table)
    others.add("rows", table, row_group_size=999)
    for form in FORMATS:
        found = []
        for one in (lake, others):
            folder = one.export(form, ("--dataset", "rows"), "--split-rows", "6000")
            parts = sorted(folder.glob(f"part-*.{form}"))
            found.append([hashlib.sha256(part.read_bytes()).hexdigest() for part in parts])
        if found[0] != found[1] or len(found[0]) != 4:
            faults.append(f"recut: {form}: other bytes from the same rows in other row groups")
    return faults


def seeded(binary, seeds, folder):
    """Faults of random tables, all in one lake."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        lake = Lake(binary, Path(scratch) / "lake")
        return [(seed, seeded_faults(lake, seed)) for seed in seeds]


def seeded_faults(lake, seed):
    chance = tables.Chance(seed)
    table = chance.table()
    verified, rows = FORMATS[seed % len(FORMATS)], max(table.num_rows, 3)

    def ways(form):
        compression = (None, "gzip", "zstd")[seed % 3] if form in TEXTS else None
        split = -(-rows // 3) if seed % 4 == 3 else None
        return [
            {
                "compression": compression,
                "split_rows": split,
                "guard": form == "csv" and seed % 2 == 1,
                "verify": form == verified,
            }
        ]

    try:
        return dataset(lake, f"seed{seed}", table, ways, row_group_size=chance.choice((7, 64, 1_000)))
    except pa.ArrowIndexError:
        # pyarrow's own writer fails at some dictionaries of no rows inside lists.
        return []
    except Exception as error:
        return [f"seed{seed}: {type(error).__name__}: {error}"]


def random_faults(binary, first, count, folder):
    """Faults of many random tables; two processes, since reading back takes longer than exporting."""
    batches = [
        range(start, min(start + SEEDS_A_LAKE, first + count)) for start in range(first, first + count, SEEDS_A_LAKE)
    ]
    faults, done, started = [], 0, time.monotonic()
    with multiprocessing.get_context("spawn").Pool(min(WORKERS, len(batches))) as pool:
        results = [pool.apply_async(seeded, (binary, batch, folder)) for batch in batches]
        for result in results:
            for _, found in result.get():
                faults += found
                done += 1
            if done % 100 == 0 or done == count:
                print(f"{done} random tables, {time.monotonic() - started:.0f} s, {len(faults)} faults", flush=True)
    return faults


def run(args, folder):
    binary, faults = args.binary.absolute(), []
    for name, check in fixed(binary, folder, args.seeds >= LONG_SEEDS).items():
        if args.only in (None, name):
            started = time.monotonic()
            found = check()
            faults += found
            print(f"{name}: {len(found)} faults, {time.monotonic() - started:.1f} s", flush=True)
    if args.seeds and args.only in (None, "seeds"):
        faults += random_faults(binary, args.first, args.seeds, folder)
    return faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=Path)
    parser.add_argument("--seeds", type=int, default=25)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only")
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args()
    if not HAS_JQ:
        print("skipped: jq is not installed")
    if args.keep:
        args.keep.mkdir(parents=True)
        faults = run(args, args.keep.absolute())
    else:
        with tempfile.TemporaryDirectory() as scratch:
            faults = run(args, Path(scratch))
    for fault in faults:
        print(fault)
    if faults:
        kinds = collections.Counter(fault.split(":")[0] for fault in faults)
        sys.exit(f"{len(faults)} faults: {dict(kinds)}")
    print("every cell came back, or is counted")


if __name__ == "__main__":
    main()
