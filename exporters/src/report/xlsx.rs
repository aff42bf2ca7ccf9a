//! The report as a workbook: one table a sheet, the summary first.
//!
//! Counts are numbers, scores are percent, instants are dates and times in UTC, to the millisecond; a text is a text,
//! whatever it begins with, and what does not print in it is an escape such as `\u{1b}`. A text that is too long for a
//! cell ends in `…[cut]`. Absent: formulas, links, charts; trends are rows.

mod controls;
mod findings;
mod frameworks;
mod history;
mod provenance;
pub(crate) mod sheet;
mod summary;

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook};
use schemas::Report;

use crate::error::ExportError;
use crate::xlsx::failed;
use sheet::{Column, Sheet, Styles};

/// One sheet: its name, its columns, and what writes its rows.
type Table = (&'static str, &'static [Column], fn(&Report, &mut Sheet<'_>) -> Result<(), ExportError>);

/// Every sheet, in order.
const TABLES: [Table; 11] = [
    ("Summary", summary::COLUMNS, summary::rows),
    ("Scorecards", frameworks::SCORECARD_COLUMNS, frameworks::scorecards),
    ("Requirements", frameworks::REQUIREMENT_COLUMNS, frameworks::requirements),
    ("Controls", controls::CONTROL_COLUMNS, controls::controls),
    ("Results", controls::RESULT_COLUMNS, controls::results),
    ("Findings", findings::COLUMNS, findings::rows),
    ("Changes", history::CHANGE_COLUMNS, history::changes),
    ("Trends", history::TREND_COLUMNS, history::trends),
    ("Evidence", provenance::EVIDENCE_COLUMNS, provenance::evidence),
    ("Not looked at", provenance::GAP_COLUMNS, provenance::not_looked_at),
    ("Provenance", provenance::COLUMNS, provenance::rows),
];

/// The whole report as a workbook. Same report, same bytes.
///
/// # Errors
/// A table has more rows than a sheet, or the writer's temporary files find no room.
pub fn report_xlsx(report: &Report) -> Result<Vec<u8>, ExportError> {
    let mut book = Workbook::new();
    let created = ExcelDateTime::from_timestamp(report.run.instant.timestamp()).map_err(failed)?;
    let about = DocProperties::new().set_title("Compliance report").set_creation_datetime(&created);
    book.set_properties(&about).set_zip_compression_level(6);
    let styles = Styles::new();
    for (name, columns, rows) in TABLES {
        // Not the plain kind of sheet: its shared texts take what stands between <r> and </r> for markup of their own.
        let sheet = book.add_worksheet_with_constant_memory().map_err(failed)?;
        let mut sheet = Sheet::begin(sheet, name, columns, &styles)?;
        rows(report, &mut sheet)?;
        sheet.end()?;
    }
    book.save_to_buffer().map_err(failed)
}

#[cfg(test)]
mod tests;
