//! The evidence index: every object that holds evidence rows, by which a stranger checks the report.
//!
//! Absent: the rows, and links. A report is read far from its lake, so it names paths and hashes.

use maud::{Markup, html};
use schemas::Report;

use super::figure::{control_link, number_cell};

/// The section of the evidence index.
pub(super) fn section(report: &Report) -> Markup {
    html! {
        section.page #evidence {
            h2 { "Evidence index" }
            @if report.evidence.is_empty() {
                p { "No evidence rows were kept: no control found a violation, or none could be judged." }
            } @else {
                p { "Each object is kept as long as its control wants it. Where fewer rows are kept than there are violations, the count is still whole." }
                div.scroll { table {
                    thead { tr {
                        th { "Control" } th { "Object and SHA-256" } th.num { "Bytes" } th.num { "Rows kept" } th.num { "Violations" } th { "Kept for" }
                    } }
                    tbody { @for object in &report.evidence { tr {
                        td { (control_link(&object.control)) }
                        td { code { (object.path) } br; span.hash { (object.sha256) } }
                        (number_cell(object.bytes)) (number_cell(object.rows)) (number_cell(object.violations))
                        td { (object.keep) }
                    } } }
                } }
            }
        }
    }
}
