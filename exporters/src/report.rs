//! Renderings of the compliance report: a page, a JSON document, CSV tables.
//!
//! All of them show the whole of [`schemas::Report`] and nothing else, so that each can be checked against
//! the others. Absent: files, compression, spreadsheets, and judgement: what a figure means is decided
//! where it is counted.

mod change;
mod chart;
mod control;
mod csv;
mod evidence;
mod figure;
mod finding;
mod html;
mod json;
mod not_looked_at;
mod provenance;
#[cfg(test)]
mod sample;
mod scorecard;
mod strip;
mod style;
mod summary;
mod trend;

pub use csv::{CsvTable, report_csv};
pub use html::report_html;
pub use json::report_json;
