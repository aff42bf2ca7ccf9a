//! What the report does not say: a part of the report, because silence reads like a pass.
//!
//! Absent: late records and gaps in runs, which the model does not carry.

use maud::{Markup, html};
use schemas::{NotLookedAt, Report};

use super::figure::{control_link, number_cell};

/// The section of what was not looked at.
pub(super) fn section(report: &Report) -> Markup {
    let gaps = &report.not_looked_at;
    html! {
        section #not-looked-at {
            h2 { "Not looked at" }
            p { (report.summary.not_looked_at) }
            h3 { "Requirements without a verdict" }
            (requirements(gaps))
            h3 { "Controls not evaluated" }
            (controls(gaps))
            h3 { "Tenants without events in the interval" }
            @if gaps.silent_tenants.is_empty() { p { "Every tenant known from earlier results has events." } }
            @else { ul { @for tenant in &gaps.silent_tenants { li { (tenant) } } } }
            h3 { "Records refused at ingest" }
            (rejected(gaps))
        }
    }
}

fn requirements(gaps: &NotLookedAt) -> Markup {
    html! {
        @if gaps.requirements.is_empty() { p { "No framework was asked for." } }
        @else {
            div.scroll { table {
                thead { tr {
                    th { "Framework" } th.num { "Audit events can never show it" } th.num { "No control speaks to it" } th.num { "Could not be judged" }
                } }
                tbody { @for row in &gaps.requirements { tr {
                    td.id { (row.framework) } (number_cell(row.never)) (number_cell(row.without_control)) (number_cell(row.not_judged))
                } } }
            } }
        }
    }
}

fn controls(gaps: &NotLookedAt) -> Markup {
    html! {
        @if gaps.controls.is_empty() { p { "Every control was evaluated for every tenant." } }
        @else {
            div.scroll { table {
                thead { tr { th { "Control" } th { "Tenant" } th { "Why" } } }
                tbody { @for row in &gaps.controls { tr { td { (control_link(&row.control)) } td { (row.scope) } td { (row.reason) } } } }
            } }
        }
    }
}

fn rejected(gaps: &NotLookedAt) -> Markup {
    html! {
        @if gaps.rejected.is_empty() { p { "None." } }
        @else {
            div.scroll { table.narrow {
                thead { tr { th { "Dataset" } th.num { "Records" } } }
                tbody { @for row in &gaps.rejected { tr { td.id { (row.dataset) } (number_cell(row.rows)) } } }
            } }
        }
    }
}
