//! The report as one JSON document: the model itself, pretty, with a final line end.
//!
//! Keys stand in the order of the model. Absent: anything derived; what the page adds up, a reader of this
//! can add up too.

use schemas::Report;
use serde::Serialize;

use crate::error::ExportError;

/// The whole report as JSON. It reads back as an equal [`Report`].
///
/// # Errors
/// The encoder refuses the model, which no report of auditlake makes it do.
pub fn report_json(report: &Report) -> Result<String, ExportError> {
    pretty(report, &report.run.id)
}

/// A document of a run, with a final line end.
pub(crate) fn pretty(document: &impl Serialize, run: &str) -> Result<String, ExportError> {
    let plain = serde_json::to_string_pretty(document)
        .map_err(|source| ExportError::ReportJson { run: run.to_owned(), source })?;
    let mut json = String::with_capacity(plain.len() + 1);
    for letter in plain.chars() {
        // Such letters stand only inside texts, where an escape means the same and cannot move a terminal.
        if matches!(letter, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}') {
            json.push_str(&format!("\\u{:04x}", u32::from(letter)));
        } else {
            json.push(letter);
        }
    }
    json.push('\n');
    Ok(json)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{hostile, sample};

    #[test]
    fn json_reads_back_as_an_equal_report_and_repeats() {
        for report in [sample(), hostile()] {
            let json = report_json(&report).expect("encodes");
            assert_eq!(json, report_json(&report).expect("encodes"));
            assert_eq!(serde_json::from_str::<Report>(&json).expect("reads"), report);
            assert!(json.ends_with("}\n"));
            assert!(!json.contains(['\u{1b}', '\0', '\u{85}', '\u{2028}']));
        }
    }
}
