//! The bytes of an object after a plan: values masked first, then rows taken out, each checked before it counts.

use std::num::NonZeroUsize;

use bytes::Bytes;

use parquet::schema::types::ColumnPath;

use super::mask::mask_of;
use super::object::JudgedObject;
use super::surgery::{Change, Loss, Options, RowSet, Source, SurgeryError, check, transform};
use crate::error::EngineError;

/// Threads that write columns of a row group anew.
const THREADS: NonZeroUsize = NonZeroUsize::new(2).unwrap();

/// What becomes of the bytes of an object.
#[derive(Debug)]
pub(crate) struct Rewritten {
    /// Those that stay.
    pub(crate) bytes: Bytes,
    pub(crate) rows: u64,
}

/// The rows that stay, as they are after the plan.
///
/// # Errors
/// When the file cannot be written anew without losing what it holds, or what was written is not what it should be.
pub(crate) async fn rewrite(path: &str, bytes: Bytes, judged: &JudgedObject) -> Result<Rewritten, EngineError> {
    let mut changes = Vec::new();
    for (columns, rows) in &judged.anonymized {
        let masks = columns.iter().map(|(column, method)| {
            (ColumnPath::new(vec![column.clone()]), mask_of(method, judged.units.get(column).copied()))
        });
        changes.push(Change::Mask { rows: rows.clone(), columns: masks.collect() });
    }
    let leaving = judged.leaving();
    if !leaving.is_empty() {
        changes.push(Change::Delete(leaving));
    }
    changed(path, bytes, changes).await
}

/// The rows of one set alone, as they are.
///
/// # Errors
/// As [`rewrite`].
pub(crate) async fn only(
    path: &str,
    bytes: Bytes,
    group_rows: &[u64],
    rows: &RowSet,
) -> Result<Rewritten, EngineError> {
    changed(path, bytes, vec![Change::Delete(rows.complement(group_rows))]).await
}

async fn changed(path: &str, bytes: Bytes, changes: Vec<Change>) -> Result<Rewritten, EngineError> {
    let of = path.to_owned();
    let work = tokio::task::spawn_blocking(move || one_by_one(bytes, &changes));
    let done =
        work.await.map_err(|error| EngineError::Bug { what: format!("rewriting \"{of}\" stopped ({error})") })?;
    done.map_err(|error| of_surgery(&of, error))
}

fn one_by_one(mut bytes: Bytes, changes: &[Change]) -> Result<Rewritten, SurgeryError> {
    let mut rows = Source::open(bytes.clone())?.group_rows().iter().sum();
    for change in changes {
        let source = Source::open(bytes)?;
        let done = transform(&source, change, &Options { threads: THREADS, ..Options::default() })?;
        check(&source, change, &done)?;
        rows = done.rows_after;
        bytes = done.bytes;
    }
    Ok(Rewritten { bytes, rows })
}

/// What rewriting an object would lose, each a sentence.
///
/// # Errors
/// When it cannot be rewritten at all.
pub(crate) fn losses(path: &str, bytes: Bytes) -> Result<Vec<String>, EngineError> {
    let source = Source::open(bytes).map_err(|error| of_surgery(path, error))?;
    Ok(source.losses().iter().map(in_words).collect())
}

fn of_surgery(path: &str, error: SurgeryError) -> EngineError {
    EngineError::Unrewritable { path: path.to_owned(), why: error.to_string() }
}

/// A loss as what is lost.
fn in_words(loss: &Loss) -> String {
    match loss {
        Loss::UnownedBytes { bytes } => format!("{bytes} bytes that belong to no column, filter or index"),
        Loss::PageIndex { column } => format!("the index of pages of column \"{column}\", which cannot be read"),
        Loss::BloomFilter { column } => format!("the bloom filter of column \"{column}\", which cannot be read"),
        Loss::Bounds { column } => {
            format!("smallest and largest values of column \"{column}\" where rows leave, as their order is not known")
        }
        Loss::NanCount { column } => format!("the number of NaN of column \"{column}\" where rows leave"),
        Loss::Geospatial { column } => format!("bounding boxes of column \"{column}\" where rows leave"),
    }
}
