//! Renderings of an SLA's statement: a page, a JSON document, CSV tables, a workbook.
//!
//! All of them show the whole of [`schemas::SlaStatement`] and nothing else. Absent: judgement, which `jobs/sla` does, and
//! other tenants.

mod calendar;
mod csv;
mod html;
pub(crate) mod page;
pub(crate) mod revisions;
#[cfg(test)]
mod sample;
mod xlsx;

use schemas::SlaStatement;

pub use csv::statement_csv;
pub use html::statement_html;
pub use xlsx::statement_xlsx;

use crate::error::ExportError;
use crate::report::json::pretty;

/// The statement as JSON. It reads back as an equal [`SlaStatement`].
///
/// # Errors
/// The encoder refuses the model, which no statement makes it do.
pub fn statement_json(statement: &SlaStatement) -> Result<String, ExportError> {
    pretty(statement, &statement.provenance.run)
}

/// The status in words for people.
fn status_word(status: &str) -> &str {
    match status {
        "ok" => "kept",
        "not_applicable" => "not applicable",
        "not_evaluated" => "not evaluated",
        other => other,
    }
}
