//! The statement as one self-contained page, by the rules of the report's: no script, no request, nothing that needs colour.

use maud::{Markup, html};
use schemas::{Interval, SlaStatement, StatementPart, StatementProvenance, StatementResult};

use super::calendar::strip;
use super::page::{Sources, moment, provenance, state};
use super::status_word;
use crate::report::figure::{counted, number_cell, thousands};
use crate::report::html::{document, shown};
use crate::report::style::STYLE;

/// What the report's sheet does not have.
const OWN_STYLE: &str =
    ".f-pass-soft { fill: #e3f1e9; } .strip text { font-size: 12px; } .owed td { font-weight: 600; }
.amount b { display: block; font-size: 1.75rem; line-height: 1.2; }";
/// Runs that the page shows; all of them are in the other formats.
const RUNS_SHOWN: usize = 200;

/// The whole statement as an HTML page. Same statement, same bytes.
pub fn statement_html(statement: &SlaStatement) -> String {
    shown(&page(statement).into_string())
}

fn page(statement: &SlaStatement) -> Markup {
    let title = html! { "SLA statement: " (statement.tenant) ", " (statement.sla) ", " (statement.period) };
    let body = html! {
        (head(statement))
        main {
            (results(statement))
            (credit(statement))
            (days(statement))
            (runs(statement))
            (exclusions(statement))
            (revisions(statement))
            (provenance(&sources(&statement.provenance)))
            footer {
                "auditlake " (statement.provenance.version) ", run " (statement.provenance.run) ". Instants in tables are UTC. "
                "Percentages are cut off, never rounded up."
            }
        }
    };
    document(&title, &[STYLE, OWN_STYLE], &body)
}

fn head(statement: &SlaStatement) -> Markup {
    html! {
        header { div {
            p.kicker { "SLA statement" }
            h1 { (statement.tenant) " · " (statement.period) }
            (state(&statement.state, statement.revision))
            dl {
                dt { "SLA" } dd { (statement.sla) ", service " (statement.service) }
                dt { "Period" } dd {
                    (moment(statement.interval.start, &statement.timezone)) br; "up to, not including, "
                    (moment(statement.interval.end, &statement.timezone))
                }
                dt { "Measured by" } dd {
                    (statement.measured_by) ", in " (counted(statement.slices, "slice")) " of " (statement.slice_minutes)
                    @if statement.slice_minutes == 1 { " minute" } @else { " minutes" }
                }
            }
        } }
    }
}

fn badge(status: &str) -> Markup {
    let (class, sign) = match status {
        "ok" => ("pass", "✓"),
        "missed" => ("fail", "✗"),
        "not_evaluated" => ("not_evaluated", "?"),
        _ => ("not_applicable", "–"),
    };
    html! { span class={ "badge " (class) } { span.sign aria-hidden="true" { (sign) } " " (status_word(status)) } }
}

fn results(statement: &SlaStatement) -> Markup {
    html! {
        section {
            h2 id="results" { "What was promised, and how it was kept" }
            @for part in &statement.parts {
                h3 { "Tier " (part.tier) ", " (part.days) " days from " (part.from) }
                div.scroll { table {
                    thead { tr {
                        th { "Promise" } th { "Result" } th.num { "Good share" } th.num { "Good" } th.num { "Of" }
                        th.num { "Left of the budget" } th.num { "Credit" }
                    } }
                    tbody { @for result in &part.results { (row(result)) } }
                } }
                (latency(part, &statement.measured_by))
            }
        }
    }
}

fn row(result: &StatementResult) -> Markup {
    html! {
        tr.owed[result.is_owed] {
            td { (result.promise) span.soft.small { " (" (result.method) ")" }
                @if let Some(why) = &result.why { br; span.soft.small { (why) } } }
            td { (badge(&result.status)) }
            td.num { @match &result.percent { Some(percent) => { (percent) " %" }, None => { "–" } } }
            (number_cell(result.good))
            (number_cell(result.valid))
            td.num { @match result.budget_left {
                Some(left) => { @if left < 0 { "−" } (thousands(left.unsigned_abs())) },
                None => { "–" },
            } }
            td.num { (result.credit_percent) " %"
                @if let Some(band) = &result.band { br; span.soft.small { (band) } } }
        }
    }
}

fn latency(part: &StatementPart, measured_by: &str) -> Markup {
    let what = if measured_by == "probes" { "check" } else { "request" };
    let shown =
        |value: Option<i64>| value.map_or_else(|| "–".to_owned(), |us| format!("{}.{:03} ms", us / 1_000, us % 1_000));
    html! {
        p.soft.small {
            (counted(part.total, what)) " counted, " (thousands(part.failed)) " failed. "
            @if part.p95_us.is_some() {
                "Latency: median " (shown(part.p50_us)) ", 95th percentile " (shown(part.p95_us)) ", 99th " (shown(part.p99_us))
                "; estimates within 1 %, which decide nothing."
            }
        }
    }
}

