"""Measures what a tenant's session costs in a lake of many tenants: it reads its own files, whoever else is there.

Usage: measure_tenants.py BINARY [--tenants 200] [--events 1000] [--runs 15]. Makes two lakes, one with all tenants and one with
one of them, and asks the same as that tenant of both, in turn; and in the first also as whoever runs the program, with a
condition on the tenant. Prints medians, ratios, and the bytes of files that the tenant's statements read beside those that
it has. Ends with 1 when the tenant read more than it has, or took more than 1.15 times as long as alone.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from measuring import measured

ASKED = "t7"
BAR = 1.15
ACCESS = """\
roles:
  reader: {inherits: [analyst], datasets: {audit: {rows: all}}}
principals:
  tenant: {tenants: [t7], roles: [reader]}
"""
STATEMENT = "SELECT event_type, outcome, count(*) AS n, max(time) AS latest FROM audit {} GROUP BY event_type, outcome"


def lake(binary, folder, tenants, events):
    subprocess.run([binary, "init", folder], check=True, stdout=subprocess.DEVNULL)
    (folder / "access.yaml").write_text(ACCESS, encoding="utf-8")
    drop = folder / "drop"
    drop.mkdir()
    for tenant in tenants:
        with open(drop / f"{tenant}.ndjson", "w", encoding="utf-8") as out:
            for number in range(events):
                event = {
                    "event_id": f"{tenant}-{number}",
                    "time": f"2026-03-{1 + number % 3:02}T{number % 24:02}:{number % 60:02}:00Z",
                    "tenant_id": tenant,
                    "source": "app",
                    "event_type": ["data.read", "user.login", "data.updated"][number % 3],
                    "outcome": "success" if number % 7 else "failure",
                    "actor_id": f"u-{number % 97}",
                    "actor_type": "user",
                }
                out.write(json.dumps(event) + "\n")
    command = [binary, "--lake", folder, "ingest", "ndjson", drop, "--into", "audit", "--at", "2026-03-10T00:00:00Z"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder


def read_by_tenant(folder):
    """The most that a statement read, as the records of statements say."""
    records = (folder / "data" / "_auditlake" / "access").rglob("*.answered.json")
    return max(json.loads(record.read_text(encoding="utf-8")).get("scanned_bytes") or 0 for record in records)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=Path)
    parser.add_argument("--tenants", type=int, default=200)
    parser.add_argument("--events", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=15)
    args = parser.parse_args()
    binary = args.binary.absolute()
    with tempfile.TemporaryDirectory() as scratch:
        many = lake(binary, Path(scratch) / "many", [f"t{number}" for number in range(args.tenants)], args.events)
        alone = lake(binary, Path(scratch) / "alone", [ASKED], args.events)
        commands = {
            "alone": [binary, "--lake", alone, "sql", "--as", "tenant", STATEMENT.format("")],
            "among many": [binary, "--lake", many, "sql", "--as", "tenant", STATEMENT.format("")],
            "own": [binary, "--lake", many, "sql", STATEMENT.format(f"WHERE tenant_id = '{ASKED}'")],
        }
        taken = {name: [] for name in commands}
        for _ in range(args.runs):
            for name, command in commands.items():
                taken[name].append(measured([*command, "--format", "csv"])[0])
        median = {name: statistics.median(seconds) for name, seconds in taken.items()}
        for name, seconds in median.items():
            print(f"{name}: {seconds * 1000:.0f} ms, {seconds / median['alone']:.2f} x")
        has = sum(path.stat().st_size for path in (many / "data" / "audit" / f"tenant={ASKED}").rglob("*.parquet"))
        everything = sum(path.stat().st_size for path in (many / "data" / "audit").rglob("*.parquet"))
        read = read_by_tenant(many)
        print(f"the tenant's files have {has} bytes of {everything}; its statement read {read}")
        if read > has or median["among many"] / median["alone"] > BAR:
            sys.exit("missed")


if __name__ == "__main__":
    main()
