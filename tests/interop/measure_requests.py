"""Measures how soon a request that was dropped into an idle inbox is taken up.

Usage: measure_requests.py BINARY [--principals 50] [--events 20000]. Makes a lake in a temporary folder, watches its inbox, and
drops three requests, one after the other. That each of many is answered once, whoever is killed, is `tests/it/requests_race.rs`.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TENANTS = 5


def lake(binary, folder, principals, events):
    subprocess.run([binary, "init", folder], check=True, stdout=subprocess.DEVNULL)
    people = "\n".join(
        f"  p{number}: {{tenants: [t{number % TENANTS}], roles: [reader], channels: [inbox]}}" for number in range(principals)
    )
    (folder / "access.yaml").write_text(
        "roles:\n  reader:\n    inherits: [analyst]\n    limits: {exports_per_hour: 1000000}\n"
        f"    datasets: {{audit: {{rows: all}}}}\nprincipals:\n{people}\n",
        encoding="utf-8",
    )
    drop = folder / "drop"
    drop.mkdir()
    with open(drop / "events.ndjson", "w", encoding="utf-8") as out:
        for number in range(events):
            event = {
                "event_id": f"e-{number}",
                "time": f"2026-03-{1 + number % 5:02}T{number % 24:02}:00:00Z",
                "tenant_id": f"t{number % TENANTS}",
                "source": "app",
                "event_type": "data.read",
                "outcome": "success",
                "actor_id": f"u-{number % 97}",
                "actor_type": "user",
            }
            out.write(json.dumps(event) + "\n")
    command = [binary, "--lake", folder, "ingest", "ndjson", drop, "--into", "audit", "--at", "2026-03-10T00:00:00Z"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder / "data"


def drop_request(data, who, number, more=""):
    inbox = data / "requests" / "inbox" / who
    inbox.mkdir(parents=True, exist_ok=True)
    text = f"request: 1\nid: n-{number}\ndataset: audit\nformat: ndjson\nsplit: {{rows: 500}}\n{more}"
    # As a writer should that cannot write a file at once: under another name, and then renamed.
    staged = inbox / f"{number}.tmp"
    staged.write_text(text, encoding="utf-8")
    staged.rename(inbox / f"{number}.yaml")


def soon(binary, folder, data):
    """Seconds from a request that is stable to its claim, and to its answer."""
    command = [binary, "--lake", folder, "requests", "run", "--settle", "1"]
    worker = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    taken = []
    try:
        time.sleep(2)
        for number in range(3):
            before = {path.parent for path in (data / "exports").glob("p0/*/status.json")}
            drop_request(data, "p0", f"soon-{number}")
            began = time.monotonic()
            while not {path.parent for path in (data / "exports").glob("p0/*/status.json")} - before:
                time.sleep(0.01)
                assert time.monotonic() - began < 30, "nobody takes it up"
            taken.append(time.monotonic() - began - 1)
            time.sleep(1)
    finally:
        worker.kill()
        worker.wait()
    return taken


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=Path)
    parser.add_argument("--principals", type=int, default=50)
    parser.add_argument("--events", type=int, default=20_000)
    args = parser.parse_args()
    binary, scratch = args.binary.absolute(), Path(tempfile.mkdtemp())
    try:
        folder = scratch / "lake"
        data = lake(binary, folder, args.principals, args.events)
        print("taken up after it was stable: " + ", ".join(f"{taken:.2f} s" for taken in soon(binary, folder, data)))
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    sys.exit(main())
