//! What changed since the report of the interval before.
//!
//! Findings that are no longer there are good news only where they were looked for, so those that were not, and those
//! older than the interval, stand in columns of their own. Absent: a comparison with any other report.

use maud::{Markup, html};
use schemas::{Change, ChangedFinding, FindingChange, Report, Status};

use super::figure::{badge, control_link, counted, length, number_cell, thousands};

/// The part of the summary.
pub(super) fn part(report: &Report) -> Markup {
    html! {
        h3 { "Since the report before" }
        @match &report.change {
            None => p { "This is the first report of the job: there is none to compare it with." },
            Some(change) => { (sentence(change)) (controls(change)) (rows(change)) },
        }
    }
}

fn sentence(change: &Change) -> Markup {
    let findings = &change.findings;
    html! {
        p {
            "Compared with " code { (change.run) } ", from " (schemas::rfc3339(change.interval.start)) " up to "
            (schemas::rfc3339(change.interval.end)) ": " b { (counted(findings.new, "new finding")) } ", "
            b { (thousands(findings.gone)) " no longer found" } ", " (thousands(findings.left)) " older than this interval, "
            (thousands(findings.not_looked_for)) " that could not be looked for."
        }
        @if change.controls.iter().any(|control| control.partial) {
            p.note.warn {
                "Of controls marked with * more violations were counted than rows kept as evidence: findings beyond those rows are not compared."
            }
        }
    }
}

fn controls(change: &Change) -> Markup {
    html! {
        @if change.controls.is_empty() { p { "No control changed its status, and no finding came or went." } }
        @else {
            div.scroll { table {
                thead { tr {
                    th { "Control" } th { "Before" } th { "In this report" } th.num { "New" } th.num { "No longer found" }
                    th.num { "Older than the interval" } th.num { "Not looked for" } th { "" }
                } }
                tbody { @for control in &change.controls { tr {
                    td {
                        @if control.after.is_some() { (control_link(&control.control)) } @else { span.id { (control.control) } }
                        @if control.partial { "*" }
                    }
                    td { (status(control.before)) }
                    td { (status(control.after)) @if control.before != control.after { " " b { "changed" } } }
                    (number_cell(control.findings.new)) (number_cell(control.findings.gone))
                    (number_cell(control.findings.left)) (number_cell(control.findings.not_looked_for))
                    td.small { @if control.redefined { "other version or parameters" } }
                } } }
            } }
        }
    }
}

fn status(status: Option<Status>) -> Markup {
    html! { @match status { Some(status) => (badge(status)), None => span.null { "not part of it" } } }
}

fn rows(change: &Change) -> Markup {
    let total = [change.findings.new, change.findings.gone, change.findings.left, change.findings.not_looked_for];
    html! {
        @if !change.rows.is_empty() { details {
            summary {
                (thousands(length(&change.rows))) " of "
                (counted(total.into_iter().fold(0, u64::saturating_add), "finding")) " that came or went"
            }
            div.scroll { table.wide {
                thead { tr { th { "Control" } th { "Tenant" } th { "" } th { "Time (UTC)" } th { "What, why, finding id" } } }
                tbody { @for row in &change.rows { (line(row)) } }
            } }
        } }
    }
}

fn line(row: &ChangedFinding) -> Markup {
    let word = match row.change {
        FindingChange::New => "new",
        FindingChange::Gone => "no longer found",
        FindingChange::Left => "older than the interval",
        FindingChange::NotLookedFor => "not looked for",
    };
    html! { tr {
        td.id { (row.control) } td { (row.scope) } td { b { (word) } }
        td.when { @match row.time { Some(time) => (schemas::rfc3339(time)), None => span.null { "null" } } }
        td.what { b { (row.resource) } br; (row.reason) br; span.hash { (row.finding_id) } }
    } }
}
