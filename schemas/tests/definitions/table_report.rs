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
    says(
        &of("events: audit.v1", "events: audit.v9"),
        JOB,
        expect![[
            r#"reports/support.yaml:5:11: schema "audit.v9" does not exist; write any, or one of: audit.v1, identity.v1, usage.v1, consent.v1, dsr.v1, correction.v1, policy_ack.v1, ticket.v1, request_1m.v1, request_1h.v1, request_1d.v1, probe.v1, exclusion.v1, sla_result.v1, usage_result.v1, invoice.v1, metric.v1, alert.v1, risk.v1, rejected.v1"#
        ]],
    );
    says(
        &of("reads: [events, auditlake.runs]", "reads: [event]"),
        JOB,
        expect![[r#"
        reports/support.yaml:12:13: reads names "event", which is not in datasets of this report (events, files, hours); add it there, or write auditlake.…
        reports/support.yaml:13:13: needs has "events.duration_us", which is no column of what is in reads; write for example usage.list_cost"#]],
    );
    says(
        &of("reads: [hours, files]", "reads: []"),
        JOB,
        expect!["reports/support.yaml:20:12: reads is empty; name what the statement reads, for example [requests]"],
    );
    says(
        &of("reads: [hours, files]", "reads: [hours, hours]"),
        JOB,
        expect![[r#"reports/support.yaml:20:20: reads has "hours" twice; keep one"#]],
    );
    says(
        &of("needs: [events.duration_us]", "needs: [hours.total]"),
        JOB,
        expect![[
            r#"reports/support.yaml:13:13: needs has "hours.total", which is no column of what is in reads; write for example usage.list_cost"#
        ]],
    );
}

#[test]
fn what_a_section_cannot_show_is_refused() {
    let of = |from: &str, to: &str| REPORT.replacen(from, to, 1);
    says(
        &of("- section: hours", "- section: by-tenant"),
        JOB,
        expect![[r#"reports/support.yaml:18:14: section "by-tenant" stands here twice; rename one"#]],
    );
    says(
        &of("- section: hours", "- section: summary"),
        JOB,
        expect![[
            r#"reports/support.yaml:18:14: section "summary" is called like a sheet that every report has; choose another name"#
        ]],
    );
    says(
        &of("- section: hours", "- section: a-name-that-no-sheet-of-a-workbook-has"),
        JOB,
        expect![[
            r#"reports/support.yaml:18:14: section "a-name-that-no-sheet-of-a-workbook-has" has more than 31 letters, which no sheet has; shorten it"#
        ]],
    );
    says(
        &of("reads: [hours, files]", "reads: [hours]"),
        JOB,
        expect![[r#"reports/support.yaml:1:9: no section reads "files" of datasets; name it in reads, or remove it"#]],
    );
    says(
        &of("x: minute, y: [total]", "x: minute, y: [total, good], by: service"),
        JOB,
        expect![
            "reports/support.yaml:22:58: by gives each value a line of its own, of one column; name one column in y, or leave by out"
        ],
    );
    says(
        &of("x: minute, y: [total]", "x: minute, y: [minute]"),
        JOB,
        expect![[r#"reports/support.yaml:22:12: chart names column "minute" twice; keep one"#]],
    );
    says(
        &of("x: minute, y: [total]", "x: minute, y: []"),
        JOB,
        expect!["reports/support.yaml:22:39: y has 0 columns; name 1 to 4"],
    );
    says(
        &of("rows: 20", "rows: 20000"),
        JOB,
        expect!["reports/support.yaml:14:11: rows must be at most 10000; found 20000"],
    );
    says(&of("shift: 3", "shift: 0"), JOB, expect!["reports/support.yaml:16:58: shift must be at least 1; found 0"]);
    says(
        &of("note: All of them.", "colour: red"),
        JOB,
        expect![[
            r#"reports/support.yaml:11:5: unknown key "colour"; keys are: section, title, note, reads, needs, rows, sql, columns, chart"#
        ]],
    );
    says(
        &of("report: support", "report: performance"),
        JOB,
        expect![[
            r#"reports/support.yaml:1:9: report "performance" is already described in what ships; rename one of them"#
        ]],
    );
}

#[test]
fn what_a_job_cannot_mean_is_refused() {
    let of = |from: &str, to: &str| JOB.replacen(from, to, 1);
    says(
        REPORT,
        &of("report: support", "report: suport"),
        expect![[r#"jobs/support.yaml:3:9: report "suport" does not exist; did you mean "support"?"#]],
    );
    says(
        REPORT,
        &of("events: audit", "event: audit"),
        expect![[r#"jobs/support.yaml:5:19: report "support" reads no "event"; did you mean "events"?"#]],
    );
    says(
        REPORT,
        &of("events: audit", "events: audits"),
        expect![[
            r#"jobs/support.yaml:5:20: events names dataset "audits", which does not exist; did you mean "audit"?"#
        ]],
    );
    says(
        REPORT,
        &of("events: audit", "events: \"\""),
        expect!["jobs/support.yaml:5:20: events is bound to nothing; name a dataset, or leave events out"],
    );
    says(
        REPORT,
        &of("events: audit", "events: identity"),
        expect![[
            r#"jobs/support.yaml:5:20: events names dataset "identity" of schema identity.v1; name one of schema audit.v1"#
        ]],
    );
    says(
        REPORT,
        &of("datasets: {events: audit, files: plain}\n", ""),
        expect![[
            r#"jobs/support.yaml:3:9: report "support" has no section without datasets; name some of: events, files, hours"#
        ]],
    );
    says(
        REPORT,
        &of("window: 1d\n", ""),
        expect![
            "jobs/support.yaml:1:1: window is required: how far back the report looks, for example 30d; not needed with schedule or after"
        ],
    );
    says(
        REPORT,
        &of("format: xlsx", "format: oscal"),
        expect![[
            r#"jobs/support.yaml:7:3: format "oscal" is for controls; formats of reports of tables are: html, json, csv, xlsx"#
        ]],
    );
    says(
        REPORT,
        &of("window: 1d", "window: 1d\ntenant: acme"),
        expect![[r#"
        jobs/support.yaml:5:9: report "support" reads auditlake.runs in section "by-tenant", and records of our own speak of all tenants; leave tenant out, or name another report
        jobs/support.yaml:6:34: files names dataset "plain", whose rows have no tenant, so none of them is known to be of one; say in its file which column that is, or leave files out"#]],
    );
    says(
        REPORT,
        &of("window: 1d", "window: 1d\ntenant: \" \""),
        expect![[r#"
        jobs/support.yaml:5:9: report "support" reads auditlake.runs in section "by-tenant", and records of our own speak of all tenants; leave tenant out, or name another report
        jobs/support.yaml:5:9: tenant is empty; name one, or leave it out for a report about all of them
        jobs/support.yaml:6:34: files names dataset "plain", whose rows have no tenant, so none of them is known to be of one; say in its file which column that is, or leave files out"#]],
    );
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
