"""Many workers, many requests, and workers that are killed: each request must be answered exactly once.

Usage: stress_requests.py BINARY [--workers 20] [--requests 500] [--principals 50] [--seconds-a-kill 0.3] [--seed N]. Makes a lake
in a temporary folder, drops the requests, keeps so many workers running and kills one at random now and then, until the
inbox is empty. Then every request has one manifest, every part its SHA-256, and no part is there that no manifest names.
Then measures how soon a request of an idle inbox is taken up, and how fast it is answered beside `auditlake export`.
"""

import argparse
import hashlib
import json
import random
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


def waiting(data):
    return [path for path in (data / "requests" / "inbox").rglob("*.yaml")]


def race(binary, folder, data, args):
    chance = random.Random(args.seed)
    for number in range(args.requests):
        drop_request(data, f"p{number % args.principals}", number)
    command = [binary, "--lake", folder, "requests", "run", "--settle", "0", "--workers", "1"]
    workers, kills, started = [], 0, time.monotonic()
    while waiting(data):
        while len(workers) < args.workers:
            workers.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        time.sleep(chance.uniform(0, 2 * args.seconds_a_kill))
        victim = workers.pop(chance.randrange(len(workers)))
        victim.kill()
        victim.wait()
        kills += 1
        assert time.monotonic() - started < 1_800, f"{len(waiting(data))} requests still wait"
    for worker in workers:
        worker.kill()
        worker.wait()
    # What the last ones left is for the next one.
    subprocess.run([*command, "--once"], check=True, stdout=subprocess.DEVNULL)
    return kills, time.monotonic() - started


def check(data, args):
    manifests = sorted((data / "exports").glob("*/*/manifest.json"))
    assert len(manifests) == args.requests, f"{len(manifests)} answers to {args.requests} requests"
    asked = set()
    for path in manifests:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        asked.add(manifest["request"]["id"])
        named = {path.parent / part["path"]: part for part in manifest["parts"]}
        for part, said in named.items():
            assert hashlib.sha256(part.read_bytes()).hexdigest() == said["sha256"], part
        # What a killed process had begun to write has a name that no listing shows.
        there = {part for part in path.parent.glob("e*/part-*") if "#" not in part.name}
        assert there == set(named), f"{path.parent}: {there ^ set(named)}"
    assert len(asked) == args.requests
    assert len(list((data / "requests" / "done").rglob("*.yaml"))) == args.requests
    assert not list((data / "requests" / "rejected").rglob("*")) if (data / "requests" / "rejected").exists() else True


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
    parser.add_argument("--workers", type=int, default=20)
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--principals", type=int, default=50)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--seconds-a-kill", type=float, default=0.3)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    binary, scratch = args.binary.absolute(), Path(tempfile.mkdtemp())
    try:
        folder = scratch / "lake"
        data = lake(binary, folder, args.principals, args.events)
        kills, seconds = race(binary, folder, data, args)
        check(data, args)
        print(f"{args.requests} requests of {args.principals}, {args.workers} workers, {kills} killed, {seconds:.0f} s: each once")
        print("taken up after it was stable: " + ", ".join(f"{taken:.2f} s" for taken in soon(binary, folder, data)))
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    sys.exit(main())
