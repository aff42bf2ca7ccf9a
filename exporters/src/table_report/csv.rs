//! The report as CSV, a file for each section, one of what it has and has not, and one of the files that were read.
//!
//! Texts that look like formulas are guarded, as in reports.

use schemas::{FilledReport, FilledSection, ValueKind};

use crate::report::csv::{Cell, CsvTable, Table, instant, number};

/// Every table of the report. Same report, same bytes.
pub fn table_report_csv(report: &FilledReport) -> Vec<CsvTable> {
    let sections = report.sections.iter().map(of_section);
    std::iter::once(summary(report)).chain(sections).chain([files(report)]).collect()
}

fn of_section(section: &FilledSection) -> CsvTable {
    let names = section.columns.iter().map(|column| match &column.unit {
        Some(unit) => format!("{} ({unit})", column.name),
        None => column.name.clone(),
    });
    let names: Vec<String> = names.collect();
    let mut table = Table::new(section.section.clone(), &names.iter().map(String::as_str).collect::<Vec<_>>());
    for row in &section.rows {
        table.row(section.columns.iter().zip(row).map(|(column, value)| match (column.kind, value) {
            (_, None) => Cell::Null,
            (ValueKind::Text, Some(text)) => text.into(),
            (_, Some(text)) => number(text),
        }));
    }
    table.done()
}

fn summary(report: &FilledReport) -> CsvTable {
    let columns = [
        "report",
        "lake",
        "job",
        "run",
        "tenant",
        "start",
        "end",
        "section",
        "title",
        "rows",
        "rows_shown",
        "left_out",
        "sql",
        "plan_sha256",
        "report_sha256",
        "job_sha256",
    ];
    let mut table = Table::new("summary", &columns);
    let from = &report.provenance;
    let begin = || -> [Cell; 7] {
        [
            (&report.report).into(),
            (&report.lake).into(),
            (&report.job).into(),
            (&from.run).into(),
            report.tenant.as_ref().into(),
            instant(report.interval.start),
            instant(report.interval.end),
        ]
    };
    let end = || -> [Cell; 2] { [(&from.report_sha256).into(), (&from.job_sha256).into()] };
    for section in &report.sections {
        let own: [Cell; 7] = [
            (&section.section).into(),
            (&section.title).into(),
            section.rows_total.into(),
            (section.rows.len() as u64).into(),
            Cell::Null,
            (&section.source.sql).into(),
            (&section.source.plan_sha256).into(),
        ];
        table.row(begin().into_iter().chain(own).chain(end()));
    }
    for one in &report.left_out {
        let own: [Cell; 7] = [
            (&one.section).into(),
            (&one.title).into(),
            Cell::Null,
            Cell::Null,
            (&one.why).into(),
            Cell::Null,
            Cell::Null,
        ];
        table.row(begin().into_iter().chain(own).chain(end()));
    }
    table.done()
}

fn files(report: &FilledReport) -> CsvTable {
    let mut table = Table::new("files", &["dataset", "file", "etag", "bytes", "rows"]);
    for input in &report.provenance.inputs {
        table.row([
            (&input.dataset).into(),
            (&input.path).into(),
            (&input.etag).into(),
            input.bytes.into(),
            input.rows.into(),
        ]);
    }
    table.done()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table_report::sample::{hostile, sample};

    fn text(tables: &[CsvTable], name: &str) -> String {
        let table = tables.iter().find(|table| table.name == name).expect("a table");
        String::from_utf8(table.bytes.clone()).expect("text")
    }

    #[test]
    fn a_section_is_a_file_with_units_in_its_header() {
        let tables = table_report_csv(&sample());
        assert_eq!(
            tables.iter().map(|table| table.name.as_ref()).collect::<Vec<_>>(),
            ["summary", "throughput", "margin", "nothing", "files"]
        );
        assert!(
            text(&tables, "throughput")
                .starts_with("day,service,requests,p95 (ms)\r\n2026-09-01T00:00:00Z,api,1234567.0001,12.345\r\n")
        );
        assert!(text(&tables, "margin").contains(",-100.25"), "an amount is no formula");
        let summary = text(&tables, "summary");
        assert!(
            summary.contains(",margin,Margin,7,2,,") && summary.contains("dataset usage has no column list_cost"),
            "{summary}"
        );
        assert!(text(&tables, "files").contains("request_1m,request_1m/tenant=acme/a.parquet,etag-1,1000,10"));
    }

    #[test]
    fn texts_that_look_like_formulas_are_guarded() {
        let tables = table_report_csv(&hostile());
        assert!(text(&tables, "throughput").contains("'=cmd"));
    }
}
