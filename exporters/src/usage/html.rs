//! The statement as one self-contained page, by the rules of the report's: no script, no request, nothing that needs colour.

use maud::{Markup, html};
use schemas::{UsagePart, UsageProvenance, UsageQuota, UsageStatement};

use super::bars::{bar, columns};
use super::{measure_words, status_word};
use crate::report::figure::{counted, grouped, number_cell};
use crate::report::html::{document, shown};
use crate::report::style::STYLE;
use crate::statement::page::{Sources, moment, provenance, state};
use crate::statement::revisions;

/// What the report's sheet does not have.
const OWN_STYLE: &str = ".usage { width: 260px; margin: 4px 0 0; } .limit { stroke: var(--ink); stroke-width: 1.6; stroke-dasharray: 4 3; }
.amount b { display: block; font-size: 1.75rem; line-height: 1.2; } td.figure { text-align: right; white-space: nowrap; }";

/// The whole statement as an HTML page. Same statement, same bytes.
pub fn usage_html(statement: &UsageStatement) -> String {
    shown(&page(statement).into_string())
}

fn page(statement: &UsageStatement) -> Markup {
    let title = html! { "Usage: " (statement.tenant) ", " (statement.usage) ", " (statement.period) };
    let body = html! {
        (head(statement))
        main {
            (quotas(statement))
            (days(statement))
            (price(statement))
            (charges(statement))
            (revisions::section(&statement.revisions))
            (provenance(&sources(&statement.provenance)))
            footer {
                "auditlake " (statement.provenance.version) ", run " (statement.provenance.run) ". Instants in tables are UTC. "
                "Quantities and costs are exact; percentages are cut off, never rounded up."
            }
        }
    };
    document(&title, &[STYLE, OWN_STYLE], &body)
}

fn head(statement: &UsageStatement) -> Markup {
    let zone = &statement.timezone;
    html! {
        header { div {
            p.kicker { "Statement of usage" }
            h1 { (statement.tenant) " · " (statement.period) }
            (state(&statement.state, statement.revision))
            dl {
                dt { "Contract" } dd { (statement.usage) @if let Some(service) = &statement.service { ", service " (service) } }
                dt { "Month" } dd {
                    (moment(statement.interval.start, zone)) br; "up to, not including, " (moment(statement.interval.end, zone))
                }
                @if statement.until < statement.interval.end {
                    dt { "Counted" } dd { "up to " (moment(statement.until, zone)) "; the month goes on" }
                }
                dt { "Quotas" } dd { (statement.provenance.quotas) }
            }
        } }
    }
}

fn badge(status: &str) -> Markup {
    let (class, sign) = match status {
        "ok" => ("pass", "✓"),
        "warn" => ("warn", "!"),
        "over" => ("fail", "✗"),
        "not_evaluated" => ("not_evaluated", "?"),
        _ => ("not_applicable", "–"),
    };
    html! { span class={ "badge " (class) } { span.sign aria-hidden="true" { (sign) } " " (status_word(status)) } }
}

fn quotas(statement: &UsageStatement) -> Markup {
    html! {
        section {
            h2 id="quotas" { "What was used, and of how much" }
            @for part in &statement.parts {
                h3 { "Tier " (part.tier) ", " (counted(part.days.into(), "day")) " from " (part.from) }
                (of_part(part))
            }
        }
    }
}

fn of_part(part: &UsagePart) -> Markup {
    html! {
        div.scroll { table {
            thead { tr {
                th { "Quota" } th { "Status" } th.num { "Used" } th.num { "Limit" } th { "Unit" } th { "Part of the limit" }
                th.num { "Rows" }
            } }
            tbody { @for quota in &part.quotas { (row(quota)) } }
        } }
    }
}

