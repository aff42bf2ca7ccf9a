//! What can go wrong while rows or reports become bytes.

use std::io;

use schemas::Remedy;

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
            | Self::DuplicateField { .. } => Remedy::FixConfig,
            Self::RepeatedKey { .. } => Remedy::InspectData,
            Self::BatchShape { .. } | Self::ReportJson { .. } => Remedy::Report,
        }
    }
}