fn credit(statement: &SlaStatement) -> Markup {
    html! {
        section {
            h2 id="credit" { "Credit" }
            @match (&statement.credit, &statement.no_credit) {
                (Some(credit), _) => {
                    p.amount { b { (credit.amount) " " (credit.currency) } }
                    pre { @for line in &credit.formula { (line) "\n" } }
                    @if let Some(note) = &credit.note { p.note { (note) } }
                }
                (None, Some(why)) => { p.note { "No amount: " (why) "." } }
                (None, None) => {}
            }
        }
    }
}

fn days(statement: &SlaStatement) -> Markup {
    html! {
        section {
            h2 id="days" { "Day by day" }
            p.soft.small { "✓ every slice good, ✗ bad slices, ? slices of which nothing is known, – slices left out." }
            (strip(statement))
        }
    }
}

fn span(interval: &Interval) -> Markup {
    html! {
        td.when { (schemas::rfc3339(interval.start)) }
        td.when { (schemas::rfc3339(interval.end)) }
    }
}

fn runs(statement: &SlaStatement) -> Markup {
    html! {
        section {
            h2 id="slices" { "Slices that are not good" }
            @if statement.runs.is_empty() { p { "There are none." } } @else {
                @if statement.runs.len() > RUNS_SHOWN {
                    p.note { "The first " (RUNS_SHOWN) " of " (statement.runs.len()) " are shown; JSON, CSV and XLSX have all of them." }
                }
                div.scroll { table {
                    thead { tr { th { "What" } th { "From" } th { "Up to" } th.num { "Slices" } th.num { "Requests or checks" }
                        th.num { "Failed" } th { "Exclusion" } } }
                    tbody { @for run in statement.runs.iter().take(RUNS_SHOWN) {
                        tr {
                            td { (run.what) } (span(&run.interval)) (number_cell(run.slices)) (number_cell(run.total))
                            (number_cell(run.failed)) td { (run.exclusion.as_deref().unwrap_or("")) }
                        }
                    } }
                } }
            }
        }
    }
}

fn exclusions(statement: &SlaStatement) -> Markup {
    html! {
        section {
            h2 id="exclusions" { "Exclusions" }
            @if statement.exclusions.is_empty() { p { "None was asked for." } } @else {
                div.scroll { table {
                    thead { tr { th { "Exclusion" } th { "From" } th { "Up to" } th { "Reason" } th { "Approved by" }
                        th.num { "Slices left out" } th { "Rule that it fails" } } }
                    tbody { @for one in &statement.exclusions {
                        tr {
                            td { (one.id) br; span.soft.small { (one.kind) @if let Some(ticket) = &one.ticket { ", " (ticket) } } }
                            (span(&one.interval))
                            td.value { (one.reason) } td.value { (one.approved_by) } (number_cell(one.slices))
                            td.value { @match &one.ignored { Some(why) => { (why) }, None => { "none" } } }
                        }
                    } }
                } }
            }
        }
    }
}

fn revisions(statement: &SlaStatement) -> Markup {
    html! {
        section {
            h2 id="revisions" { "Revisions" }
            div.scroll { table {
                thead { tr { th.num { "Revision" } th { "State" } th { "Computed" } th { "Figures" } th.num { "Credit" } th { "Cause" } } }
                tbody { @for one in &statement.revisions {
                    tr {
                        td.num { (one.revision) } td { (one.state) } td.when { (schemas::rfc3339(one.at)) }
                        td.value { (one.figures) } td.num { (one.amount.as_deref().unwrap_or("–")) }
                        td.value { (one.cause.as_deref().unwrap_or("")) }
                    }
                } }
            } }
        }
    }
}

fn sources(from: &StatementProvenance) -> Sources<'_> {
    Sources {
        defined: ("Tiers", &from.tiers),
        spec_sha256: &from.spec_sha256,
        evidence_sha256: &from.evidence_sha256,
        evidence: &from.evidence,
        inputs: &from.inputs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::sample::{hostile, sample};

    #[test]
    fn a_page_shows_every_figure_and_obeys_no_text() {
        let page = statement_html(&sample());
        for part in [
            "99.8981",
            "missed",
            "49.90 EUR",
            "499.00 × 10 %",
            "maintenance must be announced",
            "44 bad",
            "rows came late",
        ] {
            assert!(page.contains(part), "{part}");
        }
        assert_eq!(page, statement_html(&sample()));
        let page = statement_html(&hostile());
        assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"));
        assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}'));
    }
}