fn row(quota: &UsageQuota) -> Markup {
    let limit = match (&quota.limit, quota.status.as_str()) {
        (Some(limit), _) => grouped(limit),
        (None, "unlimited") => "unlimited".to_owned(),
        (None, _) => "–".to_owned(),
    };
    html! {
        tr {
            td { (quota.quota) br; span.soft.small { (measure_words(quota))
                @if quota.meter != quota.quota { " of meter " (quota.meter) } }
                @if let Some(note) = &quota.note { br; span.soft.small { (note) } } }
            td { (badge(&quota.status)) @if quota.days_over > 0 { br; span.small { (counted(quota.days_over.into(), "day")) " over" } } }
            td.figure { (quota.used.as_deref().map_or("–".to_owned(), grouped))
                @if let Some(peak) = &quota.peak_at { br; span.soft.small { "most on " (peak) } } }
            td.figure { (limit) }
            td { (quota.unit.as_deref().unwrap_or("")) }
            td { (bar(quota)) @if let Some(percent) = &quota.percent { span.soft.small { (percent) " %" } } }
            (number_cell(quota.rows))
        }
    }
}

fn days(statement: &UsageStatement) -> Markup {
    let daily: Vec<(&UsagePart, &UsageQuota)> = statement
        .parts
        .iter()
        .flat_map(|part| part.quotas.iter().map(move |quota| (part, quota)))
        .filter(|(_, quota)| quota.days.iter().any(|day| day.permille.is_some()))
        .collect();
    html! {
        @if !daily.is_empty() { section {
            h2 id="days" { "Day by day" }
            p.soft.small { "The broken line is the limit of a day; ! nearly used up, ✗ more than there is." }
            @for (part, quota) in daily {
                h3 { (quota.quota) ", tier " (part.tier) ", " (quota.limit.as_deref().map_or(String::new(), grouped)) " a day" }
                (columns(quota))
            }
        } }
    }
}

fn price(statement: &UsageStatement) -> Markup {
    html! {
        @if let Some(price) = &statement.price { section {
            h2 id="price" { "Price of the tiers" }
            @match &price.amount {
                Some(amount) => { p.amount { b { (amount) " " (price.currency) } } },
                None => { p.note { "A price is in the tenant's contract, or is not told." } },
            }
            pre { @for line in &price.formula { (line) "\n" } }
        } }
    }
}

fn charges(statement: &UsageStatement) -> Markup {
    html! {
        section {
            h2 id="charges" { "What was charged" }
            @if statement.charges.is_empty() { p { "There is no row of a charge." } } @else {
                div.scroll { table {
                    thead { tr { th { "Service" } th { "Category" } th.num { "Billed" } th { "Currency" } th.num { "Rows" } } }
                    tbody { @for one in &statement.charges {
                        tr {
                            td.value { (one.service) }
                            td { (one.category) @if let Some(class) = &one.class { " (" (class) ")" } }
                            td.figure { (grouped(&one.billed_cost)) } td { (one.currency) } (number_cell(one.rows))
                        }
                    } }
                } }
            }
        }
    }
}

fn sources(from: &UsageProvenance) -> Sources<'_> {
    Sources {
        defined: ("Quotas", &from.quotas),
        spec_sha256: &from.spec_sha256,
        evidence_sha256: &from.evidence_sha256,
        evidence: &from.evidence,
        inputs: &from.inputs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::sample::{hostile, sample};

    #[test]
    fn thousands_stand_apart_and_no_digit_is_lost() {
        let given = ["0", "-1234567.50", "999", "1000", "0.000000000000001", "99999999999999999999999", "ten"];
        let shown = ["0", "-1,234,567.50", "999", "1,000", "0.000000000000001", "99999999999999999999999", "ten"];
        assert_eq!(given.map(grouped), shown.map(str::to_owned));
    }

    #[test]
    fn a_page_shows_every_figure_and_obeys_no_text() {
        let page = usage_html(&sample());
        for part in [
            "60000",
            "120.00 %",
            "1 day over",
            "46.20 USD",
            "2026-09-12: 60000 of 50000",
            "the month goes on",
            "rows came late",
        ] {
            assert!(page.contains(part), "{part}");
        }
        assert_eq!(page, usage_html(&sample()));
        let page = usage_html(&hostile());
        assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"));
        assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}'));
    }
}
