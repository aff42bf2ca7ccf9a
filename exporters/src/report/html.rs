//! The report as one self-contained page.
//!
//! No script, no request to anywhere, nothing that needs colour or a screen. Everything from the data is
//! escaped by maud, and control characters are shown as escapes, so that a page never obeys its data.
//! Absent: who approved it. What is approved are these bytes, so they can only say that somebody must.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use schemas::Report;

use super::style::STYLE;
use super::{control, evidence, figure, not_looked_at, provenance, scorecard, summary};

/// Forbids everything but the style sheet in the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The whole report as an HTML page. Same report, same bytes.
pub fn report_html(report: &Report) -> String {
    shown(&page(report).into_string())
}

fn page(report: &Report) -> Markup {
    let title = html! { "Compliance report: " (report.lake) ", " (report.run.job) ", " (report.run.id) };
    let body = html! {
        (head(report))
        (navigation())
        main {
            (summary::section(report))
            (scorecard::section(report))
            (control::section(report))
            (evidence::section(report))
            (not_looked_at::section(report))
            (provenance::section(report))
            footer {
                "auditlake " (report.run.version) ", run " (report.run.id) ". Instants in tables are UTC. "
                "Characters that do not print are shown as escapes, such as \\u{1b}."
            }
        }
    };
    document(&title, &[STYLE], &body)
}

/// A page of this title, these style sheets and this body; it asks nobody for anything.
pub(crate) fn document(title: &Markup, styles: &[&str], body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { @for style in styles { (PreEscaped(style)) } }
            }
            body { (body) }
        }
    }
}

fn head(report: &Report) -> Markup {
    let run = &report.run;
    html! {
        header { div {
            p.kicker { "Compliance report" }
            h1 { (report.lake) }
            p { span.review { (run.review().0) } " " span.soft.small { (run.review().1) } }
            dl {
                dt { "Job" } dd { (run.job) }
                dt { "Interval" } dd {
                    (moment(report.interval.start.timestamp_micros(), schemas::rfc3339(report.interval.start), &run.timezone))
                    br;
                    "up to, not including, "
                    (moment(report.interval.end.timestamp_micros(), schemas::rfc3339(report.interval.end), &run.timezone))
                }
                dt { "Generated" } dd { (moment(run.instant.timestamp_micros(), schemas::rfc3339(run.instant), &run.timezone)) }
                dt { "Run" } dd { code { (run.id) } }
            }
        } }
    }
}

/// In the zone of the report, and in UTC.
fn moment(at_us: i64, utc: String, zone: &str) -> Markup {
    match figure::local(at_us, zone) {
        Some(local) => html! { (local) " (" (zone) ") " span.soft { "= " (utc) } },
        None => html! { (utc) " " span.soft { "(zone " (zone) " is not known to this build)" } },
    }
}

fn navigation() -> Markup {
    let parts = [
        ("summary", "Summary"),
        ("scorecards", "Scorecards"),
        ("controls", "Findings by control"),
        ("evidence", "Evidence"),
        ("not-looked-at", "Not looked at"),
        ("provenance", "Provenance"),
    ];
    html! { nav aria-label="Parts of the report" { div { @for (id, name) in parts { a href={ "#" (id) } { (name) } } } } }
}

/// Shows what a reader's program might obey, rather than print, as an escape: control characters and
/// text direction overrides.
pub(crate) fn shown(page: &str) -> String {
    let mut shown = String::with_capacity(page.len() + 1);
    for letter in page.chars() {
        match letter {
            '\n' | '\t' => shown.push(letter),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => shown.extend(letter.escape_unicode()),
            _ if letter.is_control() => shown.extend(letter.escape_unicode()),
            _ => shown.push(letter),
        }
    }
    shown.push('\n');
    shown
}

#[cfg(test)]
mod tests;
