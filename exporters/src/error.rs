//! What can go wrong while rows or reports become bytes.

use std::io;

use schemas::Remedy;

use crate::format::Format;

/// Why an export failed. The first failure ends the export; what was written until then is not an export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The place the bytes go to refused them.
    #[error("cannot write the output; check that its reader still listens and its disk has room")]
    Write(#[source] io::Error),
    /// A column whose type no text format holds.
    #[error("column \"{column}\" has type {data_type}, which cannot be written as text; {instead}")]
    UnsupportedType {
        /// The column.
        column: String,
        /// Its Arrow type.
        data_type: String,
        /// What to select instead.
        instead: String,
    },
    /// Two output columns of one name.
    #[error("output columns {first} and {second} are both named \"{column}\"; add AS \"{alias}\" to column {second}")]
    DuplicateColumn {
        /// The name.
        column: String,
        /// Number of the first column, from 1.
        first: usize,
        /// Number of the second column, from 1.
        second: usize,
        /// A name that is free.
        alias: String,
    },
    /// An output column without a name.
    #[error("output column {number} has no name; add AS \"{alias}\" to it")]
    UnnamedColumn {
        /// Number of the column, from 1.
        number: usize,
        /// A name that is free.
        alias: String,
    },
    /// Two fields of one name inside a struct, which a JSON object cannot hold.
    #[error(
        "column \"{column}\" holds a struct with two fields \"{field}\"; rename one of them, or select the fields apart"
    )]
    DuplicateField {
        /// The column.
        column: String,
        /// The field.
        field: String,
    },
    /// A map that has a key twice, which a JSON object cannot hold.
    #[error(
        "column \"{column}\", row {row}: the map has key \"{key}\" twice; select map_entries(\"{column}\") AS \"{column}\""
    )]
    RepeatedKey {
        /// The column.
        column: String,
        /// The row, from 1.
        row: u64,
        /// The key.
        key: String,
    },
    /// A column whose name readers of the format refuse.
    #[error(
        "column \"{column}…\" has a name of more than {limit} characters, which readers of {format} refuse; add AS \"name\""
    )]
    LongName {
        /// How its name begins.
        column: String,
        /// The format.
        format: Format,
        /// Characters that they accept.
        limit: usize,
    },
    /// A cell that is too long for the memory of an export.
    #[error(
        "column \"{column}\", row {row}: the value is longer than {limit} MiB, the most that a cell may have; leave the row out, or select a part of it, for example left(\"{column}\", 1000000) AS \"{column}\""
    )]
    LongCell {
        /// The column.
        column: String,
        /// The row, from 1.
        row: u64,
        /// MiB that it may have.
        limit: usize,
    },
    /// More columns than a sheet has.
    #[error("{given} columns are more than the {limit} of a sheet; select fewer, or take csv")]
    TooManyColumns {
        /// Columns asked for.
        given: usize,
        /// Columns of a sheet.
        limit: usize,
    },
    /// A value that XML Schema has no form for.
    #[error(
        "column \"{column}\", row {row}: {value} has no form in XML Schema; select arrow_cast(\"{column}\", 'Utf8') AS \"{column}\""
    )]
    NoXml {
        /// The column.
        column: String,
        /// The row, from 1.
        row: u64,
        /// The value.
        value: String,
    },
    /// A value that the column of the file does not hold.
    #[error("column \"{column}\", from row {row} on: {why}; select arrow_cast(\"{column}\", 'Utf8') AS \"{column}\"")]
    NoCast {
        /// The column.
        column: String,
        /// The first row of those that were written together, from 1.
        row: u64,
        /// What does not fit.
        why: String,
    },
    /// A cell that no reader gets back, in an export that must have none.
    #[error(
        "column \"{column}\" has cells that are {loss}, and --strict allows none; take another format, or leave --strict out"
    )]
    Lossy {
        /// The column.
        column: String,
        /// What was done to them, as a manifest names it.
        loss: &'static str,
    },
    /// Compression of a format that compresses by itself.
    #[error("{format} compresses by itself; leave --compress out")]
    Compressed {
        /// The format.
        format: Format,
    },
    /// The rows could not be read to their end.
    #[error("the rows could not be read to their end; nothing was published")]
    Rows(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A workbook that cannot be written.
    #[error("the workbook cannot be written; take another format")]
    Workbook(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Rows that the encoder of the format refuses.
    #[error("rows cannot be written as {format}; take another format")]
    Encode {
        /// The format.
        format: Format,
        /// What the encoder says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A batch that is not of the schema the writer was made for.
    #[error(
        "a batch has {given} columns where the schema has {expected}; this is a bug of auditlake, please report it"
    )]
    BatchShape {
        /// Columns of the batch.
        given: usize,
        /// Columns of the schema.
        expected: usize,
    },
    /// A report that does not become JSON.
    #[error("report of run \"{run}\" cannot be written as json; this is a bug of auditlake, please report it")]
    ReportJson {
        /// The run.
        run: String,
        /// What the encoder says.
        #[source]
        source: serde_json::Error,
    },
}

impl ExportError {
    /// What to do next.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Write(_) => Remedy::Retry,
            Self::UnsupportedType { .. }
            | Self::DuplicateColumn { .. }
            | Self::UnnamedColumn { .. }
            | Self::DuplicateField { .. }
            | Self::LongName { .. }
            | Self::TooManyColumns { .. }
            | Self::Lossy { .. }
            | Self::Compressed { .. } => Remedy::FixConfig,
            Self::RepeatedKey { .. }
            | Self::LongCell { .. }
            | Self::NoXml { .. }
            | Self::NoCast { .. }
            | Self::Rows(_)
            | Self::Workbook(_)
            | Self::Encode { .. } => Remedy::InspectData,
            Self::BatchShape { .. } | Self::ReportJson { .. } => Remedy::Report,
        }
    }
}
