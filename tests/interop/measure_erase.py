"""Erases persons, one after the other, from events that an ingest laid out and from a table of deltalake with the same events.

Usage: measure_erase.py BINARY EVENTS FOLDER [--runs N]. EVENTS is a folder of the peers' day files of audit events, FOLDER
one that is made and stays, so that a second call goes on with the same lake and the same table. A process each, in turns:
`auditlake subject erase`, with everything it does (cases, plans, the search of the whole store, certificate, evidence), and
opening the table and DELETE. Prints for each seconds, seconds of CPU, MiB read and written as the system counts them (what was
in memory already among them), and the ratio of the medians.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from measure_subject import MAPPING

THEIRS = """
import sys, deltalake
deltalake.DeltaTable(sys.argv[1]).delete(f"actor_id = '{sys.argv[2]}' or data_subject_id = '{sys.argv[2]}'")
"""
AT = "2026-11-01T00:00:00Z"


def made(binary, events, folder):
    """A lake of one tenant, so that a day is a file as it is there, and a table of the same day files."""
    lake, table = folder / "lake", folder / "table"
    if not lake.exists():
        import deltalake

        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([binary, "init", lake], check=True, stdout=subprocess.DEVNULL)
        (lake / "events.sql").write_text(MAPPING.replace("tenant_id, 'app'", "'acme' AS tenant_id, 'app'"), encoding="utf-8")
        command = [binary, "--lake", lake, "--at", AT, "ingest", "parquet", events, "--into", "audit"]
        subprocess.run([*command, "--mapping", "events@1", "--map-file", lake / "events.sql"], check=True)
        shutil.copytree(events, table)
        deltalake.convert_to_deltalake(str(table))
    files = list((lake / "data/audit").rglob("*.parquet"))
    print(f"{len(files)} files, {sum(file.stat().st_size for file in files) >> 20} MiB", flush=True)
    return lake, table


def taken(command, text=""):
    """Seconds, seconds of CPU, MiB read, MiB written, and what a command prints; it must succeed."""
    started = time.monotonic()
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdin.write(text.encode())
    child.stdin.close()
    answer = child.stdout.read()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    seconds = time.monotonic() - started
    counted = dict(line.split(": ") for line in Path(f"/proc/{child.pid}/io").read_text(encoding="ascii").splitlines())
    _, status, usage = os.wait4(child.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, f"{command} failed"
    moved = [int(counted[name]) / 2**20 for name in ("rchar", "wchar")]
    return seconds, usage.ru_utime + usage.ru_stime, *moved, answer


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=Path)
    parser.add_argument("events", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    binary, events, folder = args.binary.absolute(), args.events.absolute(), args.folder.absolute()
    lake, table = made(binary, events, folder)
    cases = lake / "data/_auditlake/subjects"
    before = len(list(cases.iterdir())) if cases.exists() else 0
    runs = {"auditlake": [], "deltalake": []}
    for number in range(before, before + args.runs):
        person = f"user-{31_337 + 97 * number:06}"
        erase = [binary, "--lake", lake, "--output", "json", "--at", AT, "subject", "erase", "--id-file", "-", "--yes"]
        ours = taken(erase, person + "\n")
        theirs = taken([sys.executable, "-c", THEIRS, table, person])
        for name, run in (("auditlake", ours), ("deltalake", theirs)):
            seconds, cpu, read, written, _ = run
            print(f"{name}: {seconds:.2f} s, {cpu:.2f} s CPU, {read:.0f} MiB read, {written:.0f} MiB written", flush=True)
            runs[name].append(seconds)
        deleted = sum(place["rows"]["deleted"] for place in json.loads(ours[4])["certificate"]["places"])
        print(f"{deleted} rows went", flush=True)
        assert deleted, f"person {number} had been erased before: begin with another folder"
    medians = {name: statistics.median(seconds) for name, seconds in runs.items()}
    print(f"ratio of medians: {medians['auditlake'] / medians['deltalake']:.2f}")


main()
