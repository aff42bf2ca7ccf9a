//! Objections on the store: for what rows that name a person are not used (GDPR Art. 21).
//!
//! ```text
//! _auditlake/objections/<case>/000001.json    raised; then lifted
//! ```
//!
//! They lie apart from cases, of which there may be many that are over, because every run of a job with a purpose reads them.
//! Absent: leaving rows out, which sessions do.

use object_store::path::Path;
use schemas::{CaseId, ObjectionRecord, ObjectionStep, Purpose};

use crate::case_records::{case_records, record_path};
use crate::error::EngineError;
use crate::store::{Created, Lakefront};

/// Where objections lie.
const OBJECTIONS: &str = "_auditlake/objections";

/// Where a record of an objection lies.
pub fn objection_path(case: &CaseId, number: u64) -> Path {
    record_path(OBJECTIONS, case, number)
}

/// References of everybody who objects to a purpose, in order.
///
/// # Errors
/// When the store fails, or a record is damaged or gone: then nobody knows who does.
pub async fn objections(lake: &Lakefront, purpose: &Purpose) -> Result<Vec<String>, EngineError> {
    let cases = case_records(lake, OBJECTIONS, |record: &ObjectionRecord| (record.case.clone(), record.number)).await?;
    let in_force = cases.into_values().filter_map(|mut records| records.pop());
    let mut subjects: Vec<String> = in_force
        .filter_map(|record| match record.what {
            ObjectionStep::Raised { purposes, subject } => purposes.contains(purpose).then_some(subject),
            ObjectionStep::Lifted => None,
        })
        .flatten()
        .collect();
    subjects.sort();
    subjects.dedup();
    Ok(subjects)
}

/// Writes the next record of an objection.
///
/// # Errors
/// When another record of the case was written meanwhile, or the store fails.
pub async fn record_objection(lake: &Lakefront, record: &ObjectionRecord) -> Result<(), EngineError> {
    let path = objection_path(&record.case, record.number);
    match lake.create_json(&path, record).await? {
        Created::Now => Ok(()),
        // Whoever was first has logged it: taken for ours, it would stand in the log twice.
        Created::Existed => Err(EngineError::SubjectCase {
            case: record.case.to_string(),
            why: "was changed by somebody else meanwhile; run the same command again".to_owned(),
        }),
    }
}
