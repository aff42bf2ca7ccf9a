//! Renderings of the compliance report: a page, a JSON document, CSV tables, a workbook, OSCAL assessment results.
//!
//! All of them show the whole of [`schemas::Report`] and nothing else, so that each can be checked against
//! the others; OSCAL alone has no place for some of it and says so. Absent: files, compression, and judgement: what a
//! figure means is decided where it is counted.

mod change;
mod chart;
mod control;
pub(crate) mod csv;
mod evidence;
pub(crate) mod figure;
mod finding;
pub(crate) mod html;
pub(crate) mod json;
mod not_looked_at;
mod oscal;
mod printable;
mod provenance;
#[cfg(test)]
mod sample;
mod scorecard;
mod strip;
pub(crate) mod style;
mod summary;
mod trend;
pub(crate) mod xlsx;

pub use csv::{CsvTable, report_csv};
pub use html::report_html;
pub use json::report_json;
pub use oscal::report_oscal;
pub use xlsx::report_xlsx;
