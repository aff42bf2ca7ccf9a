"""Measures `auditlake export` beside the programs somebody would use instead, and holds it to bars.

Usage: measure_export.py BINARY PEERS EVENTS [--runs N] [--only TASK]. PEERS is a Python file that exports with `python
PEERS export_FORMAT PEER FOLDER ROWS` and prints the size of the file last; EVENTS is a folder of Parquet files, of
whose first rows all read the same copy. Whole processes, start-up included, one after the other in turn; prints medians
of seconds and peak memory, and ratios. Ends with 1 when a bar is missed. Run it on a quiet machine.
"""

import argparse
import multiprocessing
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.dataset as ds
import pyarrow.parquet as pq

from measuring import measured

OWN = "auditlake"
FILES = 3
SIZE_ABOVE = 1.05


@dataclass
class Task:
    """One export, who else does it, and what its time may be at most of theirs; `fastest` is of the fastest of them."""

    form: str
    rows: int
    peers: tuple = ()
    word: str = ""
    fastest: float | None = None
    of_peer: dict = field(default_factory=dict)
    rows_a_second: int | None = None
    size: bool = False


TASKS = [
    Task("csv", 1_000_000, ("duckdb", "polars"), fastest=1.15),
    Task("ndjson", 1_000_000, ("duckdb", "polars"), word="json", fastest=1.0),
    Task("parquet", 1_000_000, ("duckdb", "polars"), of_peer={"duckdb": 1.0, "polars": 1.7}, size=True),
    Task("xlsx", 200_000, ("xlsxwriter",), of_peer={"xlsxwriter": 0.15}),
    Task("xml", 100_000, ("pandas",), of_peer={"pandas": 0.05}),
    Task("yaml", 1_000_000, rows_a_second=300_000),
]


def sample(events, rows, folder):
    """The first rows, in files of their own; made by a process that ends, because a child's peak begins at its parent's."""
    maker = multiprocessing.get_context("spawn").Process(target=copy, args=(events, rows, folder))
    maker.start()
    maker.join()
    assert maker.exitcode == 0, f"{rows} rows of {events} could not be copied"
    return folder


def copy(events, rows, folder):
    folder.mkdir()
    table = ds.dataset(events, format="parquet").head(rows)
    assert table.num_rows == rows, f"{events} has {table.num_rows} rows and not {rows}"
    step = -(-rows // FILES)
    for number in range(FILES):
        pq.write_table(table.slice(number * step, step), folder / f"events-{number}.parquet", compression="zstd")


def own(lake, task, out):
    """Seconds, peak MiB and bytes of our export."""
    shutil.rmtree(out, ignore_errors=True)
    binary, folder = lake
    command = [
        binary,
        "--lake",
        folder,
        "export",
        "--dataset",
        f"events{task.rows}",
        "--format",
        task.form,
        "--to",
        f"{out}/",
    ]
    seconds, mib, _ = measured(command)
    return seconds, mib, sum(part.stat().st_size for part in out.glob(f"part-*.{task.form}"))


def theirs(peers, task, peer, events):
    seconds, mib, answer = measured(
        [sys.executable, peers, f"export_{task.word or task.form}", peer, events, str(task.rows)]
    )
    return seconds, mib, int(answer.split()[-1])


def lake_of(binary, scratch, events):
    """A lake that has a dataset of each number of rows."""
    folder, samples = scratch / "lake", {}
    subprocess.run([binary, "init", folder], check=True, stdout=subprocess.DEVNULL)
    for rows in {task.rows for task in TASKS}:
        samples[rows] = sample(events, rows, scratch / f"events-{rows}")
        text = f"dataset: events{rows}\nlocation: file:{samples[rows]}/\n"
        (folder / "datasets" / f"events{rows}.yaml").write_text(text, encoding="utf-8")
    return folder, samples


def run(task, lake, peers, events, runs, out):
    """Medians of seconds, peak MiB and bytes by program, one after the other in turn."""
    taken = {name: [] for name in (OWN, *task.peers)}
    for _ in range(runs):
        taken[OWN].append(own(lake, task, out))
        for peer in task.peers:
            taken[peer].append(theirs(peers, task, peer, events))
    return {name: [statistics.median(column) for column in zip(*each)] for name, each in taken.items()}


def bars(task, medians):
    """Each bar as what it says, the figure, and whether it holds."""
    seconds = {name: median[0] for name, median in medians.items()}
    found = []
    if task.fastest:
        peer = min(task.peers, key=seconds.get)
        ratio = seconds[OWN] / seconds[peer]
        found.append((f"time ≤ {task.fastest} × {peer}, the faster", f"{ratio:.2f}", ratio <= task.fastest))
    for peer, most in task.of_peer.items():
        ratio = seconds[OWN] / seconds[peer]
        found.append((f"time ≤ {most} × {peer}", f"{ratio:.3f}", ratio <= most))
    if task.rows_a_second:
        rate = task.rows / seconds[OWN]
        found.append((f"rows a second ≥ {task.rows_a_second}", f"{rate:.0f}", rate >= task.rows_a_second))
    if task.size:
        for peer in task.peers:
            ratio = medians[OWN][2] / medians[peer][2]
            found.append((f"bytes ≤ {SIZE_ABOVE} × {peer}", f"{ratio:.3f}", ratio <= SIZE_ABOVE))
    return found


def report(task, medians):
    """Prints one task; gives the bars that are missed."""
    seconds, mib, size = medians[OWN]
    print(
        f"{task.form}, {task.rows} rows: {seconds:.2f} s, {task.rows / seconds:.0f} rows/s, {mib:.0f} MiB, "
        f"{size / 2**20:.1f} MiB out"
    )
    for peer in task.peers:
        their_seconds, their_mib, their_size = medians[peer]
        ratios = (
            f"{seconds / their_seconds:.2f} x time, {mib / their_mib:.2f} x memory, {size / their_size:.2f} x bytes"
        )
        print(f"  {peer}: {their_seconds:.2f} s, {their_mib:.0f} MiB, {their_size / 2**20:.1f} MiB out: {ratios}")
    missed = []
    for bar, figure, holds in bars(task, medians):
        print(f"  {'holds ' if holds else 'MISSED'} {bar}: {figure}", flush=True)
        missed += [] if holds else [f"{task.form}: {bar}: {figure}"]
    return missed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=Path)
    parser.add_argument("peers", type=Path)
    parser.add_argument("events", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only")
    args = parser.parse_args()
    binary, missed = args.binary.absolute(), []
    with tempfile.TemporaryDirectory() as scratch:
        folder, samples = lake_of(binary, Path(scratch), args.events.absolute())
        for task in TASKS:
            if args.only in (None, task.form):
                medians = run(task, (binary, folder), args.peers, samples[task.rows], args.runs, Path(scratch) / "out")
                missed += report(task, medians)
    if missed:
        sys.exit("missed: " + "; ".join(missed))


if __name__ == "__main__":
    main()
