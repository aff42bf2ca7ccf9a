//! Cases of persons on the store: each a create-only sequence of records, and beside it what is sealed.
//!
//! ```text
//! _auditlake/subjects/<case>/000001.json     opened, then one record a step
//! _auditlake/subjects/<case>/sealed          the identifiers, as long as the case is open
//! _auditlake/subjects/<case>/plan-<sha256>.json, certificate.json, certificate.txt
//! ```
//!
//! Absent: which step may follow which, which is the caller's.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::path::Path;
use schemas::{CaseEnd, CaseId, CaseRecord, CaseStep};

use crate::error::EngineError;
use crate::store::{Created, Lakefront};

/// Where cases lie.
const SUBJECTS: &str = "_auditlake/subjects";
/// Records read side by side.
const READ_AT_ONCE: usize = 16;

/// A case with every record of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectCase {
    /// Its number.
    pub case: CaseId,
    /// Its records, oldest first; never none.
    pub records: Vec<CaseRecord>,
}

impl SubjectCase {
    /// Number of the record that follows.
    pub fn next_number(&self) -> u64 {
        self.records.last().map_or(1, |record| record.number + 1)
    }

    /// How it ended; none of an open one.
    pub fn end(&self) -> Option<CaseEnd> {
        self.records.iter().rev().find_map(|record| match &record.what {
            CaseStep::Closed { state, .. } => Some(*state),
            _ => None,
        })
    }
}

/// The folder of a case.
pub fn case_folder(case: &CaseId) -> Path {
    Path::from(format!("{SUBJECTS}/{case}"))
}

fn record_path(case: &CaseId, number: u64) -> Path {
    Path::from(format!("{SUBJECTS}/{case}/{number:06}.json"))
}

/// Reads every case, by number.
///
/// # Errors
/// When the store fails, or a record is damaged or gone.
pub async fn subject_cases(lake: &Lakefront) -> Result<Vec<SubjectCase>, EngineError> {
    let mut listed = lake.list(&Path::from(SUBJECTS)).await?;
    listed.retain(|meta| {
        let name = meta.location.filename().and_then(|name| name.strip_suffix(".json"));
        name.is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
    });
    let records = stream::iter(listed).map(|meta| async move {
        let damaged = |what: &str| EngineError::Damaged { path: meta.location.to_string(), what: what.to_owned() };
        let record: CaseRecord = lake.read_json(&meta.location).await?.ok_or_else(|| damaged("is gone"))?;
        let is_here = record_path(&record.case, record.number) == meta.location;
        if is_here { Ok(record) } else { Err(damaged("is a record of another case or step")) }
    });
    let records: Vec<CaseRecord> = records.buffered(READ_AT_ONCE).try_collect().await?;
    let mut cases: BTreeMap<CaseId, Vec<CaseRecord>> = BTreeMap::new();
    for record in records {
        cases.entry(record.case.clone()).or_default().push(record);
    }
    for (case, records) in &mut cases {
        records.sort_by_key(|record| record.number);
        if let Some((number, _)) = (1..).zip(records.iter()).find(|(number, record)| record.number != *number) {
            let what = "is gone, and a later record of the case is there".to_owned();
            return Err(EngineError::Damaged { path: record_path(case, number).to_string(), what });
        }
    }
    Ok(cases.into_iter().map(|(case, records)| SubjectCase { case, records }).collect())
}

/// Writes the next record of a case; its path.
///
/// # Errors
/// When somebody else wrote that record meanwhile, or the store fails.
pub async fn record_case(lake: &Lakefront, record: &CaseRecord) -> Result<Path, EngineError> {
    let path = record_path(&record.case, record.number);
    match lake.create_json(&path, record).await? {
        Created::Now => Ok(path),
        Created::Existed => Err(EngineError::SubjectCase {
            case: record.case.to_string(),
            why: "was changed by somebody else meanwhile; run the same command again".to_owned(),
        }),
    }
}
