//! Cases on the store, whatever they are about: each a create-only sequence of records in a folder of its own.
//!
//! ```text
//! <folder>/<case>/000001.json    the first, then one record a step
//! ```
//!
//! Absent: what a record says, and which step may follow which.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::path::Path;
use schemas::CaseId;
use serde::de::DeserializeOwned;

use crate::error::EngineError;
use crate::store::Lakefront;

/// Records read side by side.
const READ_AT_ONCE: usize = 16;

/// Where a record of a case lies.
pub(crate) fn record_path(folder: &str, case: &CaseId, number: u64) -> Path {
    Path::from(format!("{folder}/{case}/{number:06}.json"))
}

/// The records of every case in a folder, by number of the case, oldest first and never none; `place` says of a record which
/// case and number it has. What else lies beside them has names that are no numbers.
///
/// # Errors
/// When the store fails, or a record is damaged, in another place than its own, or gone.
pub(crate) async fn case_records<R: DeserializeOwned>(
    lake: &Lakefront,
    folder: &str,
    place: impl Fn(&R) -> (CaseId, u64),
) -> Result<BTreeMap<CaseId, Vec<R>>, EngineError> {
    let mut listed = lake.list(&Path::from(folder)).await?;
    listed.retain(|meta| is_record(&meta.location));
    let read = stream::iter(listed).map(|meta| async move {
        let record: Option<R> = lake.read_json(&meta.location).await?;
        Ok::<_, EngineError>((record.ok_or_else(|| damaged(&meta.location, "is gone"))?, meta.location))
    });
    let read: Vec<(R, Path)> = read.buffered(READ_AT_ONCE).try_collect().await?;
    let mut cases: BTreeMap<CaseId, Vec<(u64, R)>> = BTreeMap::new();
    for (record, path) in read {
        let (case, number) = place(&record);
        if record_path(folder, &case, number) != path {
            return Err(damaged(&path, "is a record of another case or step"));
        }
        cases.entry(case).or_default().push((number, record));
    }
    for (case, records) in &mut cases {
        records.sort_by_key(|(number, _)| *number);
        if let Some((expected, _)) = (1..).zip(records.iter()).find(|(expected, (number, _))| number != expected) {
            let path = record_path(folder, case, expected);
            return Err(damaged(&path, "is gone, and a later record of the case is there"));
        }
    }
    let without_numbers = |records: Vec<(u64, R)>| records.into_iter().map(|(_, record)| record).collect();
    Ok(cases.into_iter().map(|(case, records)| (case, without_numbers(records))).collect())
}

fn is_record(path: &Path) -> bool {
    let name = path.filename().and_then(|name| name.strip_suffix(".json"));
    name.is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
}

fn damaged(path: &Path, what: &str) -> EngineError {
    EngineError::Damaged { path: path.to_string(), what: what.to_owned() }
}
