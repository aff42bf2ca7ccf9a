//! A report of tables for tests, and one whose texts are meant to be obeyed.

use schemas::{
    ChartKind, FilledColumn, FilledReport, FilledSection, InputFile, Interval, LeftOut, ReadDataset, ReportProvenance,
    SectionChart, SectionSource, ValueKind, parse_rfc3339,
};

fn at(text: &str) -> chrono::DateTime<chrono::Utc> {
    parse_rfc3339(text).unwrap_or_default()
}

fn column((name, title, unit, kind): (&str, &str, Option<&str>, ValueKind)) -> FilledColumn {
    FilledColumn { name: name.to_owned(), title: title.to_owned(), unit: unit.map(str::to_owned), kind }
}

fn rows<const N: usize>(rows: &[[&str; N]]) -> Vec<Vec<Option<String>>> {
    let value = |text: &&str| (!text.is_empty()).then(|| (*text).to_owned());
    rows.iter().map(|row| row.iter().map(value).collect()).collect()
}

fn source() -> SectionSource {
    SectionSource {
        sql: "WITH requests AS (SELECT * FROM public.request_1m)\nSELECT 1".to_owned(),
        written: "SELECT 1".to_owned(),
        reads: vec![ReadDataset { role: "requests".to_owned(), dataset: "request_1m".to_owned() }],
        plan_sha256: "ab".repeat(32),
    }
}

fn throughput() -> FilledSection {
    let columns = [
        ("day", "Day", None, ValueKind::Instant),
        ("service", "Service", None, ValueKind::Text),
        ("requests", "Requests", None, ValueKind::Number),
        ("p95", "P95", Some("ms"), ValueKind::Number),
    ];
    let all = rows(&[
        ["2026-09-01T00:00:00Z", "api", "1234567.0001", "12.345"],
        ["2026-09-01T00:00:00Z", "web", "7", ""],
        ["2026-09-02T00:00:00Z", "api", "20", "0.001"],
        ["2026-09-02T00:00:00Z", "web", "", ""],
        ["2026-09-03T00:00:00Z", "api", "30", "99"],
        ["2026-09-03T00:00:00Z", "web", "9", "1"],
    ]);
    let chart = SectionChart {
        kind: ChartKind::Line,
        x: "day".to_owned(),
        y: vec!["requests".to_owned()],
        by: Some("service".to_owned()),
    };
    FilledSection {
        section: "throughput".to_owned(),
        title: "Requests by day".to_owned(),
        note: Some("Days are those of UTC.".to_owned()),
        columns: columns.map(column).to_vec(),
        rows_total: all.len() as u64,
        rows: all,
        chart: Some(chart),
        source: source(),
    }
}

fn margin() -> FilledSection {
    let columns = [
        ("currency", "Currency", None, ValueKind::Text),
        ("revenue", "Revenue", None, ValueKind::Number),
        ("margin", "Margin", None, ValueKind::Number),
    ];
    let chart = SectionChart {
        kind: ChartKind::Bar,
        x: "currency".to_owned(),
        y: vec!["revenue".to_owned(), "margin".to_owned()],
        by: Some("currency".to_owned()),
    };
    FilledSection {
        section: "margin".to_owned(),
        title: "Margin".to_owned(),
        note: None,
        columns: columns.map(column).to_vec(),
        rows: rows(&[["EUR", "1499.50", "-100.25"], ["USD", "12345678901234567890.123456789012", "0"]]),
        rows_total: 7,
        chart: Some(chart),
        source: source(),
    }
}

/// A report for the operator.
pub(crate) fn sample() -> FilledReport {
    let nothing = FilledSection {
        section: "nothing".to_owned(),
        title: "Nothing".to_owned(),
        rows: Vec::new(),
        rows_total: 0,
        chart: None,
        ..margin()
    };
    FilledReport {
        lake: "acme".to_owned(),
        job: "performance-monthly".to_owned(),
        report: "performance".to_owned(),
        title: "Performance".to_owned(),
        about: Some("How services answered.".to_owned()),
        tenant: None,
        timezone: "Europe/Berlin".to_owned(),
        interval: Interval { start: at("2026-09-01T00:00:00Z"), end: at("2026-10-01T00:00:00Z") },
        sections: vec![throughput(), margin(), nothing],
        left_out: vec![LeftOut {
            section: "prices".to_owned(),
            title: "Prices".to_owned(),
            why: "dataset usage has no column list_cost".to_owned(),
        }],
        provenance: ReportProvenance {
            run: "performance-monthly@20261001T000000Z".to_owned(),
            at: at("2026-10-01T00:00:00Z"),
            version: "0.1.0".to_owned(),
            ships: true,
            report_sha256: "cd".repeat(32),
            job_sha256: "ef".repeat(32),
            inputs: vec![InputFile {
                dataset: "request_1m".to_owned(),
                path: "request_1m/tenant=acme/a.parquet".to_owned(),
                etag: "etag-1".to_owned(),
                bytes: 1_000,
                rows: 10,
                via: None,
            }],
        },
    }
}

/// A tenant's, whose texts are meant to be obeyed.
pub(crate) fn hostile() -> FilledReport {
    const TEXT: &str = "=cmd|' /C calc'!A0 <script>alert(1)</script>\u{1b}[2J\u{202e}\0\u{85}\u{2028}";
    let mut report = sample();
    report.tenant = Some("<script>\u{1b}".to_owned());
    report.title = TEXT.to_owned();
    for section in &mut report.sections {
        section.title = TEXT.to_owned();
        section.note = Some(TEXT.to_owned());
        section.columns.iter_mut().for_each(|column| column.title = TEXT.to_owned());
        section.source.sql = TEXT.to_owned();
        for row in &mut section.rows {
            for (column, value) in section.columns.iter().zip(row) {
                if column.kind == ValueKind::Text {
                    *value = Some(TEXT.to_owned());
                }
            }
        }
    }
    report.left_out.iter_mut().for_each(|one| one.why = TEXT.to_owned());
    report
}
