//! The seam: rows in, parts out, one exporter per format.

use std::fmt;
use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, SchemaRef};

use crate::arrow_ipc::Arrow;
use crate::csv::Csv;
use crate::error::ExportError;
use crate::format::{ExportOptions, Format};
use crate::json::Json;
use crate::losses::CellCounts;
use crate::parquet::Parquet;
use crate::xlsx::Xlsx;
use crate::xml::Xml;
use crate::yaml::Yaml;

/// Writes rows in one format.
pub trait Exporter: fmt::Debug + Send + Sync {
    /// Its format.
    fn format(&self) -> Format;

    /// Refuses a schema that this format cannot hold, beside what none can.
    ///
    /// # Errors
    /// The first column that cannot be written, with what to select in its place.
    fn check(&self, _schema: &SchemaRef) -> Result<(), ExportError> {
        Ok(())
    }

    /// What the cells of a column are in the file, for example `xs:dateTime`.
    fn written_as(&self, field: &Field) -> String;

    /// A file that stands beside the parts: its name and its bytes.
    fn beside(&self, _schema: &SchemaRef) -> Option<(&'static str, String)> {
        None
    }

    /// Starts a part and writes what stands before its rows.
    ///
    /// # Errors
    /// When `out` refuses bytes.
    fn start<'a>(
        &self,
        schema: &SchemaRef,
        options: &ExportOptions,
        out: &'a mut dyn PartBytes,
    ) -> Result<Box<dyn PartWriter + 'a>, ExportError>;
}

/// Takes the bytes of a part.
pub trait PartBytes: Write + Send {
    /// Takes a text as it is, without a copy where that is possible; may give another one back to be used again.
    ///
    /// # Errors
    /// When the bytes are refused.
    fn write_text(&mut self, text: String) -> io::Result<Option<String>> {
        self.write_all(text.as_bytes())?;
        Ok(Some(text))
    }
}

impl PartBytes for Vec<u8> {}

/// One part under way.
pub trait PartWriter {
    /// Writes the rows of a chunk; the first of them has this number in the export, counted from 1.
    ///
    /// # Errors
    /// When the output refuses bytes, or a cell cannot be written.
    fn write(&mut self, chunk: &RecordBatch, first_row: u64, cells: &mut CellCounts) -> Result<(), ExportError>;

    /// Writes what stands behind the rows.
    ///
    /// # Errors
    /// When the output refuses bytes.
    fn finish(self: Box<Self>) -> Result<(), ExportError>;
}

/// Every exporter.
pub const EXPORTERS: &[&dyn Exporter] = &[&Csv, &Json::Array, &Json::Lines, &Xlsx, &Parquet, &Xml, &Yaml, &Arrow];

/// The exporter of a format.
pub fn exporter(format: Format) -> &'static dyn Exporter {
    match format {
        Format::Csv => &Csv,
        Format::Json => &Json::Array,
        Format::Ndjson => &Json::Lines,
        Format::Xlsx => &Xlsx,
        Format::Parquet => &Parquet,
        Format::Xml => &Xml,
        Format::Yaml => &Yaml,
        Format::Arrow => &Arrow,
    }
}
