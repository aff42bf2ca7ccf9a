//! Reports of tables and the jobs that fill them: what they mean, and what they cannot mean.

use expect_test::{Expect, expect};
use schemas::{
    ChartKind, DefinitionError, JobKind, Lake, ReportFormat, ReportId, SourceFile, TableReportSpec, check,
    parse_report, shipped_report_files, shipped_reports,
};

use crate::acme::acme;

const REPORT: &str = "report: support
title: Support
about: Who was helped.
datasets:
  events: audit.v1
  hours: [request_1m.v1, request_1h.v1]
  files: any
sections:
  - section: by-tenant
    title: Events by tenant
    note: All of them.
    reads: [events, auditlake.runs]
    needs: [events.duration_us]
    rows: 20
    sql: SELECT tenant_id, count(*) AS n FROM events GROUP BY tenant_id ORDER BY tenant_id
    columns: {n: {title: Events, unit: thousands, shift: 3}}
    chart: {kind: bar, x: tenant_id, y: [n]}
  - section: hours
    title: Hours
    reads: [hours, files]
    sql: SELECT minute, total FROM hours ORDER BY minute
    chart: {kind: line, x: minute, y: [total]}
";

const JOB: &str = "job: support-daily
kind: report
report: support
window: 1d
datasets: {events: audit, files: plain}
outputs:
  - {format: html, to: \"reports/{interval.end:%Y-%m-%d}/\"}
  - {format: xlsx, to: \"reports/{interval.end:%Y-%m-%d}/\"}
";

fn lake(report: &str, job: &str) -> Result<Lake, Vec<DefinitionError>> {
    let mut all = acme();
    let mut add = |path: &str, text: &str| {
        all.push(SourceFile { path: path.to_owned(), text: text.as_bytes().to_vec() });
    };
    add("datasets/plain.yaml", "dataset: plain\nlocation: plain/\n");
    add("reports/support.yaml", report);
    add("jobs/support.yaml", job);
    check(&all)
}

fn spec(job: &str) -> TableReportSpec {
    let lake = lake(REPORT, job).expect("is right");
    let found = lake.jobs.into_iter().find(|job| job.id.as_str() == "support-daily").expect("the job");
    let spec = if let JobKind::Report(spec) = found.kind { Some(spec) } else { None };
    spec.expect("a job of a report")
}

#[track_caller]
fn says(report: &str, job: &str, expected: Expect) {
    let errors = lake(report, job).map(drop).expect_err("is refused");
    expected.assert_eq(&errors.iter().map(DefinitionError::to_string).collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_report_is_read_whole_and_what_it_leaves_out_has_a_meaning() {
    let lake = lake(REPORT, JOB).expect("is right");
    let report = lake.report(&ReportId::parse("support").expect("a name")).expect("the report");
    assert!(!report.ships && report.sha256.len() == 64);
    assert_eq!(report.roles["hours"], ["request_1m.v1", "request_1h.v1"]);
    assert!(report.roles["files"].is_empty(), "any schema will do");
    let [first, second] = report.sections.as_slice() else { panic!("{:?}", report.sections) };
    assert_eq!((&first.roles[..], &first.records[..]), (&["events".to_owned()][..], &["runs".to_owned()][..]));
    assert_eq!((first.needs[0].role.as_str(), first.needs[0].column.as_str()), ("events", "duration_us"));
    assert_eq!((first.rows_max, second.rows_max), (20, 50));
    assert_eq!((first.columns["n"].shift, first.columns["n"].places), (3, 0));
    assert_eq!(first.chart.as_ref().map(|chart| chart.kind), Some(ChartKind::Bar));
    assert_eq!((first.written.file.as_str(), first.written.line), ("reports/support.yaml", 15));
}

#[test]
fn a_job_binds_datasets_and_may_be_of_one_tenant() {
    let read = spec(JOB);
    assert_eq!((read.report.as_str(), read.window_seconds, read.tenant.as_deref()), ("support", Some(86_400), None));
    assert_eq!(read.datasets["events"].as_str(), "audit");
    assert_eq!(
        read.outputs.iter().map(|output| output.format).collect::<Vec<_>>(),
        [ReportFormat::Html, ReportFormat::Xlsx]
    );
    let lake = lake(REPORT, JOB).expect("is right");
    let report = lake.report(&read.report).expect("the report");
    assert_eq!(read.unbound(&report.sections[0]), Vec::<&str>::new());
    assert_eq!(read.unbound(&report.sections[1]), ["hours"]);
    let own = REPORT.replace(", auditlake.runs", "");
    let job = JOB.replace("window: 1d", "window: 1d\ntenant: \"a/b\"").replace(", files: plain", "");
    let lake = self::lake(&own, &job).expect("is right");
    let found = lake.jobs.iter().find_map(|job| match &job.kind {
        JobKind::Report(spec) => spec.tenant.clone(),
        _ => None,
    });
    assert_eq!(found.as_deref(), Some("a/b"));
}

#[test]
fn what_a_report_cannot_mean_is_refused() {
    let of = |from: &str, to: &str| REPORT.replacen(from, to, 1);
    says(&of("events: audit.v1", "events: audit.v9"), JOB, expect![[""]]);
    says(&of("reads: [events, auditlake.runs]", "reads: [event]"), JOB, expect![[""]]);
    says(&of("reads: [hours, files]", "reads: []"), JOB, expect![[""]]);
    says(&of("reads: [hours, files]", "reads: [hours, hours]"), JOB, expect![[""]]);
    says(&of("needs: [events.duration_us]", "needs: [hours.total]"), JOB, expect![[""]]);
    says(&of("- section: hours", "- section: by-tenant"), JOB, expect![[""]]);
    says(&of("- section: hours", "- section: summary"), JOB, expect![[""]]);
    says(&of("- section: hours", "- section: a-name-that-no-sheet-of-a-workbook-has"), JOB, expect![[""]]);
    says(&of("reads: [hours, files]", "reads: [hours]"), JOB, expect![[""]]);
    says(&of("x: minute, y: [total]", "x: minute, y: [total, good], by: service"), JOB, expect![[""]]);
    says(&of("x: minute, y: [total]", "x: minute, y: [minute]"), JOB, expect![[""]]);
    says(&of("x: minute, y: [total]", "x: minute, y: []"), JOB, expect![[""]]);
    says(&of("rows: 20", "rows: 20000"), JOB, expect![[""]]);
    says(&of("shift: 3", "shift: 0"), JOB, expect![[""]]);
    says(&of("note: All of them.", "colour: red"), JOB, expect![[""]]);
    says(&of("report: support", "report: performance"), JOB, expect![[""]]);
}

#[test]
fn what_a_job_cannot_mean_is_refused() {
    let of = |from: &str, to: &str| JOB.replacen(from, to, 1);
    says(REPORT, &of("report: support", "report: suport"), expect![[""]]);
    says(REPORT, &of("events: audit", "event: audit"), expect![[""]]);
    says(REPORT, &of("events: audit", "events: audits"), expect![[""]]);
    says(REPORT, &of("events: audit", "events: \"\""), expect![[""]]);
    says(REPORT, &of("events: audit", "events: identity"), expect![[""]]);
    says(REPORT, &of("datasets: {events: audit, files: plain}\n", ""), expect![[""]]);
    says(REPORT, &of("window: 1d\n", ""), expect![[""]]);
    says(REPORT, &of("format: xlsx", "format: oscal"), expect![[""]]);
    says(REPORT, &of("window: 1d", "window: 1d\ntenant: acme"), expect![[""]]);
    says(REPORT, &of("window: 1d", "window: 1d\ntenant: \" \""), expect![[""]]);
}

#[test]
fn what_ships_is_called_as_its_file_and_reads_all_that_it_names() {
    for file in shipped_report_files() {
        let report = parse_report(&file).unwrap_or_else(|errors| panic!("{errors:?}"));
        assert_eq!(file.path, format!("reports/{}.yaml", report.id));
        assert!(report.ships && report.about.is_some());
    }
    let names: Vec<&str> = shipped_reports().iter().map(|report| report.id.as_str()).collect();
    assert_eq!(names, ["financial", "operations", "performance"]);
}
