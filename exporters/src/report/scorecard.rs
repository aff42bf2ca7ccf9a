//! One scorecard per framework: every requirement, also those no control speaks to.
//!
//! Absent: a ranking of frameworks, and any figure over several of them.

use maud::{Markup, html};
use schemas::{Report, RequirementRow, Scorecard};

use super::figure::{badge, control_link, counted, length, number_cell, percent, thousands};
use super::strip;
use super::summary::score;

/// The section of all scorecards.
pub(super) fn section(report: &Report) -> Markup {
    html! {
        section.page #scorecards {
            h2 { "Scorecards" }
            p {
                "The score is the weighted share of judged requirements that pass; a warning counts half. Coverage is how \
                 many of a framework's requirements could be judged at all. Neither means much without the other."
            }
            div.scroll { table {
                thead { tr {
                    th { "Framework" } th { "Key" } th { "Edition" } th.num { "Score" } th.num { "Judged" } th.num { "Requirements" } th { "" }
                } }
                tbody { @for card in &report.scorecards { tr {
                    td { (card.name) } td.id { (card.framework) } td { (card.edition) }
                    td.num { @match card.score_permille { Some(score) => (percent(score)), None => span.null { "none" } } }
                    (number_cell(card.covered)) (number_cell(card.requirements_total))
                    td { @if card.partial { span.partial-label { "partial" } } }
                } } }
            } }
            (strip::legend(&report.trend))
            @for card in &report.scorecards { (framework(report, card)) }
        }
    }
}

fn framework(report: &Report, card: &Scorecard) -> Markup {
    let (judged, without): (Vec<_>, Vec<_>) = card.requirements.iter().partition(|row| row.status.is_some());
    html! {
        h3 { (card.name) " " span.soft.small { (card.edition) } }
        (score(card))
        (strip::scores(report, card))
        @if judged.is_empty() { p { "No control of this report speaks to a requirement of this framework." } }
        @else { (requirements(&judged)) }
        @if !without.is_empty() { details {
            summary { (counted(length(&without), "requirement")) " without a control in this report" }
            (unanswered(&without))
        } }
    }
}

fn requirements(rows: &[&RequirementRow]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { th { "Requirement" } th { "Title" } th { "Status" } th { "Controls" } th.num { "Failing tenants" } } }
            tbody { @for row in rows { tr {
                td.id { (row.id) }
                td { (row.title) @if let Some(why) = &row.never_looked_at { br; span.soft.small { "events alone cannot show it: " (why) } } }
                td { @if let Some(status) = row.status { (badge(status)) } }
                td { (links(&row.controls)) }
                (number_cell(row.failing_tenants))
            } } }
        } }
    }
}

fn unanswered(rows: &[&RequirementRow]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { th { "Requirement" } th { "Title" } th { "Why" } } }
            tbody { @for row in rows { tr {
                td.id { (row.id) }
                td { (row.title) }
                td {
                    @match &row.never_looked_at {
                        Some(why) => { "audit events can never show it: " (why) }
                        None => "no control of this report speaks to it",
                    }
                    @if !row.controls.is_empty() { "; controls " (links(&row.controls)) }
                    @if row.failing_tenants > 0 { "; failing tenants " (thousands(row.failing_tenants)) }
                }
            } } }
        } }
    }
}

fn links(controls: &[String]) -> Markup {
    html! { @for (index, id) in controls.iter().enumerate() { @if index > 0 { ", " } (control_link(id)) } }
}
