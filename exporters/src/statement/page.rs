//! What pages of statements, and of series, have in common: how far a result is, instants in its zone, where figures come from.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use schemas::InputFile;

use crate::report::figure::{local, number_cell};

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

/// The definitions that decided, what proves the figures, and the files that were read.
pub(crate) struct Sources<'a> {
    /// What decided, and its name and version.
    pub(crate) defined: (&'static str, &'a str),
    pub(crate) spec_sha256: &'a str,
    pub(crate) evidence_sha256: &'a str,
    pub(crate) evidence: &'a [String],
    pub(crate) inputs: &'a [InputFile],
}

/// Where figures come from, as a section.
pub(crate) fn provenance(from: &Sources<'_>) -> Markup {
    html! {
        section {
            h2 id="provenance" { "Provenance" }
            dl {
                dt { (from.defined.0) } dd { (from.defined.1) }
                dt { "Definitions (SHA-256)" } dd.hash { (from.spec_sha256) }
                dt { "Evidence (SHA-256)" } dd.hash { (from.evidence_sha256) }
                @for path in from.evidence { dt { "Evidence" } dd { code { (path) } } }
            }
            h3 { "Files that were read" }
            (files_read(from.inputs))
        }
    }
}

/// Files with their versions, as a table.
pub(crate) fn files_read(inputs: &[InputFile]) -> Markup {
    html! {
        div.scroll { table.wide {
            thead { tr { th { "Dataset" } th { "File" } th.num { "Rows" } th { "Version" } } }
            tbody { @for input in inputs {
                tr { td { (input.dataset) } td { code { (input.path) } } (number_cell(input.rows)) td { code { (input.etag) } } }
            } }
        } }
    }
}
