//! What a manager reads in a minute: scores, counts, the worst controls, what was not looked at.
//!
//! A score never stands without its coverage. Absent: change since the last approved report; change is since the last one.

use maud::{Markup, html};
use schemas::{Report, Scorecard};

use super::change;
use super::chart::{coverage_bar, status_bar};
use super::figure::{badge, by_status, control_link, counted, number_cell, percent, severity, thousands};

pub(super) const DISCLAIMER: &str = "This report is evidence. It makes nobody compliant. The mapping of controls to requirements \
     is this project's judgement; no lawyer or auditor has read it.";

/// The first section.
pub(super) fn section(report: &Report) -> Markup {
    let summary = &report.summary;
    let controls = by_status(&summary.controls);
    let total = controls.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
    let judged =
        [summary.controls.fail, summary.controls.warn, summary.controls.pass].into_iter().fold(0, u64::saturating_add);
    html! {
        section #summary {
            h2 { "Executive summary" }
            p {
                b { (counted(total, "control")) } " over " b { (counted(summary.rows, "event")) } " of "
                b { (counted(summary.tenants, "tenant")) } ": "
                (thousands(summary.controls.fail)) " fail, " (thousands(summary.controls.warn)) " warn, "
                (thousands(summary.controls.pass)) " pass, "
                (thousands(total.saturating_sub(judged))) " without a verdict. There are " b { (counted(summary.findings, "finding")) }
                " in the interval"
                @if summary.decided > 0 {
                    ", " b { (thousands(summary.decided)) } " of them accepted, remediated or called false positives by somebody named; they stay counted"
                }
                "."
                @if summary.expired > 0 {
                    " " b { (counted(summary.expired, "decision")) } @if summary.expired == 1 { " has" } @else { " have" }
                    " run out: open again."
                }
            }
            @if !report.scorecards.is_empty() {
                ul.tiles { @for card in &report.scorecards { (tile(card)) } }
            }
            p.note { (DISCLAIMER) }
            h3 { "Controls by status" }
            (status_bar(&summary.controls))
            div.scroll { table {
                thead { tr { @for (status, _) in controls { th.num { (badge(status)) } } } }
                tbody { tr { @for (_, count) in controls { (number_cell(count)) } } }
            } }
            (change::part(report))
            (worst(report))
            h3 { "Not looked at" }
            p.note.warn { (summary.not_looked_at) " " a href="#not-looked-at" { "Details" } }
        }
    }
}

/// Score and coverage, which are one figure in two parts.
pub(super) fn score(card: &Scorecard) -> Markup {
    let coverage = format!("on {} of {} requirements", thousands(card.covered), thousands(card.requirements_total));
    html! {
        div.score {
            b { @match card.score_permille { Some(score) => (percent(score)), None => "no score" } } " "
            span { (coverage) }
        }
    }
}

fn tile(card: &Scorecard) -> Markup {
    html! {
        li.tile.partial[card.partial] {
            h3 { (card.name) } span.edition { (card.edition) }
            (score(card))
            (coverage_bar(card.covered, card.requirements_total))
            @if card.partial { span.partial-label { "partial: under half judged" } }
        }
    }
}

fn worst(report: &Report) -> Markup {
    html! {
        h3 { "Worst controls" }
        @if report.summary.worst.is_empty() {
            p { "No control is worse than another." }
        } @else {
            div.scroll { table {
                thead { tr { th { "Control" } th { "Title" } th { "Severity" } th { "Status" } th.num { "Findings" } } }
                tbody { @for id in &report.summary.worst {
                    @match report.controls.iter().find(|control| control.id == *id) {
                        Some(control) => { tr {
                            td { (control_link(id)) } td { (control.title) } td { (severity(control.severity)) }
                            td { (badge(control.status)) } (number_cell(control.findings))
                        } }
                        None => { tr { td.id { (id) } td colspan="4" { span.null { "not in this report" } } } }
                    }
                } }
            } }
        }
    }
}
