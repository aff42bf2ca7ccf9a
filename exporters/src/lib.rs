//! Exporters: rows and reports go in, bytes come out.
//!
//! Absent: object stores, paths, clocks and SQL. Same input, same bytes: nothing is written that the
//! input does not carry.

mod cell;
mod csv;
mod error;
mod json;
mod report;
mod rows;
mod table;

pub use error::ExportError;
pub use report::{CsvTable, report_csv, report_html, report_json};
pub use rows::{RowFormat, RowWriter, row_writer, table_within};
