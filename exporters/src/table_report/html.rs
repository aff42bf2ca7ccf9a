//! The report as one self-contained page, by the rules of the compliance report's: no script, no request, nothing that needs colour.

use maud::{Markup, html};
use schemas::{ChartKind, FilledColumn, FilledReport, FilledSection, ValueKind};

use super::bars::bars;
use super::lines::lines;
use super::{rows_told, whose};
use crate::report::figure::grouped;
use crate::report::html::{document, shown};
use crate::report::style::STYLE;
use crate::statement::page::{files_read, moment};

/// What the report's sheet does not have.
const OWN_STYLE: &str = "td.figure { text-align: right; white-space: nowrap; } th .unit { font-weight: 400; }
svg.bars { width: 100%; max-width: 900px; height: auto; margin: 8px 0; } .bars text { font: 400 12px system-ui, sans-serif; fill: var(--ink); }
.bars .nought { stroke: var(--ink); stroke-width: 1; } .b0 { fill: var(--accent); } .b1 { fill: #8fb3c7; } .b2 { fill: #e0a526; } .b3 { fill: #93a0ad; }
svg.lines { width: 100%; max-width: 900px; height: auto; margin: 8px 0; } .lines text { font: 400 11px system-ui, sans-serif; fill: var(--soft); }
.lines text.end { font-weight: 700; fill: var(--ink); } .lines .grid { stroke: var(--line); }
.lines path { fill: none; stroke-width: 1.8; stroke: var(--accent); } .lines .l1 { stroke: #8a5a00; stroke-dasharray: 7 3; }
.lines .l2 { stroke: #6f2b63; stroke-dasharray: 2 3; } .lines .l3 { stroke: #23704a; stroke-dasharray: 9 3 2 3; }
.lines .l4 { stroke: #a82c22; stroke-dasharray: 12 4; } .lines .l5 { stroke: #566373; stroke-dasharray: 4 4; }
.p0 { fill: var(--accent); } .p1 { fill: #8a5a00; } .p2 { fill: #6f2b63; } .p3 { fill: #23704a; } .p4 { fill: #a82c22; } .p5 { fill: #566373; }
ul.key { list-style: none; margin: 4px 0 10px; padding: 0; display: flex; flex-wrap: wrap; gap: 2px 22px; font-size: .86rem; }
.key li { display: flex; gap: 8px; align-items: center; } .key svg.lines { width: 40px; height: 12px; margin: 0; flex: none; }";

/// Rows of a table that stands open below its picture.
const OPEN_ROWS: usize = 16;

/// The whole report as an HTML page. Same report, same bytes.
pub fn table_report_html(report: &FilledReport) -> String {
    shown(&page(report).into_string())
}

fn page(report: &FilledReport) -> Markup {
    let title = html! { (report.title) ": " (report.lake) ", " (report.provenance.run) };
    let body = html! {
        (head(report))
        nav aria-label="Parts of the report" { div {
            @for section in &report.sections { a href={ "#section-" (section.section) } { (section.title) } }
            a href="#provenance" { "Provenance" }
        } }
        main {
            (left_out(report))
            @for section in &report.sections { (of_section(section)) }
            (provenance(report))
            footer {
                "auditlake " (report.provenance.version) ", run " (report.provenance.run) ". Instants in tables are UTC. "
                "Figures have all their digits. Characters that do not print are shown as escapes, such as \\u{1b}."
            }
        }
    };
    document(&title, &[STYLE, OWN_STYLE], &body)
}

fn head(report: &FilledReport) -> Markup {
    let moment = |at| moment(at, &report.timezone);
    html! {
        header { div {
            p.kicker { "Report" @if report.tenant.is_none() { " for the operator" } }
            h1 { (report.title) " · " (report.tenant.as_ref().unwrap_or(&report.lake)) }
            @if let Some(about) = &report.about { p { (about) } }
            p class={ "note" @if report.tenant.is_none() { " warn" } } { (whose(report)) }
            dl {
                dt { "Lake, job" } dd { (report.lake) ", " (report.job) }
                dt { "Interval" } dd { (moment(report.interval.start)) br; "up to, not including, " (moment(report.interval.end)) }
                dt { "Generated" } dd { (moment(report.provenance.at)) }
                dt { "Run" } dd { code { (report.provenance.run) } }
            }
        } }
    }
}

fn left_out(report: &FilledReport) -> Markup {
    html! {
        @if !report.left_out.is_empty() { section {
            h2 id="left-out" { "What this report does not have" }
            ul { @for one in &report.left_out { li { b { (one.title) } " (" code { (one.section) } "): " (one.why) "." } } }
        } }
    }
}

fn of_section(section: &FilledSection) -> Markup {
    let id = format!("section-{}", section.section);
    html! {
        section {
            h2 id=(id) { (section.title) }
            @if let Some(note) = &section.note { p.soft.small { (note) } }
            @match &section.chart {
                Some(chart) if chart.kind == ChartKind::Bar => { (bars(section, chart)) },
                Some(chart) => { (lines(section, chart, &id)) },
                None => {},
            }
            @if section.rows.is_empty() { p { "No rows." } }
            @else if section.chart.is_some() && section.rows.len() > OPEN_ROWS {
                details { summary { "The table: " (rows_told(section)) } (table(section)) }
            }
            @else { (table(section)) }
            details {
                summary { "Where it comes from" }
                p.small { "It reads "
                    @for (number, read) in section.source.reads.iter().enumerate() {
                        @if number > 0 { ", " }
                        code { (read.dataset) }
                        @if read.role != read.dataset { " as " code { (read.role) } }
                    }
                    ". By this statement " code { "auditlake sql" } " gives the same rows, as long as none were added or removed since:" }
                pre { (section.source.sql) }
                p.small { "SHA-256 of the optimised plan: " span.hash { (section.source.plan_sha256) } }
            }
        }
    }
}

fn table(section: &FilledSection) -> Markup {
    html! {
        div.scroll { table {
            caption { (rows_told(section)) }
            thead { tr { @for column in &section.columns {
                th class=[(column.kind == ValueKind::Number).then_some("num")] {
                    (column.title) @if let Some(unit) = &column.unit { " " span.unit { (unit) } }
                }
            } } }
            tbody { @for row in &section.rows {
                tr { @for (column, value) in section.columns.iter().zip(row) { (cell(column, value.as_deref())) } }
            } }
        } }
    }
}

fn cell(column: &FilledColumn, value: Option<&str>) -> Markup {
    match (column.kind, value) {
        (ValueKind::Number, Some(digits)) => html! { td.figure { (grouped(digits)) } },
        (ValueKind::Number, None) => html! { td.figure { span.null { "–" } } },
        (_, None) => html! { td { span.null { "–" } } },
        (ValueKind::Instant | ValueKind::Day, Some(at)) => html! { td.when { (at) } },
        (ValueKind::Flag, Some(flag)) => html! { td { (if flag == "true" { "yes" } else { "no" }) } },
        (ValueKind::Text, Some(text)) => html! { td.value { (text) } },
    }
}

fn provenance(report: &FilledReport) -> Markup {
    let from = &report.provenance;
    html! {
        section {
            h2 id="provenance" { "Provenance" }
            dl {
                dt { "Run" } dd { code { (from.run) } }
                dt { "auditlake" } dd { (from.version) }
                dt { "Report" } dd { (report.report) @if from.ships { ", which ships" } @else { ", of the lake" } }
                dt { "Its definition (SHA-256)" } dd.hash { (from.report_sha256) }
                dt { "The job's (SHA-256)" } dd.hash { (from.job_sha256) }
            }
            h3 { "Files that were read" }
            @if from.inputs.is_empty() { p { "No file of a dataset was read." } } @else { (files_read(&from.inputs)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table_report::sample::{hostile, sample};

    #[test]
    fn a_page_shows_every_figure_and_says_whose_they_are() {
        let page = table_report_html(&sample());
        for part in [
            "1,234,567.0001",
            "1,499.50",
            "the first 2 of 7 rows",
            "not to be given to a tenant",
            "No rows.",
            "dataset usage has no column list_cost",
            "WITH requests AS",
            "<code>request_1m</code> as <code>requests</code>",
            "etag-1",
            "P95 <span class=\"unit\">ms</span>",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
        assert_eq!(page, table_report_html(&sample()));
        assert!(!page.contains("<script") && !page.contains("http:") && !page.contains("https:"), "it asks nobody");
    }

    #[test]
    fn a_page_of_a_tenant_says_so_and_obeys_no_text() {
        let page = table_report_html(&hostile());
        assert!(page.contains("Rows of tenant &lt;script&gt;") && !page.contains("not to be given"), "{page}");
        assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"));
        assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}'));
    }
}
