//! Renderings of a statement about support tickets: a page, a JSON document, CSV tables, a workbook.
//!
//! All of them show the whole of [`schemas::SupportStatement`] and nothing else; of the page, the tickets that kept every limit
//! are counted and not listed. Absent: judgement, which `jobs/support` does, and other tenants.

mod csv;
mod html;
#[cfg(test)]
mod sample;
mod xlsx;

use schemas::{SupportStatement, SupportTicket};

pub use csv::support_csv;
pub use html::support_html;
pub use xlsx::support_xlsx;

use crate::error::ExportError;
use crate::report::json::pretty;

/// The statement as JSON. It reads back as an equal [`SupportStatement`].
///
/// # Errors
/// The encoder refuses the model, which no statement makes it do.
pub fn support_json(statement: &SupportStatement) -> Result<String, ExportError> {
    pretty(statement, &statement.provenance.run)
}

/// The status in words for people.
fn status_word(status: &str) -> &str {
    match status {
        "ok" => "kept",
        "warned" => "near its limit",
        "not_applicable" => "not applicable",
        "not_evaluated" => "not evaluated",
        other => other,
    }
}

/// Whether somebody should look at a ticket: a limit is exceeded, or a clock runs, or it is not judged, or a pause does not count.
fn is_notable(ticket: &SupportTicket) -> bool {
    let clocks = [&ticket.response, &ticket.resolution];
    ticket.not_judged.is_some()
        || clocks.into_iter().flatten().any(|clock| clock.status != "kept")
        || ticket.pauses.iter().any(|pause| pause.ignored.is_some())
}
