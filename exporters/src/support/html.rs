//! The statement as one self-contained page, by the rules of the report's: no script, no request, nothing that needs colour.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use schemas::{SupportClock, SupportGroup, SupportPromise, SupportProvenance, SupportStatement, SupportTicket};

use super::{is_notable, status_word};
use crate::report::figure::{counted, number_cell, thousands};
use crate::report::html::{document, shown};
use crate::report::style::STYLE;
use crate::statement::page::{Sources, moment, provenance, state};
use crate::statement::revisions;

/// What the report's sheet does not have.
const OWN_STYLE: &str = "td.clock { white-space: nowrap; }";
/// Tickets that the page shows; all of them are in the other formats.
const TICKETS_SHOWN: usize = 200;

/// The whole statement as an HTML page. Same statement, same bytes.
pub fn support_html(statement: &SupportStatement) -> String {
    shown(&page(statement).into_string())
}

fn page(statement: &SupportStatement) -> Markup {
    let title = html! { "Support statement: " (statement.tenant) ", " (statement.support) ", " (statement.period) };
    let body = html! {
        (head(statement))
        main {
            (promises(statement))
            (groups(statement))
            (tickets(statement))
            (pauses(statement))
            (revisions::section(&statement.revisions))
            (provenance(&sources(&statement.provenance)))
            footer {
                "auditlake " (statement.provenance.version) ", run " (statement.provenance.run) ". Instants in tables are UTC. "
                "Business time is hours, minutes and seconds; it is compared in microseconds and cut off where it is shown."
            }
        }
    };
    document(&title, &[STYLE, OWN_STYLE], &body)
}

fn head(statement: &SupportStatement) -> Markup {
    let zone = &statement.timezone;
    html! {
        header { div {
            p.kicker { "Support statement" }
            h1 { (statement.tenant) " · " (statement.period) }
            (state(&statement.state, statement.revision))
            dl {
                dt { "Agreement" } dd { (statement.support) ", tier " (statement.tier) }
                dt { "Tickets opened" } dd {
                    (moment(statement.interval.start, zone)) br; "up to, not including, " (moment(statement.interval.end, zone))
                }
                dt { "Judged as of" } dd { (moment(statement.judged_at, zone)) }
                dt { "Clocks run in" } dd { "the hours of calendar " (statement.calendar) " (" (statement.calendar_zone) ")" }
                dt { "Clocks stop for" } dd {
                    @if statement.pause_reasons.is_empty() { "nothing" } @else { (statement.pause_reasons.join(", ")) }
                }
            }
        } }
    }
}

fn badge(status: &str) -> Markup {
    let (class, sign) = match status {
        "ok" | "kept" => ("pass", "✓"),
        "missed" => ("fail", "✗"),
        "warned" => ("warn", "!"),
        "running" => ("not_applicable", "…"),
        "not_evaluated" => ("not_evaluated", "?"),
        _ => ("not_applicable", "–"),
    };
    html! { span class={ "badge " (class) } { span.sign aria-hidden="true" { (sign) } " " (status_word(status)) } }
}

fn promises(statement: &SupportStatement) -> Markup {
    html! {
        section {
            h2 id="promises" { "What was promised, and how it was kept" }
            div.scroll { table {
                thead { tr {
                    th { "Promise" } th { "Result" } th.num { "Within" } th.num { "Kept" } th.num { "Of" } th.num { "Running" }
                    th.num { "Near the limit" } th.num { "Not judged" } th.num { "Left to miss" }
                } }
                tbody { @for one in &statement.promises { (promise(one)) } }
            } }
            p.soft.small {
                "A ticket whose clock runs is decided when it ends, or is over its limit. It is near its limit from "
                (statement.warn_percent) " % of that on."
            }
        }
    }
}

fn promise(one: &SupportPromise) -> Markup {
    html! {
        tr {
            td { (one.promise) @if let Some(why) = &one.why { br; span.soft.small { (why) } } }
            td { (badge(&one.status)) }
            td.num { @match &one.percent { Some(percent) => { (percent) " %" }, None => { "–" } } }
            (number_cell(one.good)) (number_cell(one.valid)) (number_cell(one.running)) (number_cell(one.warned))
            (number_cell(one.not_judged))
            td.num { @match one.budget_left {
                Some(left) => { @if left < 0 { "−" } (thousands(left.unsigned_abs())) },
                None => { "–" },
            } }
        }
    }
}

fn groups(statement: &SupportStatement) -> Markup {
    html! {
        section {
            h2 id="priorities" { "By tier and priority" }
            @if statement.groups.is_empty() { p { "There were no tickets with a limit." } } @else {
                div.scroll { table {
                    thead { tr {
                        th { "Tier" } th.num { "Priority" } th { "Promise" } th.num { "Limit" } th.num { "Tickets" } th.num { "Kept" }
                        th.num { "Missed" } th.num { "Running" } th.num { "Near the limit" }
                    } }
                    tbody { @for one in &statement.groups { (group(one)) } }
                } }
            }
        }
    }
}

