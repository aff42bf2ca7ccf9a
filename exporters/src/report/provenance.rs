//! Where the figures come from: the run, the versions, the plans, every file that was read.
//!
//! Absent: the SQL of controls, which stands with them.

use std::collections::BTreeMap;

use maud::{Markup, html};
use schemas::{InputFile, Report, Trend};

use super::figure::{control_link, counted, length, number_cell};

/// The last section.
pub(super) fn section(report: &Report) -> Markup {
    html! {
        section #provenance {
            h2 { "Provenance" }
            dl {
                dt { "Run" } dd { code { (report.run.id) } }
                dt { "auditlake" } dd { (report.run.version) }
                dt { "SHA-256 of the definitions" } dd { span.hash { (report.run.definitions_sha256) } }
                @for (name, version) in &report.provenance.versions { dt { (name) } dd { (version) } }
            }
            h3 { "Plans" }
            p { "SHA-256 of each control's optimised plan, without file names. The same plan over the same files gives the same figures." }
            div.scroll { table {
                thead { tr { th { "Control" } th.num { "Version" } th { "SHA-256 of the plan" } } }
                tbody { @for control in &report.controls { tr {
                    td { (control_link(&control.id)) } (number_cell(control.version.into()))
                    td.hash { @match &control.plan_sha256 { Some(hash) => (hash), None => span.null { "was not planned" } } }
                } } }
            } }
            (inputs(&report.provenance.inputs))
            (runs(&report.trend))
            h3 { "Counts" }
            p { "The SQL of each control stands with it. These statements count the rest." }
            pre { (report.summary.rows_sql) }
            p { "What was decided about findings goes on; at the instant of the run (" code { "--at " (schemas::rfc3339(report.run.instant)) } ") it was:" }
            pre { (report.summary.decided_sql) }
            p { "Every trend follows from these rows; earlier scores were computed anew from them, by the mapping of this report." }
            pre { (report.trend.sql) }
            @if let Some(change) = &report.change { p { "Findings that came, and findings that went:" } pre { (change.new_sql) } pre { (change.gone_sql) } }
            @for rejected in &report.not_looked_at.rejected { pre { (rejected.sql) } }
        }
    }
}

fn runs(trend: &Trend) -> Markup {
    html! {
        h3 { "Runs in the trends" }
        div.scroll { table.narrow {
            thead { tr { th { "Run" } th { "Interval start (UTC)" } th { "Interval end (UTC)" } th.num { "Intervals without a run before it" } } }
            tbody { @for one in &trend.intervals { tr {
                td.id { (one.run) }
                td.when { (schemas::rfc3339(one.interval.start)) } td.when { (schemas::rfc3339(one.interval.end)) }
                (number_cell(one.missing_before))
            } } }
        } }
    }
}

fn inputs(files: &[InputFile]) -> Markup {
    let mut datasets: BTreeMap<&str, (u64, u64, u64)> = BTreeMap::new();
    for file in files {
        let (count, bytes, rows) = datasets.entry(&file.dataset).or_default();
        *count += 1;
        *bytes = bytes.saturating_add(file.bytes);
        *rows = rows.saturating_add(file.rows);
    }
    html! {
        h3 { "Files read" }
        @if files.is_empty() { p { "No file was read." } }
        @else {
            div.scroll { table.narrow {
                thead { tr { th { "Dataset" } th.num { "Files" } th.num { "Bytes" } th.num { "Rows" } } }
                tbody { @for (dataset, (count, bytes, rows)) in &datasets { tr {
                    td.id { (dataset) } (number_cell(*count)) (number_cell(*bytes)) (number_cell(*rows))
                } } }
            } }
            details {
                summary { "All " (counted(length(files), "file")) }
                div.scroll { table.wide {
                    thead { tr { th { "Dataset" } th { "File" } th { "ETag" } th.num { "Bytes" } th.num { "Rows" } } }
                    tbody { @for file in files { tr {
                        td.id { (file.dataset) } td.hash { (file.path) } td.hash { (file.etag) }
                        (number_cell(file.bytes)) (number_cell(file.rows))
                    } } }
                } }
            }
        }
    }
}
