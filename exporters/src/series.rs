//! Renderings of a tenant's series: a page with a picture of each, a JSON document, CSV tables.
//!
//! All of them show [`schemas::SeriesReport`] and nothing else. Absent: judgement, which `jobs/anomalies` does, and other tenants.

pub(crate) mod axis;
mod chart;
mod csv;
mod html;
#[cfg(test)]
mod sample;

use schemas::SeriesReport;

pub use csv::series_csv;
pub use html::series_html;

use crate::error::ExportError;
use crate::report::json::pretty;

/// The series as JSON. It reads back as an equal [`SeriesReport`].
///
/// # Errors
/// The encoder refuses the model, which no report of series makes it do.
pub fn series_json(report: &SeriesReport) -> Result<String, ExportError> {
    pretty(report, &report.provenance.run)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::sample::{hostile, sample};

    #[test]
    fn json_reads_back_as_an_equal_report_and_repeats() {
        for report in [sample(), hostile()] {
            let json = series_json(&report).expect("encodes");
            assert_eq!(json, series_json(&report).expect("encodes"));
            assert_eq!(serde_json::from_str::<SeriesReport>(&json).expect("reads"), report);
            assert!(!json.contains(['\u{1b}', '\0', '\u{85}', '\u{2028}']));
        }
    }
}
