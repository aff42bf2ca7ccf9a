"""Measures SQL over Parquet that others wrote, side by side with the programs somebody would use instead.

Usage: measure_queries.py BINARY PEERS EVENTS [--runs N]. PEERS is a Python file that holds the statements as `Q` and runs
one of them with `python PEERS TASK PEER EVENTS`; EVENTS is the folder of Parquet files. Whole processes, start-up included,
one after the other in turn; prints medians and ratios to each peer. Run it on a quiet machine.
"""

import argparse
import importlib.util
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from measuring import in_turns

PEERS = ("duckdb", "polars")


def lake(binary, folder, events):
    """A lake that has the files as the dataset `events`, where they are."""
    subprocess.run([binary, "init", folder], check=True, stdout=subprocess.DEVNULL)
    text = f"dataset: events\nlocation: file:{events}/\n"
    (folder / "datasets" / "events.yaml").write_text(text, encoding="utf-8")
    return folder


def asked():
    """The command line, and the statements by name, in our dialect."""
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=Path)
    parser.add_argument("peers", type=Path)
    parser.add_argument("events", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    spec = importlib.util.spec_from_file_location("peers", args.peers)
    peers = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(peers)
    ours = {task: sql.replace("approx_quantile(", "approx_percentile_cont(") for task, sql in peers.Q.items()}
    return args, ours


def main():
    args, statements = asked()
    events = args.events.absolute()
    with tempfile.TemporaryDirectory() as scratch:
        ours = lake(args.binary.absolute(), Path(scratch) / "lake", events)
        for task, statement in statements.items():
            commands = {"auditlake": [args.binary.absolute(), "--lake", ours, "sql", statement, "--format", "csv"]}
            for peer in PEERS:
                commands[peer] = [sys.executable, args.peers, task, peer, events]
            taken = in_turns(commands, args.runs)
            median = {name: [statistics.median(run[at] for run in runs) for at in (0, 1)] for name, runs in taken.items()}
            (own, own_mib) = median["auditlake"]
            line = f"{task}: {own:.2f} s, {own_mib:.0f} MiB"
            for peer in PEERS:
                seconds, mib = median[peer]
                line += f"; {peer} {seconds:.2f} s, {mib:.0f} MiB: {own / seconds:.2f} x time, {own_mib / mib:.2f} x memory"
            print(line, flush=True)


if __name__ == "__main__":
    main()
