"""Files that come to a server: 10,000 of them, late, twice, changed and out of order, with restarts.

    measure_stream.py AUDITLAKE [--files 10000] [--restarts 5]

Prints how long it takes from the last file to the last row, the memory of the server while files come, and whether every row
is there once; and from single files how long each takes from its arrival to its published result.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import tempfile
import time

ARRIVE = """job: arrive
kind: ingest
from: {location: drop/, format: ndjson}
into: audit
schedule: {on: {new_files: drop/, settle: 0}}
"""
COPY = """job: copy
kind: query
into: copied
schedule: {on: {new_files: audit}}
sql: SELECT tenant_id, time, event_id FROM audit
"""


def event(number):
    day, minute = 1 + number % 28, number % 60
    return json.dumps({
        "event_id": f"e-{number}", "time": f"2026-02-{day:02}T10:{minute:02}:00Z", "tenant_id": f"t{number % 3}",
        "source": "app", "event_type": "data.read", "outcome": "success", "actor_id": "u-1", "actor_type": "user",
    })


def place(lake, name, numbers):
    """Creates a file whole, as `settle: 0` asks for."""
    staged = os.path.join(lake, ".staged")
    with open(staged, "w") as file:
        file.write("\n".join(event(number) for number in numbers))
    os.rename(staged, os.path.join(lake, "drop", name))


class Server:
    def __init__(self, program, lake):
        self.process = subprocess.Popen(
            [program, "--lake", lake, "serve", "--listen", "127.0.0.1:0"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def memory_mib(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait()


def counted(program, lake, table):
    sql = f"SELECT count(*) AS n, count(DISTINCT event_id) AS ids FROM {table}"
    told = subprocess.run([program, "--lake", lake, "sql", sql, "--format", "json"], capture_output=True, text=True)
    rows = json.loads(told.stdout) if told.returncode == 0 else [{"n": 0, "ids": 0}]
    return rows[0]["n"], rows[0]["ids"]


def many(program, lake, files, restarts):
    chance = random.Random(7)
    known, events = {}, 0
    server, memory = Server(program, lake), []
    began = time.monotonic()
    for number in range(files):
        fresh = list(range(events, events + chance.randint(1, 5)))
        events += len(fresh)
        what = chance.random()
        name = f"{chance.getrandbits(48):012x}.ndjson"
        if known and what < 0.05:
            fresh = chance.choice(list(known.values())) + fresh
        elif known and what < 0.10:
            name = chance.choice(list(known))
            fresh = known[name] + fresh
        known[name] = fresh
        place(lake, name, fresh)
        if number % 200 == 199:
            time.sleep(1)
            memory.append(server.memory_mib())
        if restarts and number % (files // restarts) == files // restarts // 2:
            server.end(signal.SIGKILL)
            server = Server(program, lake)
    placed = time.monotonic()
    while counted(program, lake, "copied")[0] < events and time.monotonic() - placed < 1_800:
        memory.append(server.memory_mib())
        time.sleep(2)
    took = time.monotonic()
    server.end(signal.SIGTERM)
    tenth = max(1, len(memory) // 10)
    tenths = [sorted(memory[at : at + tenth]) for at in range(0, len(memory), tenth)]
    print(f"{files} files, {events} events, {restarts} kills: placed in {placed - began:.0f} s, all rows {took - placed:.0f} s later")
    medians = " ".join(f"{part[len(part) // 2]:.0f}" for part in tenths)
    print(f"memory MiB: medians of tenths of the time {medians}, most {max(memory):.0f}")
    for table in ("audit", "copied"):
        print(table, counted(program, lake, table), "expected", (events, events))
    return events


def single(program, lake, events):
    server = Server(program, lake)
    time.sleep(5)
    waits = []
    for number in range(20):
        place(lake, f"single-{number}.ndjson", [events + number])
        placed = time.monotonic()
        runs = os.path.join(lake, "data", "_auditlake", "runs", "arrive")
        before = {path for path in os.listdir(runs)}
        while True:
            new = [path for path in os.listdir(runs) if path not in before]
            if any(os.path.exists(os.path.join(runs, path, "commit-000001.json")) for path in new):
                break
            time.sleep(0.01)
        waits.append(time.monotonic() - placed)
        time.sleep(random.Random(number).random() * 2)
    server.end(signal.SIGTERM)
    waits.sort()
    print(f"arrival to commit, settle 0: median {waits[10]:.2f} s, longest {waits[-1]:.2f} s")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--restarts", type=int, default=5)
    args = parser.parse_args()
    program = os.path.abspath(args.program)
    with tempfile.TemporaryDirectory() as top:
        lake = os.path.join(top, "lake")
        subprocess.run([program, "init", lake], check=True, stdout=subprocess.DEVNULL)
        os.makedirs(os.path.join(lake, "drop"))
        for name, text in (
            ("jobs/arrive.yaml", ARRIVE),
            ("jobs/copy.yaml", COPY),
            ("datasets/copied.yaml", "dataset: copied\nlocation: copied/\ntenant: tenant_id\ntime: time\n"),
        ):
            with open(os.path.join(lake, name), "w") as file:
                file.write(text)
        events = many(program, lake, args.files, args.restarts)
        single(program, lake, events)


if __name__ == "__main__":
    main()
