//! Legal holds on the store: each case is a create-only sequence, and what is held is the union of the open cases.
//!
//! ```text
//! _auditlake/holds/<case>/000001.json    placed, then amended or released, one record a step
//! ```
//!
//! Absent: deciding whether a row is held, which is `decide`'s.

use object_store::path::Path;
use schemas::{CaseId, HoldRecord, HoldScope, HoldStep};

use crate::case_records::{case_records, record_path};
use crate::error::EngineError;
use crate::store::{Created, Lakefront};

/// Where cases lie.
const HOLDS: &str = "_auditlake/holds";

/// A case with every record of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldCase {
    /// Its number.
    pub case: CaseId,
    /// Its records, oldest first; never none.
    pub records: Vec<HoldRecord>,
}

impl HoldCase {
    /// What it holds; none of a case that was released.
    pub fn scope(&self) -> Option<&HoldScope> {
        self.records.last().and_then(|record| record.what.scope())
    }

    /// Number of its last record.
    pub fn number(&self) -> u64 {
        self.records.last().map_or(0, |record| record.number)
    }
}

/// Where a record of a case lies.
pub fn hold_path(case: &CaseId, number: u64) -> Path {
    record_path(HOLDS, case, number)
}

/// Reads every case, by number.
///
/// # Errors
/// When the store fails, or a record is damaged or gone: then nobody knows what is held.
pub async fn hold_cases(lake: &Lakefront) -> Result<Vec<HoldCase>, EngineError> {
    let cases = case_records(lake, HOLDS, |record: &HoldRecord| (record.case.clone(), record.number)).await?;
    Ok(cases.into_iter().map(|(case, records)| HoldCase { case, records }).collect())
}

/// Writes the next record of a case.
///
/// # Errors
/// When the step does not follow from where the case stands, the reason is none, another record of the case was written
/// meanwhile, or the store fails.
pub async fn record_hold(lake: &Lakefront, record: &HoldRecord) -> Result<(), EngineError> {
    let refused = |why: String| Err(EngineError::Hold { case: record.case.to_string(), why });
    if let Err(why) = HoldRecord::check_reason(&record.reason) {
        return refused(why);
    }
    let cases = hold_cases(lake).await?;
    let before = cases.iter().find(|case| case.case == record.case);
    let is_open = before.is_some_and(|case| case.scope().is_some());
    match (&record.what, before) {
        (HoldStep::Placed { .. }, _) if is_open => {
            return refused("is open already; amend it with --amend, or place another case".to_owned());
        }
        (HoldStep::Amended { .. } | HoldStep::Released, _) if !is_open => {
            return refused("is not open; open cases are listed by `auditlake hold list`".to_owned());
        }
        _ => {}
    }
    let next = before.map_or(1, |case| case.number() + 1);
    if record.number != next {
        return refused(format!("has another next record, {next}; run the same command again"));
    }
    match lake.create_json(&hold_path(&record.case, record.number), record).await? {
        Created::Now => Ok(()),
        Created::Existed => refused("was changed by somebody else meanwhile; run the same command again".to_owned()),
    }
}
