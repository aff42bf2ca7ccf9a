//! Mappings that are built in: of bills, to `usage.v1`.
//!
//! Every file of a mapping has the same columns, whatever the source's version or provider has.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, StringArray};
use arrow::datatypes::Schema;
use schemas::{Column, IngestFormat, USAGE};

use super::super::columns::STAMPED;
use super::given::Given;
use super::{aws_cur, focus};
use crate::error::EngineError;

/// The id of a record that the source does not name.
pub(crate) type Ids<'a> = dyn Fn(usize) -> Option<String> + 'a;

/// A mapping that is built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BuiltIn {
    Focus,
    AwsCur,
}

/// What a mapping makes of a chunk.
pub(crate) struct Built {
    /// By name of the column.
    pub(crate) columns: Vec<(&'static str, ArrayRef)>,
    /// Records that are no rows, and why.
    pub(crate) refused: Vec<(usize, &'static str)>,
}

impl BuiltIn {
    /// The mapping of a format, where it has one of this kind.
    pub(crate) fn of(format: IngestFormat) -> Option<Self> {
        match format {
            IngestFormat::Focus => Some(Self::Focus),
            IngestFormat::AwsCur => Some(Self::AwsCur),
            IngestFormat::Cloudtrail
            | IngestFormat::Kubernetes
            | IngestFormat::Ndjson
            | IngestFormat::Ocsf
            | IngestFormat::Csv
            | IngestFormat::Parquet => None,
        }
    }

    /// Columns without which an object is none of the format.
    pub(crate) fn needed(self) -> &'static [&'static str] {
        match self {
            Self::Focus => focus::NEEDED,
            Self::AwsCur => aws_cur::NEEDED,
        }
    }

    /// Texts that stand for null.
    pub(crate) fn nulls(self) -> &'static [&'static str] {
        match self {
            Self::Focus => &["NULL", ""],
            Self::AwsCur => &[""],
        }
    }

    /// Whether records may lack an id of their own.
    pub(crate) fn names_by_line(self) -> bool {
        self == Self::Focus
    }

    /// The columns of its rows, in the order of `usage.v1`.
    pub(crate) fn columns(self) -> Result<Vec<&'static Column>, EngineError> {
        let none = Schema::empty();
        let filled = self.map(Given::new(&none.fields, &[], 0, &[]), &|_| None, None)?.columns;
        let has = |name| STAMPED.contains(&name) || filled.iter().any(|(filled, _)| *filled == name);
        Ok(USAGE.columns.iter().filter(|column| has(column.name)).collect())
    }

    /// Maps a chunk; `tenant` is that of records that name none.
    pub(crate) fn map(self, given: Given<'_>, ids: &Ids<'_>, tenant: Option<&str>) -> Result<Built, EngineError> {
        match self {
            Self::Focus => focus::map(given, ids, tenant),
            Self::AwsCur => aws_cur::map(given, tenant),
        }
    }
}

impl Built {
    /// The rows that were not refused, and the number of the record that each is.
    pub(crate) fn kept(&self, rows: usize) -> (BooleanArray, Vec<usize>) {
        let mut keep = vec![true; rows];
        self.refused.iter().for_each(|(row, _)| keep[*row] = false);
        let numbers = (0..rows).filter(|row| keep[*row]).collect();
        (BooleanArray::from(keep), numbers)
    }
}

/// Texts as a column.
pub(crate) fn column(texts: StringArray) -> ArrayRef {
    Arc::new(texts)
}

/// The texts, with another in place of each that is absent.
pub(crate) fn or(texts: &StringArray, other: Option<&str>) -> ArrayRef {
    Arc::new(texts.iter().map(|text| text.or(other)).collect::<StringArray>())
}

/// Rows whose text is none of `words`; an absent one is not asked.
pub(crate) fn none_of(texts: &StringArray, words: &[&str]) -> Vec<usize> {
    let other = |row: &usize| texts.is_valid(*row) && !words.contains(&texts.value(*row));
    (0..texts.len()).filter(other).collect()
}
