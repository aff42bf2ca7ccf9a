//! What statistics and folders say about rows that were not read.
//!
//! They only ever excuse from reading; statistics of old writers are wrong or cut, so nothing is deleted by them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

/// What is known about the rows of a row group, an object or a folder; by default, nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupFacts {
    /// How many rows there are.
    pub rows: Option<u64>,
    /// Of the time column.
    pub time: TimeFacts,
    /// Of other columns, by name. A column that an object does not have has as many nulls as there are rows.
    pub texts: BTreeMap<String, TextFacts>,
}

/// What is known about times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TimeFacts {
    /// An instant that none of them lies before.
    pub earliest: Option<DateTime<Utc>>,
    /// How many are NULL.
    pub nulls: Option<u64>,
}

/// What is known about the values of a column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextFacts {
    /// Of a column of text: a text that none is smaller than, by the order of bytes. Left out for every other type.
    pub min: Option<String>,
    /// Of a column of text: a text that none is larger than, or the beginning of one. Left out for every other type.
    pub max: Option<String>,
    /// How many are NULL.
    pub nulls: Option<u64>,
}
