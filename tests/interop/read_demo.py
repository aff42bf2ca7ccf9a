"""Reads the demo lake with readers that we did not write.

Usage: read_demo.py BINARY LAKE. Needs duckdb and pyarrow. Fails with the first thing that differs.
"""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

BINARY, LAKE = Path(sys.argv[1]), Path(sys.argv[2])


def ours(sql):
    command = [BINARY, "--lake", LAKE, "sql", sql, "--format", "json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def same(what, theirs, expected):
    assert theirs == expected, f"{what}: {theirs} and not {expected}"
    print(f"{what}: {theirs}")


def rows_agree(files):
    expected = int(ours("SELECT count(*) AS n FROM audit")[0]["n"])
    same("rows, pyarrow", sum(pq.read_metadata(file).num_rows for file in files), expected)
    names = [str(file) for file in files]
    with duckdb.connect() as connection:
        same("rows, duckdb", connection.execute("SELECT count(*) FROM read_parquet(?)", [names]).fetchone()[0], expected)
        # Each value is read, not only the footers.
        query = "SELECT outcome, count(*) FROM read_parquet(?, union_by_name = true) GROUP BY outcome ORDER BY outcome"
        theirs = [tuple(row) for row in connection.execute(query, [names]).fetchall()]
    mine = ours("SELECT outcome, count(*) AS n FROM audit GROUP BY outcome ORDER BY outcome")
    same("outcomes, duckdb", theirs, [(row["outcome"], int(row["n"])) for row in mine])


def layout_holds(file):
    metadata = pq.read_metadata(file)
    names = [metadata.schema.column(index).path for index in range(metadata.num_columns)]
    for group in range(metadata.num_row_groups):
        sorting = [names[one.column_index] for one in metadata.row_group(group).sorting_columns]
        assert sorting == ["time", "event_id"], f"{file}: sorted by {sorting}"
    times = pq.read_table(file, columns=["time"])["time"].to_pylist()
    assert times == sorted(times), f"{file}: declared as sorted and is not"


def bloom_filters_exist(file):
    """DuckDB lists where they lie; pyarrow does not say."""
    query = "SELECT path_in_schema, bloom_filter_offset FROM parquet_metadata(?)"
    with duckdb.connect() as connection:
        offsets = dict(connection.execute(query, [str(file)]).fetchall())
    for column in ("event_id", "actor_id", "resource_id"):
        if column in offsets:
            assert offsets[column], f"{file}: no bloom filter on {column}"


def report_reads(folder):
    html = next(folder.glob("*.html")).read_text(encoding="utf-8")
    loads = re.findall(r"""(?:src|href|data|action)\s*=\s*["']?\s*(?:https?:)?//[^"'\s>]*""", html, re.IGNORECASE)
    loads += re.findall(r"""url\(\s*["']?(?:https?:)?//|@import""", html, re.IGNORECASE)
    same("loads of the HTML report", loads, [])
    same("scripts of the HTML report", len(re.findall(r"<script", html, re.IGNORECASE)), 0)
    report = json.loads(next(folder.glob("compliance.json")).read_text(encoding="utf-8"))
    findings = sum(control["findings"] for control in report["controls"])
    same("findings of the JSON report", findings, int(ours("SELECT count(*) AS n FROM auditlake.findings")[0]["n"]))
    tables = sorted(folder.glob("**/*.csv"))
    assert tables, f"{folder}: no CSV"
    for table in tables:
        with open(table, newline="", encoding="utf-8-sig") as file:
            widths = {len(row) for row in csv.reader(file, strict=True)}
        assert len(widths) == 1, f"{table}: rows of {sorted(widths)} columns"
    print(f"CSV tables of the report: {len(tables)}")


def promises_add_up():
    """Slices of each month are counted once more, from the checks and the windows alone."""
    names = {table: [str(file) for file in (LAKE / "data" / table).rglob("*.parquet")] for table in ("probe", "exclusion")}
    query = """
        WITH slice AS (
            SELECT time_bucket(INTERVAL 5 minutes, time) AS start, count(*) FILTER (NOT ok) > 1 AS bad FROM read_parquet($probe)
            GROUP BY start),
        announced AS (
            SELECT * FROM read_parquet($exclusion) WHERE announced_at <= starts_at - INTERVAL 72 hours),
        judged AS (
            SELECT start, bad, EXISTS (FROM announced WHERE starts_at <= start AND start + INTERVAL 5 minutes <= ends_at) AS out
            FROM slice)
        SELECT strftime(start, '%Y-%m') AS month, count(*) FILTER (NOT out), count(*) FILTER (NOT out AND NOT bad), count(*) FILTER (out)
        FROM judged WHERE month < '2026-03' GROUP BY month ORDER BY month"""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        theirs = connection.execute(query, names).fetchall()
    sql = """
        SELECT DISTINCT to_char(period_start, '%Y-%m') AS month, valid, good, excluded FROM sla_result
        WHERE metric = 'uptime' ORDER BY month"""
    mine = [(row["month"], int(row["valid"]), int(row["good"]), int(row["excluded"])) for row in ours(sql)]
    same("slices of the months: valid, good, left out", theirs, mine)


def asked(*arguments):
    command = [BINARY, "--lake", LAKE, "--output", "json", "lineage", *arguments]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def lineage_names_what_was_made():
    """Whatever file holds a person's name, or what is left of it, is named, and in the form in which it is there."""
    impact = asked("impact", "audit.actor_id")
    same("impact of audit.actor_id is complete", impact["complete"], True)
    arrives = {
        (dataset["dataset"], column["column"]): column["arrives"]
        for dataset in impact["datasets"]
        for column in dataset["columns"]
    }
    same("actor_daily.actor_id arrives", arrives["actor_daily", "actor_id"], "raw")
    evidence = 0
    for file in (LAKE / "data" / "_auditlake" / "evidence").glob("**/AL-*.parquet"):
        if "actor_id" in pq.read_schema(file).names:
            people = {person for person in pq.read_table(file)["actor_id"].to_pylist() if person is not None}
            form = "pseudonymised" if all(re.fullmatch("p_[0-9a-f]{24}", person) for person in people) else "raw"
            same(f"evidence of {file.stem}, actor_id arrives", arrives[f"evidence.{file.stem}", "actor_id"], form)
            evidence += 1
    assert evidence, "no evidence names an actor"
    (file,) = (LAKE / "data" / "exports" / "activity").glob("**/*.csv")
    with open(file, newline="", encoding="utf-8-sig") as lines:
        hashed = all(re.fullmatch("[0-9a-f]{32}", row["who"]) for row in csv.DictReader(lines))
    same("the export's column who is hashed", hashed, True)
    same("the export's column who arrives", arrives["exports.activity-export", "who"], "pseudonymised")
    report = {column: form for (dataset, column), form in arrives.items() if dataset == "reports.compliance"}
    assert "summary" in report and any(form == "pseudonymised" for form in report.values()), report


def whom_it_was_about_stops_at_the_copy(files):
    """Whatever file made of the events has somebody in it is named, and the copy has groups in their place."""
    impact = asked("impact", "audit.subject_id")
    same("impact of audit.subject_id is complete", impact["complete"], True)
    named = {
        dataset["dataset"]: {column["column"]: column["arrives"] for column in dataset["columns"]}
        for dataset in impact["datasets"]
    }
    same("audit_study.subject_id arrives", named["audit_study"].get("subject_id"), "masked")
    same("exports.study-export, subject_id arrives", named["exports.study-export"].get("subject_id"), "masked")
    persons = set()
    for file in files:
        persons.update(pq.read_table(file, columns=["subject_id"])["subject_id"].to_pylist())
    persons = {person.encode() for person in persons if person and re.search("[0-9]", person)}
    assert len(persons) > 100, "the events are about nobody"
    # What is not made of the events has persons of its own: what people said, asked for, and have accounts.
    made = [LAKE / "data" / name for name in ("actor_daily", "audit_study", "exports", "reports", "_auditlake/evidence")]
    with_persons = set()
    for file in (file for folder in made for file in folder.rglob("*") if file.is_file()):
        if file.suffix == ".parquet":
            columns = (column.to_pylist() for column in pq.read_table(file).columns)
            content = "\n".join(str(value) for values in columns for value in values).encode()
        else:
            content = file.read_bytes()
        if persons & set(re.findall(rb"[\w-]+", content)):
            with_persons.add(str(file.relative_to(LAKE / "data")))
    same("files made of the events that somebody is in", sorted(with_persons), [])
    raw = sorted(dataset for dataset, columns in named.items() if {"raw", "pseudonymised"} & set(columns.values()))
    same("datasets that somebody is in, as the impact has it", raw, [])
    alike = "SELECT min(n) AS n FROM (SELECT count(*) AS n FROM read_parquet(?) GROUP BY subject_id)"
    with duckdb.connect() as connection:
        copies = [str(file) for file in (LAKE / "data" / "audit_study").rglob("*.parquet")]
        fewest = connection.execute(alike, [copies]).fetchone()[0]
    assert fewest >= 5, f"{fewest} events are alike in the copy"
    print(f"events that are alike in the copy: {fewest} or more")


def a_figure_ends_at_files(files):
    trace = asked("trace", "reports.compliance.AL-ACC-002.violations", "--files")
    inputs = [file for run in trace["runs"] for file in run["inputs"]]
    assert all(file["etag"] for file in inputs), "a file without an ETag"
    read = sorted(file["path"] for file in inputs if file["dataset"] == "audit")
    # The report is about sixty days, AL-LOG-001 looks 35 days back, and files of other days have nothing for it.
    days = [file for file in files if "2025-11-27" <= re.search(r"date=([\d-]+)", str(file)).group(1) < "2026-03-02"]
    assert read == sorted(str(file.relative_to(LAKE / "data")) for file in days), "other files than those of the days"
    sources = sorted(file["path"] for file in inputs if file["dataset"] is None)
    assert sources == sorted(str(file.relative_to(LAKE)) for file in (LAKE / "drop" / "audit").iterdir()), sources
    print(f"a figure ends at {len(read)} files of audit and {len(sources)} sources")


def main():
    files = sorted((LAKE / "data" / "audit").glob("**/*.parquet"))
    assert files, "the demo lake has no files"
    rows_agree(files)
    for file in files:
        layout_holds(file)
        bloom_filters_exist(file)
    print(f"files sorted, with bloom filters: {len(files)}")
    (folder,) = (LAKE / "data" / "reports" / "compliance").iterdir()
    report_reads(folder)
    promises_add_up()
    lineage_names_what_was_made()
    whom_it_was_about_stops_at_the_copy(files)
    a_figure_ends_at_files(files)


main()
