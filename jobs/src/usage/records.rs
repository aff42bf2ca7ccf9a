//! Results of a month: what is recorded of a tenant, when it is new, and why it changed.

use chrono::{DateTime, Utc};
use engine::EngineError;
use schemas::{Interval, UsageId};
use serde::{Deserialize, Serialize};

use super::judged::JudgedMonth;
use super::rows::lines;
use crate::revisions::{self, Results};

/// Results of contracts about usage.
#[derive(Debug, Clone, Copy)]
pub(super) struct UsageResults;

/// The records of a month.
pub(super) type Sequence = revisions::Sequence<UsageResults>;
/// One of them.
pub(super) type PeriodRecord = revisions::PeriodRecord<UsageHead, Figures>;
/// A revision of a tenant's result.
pub(super) type TenantResult = revisions::TenantResult<Figures>;

/// What a record says of its month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UsageHead {
    /// The contract.
    pub(super) usage: UsageId,
    /// The month's name.
    pub(super) period: String,
}

/// What a tenant's month came to, and what it follows from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Figures {
    /// The month in the tenant's zone.
    pub(super) interval: Interval,
    /// Until when usage is counted.
    pub(super) until: DateTime<Utc>,
    /// Everything that was judged.
    pub(super) judged: JudgedMonth,
    /// Version of the quotas.
    pub(super) quotas_version: u32,
    /// SHA-256 of the contract's file and that of its quotas.
    pub(super) spec_sha256: String,
    /// SHA-256 over the lines of the evidence.
    pub(super) evidence_sha256: String,
}

impl Results for UsageResults {
    const FOLDER: &'static str = "usage";
    const NAME: &'static str = "auditlake.usage";
    type Head = UsageHead;
    type Figures = Figures;

    fn are_same(before: &Figures, after: &Figures) -> bool {
        let of = |figures: &Figures| (figures.until, figures.evidence_sha256.clone());
        of(before) == of(after) && before.judged == after.judged
    }

    fn is_older(before: &Figures, after: &Figures) -> bool {
        after.until < before.until
    }

    fn cause(before: &Figures, after: &Figures) -> String {
        let changed = if before.spec_sha256 == after.spec_sha256 {
            "rows came late, or were corrected"
        } else if before.evidence_sha256 == after.evidence_sha256 {
            "the contract or its quotas changed"
        } else {
            "the contract or its quotas changed; rows may have, too"
        };
        changed.to_owned()
    }

    fn lines(record: &PeriodRecord) -> Result<Vec<u8>, EngineError> {
        lines(record)
    }
}
