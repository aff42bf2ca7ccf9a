"""Finds all rows of one person among events that an ingest laid out, beside DuckDB on the files they were read from.

Usage: measure_subject.py BINARY EVENTS FOLDER [--runs N]. EVENTS is a folder of the peers' day files of audit events, FOLDER
one that is made and stays, so that a second call measures the same lake. Both answer the same question in fresh processes,
in turns. Prints seconds, the ratio of the medians, and what the index costs: bytes beside those of the rows, and seconds of
the ingest between the last entry of the evidence log and the last segment.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

from measuring import in_turns, measured

MAPPING = """
SELECT event_id, event_time AS time, tenant_id, 'app' AS source, 'data.read' AS event_type, outcome,
       actor_id, 'user' AS actor_type, actor_email AS user_agent, source_ip AS src_ip, resource_type, resource_id,
       CAST(status_code AS int) AS http_status, CAST(latency_ms * 1000 AS bigint) AS duration_us, bytes AS byte_count,
       session_id, data_subject_id AS subject_id, legal_basis, event_type AS api_operation, metadata AS status_detail
FROM input
"""
PERSON = "user-031337"
OURS = f"SELECT * FROM audit WHERE actor_id = '{PERSON}' OR subject_id = '{PERSON}' ORDER BY time"
THEIRS = """
import duckdb
c = duckdb.connect()
c.execute("set threads=2; set enable_progress_bar=false")
c.execute("create view events as select * from read_parquet('{events}/*.parquet')")
sql = "select * from events where actor_id='{person}' or data_subject_id='{person}' order by event_time"
print(c.sql(sql).to_arrow_table().num_rows)
"""


def ingest(binary, events, lake):
    subprocess.run([binary, "init", lake], check=True, stdout=subprocess.DEVNULL)
    mapping = lake / "events.sql"
    mapping.write_text(MAPPING, encoding="utf-8")
    command = [binary, "--lake", lake, "--output", "json", "--at", "2026-11-01T00:00:00Z", "ingest", "parquet", events]
    command += ["--into", "audit", "--mapping", "events@1", "--map-file", mapping]
    seconds, peak_mib, answer = measured(command)
    print(f"ingest: {json.loads(answer)['rows']} rows in {seconds:.1f} s, peak {peak_mib:.0f} MiB", flush=True)
    indexing = newest(lake / "data/_auditlake/indexes") - newest(lake / "data/_auditlake/evidence/_proof/log")
    print(f"of that the index took {indexing:.1f} s, {indexing / (seconds - indexing):.1%} of the rest", flush=True)


def newest(folder):
    return max(path.stat().st_mtime for path in folder.rglob("*") if path.is_file())


def bytes_of(folder):
    return sum(path.stat().st_size for path in folder.rglob("*.parquet"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=Path)
    parser.add_argument("events", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    binary, events, lake = args.binary.absolute(), args.events.absolute(), args.folder.absolute() / "lake"
    if not lake.exists():
        ingest(binary, events, lake)
    index, rows = bytes_of(lake / "data/_auditlake/indexes"), bytes_of(lake / "data/audit")
    print(f"index: {index} bytes, {index / rows:.2%} of {rows} bytes of rows", flush=True)
    ask = [binary, "--lake", lake, "--output", "json", "sql", OURS]
    theirs = [sys.executable, "-c", THEIRS.format(events=events, person=PERSON)]
    rows_of = {"auditlake": lambda answer: len(json.loads(answer)), "DuckDB": int}
    taken = in_turns({"auditlake": ask, "DuckDB": theirs}, args.runs)
    for name, runs in taken.items():
        for seconds, peak_mib, answer in runs:
            print(f"{name}: {seconds:.3f} s, peak {peak_mib:.0f} MiB, {rows_of[name](answer)} rows")
    medians = {name: statistics.median(seconds for seconds, _, _ in runs) for name, runs in taken.items()}
    print(f"ratio of medians: {medians['auditlake'] / medians['DuckDB']:.2f}")


if __name__ == "__main__":
    main()
