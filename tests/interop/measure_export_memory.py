"""Measures the peak memory of `auditlake export` at two numbers of rows, in every format.

Usage: measure_export_memory.py BINARY EVENTS ROWS_A ROWS_B [--only FORMAT]. EVENTS is a folder of Parquet files with at
least ROWS_B rows; where it is absent, as many rows are made. Ends with 1 when a peak grows by more than 64 MiB from the
one to the other, or is above 400 MiB.
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from measuring import measured

FORMATS = ("csv", "json", "ndjson", "xlsx", "parquet", "xml", "yaml", "arrow")
GROWTH_MIB = 64
PEAK_MIB = 400
ROWS_A_FILE = 100_000
START_US = 1_780_000_000_000_000


def made(folder, rows):
    """Invented events, seeded, 18 columns."""
    folder.mkdir()
    chance = random.Random(5)
    for number, start in enumerate(range(0, rows, ROWS_A_FILE)):
        count = min(ROWS_A_FILE, rows - start)
        pq.write_table(events(chance, start, count), folder / f"events-{number:04}.parquet", compression="zstd")
    return folder


def events(chance, start, count):
    def texts(form, kinds, nulls=0.0):
        return pa.array(
            [None if nulls and chance.random() < nulls else form.format(chance.randrange(kinds)) for _ in range(count)]
        )

    return pa.table(
        {
            "event_id": pa.array([f"evt-{start + row:012}-{chance.getrandbits(64):016x}" for row in range(count)]),
            "event_time": pa.array([START_US + (start + row) * 2_592 for row in range(count)], pa.timestamp("us")),
            "tenant_id": texts("tenant-{:02}", 20),
            "actor_id": texts("user-{:06}", 50_000),
            "actor_email": texts("user{}@example.com", 50_000, 0.2),
            "source_ip": texts("192.0.2.{}", 256),
            "event_type": texts("type-{}", 12),
            "resource_type": texts("kind-{}", 8),
            "resource_id": texts("res-{:07}", 1_000_000),
            "outcome": texts("outcome-{}", 3),
            "severity": texts("severity-{}", 4),
            "status_code": pa.array([chance.choice((200, 201, 403, 500)) for _ in range(count)], pa.int32()),
            "latency_ms": pa.array([round(chance.expovariate(0.02), 3) for _ in range(count)]),
            "bytes": pa.array([chance.randrange(2**20) for _ in range(count)]),
            "session_id": texts("session-{:016x}", 2**48),
            "data_subject_id": texts("user-{:06}", 50_000, 0.6),
            "legal_basis": texts("basis-{}", 6, 0.5),
            "metadata": texts('{{"region": "eu-{0}", "trace": "{0:032x}"}}', 2**60),
        }
    )


def peak(binary, lake, form, rows, out):
    sql = f"SELECT * FROM events LIMIT {rows}"
    seconds, mib, _ = measured([binary, "--lake", lake, "export", "--sql", sql, "--format", form, "--to", f"{out}/"])
    shutil.rmtree(out)
    print(f"{form}, {rows} rows: {seconds:.1f} s, {rows / seconds:.0f} rows/s, peak {mib:.0f} MiB", flush=True)
    return mib


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=Path)
    parser.add_argument("events", type=Path)
    parser.add_argument("rows_a", type=int)
    parser.add_argument("rows_b", type=int)
    parser.add_argument("--only")
    args = parser.parse_args()
    binary, faults = args.binary.absolute(), []
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        folder = args.events.absolute() if args.events.is_dir() else made(scratch / "events", args.rows_b)
        lake = scratch / "lake"
        subprocess.run([binary, "init", lake], check=True, stdout=subprocess.DEVNULL)
        (lake / "datasets" / "events.yaml").write_text(f"dataset: events\nlocation: file:{folder}/\n", encoding="utf-8")
        for form in FORMATS:
            if args.only in (None, form):
                few, many = (peak(binary, lake, form, rows, scratch / "out") for rows in (args.rows_a, args.rows_b))
                if many - few > GROWTH_MIB:
                    faults.append(f"{form}: grows by {many - few:.0f} MiB, more than {GROWTH_MIB}")
                if max(few, many) > PEAK_MIB:
                    faults.append(f"{form}: {max(few, many):.0f} MiB, above {PEAK_MIB}")
    if faults:
        sys.exit("; ".join(faults))


main()
