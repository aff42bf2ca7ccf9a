//! Exporters: rows and reports go in, bytes come out.
//!
//! Absent: object stores, paths, clocks and SQL. Same input, same bytes: nothing is written that the
//! input does not carry.

mod arrow_ipc;
mod bundle;
mod cell;
mod chunk;
mod csv;
mod error;
mod export;
mod format;
mod json;
mod losses;
mod objects;
mod pack;
mod parquet;
mod parts;
mod repack;
mod report;
mod rows;
mod series;
mod settled;
mod side_by_side;
mod statement;
mod support;
mod table;
mod table_report;
mod text;
mod usage;
mod xlsx;
mod xml;
mod yaml;

pub use bundle::{Bundle, Bundled};
pub use error::ExportError;
pub use export::{EXPORTERS, Exporter, PartWriter, exporter};
pub use format::{Compression, ExportOptions, Format, Split};
pub use losses::{CellCounts, CutCell, Loss};
pub use pack::PartOut;
pub use parts::{ExportProgress, Part, PartSink, check, export};
pub use report::{CsvTable, report_csv, report_html, report_json, report_oscal, report_xlsx};
pub use rows::{RowFormat, RowWriter, row_writer, table_within};
pub use series::{series_csv, series_html, series_json};
pub use statement::{statement_csv, statement_html, statement_json, statement_xlsx};
pub use support::{support_csv, support_html, support_json, support_xlsx};
pub use table_report::{table_report_csv, table_report_html, table_report_json, table_report_xlsx};
pub use usage::{usage_csv, usage_html, usage_json, usage_xlsx};
