//! The findings of each control: what, how many of how many, since when, the first rows, what to do.
//!
//! The SQL that ran is printed as it ran. Absent: the rows themselves, which are `finding.rs`.

use maud::{Markup, html};
use schemas::{ControlReport, Report, ResultRow, Status, StatusCounts, Trend};

use super::figure::{
    badge, by_status, control_anchor, control_link, counted, length, number_cell, severity, status_word, thousands,
};
use super::finding::{decided, open};
use super::strip;
use super::trend::{history_table, trend};

/// The section of all controls.
pub(super) fn section(report: &Report) -> Markup {
    html! {
        section.page #controls {
            h2 { "Findings by control" }
            @if report.controls.is_empty() { p { "The report has no controls." } } @else { (overview(report)) }
            @for control in &report.controls { (article(report, control)) }
        }
    }
}

/// One line for each control, in the order of the articles: tenants are counted, since there may be hundreds.
fn overview(report: &Report) -> Markup {
    html! {
        (strip::legend(&report.trend))
        div.scroll { table {
            thead { tr {
                th { "Control" } th { "Title" } th { "Severity" } th { "Status" } th { "Tenants by status" } th.num { "Findings" } th.num { "Of these decided" }
                th { "Trend" }
            } }
            tbody { @for control in &report.controls { tr {
                td { (control_link(&control.id)) } td { (control.title) } td { (severity(control.severity)) }
                td { (badge(control.status)) } td { (tenants_by_status(control)) }
                (number_cell(control.findings)) (number_cell(control.decided))
                td { (strip::small(report, control)) }
            } } }
        } }
    }
}

fn tenants_by_status(control: &ControlReport) -> Markup {
    let mut counts = StatusCounts::default();
    control.results.iter().for_each(|row| counts.add(row.status));
    let there = by_status(&counts).into_iter().filter(|(_, count)| *count > 0);
    let words: Vec<String> =
        there.map(|(status, count)| format!("{} {}", thousands(count), status_word(status))).collect();
    html! { span.small { (words.join(", ")) } }
}

fn article(report: &Report, control: &ControlReport) -> Markup {
    html! {
        article id=(control_anchor(&control.id)) {
            h3 { span.id { (control.id) } " " (control.title) }
            div.meta {
                (badge(control.status)) (severity(control.severity)) span { "version " (control.version) }
                @for (framework, requirements) in &control.frameworks { span { (framework) ": " (requirements.join(", ")) } }
            }
            (sentence(control))
            (strip::control(report, control))
            (results(control, &report.trend))
            (history_table(control))
            (open(control))
            (decided(control))
            @if !control.remediation.is_empty() { h4 { "What to do" } p { (control.remediation) } }
            (params(control))
            details {
                summary { "The SQL that ran" }
                h4 { "Counts per tenant" } pre { (control.counts_sql) }
                h4 { "Violations" } pre { (control.violations_sql) }
                @if let Some(hash) = &control.plan_sha256 { p.small { "SHA-256 of the optimised plan: " span.hash { (hash) } } }
            }
        }
    }
}

/// Counts only where there is a verdict: no violations among rows nobody could judge would read like a pass.
fn sentence(control: &ControlReport) -> Markup {
    let (judged, rest): (Vec<_>, Vec<_>) =
        control.results.iter().partition(|row| matches!(row.status, Status::Pass | Status::Warn | Status::Fail));
    let sum = |figure: fn(&ResultRow) -> u64| judged.iter().map(|row| figure(row)).fold(0_u64, u64::saturating_add);
    let undecided = sum(|row| row.undecided_violation.saturating_add(row.undecided_population));
    let near = sum(|row| row.warnings.unwrap_or(0));
    let without_verdict = rest.iter().filter(|row| row.status != Status::NotApplicable).map(|_| 1_u64).sum();
    let since = control.rows.iter().map(|row| row.first_seen_at).min();
    html! {
        p {
            @if !judged.is_empty() {
                b { (thousands(sum(|row| row.violations))) } " of " (thousands(sum(|row| row.population))) " violate the rule"
                @if near > 0 { "; " (thousands(near)) " more are close to it" }
                @if undecided > 0 { "; for " (thousands(undecided)) " the data cannot tell" } ". "
            } @else if without_verdict == 0 {
                "Nothing in the data was subject to the rule. "
            }
            @if without_verdict > 0 { b { "No verdict" } " for " (counted(without_verdict, "tenant")) ". " }
            @if let Some(since) = since { "The oldest finding shown was first seen at " (schemas::rfc3339(since)) "." }
        }
    }
}

fn results(control: &ControlReport, intervals: &Trend) -> Markup {
    let warns = control.results.iter().any(|row| row.warnings.is_some());
    let decides = control.decided > 0;
    html! {
        div.scroll { table {
            thead { tr {
                th { "Tenant" } th { "Status" } th.num { "Population" } th.num { "Violations" }
                @if decides { th.num { "Of these decided" } }
                @if warns { th.num { "Close to it" } }
                th.num { "Violation unknown" } th.num { "Membership unknown" } th.num { "Evidence rows" } th { "Trend" } th { "Result id" }
            } }
            tbody { @for row in &control.results { tr {
                td { (row.scope) }
                td { (badge(row.status)) @if let Some(reason) = &row.reason { br; span.small { (reason) } } }
                (number_cell(row.population)) (number_cell(row.violations))
                @if decides { (number_cell(row.decided)) }
                @if warns { (number_cell(row.warnings.unwrap_or(0))) }
                (number_cell(row.undecided_violation)) (number_cell(row.undecided_population))
                (number_cell(row.evidence_rows))
                td { (trend(control, row, intervals)) }
                td.hash.key { (row.result_id) }
            } } }
        } }
    }
}

fn params(control: &ControlReport) -> Markup {
    let changed = length(&control.params.iter().filter(|param| param.default != param.value).collect::<Vec<_>>());
    html! {
        @if changed > 0 {
            h4 { "Parameters: " (thousands(changed)) " differ" @if changed == 1 { "s" } " from the control's own" }
            div.scroll { table.narrow {
                thead { tr { th { "Parameter" } th { "Default" } th { "Used" } th { "" } } }
                tbody { @for param in &control.params { tr {
                    td.id { (param.name) } td { (param.default) } td { (param.value) }
                    td { @if param.default != param.value { b { "changed" } } }
                } } }
            } }
        } @else if !control.params.is_empty() {
            p.small.soft {
                "Parameters, all at their defaults: "
                @for (index, param) in control.params.iter().enumerate() {
                    @if index > 0 { ", " } code { (param.name) " = " (param.value) }
                }
            }
        }
    }
}
