"""Measures the ingest of audit.v1 NDJSON: rows a second and peak memory, at several sizes.

Usage: measure_ingest.py BINARY FOLDER ROWS... [--growth-mib N]. The events are invented and seeded. With --growth-mib it
fails when the peak at the largest size exceeds that at the smallest by more.
"""

import argparse
import datetime
import json
import random
import subprocess
import sys
from pathlib import Path

from measuring import measured

EVENTS_A_FILE = 250_000
START = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)


def generate(folder, rows):
    """Events of 20 tenants over 30 days, in order of arrival and so not quite in order of time."""
    folder.mkdir(parents=True)
    chance = random.Random(7)
    step = 30 * 86_400 / rows
    file = None
    for number in range(rows):
        if number % EVENTS_A_FILE == 0:
            if file:
                file.close()
            file = open(folder / f"part-{number // EVENTS_A_FILE:05}.ndjson", "w", encoding="utf-8")
        at = START + datetime.timedelta(seconds=number * step + chance.random() * 60)
        event = {
            "event_id": f"e-{number:09}",
            "time": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "tenant_id": f"t{chance.randrange(20):02}",
            "source": "app",
            "event_type": "user.login" if chance.random() < 0.1 else "api.request",
            "outcome": "success" if chance.random() < 0.95 else "denied",
            "actor_id": f"u-{chance.randrange(5000):05}",
            "actor_type": "user",
            "src_ip": f"192.0.2.{chance.randrange(256)}",
            "resource_type": "document",
            "resource_id": f"d-{chance.randrange(100_000):06}",
            "session_id": f"s-{chance.getrandbits(64):016x}",
        }
        file.write(json.dumps(event, separators=(",", ":")) + "\n")
    file.close()


def measure(binary, folder, rows):
    source = folder / f"source-{rows}"
    generate(source, rows)
    lake = folder / f"lake-{rows}"
    subprocess.run([binary, "init", lake], check=True, stdout=subprocess.DEVNULL)
    command = [binary, "--lake", lake, "--output", "json", "--at", "2026-03-01T00:00:00Z"]
    command += ["ingest", "ndjson", source, "--into", "audit"]
    seconds, peak_mib, answer = measured(command)
    assert json.loads(answer)["rows"] == rows, answer
    print(f"{rows} rows: {seconds:.1f} s, {rows / seconds:.0f} rows/s, peak {peak_mib:.0f} MiB", flush=True)
    return peak_mib


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("rows", type=int, nargs="+")
    parser.add_argument("--growth-mib", type=float)
    args = parser.parse_args()
    peaks = [measure(args.binary.absolute(), args.folder, rows) for rows in sorted(args.rows)]
    growth = peaks[-1] - peaks[0]
    print(f"peak memory grows by {growth:.0f} MiB")
    if args.growth_mib is not None and growth > args.growth_mib:
        sys.exit(f"more than {args.growth_mib:.0f} MiB")


main()
