//! The report as a workbook: one table a sheet, the summary first.
//!
//! Counts are numbers, scores are percent, instants are dates and times in UTC, to the millisecond; a text is a text,
//! whatever it begins with, and what does not print in it is an escape such as `\u{1b}`. A text that is too long for a
//! cell ends in `…[cut]`. Absent: formulas, links, charts; trends are rows.

pub(crate) mod book;
mod controls;
mod findings;
mod frameworks;
mod history;
mod provenance;
pub(crate) mod sheet;
mod summary;

use schemas::Report;

use crate::error::ExportError;
use book::{Table, workbook};

/// Every sheet, in order.
const TABLES: [Table<Report>; 11] = [
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
    workbook("Compliance report", report.run.instant, &TABLES, report)
}

#[cfg(test)]
mod tests;