fn group(one: &SupportGroup) -> Markup {
    html! {
        tr {
            td { (one.tier) } td.num { (one.priority) } td { (one.metric) } td.num { (one.limit) } (number_cell(one.tickets))
            (number_cell(one.kept)) (number_cell(one.missed)) (number_cell(one.running)) (number_cell(one.warned))
        }
    }
}

fn tickets(statement: &SupportStatement) -> Markup {
    let notable: Vec<&SupportTicket> = statement.tickets.iter().filter(|ticket| is_notable(ticket)).collect();
    let others = statement.tickets.len() - notable.len();
    html! {
        section {
            h2 id="tickets" { "Tickets to look at" }
            p.soft.small {
                "Those over a limit, those whose clock runs, those that are not judged, and those with a pause that does not count. "
                (counted(others as u64, "other ticket")) " kept every limit there is; JSON, CSV and XLSX have all of them."
            }
            @if notable.is_empty() { p { "There are none." } } @else {
                @if notable.len() > TICKETS_SHOWN {
                    p.note { "The first " (TICKETS_SHOWN) " of " (thousands(notable.len() as u64)) " are shown." }
                }
                div.scroll { table {
                    thead { tr {
                        th { "Ticket" } th.num { "Priority" } th { "Opened" } th { "Response" } th { "Resolution" } th { "State" }
                    } }
                    tbody { @for one in notable.iter().take(TICKETS_SHOWN) { (ticket(one)) } }
                } }
            }
        }
    }
}

fn ticket(one: &SupportTicket) -> Markup {
    html! {
        tr {
            td.value { (one.id) br; span.soft.small { "tier " (one.tier) ", revision " (one.revision) } }
            td.num { (one.priority) }
            td.when { (schemas::rfc3339(one.opened_at)) }
            @match &one.not_judged {
                Some(why) => { td colspan="2" { (badge("not_evaluated")) " " (why) } },
                None => { (clock(one.response.as_ref())) (clock(one.resolution.as_ref())) },
            }
            td.value { (one.state) @if one.reopened > 0 { br; span.soft.small { "reopened " (one.reopened) } } }
        }
    }
}

fn clock(clock: Option<&SupportClock>) -> Markup {
    html! {
        td.clock { @match clock {
            Some(clock) => {
                (badge(&clock.status)) " " (clock.counted) span.soft { " of " (clock.limit) }
                br; span.soft.small { @match clock.ended_at {
                    Some(at) => { "ended " (schemas::rfc3339(at)) },
                    None => { "not ended" },
                } }
            },
            None => { span.soft { "no limit" } },
        } }
    }
}

fn pauses(statement: &SupportStatement) -> Markup {
    let all = statement.tickets.iter().filter(|ticket| is_notable(ticket)).take(TICKETS_SHOWN);
    let all: Vec<_> = all.flat_map(|ticket| ticket.pauses.iter().map(move |pause| (ticket, pause))).collect();
    let at = |at: Option<DateTime<Utc>>| at.map_or_else(|| "–".to_owned(), schemas::rfc3339);
    html! {
        section {
            h2 id="pauses" { "Pauses of these tickets" }
            @if all.is_empty() { p { "There are none." } } @else {
                div.scroll { table {
                    thead { tr { th { "Ticket" } th { "From" } th { "Up to" } th { "Reason" } th { "Does not count because" } } }
                    tbody { @for (ticket, pause) in all {
                        tr {
                            td.value { (ticket.id) } td.when { (at(pause.from)) } td.when { (at(pause.to)) } td.value { (pause.reason) }
                            td.value { @match &pause.ignored { Some(why) => { (why) }, None => { "it counts" } } }
                        }
                    } }
                } }
            }
        }
    }
}

fn sources(from: &SupportProvenance) -> Sources<'_> {
    Sources {
        defined: ("Agreement", &from.defined),
        spec_sha256: &from.spec_sha256,
        evidence_sha256: &from.evidence_sha256,
        evidence: &from.evidence,
        inputs: &from.inputs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::sample::{hostile, sample};

    #[test]
    fn a_page_shows_what_to_look_at_and_obeys_no_text() {
        let page = support_html(&sample());
        for part in [
            "at least 95 % of tickets are answered",
            "66.6666 %",
            "T-late",
            "9:30:00",
            "near its limit",
            "priority 7 is none of 1 to 4",
            "only pauses for waiting_customer count",
            "1 other ticket",
            "clocks of open tickets went on",
        ] {
            assert!(page.contains(part), "{part}");
        }
        assert!(!page.contains("T-kept"), "a ticket that kept its limits is counted");
        assert_eq!(page, support_html(&sample()));
        let page = support_html(&hostile());
        assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"));
        assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}'));
    }
}
