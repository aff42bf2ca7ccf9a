//! Rows to bytes, one writer per format.
//!
//! A writer sees the schema first, then the batches, then the end; it holds at most one batch (the table
//! for people: the first rows, to measure widths). Absent: files, compression, and the formula guard,
//! which belongs to files that people open in a spreadsheet.

use std::collections::HashMap;
use std::fmt;
use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Fields, Schema};

use schemas::CsvStyle;

use crate::cell::{CellFault, TextStyle, holds};
use crate::csv::CsvRows;
use crate::error::ExportError;
use crate::objects::{Layout, ObjectRows};
use crate::table::TableRows;
use crate::text::TextFile;

/// The formats rows are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFormat {
    /// An aligned table for people.
    Table,
    /// RFC 4180, null and `""` apart.
    Csv,
    /// One array of objects.
    Json,
    /// One object a line.
    Ndjson,
}

impl RowFormat {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Table, Self::Csv, Self::Json, Self::Ndjson];

    /// The word on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == word)
    }
}

impl fmt::Display for RowFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Writes batches of one schema.
pub trait RowWriter {
    /// Writes the rows of a batch.
    ///
    /// # Errors
    /// The output refuses bytes, or a cell cannot be written.
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ExportError>;

    /// Writes what follows the last row, flushes, and says how many rows there were.
    ///
    /// # Errors
    /// The output refuses bytes.
    fn finish(&mut self) -> Result<u64, ExportError>;
}

/// Starts an output: checks every column, writes what stands before the first row.
///
/// # Errors
/// A column that the format cannot hold, or the output refuses bytes.
pub fn row_writer<'a>(
    format: RowFormat,
    schema: &Schema,
    out: &'a mut dyn Write,
) -> Result<Box<dyn RowWriter + 'a>, ExportError> {
    check_types(schema)?;
    if format != RowFormat::Table {
        check_names(schema)?;
    }
    let fields = schema.fields();
    Ok(match format {
        RowFormat::Table => Box::new(TableRows::start(schema, None, out)),
        RowFormat::Csv => Box::new(TextFile::start(CsvRows::new(fields, &CsvStyle::default()), fields, out)?),
        RowFormat::Json => {
            Box::new(TextFile::start(ObjectRows::new(fields, Layout::Array, TextStyle::JSON), fields, out)?)
        }
        RowFormat::Ndjson => {
            Box::new(TextFile::start(ObjectRows::new(fields, Layout::Lines, TextStyle::JSON), fields, out)?)
        }
    })
}

/// Starts a table for people in which a line takes at most `limit` columns of a terminal: rows that are wider stand as
/// records, a column a line.
///
/// # Errors
/// As [`row_writer`].
pub fn table_within<'a>(
    limit: usize,
    schema: &Schema,
    out: &'a mut dyn Write,
) -> Result<Box<dyn RowWriter + 'a>, ExportError> {
    check_types(schema)?;
    Ok(Box::new(TableRows::start(schema, Some(limit), out)))
}

/// Refuses a batch that is not of the schema.
pub(crate) fn check_batch(batch: &RecordBatch, columns: usize) -> Result<(), ExportError> {
    if batch.num_columns() == columns {
        Ok(())
    } else {
        Err(ExportError::BatchShape { given: batch.num_columns(), expected: columns })
    }
}

/// Says where a cell failed.
pub(crate) fn at(fault: CellFault, field: &Field, row: u64) -> ExportError {
    match fault {
        CellFault::RepeatedKey(key) => ExportError::RepeatedKey { column: field.name().clone(), row, key },
        CellFault::Unsupported(_) => unsupported(field),
        CellFault::NoXml(value) => ExportError::NoXml { column: field.name().clone(), row, value },
        CellFault::NoCast(why) => ExportError::NoCast { column: field.name().clone(), row, why },
    }
}

pub(crate) fn check_types(schema: &Schema) -> Result<(), ExportError> {
    for field in schema.fields() {
        if holds(field.data_type(), &|one| matches!(one, DataType::Union(_, _))) {
            return Err(unsupported(field));
        }
        if let Some(twice) = repeated_field(field.data_type()) {
            return Err(ExportError::DuplicateField { column: field.name().clone(), field: twice });
        }
    }
    Ok(())
}

fn unsupported(field: &Field) -> ExportError {
    let column = field.name();
    let instead = match field.data_type() {
        DataType::Union(fields, _) => {
            let option = fields.iter().next().map_or("", |(_, option)| option.name().as_str());
            format!("select union_extract(\"{column}\", '{option}') AS \"{column}\"")
        }
        _ => {
            format!("select the parts of \"{column}\" that are no union, for example \"{column}\"['name'] AS \"name\"")
        }
    };
    ExportError::UnsupportedType { column: column.clone(), data_type: field.data_type().to_string(), instead }
}

fn repeated_field(data_type: &DataType) -> Option<String> {
    match data_type {
        DataType::Struct(fields) => repeated_name(fields)
            .map(|(_, second)| fields[second].name().clone())
            .or_else(|| fields.iter().find_map(|field| repeated_field(field.data_type()))),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => repeated_field(item.data_type()),
        DataType::Dictionary(_, values) => repeated_field(values),
        DataType::RunEndEncoded(_, values) => repeated_field(values.data_type()),
        _ => None,
    }
}

/// Indexes of the first two fields of one name.
fn repeated_name(fields: &Fields) -> Option<(usize, usize)> {
    let mut seen = HashMap::new();
    fields.iter().enumerate().find_map(|(index, field)| seen.insert(field.name(), index).map(|first| (first, index)))
}

pub(crate) fn check_names(schema: &Schema) -> Result<(), ExportError> {
    let free = |stem: &str| {
        (2..).map(|n| format!("{stem}_{n}")).find(|name| schema.fields().find(name).is_none()).unwrap_or_default()
    };
    if let Some(index) = schema.fields().iter().position(|field| field.name().is_empty()) {
        return Err(ExportError::UnnamedColumn { number: index + 1, alias: free("column") });
    }
    if let Some((first, second)) = repeated_name(schema.fields()) {
        let column = schema.field(second).name().clone();
        let alias = free(&column);
        return Err(ExportError::DuplicateColumn { column, first: first + 1, second: second + 1, alias });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
