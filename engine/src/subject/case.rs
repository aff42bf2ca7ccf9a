//! Cases of persons on the store: each a create-only sequence of records, and beside it what is sealed.
//!
//! ```text
//! _auditlake/subjects/<case>/000001.json     opened, then one record a step
//! _auditlake/subjects/<case>/sealed          the identifiers, as long as the case is open
//! _auditlake/subjects/<case>/plan-<sha256>.json, certificate.json, certificate.txt
//! ```
//!
//! Absent: which step may follow which, which is the caller's.

use object_store::path::Path;
use schemas::{CaseEnd, CaseId, CaseRecord, CaseStep};

use crate::case_records::{case_records, record_path};
use crate::error::EngineError;
use crate::store::{Created, Lakefront};

/// Where cases lie.
const SUBJECTS: &str = "_auditlake/subjects";

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

/// The folder of all cases.
pub fn cases_folder() -> Path {
    Path::from(SUBJECTS)
}

/// The folder of a case.
pub fn case_folder(case: &CaseId) -> Path {
    Path::from(format!("{SUBJECTS}/{case}"))
}

/// Reads every case, by number.
///
/// # Errors
/// When the store fails, or a record is damaged or gone.
pub async fn subject_cases(lake: &Lakefront) -> Result<Vec<SubjectCase>, EngineError> {
    let cases = case_records(lake, SUBJECTS, |record: &CaseRecord| (record.case.clone(), record.number)).await?;
    Ok(cases.into_iter().map(|(case, records)| SubjectCase { case, records }).collect())
}

/// Writes the next record of a case; its path.
///
/// # Errors
/// When somebody else wrote that record meanwhile, or the store fails.
pub async fn record_case(lake: &Lakefront, record: &CaseRecord) -> Result<Path, EngineError> {
    let path = record_path(SUBJECTS, &record.case, record.number);
    match lake.create_json(&path, record).await? {
        Created::Now => Ok(path),
        Created::Existed => Err(EngineError::SubjectCase {
            case: record.case.to_string(),
            why: "was changed by somebody else meanwhile; run the same command again".to_owned(),
        }),
    }
}
