//! What pages of statements have in common: how far a result is, its period, its statuses, where its figures come from.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use schemas::{InputFile, Interval};

use crate::report::figure::{local, number_cell};

/// An amount in the size of a title.
pub(crate) const AMOUNT_STYLE: &str = ".amount b { display: block; font-size: 1.75rem; line-height: 1.2; }";

/// How far a result is, and what that means.
pub(crate) fn state(state: &str, revision: u32) -> Markup {
    let meaning = match state {
        "provisional" => "rows may still come",
        "adjusted" => "it was final, and something changed: see its revisions",
        _ => "the time for late rows is over",
    };
    let class = if state == "final" { "badge pass" } else { "review" };
    html! { p { span class=(class) { (state) } " " span.soft.small { (meaning) ", revision " (revision) } } }
}

/// An instant in a zone, and in UTC.
pub(crate) fn moment(at: DateTime<Utc>, zone: &str) -> Markup {
    let utc = schemas::rfc3339(at);
    // Zones of the page are chrono-tz's, as arrow knows them.
    match local(at.timestamp_micros(), zone) {
        Some(local) if zone != "UTC" => html! { (local) " (" (zone) ") " span.soft { "= " (utc) } },
        _ => html! { (utc) },
    }
}

/// A period in a zone.
pub(crate) fn period(interval: &Interval, zone: &str) -> Markup {
    html! { (moment(interval.start, zone)) br; "up to, not including, " (moment(interval.end, zone)) }
}

/// A sign and a word in the colour of a class.
pub(crate) fn badge(class: &str, sign: &str, word: &str) -> Markup {
    html! { span class={ "badge " (class) } { span.sign aria-hidden="true" { (sign) } " " (word) } }
}

/// What a statement was computed from, and what proves it.
pub(crate) struct Basis<'a> {
    /// What the promised or sold is called, such as `Tiers`, with its version.
    pub(crate) terms: (&'static str, &'a str),
    pub(crate) spec_sha256: &'a str,
    pub(crate) evidence_sha256: &'a str,
    pub(crate) evidence: &'a [String],
    pub(crate) inputs: &'a [InputFile],
}

impl Basis<'_> {
    /// The section with it.
    pub(crate) fn section(&self) -> Markup {
        html! {
            section {
                h2 id="provenance" { "Provenance" }
                dl {
                    dt { (self.terms.0) } dd { (self.terms.1) }
                    dt { "Definitions (SHA-256)" } dd.hash { (self.spec_sha256) }
                    dt { "Evidence (SHA-256)" } dd.hash { (self.evidence_sha256) }
                    @for path in self.evidence { dt { "Evidence" } dd { code { (path) } } }
                }
                (files(self.inputs))
            }
        }
    }
}

fn files(inputs: &[InputFile]) -> Markup {
    html! {
        h3 { "Files that were read" }
        div.scroll { table.wide {
            thead { tr { th { "Dataset" } th { "File" } th.num { "Rows" } th { "Version" } } }
            tbody { @for input in inputs {
                tr { td { (input.dataset) } td { code { (input.path) } } (number_cell(input.rows)) td { code { (input.etag) } } }
            } }
        } }
    }
}
