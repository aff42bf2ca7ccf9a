"""Measures how rows leave Parquet files, side by side with what somebody would use instead.

Usage: measure_retention.py EXAMPLE [--rows 2000000] [--runs 5] [--events FOLDER] [--only one|erase]. EXAMPLE is the built
example `measure_retention`. One subject leaves one of sixteen row groups of a file made here, once without bloom filters of
the columns in question and once with them: CPU seconds of whole processes, user and system, on one core, in turn with
DuckDB (`COPY`) and deltalake (`DELETE`). Then copying, masking one column against writing all anew. With `--events`, a
folder of Parquet files with `actor_id` and `data_subject_id`: a hundred subjects leave all of it, on all cores, in seconds
between start and end of the work, and of CPU. What others are left with is compared with what we are. Run it on a quiet machine.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measuring import spent

# The converter warns of every column of text that has no statistics.
os.environ.setdefault("RUST_LOG", "error")

GROUPS = 16
SUBJECT = "user-031337-once"
MAKE = """
copy (
  select
    md5('event ' || i) as event_id,
    timestamp '2026-03-01' + interval (i * 1296) millisecond as event_time,
    't' || (hash(i, 1) % 200) as tenant_id,
    case when i = {hit} then '{subject}' else 'user-' || lpad((hash(i, 2) % 50000)::varchar, 6, '0') end as actor_id,
    'user-' || (hash(i, 2) % 50000) || '@example.org' as actor_email,
    '10.' || (hash(i, 3) % 256) || '.' || (hash(i, 4) % 256) || '.' || (hash(i, 5) % 256) as source_ip,
    ['login', 'logout', 'read', 'export', 'update', 'delete', 'request', 'grant'][(1 + hash(i, 6) % 8)::int] as event_type,
    ['document', 'model', 'dataset', 'user'][(1 + hash(i, 7) % 4)::int] as resource_type,
    'res-' || (hash(i, 8) % 100000) as resource_id,
    case when hash(i, 9) % 100 < 3 then 'failure' else 'success' end as outcome,
    (200 + hash(i, 10) % 300)::int as status_code,
    (5 + 400 * pow((hash(i, 11) % 1000000) / 1e6, 6))::double as latency_ms,
    (hash(i, 12) % 1000000)::bigint as bytes,
    'sess-' || (hash(i, 13) % 1000000) as session_id,
    case when hash(i, 14) % 10 < 3 then 'user-' || lpad((hash(i, 15) % 50000)::varchar, 6, '0') end as data_subject_id,
    case when hash(i, 16) % 10 < 6 then ['consent', 'contract', 'obligation'][(1 + hash(i, 17) % 3)::int] end as legal_basis,
    '{{"client":"sdk-' || (hash(i, 18) % 9) || '","region":"eu-' || (hash(i, 19) % 4) || '"}}' as detail,
    hash(i, 20) % 2 = 0 as interactive
  from range({rows}) t(i)
  order by i
) to '{path}' (format parquet, compression zstd, row_group_size {group}{more})
"""


def make(path, rows, filters):
    """A file of sixteen row groups; DuckDB writes filters of columns that have a dictionary."""
    import duckdb

    group = -(-rows // GROUPS // 2048) * 2048
    more = f", dictionary_size_limit {group}, string_dictionary_page_size_limit 100000000" if filters else ""
    connection = duckdb.connect()
    connection.execute(
        MAKE.format(rows=rows, path=path, group=group, more=more, subject=SUBJECT, hit=6 * group + group // 8)
    )
    groups, filtered, size = connection.execute(
        "select count(distinct row_group_id), count(*) filter (bloom_filter_offset is not null and path_in_schema in "
        f"('actor_id', 'data_subject_id')), sum(total_compressed_size) from parquet_metadata('{path}')"
    ).fetchone()
    print(f"{path.name}: {rows} rows, 18 columns, {groups} row groups, {size / 1e6:.0f} MB, {filtered} filters of subjects")


def told(subjects):
    names = ", ".join(f"'{name}'" for name in subjects)
    return f"(actor_id in ({names}) or data_subject_id in ({names}))"


def of_duckdb(source, out, subjects, threads):
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"set threads = {threads}")
    started = time.monotonic()
    for path in sorted(Path(source).glob("*.parquet")) if Path(source).is_dir() else [Path(source)]:
        connection.execute(
            f"copy (select * from '{path}' where not coalesce({told(subjects)}, false)) "
            f"to '{Path(out) / path.name}' (format parquet, compression zstd)"
        )
    return time.monotonic() - started


def of_deltalake(table, subjects):
    import deltalake

    opened = deltalake.DeltaTable(str(table))
    started = time.monotonic()
    opened.delete(told(subjects))
    return time.monotonic() - started


def as_table(source, folder):
    """A Delta table that has copies of the files."""
    import deltalake

    shutil.rmtree(folder, ignore_errors=True)
    if source.is_dir():
        shutil.copytree(source, folder)
    else:
        folder.mkdir()
        shutil.copy(source, folder)
    deltalake.convert_to_deltalake(str(folder))
    return folder


def peer(arguments):
    """One run of one peer, in a process of its own; prints the seconds of its work."""
    name, source, out, subjects, threads = arguments
    subjects = Path(subjects).read_text(encoding="utf-8").split()
    if name == "duckdb":
        print(of_duckdb(source, out, subjects, int(threads)))
    else:
        print(of_deltalake(out, subjects))


def same(ours, theirs):
    """Whether two files or folders hold the same rows."""
    import duckdb

    def digest(path):
        files = f"{path}/*.parquet" if path.is_dir() else path
        return duckdb.sql(f"select count(*), sum(hash(t)::hugeint) from read_parquet('{files}') t").fetchall()

    assert digest(ours) == digest(theirs), f"{ours} and {theirs} differ"


def line(what, own, others, unit):
    parts = [f"{what}: {own:.3f} {unit}"]
    parts += [f"{own / other:.3f} of {name} ({other:.3f})" for name, other in others.items()]
    print("; ".join(parts), flush=True)


def one(example, file, scratch, runs):
    names = scratch / "subject.txt"
    names.write_text(SUBJECT, encoding="utf-8")
    out, others = scratch / "ours.parquet", scratch / "others"
    others.mkdir(exist_ok=True)
    taken = {"checked": [], "unchecked": [], "duckdb": [], "deltalake": []}
    python = [sys.executable, __file__, "--peer"]
    for _ in range(runs):
        taken["checked"].append(spent([example, "one", file, out, SUBJECT])[0])
        taken["duckdb"].append(spent([*python, "duckdb", file, others, names, "1"])[0])
        taken["unchecked"].append(spent([example, "one", file, scratch / "unchecked.parquet", SUBJECT, "unchecked"])[0])
        table = as_table(file, scratch / "table")
        taken["deltalake"].append(spent([*python, "deltalake", file, table, names, "1"])[0])
    same(out, others / file.name)
    median = {name: statistics.median(seconds) for name, seconds in taken.items()}
    peers = {name: median[name] for name in ("duckdb", "deltalake")}
    line(f"one subject of {file.name}, with the check", median["checked"], peers, "s of CPU")
    line(f"one subject of {file.name}, without it", median["unchecked"], peers, "s of CPU")


def erase(example, events, scratch, runs):
    subjects = [f"user-{number * 97 % 50_000:06d}" for number in range(100)]
    names = scratch / "subjects.txt"
    names.write_text("\n".join(subjects), encoding="utf-8")
    out, others = scratch / "erased", scratch / "erased-by-others"
    taken = {"checked": [], "unchecked": [], "duckdb": [], "deltalake": []}
    python = [sys.executable, __file__, "--peer"]
    threads = str(os.cpu_count())

    def work(command):
        """Seconds from the start of the work to its end, and seconds of CPU of all of the process."""
        cpu, answer = spent(command)
        return float(answer.split()[0]), cpu

    for _ in range(runs):
        for folder in (out, others):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        taken["unchecked"].append(work([example, "erase", events, out, "100", "unchecked"]))
        taken["duckdb"].append(work([*python, "duckdb", events, others, names, threads]))
        taken["checked"].append(work([example, "erase", events, out, "100"]))
        same(out, others)
        shutil.rmtree(others)
        table = as_table(events, scratch / "table")
        taken["deltalake"].append(work([*python, "deltalake", events, table, names, threads]))
        shutil.rmtree(table)
    for at, unit in enumerate(("s", "s of CPU")):
        median = {name: statistics.median(run[at] for run in runs) for name, runs in taken.items()}
        peers = {name: median[name] for name in ("duckdb", "deltalake")}
        line("a hundred subjects, with the check", median["checked"], peers, unit)
        line("a hundred subjects, without it", median["unchecked"], peers, unit)


def main():
    if sys.argv[1:2] == ["--peer"]:
        return peer(sys.argv[2:])
    parser = argparse.ArgumentParser()
    parser.add_argument("example", type=Path)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--events", type=Path)
    parser.add_argument("--only", choices=("one", "erase"))
    args = parser.parse_args()
    example = args.example.absolute()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        cores = os.sched_getaffinity(0)
        if args.only != "erase":
            for name, filters in (("plain.parquet", False), ("filtered.parquet", True)):
                make(scratch / name, args.rows, filters)
            os.sched_setaffinity(0, {min(cores)})
            for name in ("plain.parquet", "filtered.parquet"):
                one(example, scratch / name, scratch, args.runs)
            subprocess.run([example, "copy", scratch / "plain.parquet"], check=True)
            subprocess.run([example, "mask", scratch / "plain.parquet", "source_ip"], check=True)
            os.sched_setaffinity(0, cores)
        if args.events and args.only != "one":
            erase(example, args.events.absolute(), scratch, args.runs)
    return None


if __name__ == "__main__":
    sys.exit(main())
