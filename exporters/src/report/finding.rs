//! Findings of a control as rows: the open ones first, then those somebody decided about, who, why and until when.
//!
//! A decision takes nothing from any count. Absent: rows beyond the first; they are in the evidence objects.

use maud::{Markup, html};
use schemas::{ControlReport, Decision, FindingRow};

use super::figure::{counted, length, thousands};

/// Open findings, with the evidence columns.
pub(super) fn open(control: &ControlReport) -> Markup {
    let shown = length(&control.rows);
    let open = control.findings.saturating_sub(control.decided);
    html! {
        @if open > 0 || shown > 0 {
            h4 { "Open findings: " (thousands(shown)) " of " (thousands(open)) " shown" }
        }
        @if shown > 0 {
            div.scroll { table.wide {
                thead { tr {
                    th { "Tenant" } th { "Time, first seen (UTC)" } th { "What, why, finding id" }
                    @for column in &control.columns { th { (column) } }
                } }
                tbody { @for row in &control.rows { tr { (what(row)) @for value in &row.values { (cell(value.as_deref())) } } } }
            } }
        } @else if open > 0 {
            p { (counted(open, "finding")) " lie in the " a href="#evidence" { "evidence objects" } "." }
        }
    }
}

/// Findings that were decided about.
pub(super) fn decided(control: &ControlReport) -> Markup {
    let shown = length(&control.decided_rows);
    html! {
        @if control.decided > 0 || shown > 0 {
            h4 { "Decided findings: " (thousands(shown)) " of " (thousands(control.decided)) " shown" }
            p.small { "A named person decided about these. They stay counted as violations and change no status." }
        }
        @if shown > 0 {
            div.scroll { table.wide {
                thead { tr {
                    th { "Tenant" } th { "Time, first seen (UTC)" } th { "What, why, finding id" } th { "Decision" }
                    @for column in &control.columns { th { (column) } }
                } }
                tbody { @for row in &control.decided_rows { tr {
                    (what(row))
                    td.decision { @if let Some(decision) = &row.decision { b { (row.state.word()) } (until(decision)) (who(decision)) } }
                    @for value in &row.values { (cell(value.as_deref())) }
                } } }
            } }
        }
    }
}

fn what(row: &FindingRow) -> Markup {
    html! {
        td { (row.scope) }
        td.when {
            @match row.time { Some(time) => (schemas::rfc3339(time)), None => span.null { "null" } }
            br; span.soft { "seen " (schemas::rfc3339(row.first_seen_at)) }
        }
        td.what {
            b { (row.resource) } br; (row.reason) br; span.hash { (row.finding_id) }
            @if let Some(decision) = row.decision.as_ref().filter(|_| row.state == schemas::FindingState::Open) {
                div.expired { b { "open again" } ": was " (decision.state.word()) (until(decision)) ", which is over" (who(decision)) }
            }
        }
    }
}

fn until(decision: &Decision) -> Markup {
    html! {
        @match decision.until { Some(until) => { " until " span.when { (until.to_string()) } }, None => " without an end" }
    }
}

fn who(decision: &Decision) -> Markup {
    html! { br; "by " (decision.by) ", " (schemas::rfc3339(decision.at)) br; (decision.reason) }
}

fn cell(value: Option<&str>) -> Markup {
    html! { td.value {
        @match value {
            None => span.null { "null" },
            Some("") => span.null { "empty text" },
            Some(text) => (text),
        }
    } }
}
