//! Renderings of a statement of usage: a page, a JSON document, CSV tables, a workbook.
//!
//! All of them show the whole of [`schemas::UsageStatement`] and nothing else. Absent: metering, which `jobs/usage` does, and
//! other tenants.

mod bars;
mod csv;
mod html;
#[cfg(test)]
mod sample;
mod xlsx;

use schemas::{UsageQuota, UsageStatement};

pub use csv::usage_csv;
pub use html::usage_html;
pub use xlsx::usage_xlsx;

use crate::error::ExportError;
use crate::report::json::pretty;

/// The statement as JSON. It reads back as an equal [`UsageStatement`].
///
/// # Errors
/// The encoder refuses the model, which no statement makes it do.
pub fn usage_json(statement: &UsageStatement) -> Result<String, ExportError> {
    pretty(statement, &statement.provenance.run)
}

/// The status in words for people.
fn status_word(status: &str) -> &str {
    match status {
        "ok" => "within",
        "warn" => "nearly used up",
        "not_evaluated" => "not evaluated",
        other => other,
    }
}

/// What of the rows of a meter counts, in words for people.
fn measure_words(quota: &UsageQuota) -> &'static str {
    match (quota.measure.as_str(), quota.is_daily) {
        ("max", _) => "most at a time",
        ("mean", _) => "mean over time",
        ("counter", true) => "growth of counters, a day",
        ("counter", false) => "growth of counters",
        (_, true) => "sum, a day",
        (_, false) => "sum",
    }
}
