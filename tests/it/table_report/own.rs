//! Reports of one's own: what `check` says of them, and what they may leave out.

use super::{AT, OUTPUTS, lake, report, rows, text};
use crate::auditlake::Lake;

const REPORT: &str = "report: own
title: Own
datasets: {requests: request_1m.v1, files: any}
sections:
  - section: days
    title: Days
    reads: [requests]
    rows: 2
    sql: |
      SELECT date_trunc('day', minute) AS day, sum(total) AS n, true AS flag, CAST(1.50 AS decimal(10, 4)) AS price, CAST(minute AS date) AS d
      FROM requests WHERE minute >= $start AND minute < $end GROUP BY 1, 5 ORDER BY 1
    columns: {n: {title: Requests}, price: {unit: EUR, places: 2}}
    chart: {kind: line, x: day, y: [n]}
  - section: plain
    title: Files
    reads: [files]
    sql: SELECT a FROM files ORDER BY a
";

fn job() -> String {
    format!("job: own\nkind: report\nreport: own\nwindow: 3d\ndatasets: {{requests: request_1m}}\n{OUTPUTS}")
}

#[track_caller]
fn refused(lake: &Lake, from: &str, to: &str, words: &[&str]) {
    assert!(REPORT.contains(from), "{from}");
    lake.write("reports/own.yaml", REPORT.replacen(from, to, 1));
    lake.run(&["check"]).failed(2, words);
}

#[test]
fn a_section_that_does_not_plan_or_cannot_be_drawn_is_refused_with_its_place() {
    let lake = lake();
    lake.write("jobs/own.yaml", job());
    lake.write("reports/own.yaml", REPORT);
    lake.run(&["check"]).succeeded();
    refused(
        &lake,
        "sum(total)",
        "sum(totals)",
        &["reports/own.yaml:10:7: section \"days\":", "totals", "it sees what reads names: requests"],
    );
    refused(&lake, "FROM requests", "FROM request", &["reports/own.yaml:10:7: section \"days\":", "not found"]);
    refused(&lake, "$end", "$until", &["there is no value $until; values are $start and $end"]);
    refused(&lake, "sum(total)", "avg(total)", &["column \"n\" is of floating point", "CAST(n AS decimal(20, 3))"]);
    refused(&lake, "sum(total)", "sketch_merge(latency)", &["type Binary", "which no table shows"]);
    refused(&lake, "sum(total)", "CAST(sum(total) * random() AS bigint)", &["answers differently each time"]);
    refused(&lake, "SELECT date_trunc", "DELETE date_trunc", &["section \"days\""]);
    refused(
        &lake,
        "y: [n]",
        "y: [m]",
        &["chart names column \"m\", which the statement does not return; it returns: day, n, flag, price, d"],
    );
    refused(&lake, "y: [n]", "y: [flag]", &["column \"flag\" of y, which is no number"]);
    refused(&lake, "x: day", "x: flag", &["points in time, and column \"flag\" of x is none"]);
    refused(&lake, "n: {title: Requests}", "m: {title: Requests}", &["columns names column \"m\""]);
    refused(&lake, "n: {title: Requests}", "n: {places: 2}", &["places are those of decimals"]);
    refused(&lake, "places: 2", "shift: 2", &["shift moves the point of whole numbers"]);
    refused(
        &lake,
        "[requests]",
        "[requests, auditlake.nothing]",
        &["there is no such record; there are: control_results, files,"],
    );
    // Without a job, too, and of columns that only files know later.
    lake.run(&["check"]).failed(2, &["no such record"]);
    std::fs::remove_file(lake.folder().join("jobs/own.yaml")).expect("removed");
    refused(&lake, "sum(total)", "sum(totals)", &["reports/own.yaml:10:7: section \"days\":"]);
    lake.write("reports/own.yaml", REPORT);
    lake.run(&["check"]).said(0, &["note: report \"own\", section \"plain\": whether it plans is not known here, as columns of files are those of files"]);
}

#[test]
fn a_report_of_ones_own_shows_the_first_rows_and_how_many_there_are() {
    let lake = lake();
    lake.write("jobs/own.yaml", job());
    lake.write("reports/own.yaml", REPORT);
    lake.run(&["run", "own", AT])
        .said(0, &["report own of all tenants: 1 section, 3 rows", "left out plain: no dataset is bound to files"]);
    let told = report(&lake, "own", AT);
    let days = rows(&told, "days");
    assert_eq!((days.len(), &told["sections"][0]["rows_total"]), (2, &3.into()));
    let shown = ["day", "n", "flag", "price", "d"].map(|column| text(&days[1], column));
    assert_eq!(shown, ["2026-09-02T00:00:00Z", "200", "true", "1.50", "2026-09-02"]);
    let page = String::from_utf8(lake.object("reports/own/2026-09-04/own.html").to_vec()).expect("text");
    assert!(page.contains("the first 2 of 3 rows") && page.contains(", of the lake"), "{page}");
}

#[test]
fn files_that_nobody_declared_are_read_by_their_columns() {
    let lake = lake();
    lake.write("datasets/plain.yaml", "dataset: plain\nlocation: plain/\n");
    lake.write("jobs/fill.yaml", "job: fill\nkind: query\nwindow: 1d\ninto: plain\nsql: SELECT 7 AS a, $start AS at\n");
    lake.run(&["run", "fill", AT]).succeeded();
    lake.write("reports/own.yaml", REPORT);
    lake.write("jobs/own.yaml", job().replace("{requests: request_1m}", "{requests: request_1m, files: plain}"));
    let told = report(&lake, "own", AT);
    assert_eq!(text(&rows(&told, "plain")[0], "a"), "7");
    let tenant = job()
        .replace("window: 3d", "window: 3d\ntenant: acme")
        .replace("{requests: request_1m}", "{requests: request_1m, files: plain}");
    lake.write("jobs/own.yaml", tenant);
    lake.run(&["check"]).failed(2, &["files names dataset \"plain\", whose rows have no tenant"]);
}

#[test]
fn a_section_without_a_column_that_it_needs_is_left_out() {
    let lake = lake();
    lake.write("datasets/plain.yaml", "dataset: plain\nlocation: plain/\n");
    lake.write("jobs/fill.yaml", "job: fill\nkind: query\nwindow: 1d\ninto: plain\nsql: SELECT 7 AS a, $start AS at\n");
    lake.run(&["run", "fill", AT]).succeeded();
    lake.write("reports/own.yaml", REPORT.replace("reads: [files]\n", "reads: [files]\n    needs: [files.b]\n"));
    lake.write("jobs/own.yaml", job().replace("{requests: request_1m}", "{requests: request_1m, files: plain}"));
    lake.run(&["run", "own", AT])
        .said(0, &["left out plain: dataset \"plain\" has no column b; it comes with files that have it"]);
}
