//! Renderings of a report of tables: a page with pictures, a JSON document, CSV tables, a workbook.
//!
//! All of them show [`schemas::FilledReport`] and nothing else: rows that a section does not show are in none of them. Absent:
//! statements, which `jobs/table_report` runs, and arithmetic.

mod bars;
mod csv;
mod html;
mod lines;
#[cfg(test)]
mod sample;
mod xlsx;

use schemas::{FilledColumn, FilledReport, FilledSection};

pub use csv::table_report_csv;
pub use html::table_report_html;
pub use xlsx::table_report_xlsx;

use crate::error::ExportError;
use crate::report::figure::counted;
use crate::report::json::pretty;

/// The report as JSON. It reads back as an equal [`FilledReport`].
///
/// # Errors
/// The encoder refuses the model, which no report makes it do.
pub fn table_report_json(report: &FilledReport) -> Result<String, ExportError> {
    pretty(report, &report.provenance.run)
}

/// Whose rows are in it, for whoever has it in hand.
fn whose(report: &FilledReport) -> String {
    match &report.tenant {
        Some(tenant) => format!("Rows of tenant {tenant} alone."),
        None => "Rows of all tenants: this report is for the operator and not to be given to a tenant.".to_owned(),
    }
}

/// How many rows there are, and how many of them are shown.
fn rows_told(section: &FilledSection) -> String {
    match section.rows.len() as u64 {
        0 => "no rows".to_owned(),
        shown if shown < section.rows_total => format!("the first {shown} of {}", counted(section.rows_total, "row")),
        _ => counted(section.rows_total, "row"),
    }
}

/// The title of a column with its unit.
fn headed(column: &FilledColumn) -> String {
    match &column.unit {
        Some(unit) => format!("{} ({unit})", column.title),
        None => column.title.clone(),
    }
}

/// Where a column stands.
fn place(section: &FilledSection, name: &str) -> Option<usize> {
    section.columns.iter().position(|column| column.name == name)
}

/// A value of a row as text.
fn value(row: &[Option<String>], place: Option<usize>) -> Option<&str> {
    row.get(place?)?.as_deref()
}

/// A value of a row as what is drawn.
fn drawn(row: &[Option<String>], place: Option<usize>) -> Option<f64> {
    value(row, place)?.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// A text with no more letters than there is room for.
fn cut(text: &str, letters: usize) -> String {
    match text.char_indices().nth(letters) {
        Some(_) => text.chars().take(letters.saturating_sub(1)).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table_report::sample::{hostile, sample};

    #[test]
    fn json_reads_back_as_an_equal_report_and_repeats() {
        for report in [sample(), hostile()] {
            let json = table_report_json(&report).expect("encodes");
            assert_eq!(json, table_report_json(&report).expect("encodes"));
            assert_eq!(serde_json::from_str::<FilledReport>(&json).expect("reads"), report);
            assert!(!json.contains(['\u{1b}', '\0', '\u{85}', '\u{2028}']));
        }
    }

    #[test]
    fn texts_are_cut_by_letters() {
        assert_eq!([cut("abcd", 4), cut("abcde", 4), cut("äöüß!", 4)], ["abcd", "abc…", "äöü…"]);
    }
}
