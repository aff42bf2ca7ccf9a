//! Results of an SLA's period: what is recorded of a tenant, when it is new, and why it changed.

use engine::EngineError;
use schemas::{Interval, SlaId};
use serde::{Deserialize, Serialize};

use super::evidence::Percentiles;
use super::judged::JudgedPeriod;
use super::rows::lines;
use crate::revisions::{self, Results};

/// Results of SLAs.
#[derive(Debug, Clone, Copy)]
pub(super) struct SlaResults;

/// The records of a period.
pub(super) type Sequence = revisions::Sequence<SlaResults>;
/// One of them.
pub(super) type PeriodRecord = revisions::PeriodRecord<SlaHead, Figures>;
/// A revision of a tenant's result.
pub(super) type TenantResult = revisions::TenantResult<Figures>;

/// What a record says of its period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SlaHead {
    /// The SLA.
    pub(super) sla: SlaId,
    /// The service.
    pub(super) service: String,
    /// The period's name.
    pub(super) period: String,
    /// Its time.
    pub(super) interval: Interval,
}

/// What a tenant's period came to, and what it follows from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Figures {
    /// Everything that was judged.
    pub(super) judged: JudgedPeriod,
    /// Median, 95th and 99th percentile of latency in each part, microseconds; they decide nothing.
    pub(super) percentiles: Vec<Percentiles>,
    /// Version of the tiers.
    pub(super) tiers_version: u32,
    /// SHA-256 of the SLA's file and that of its tiers.
    pub(super) spec_sha256: String,
    /// SHA-256 over the lines of the evidence.
    pub(super) evidence_sha256: String,
    /// The same over what does not count.
    pub(super) exclusions_sha256: String,
}

impl Results for SlaResults {
    const FOLDER: &'static str = "sla";
    const NAME: &'static str = "auditlake.sla";
    type Head = SlaHead;
    type Figures = Figures;

    fn are_same(before: &Figures, after: &Figures) -> bool {
        before.evidence_sha256 == after.evidence_sha256 && before.judged == after.judged
    }

    /// A period is judged when it is over, as a whole.
    fn is_older(_: &Figures, _: &Figures) -> bool {
        false
    }

    fn cause(before: &Figures, after: &Figures) -> String {
        cause(before, after)
    }

    fn lines(record: &PeriodRecord) -> Result<Vec<u8>, EngineError> {
        lines(record)
    }
}

fn cause(before: &Figures, after: &Figures) -> String {
    let mut causes = Vec::new();
    if before.spec_sha256 != after.spec_sha256 {
        causes.push("the SLA or its tiers changed");
    }
    if before.exclusions_sha256 != after.exclusions_sha256 {
        causes.push("exclusions changed");
    }
    if causes.is_empty() {
        causes.push("rows came late, or were corrected");
    }
    causes.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(spec: &str, exclusions: &str) -> Figures {
        let judged =
            JudgedPeriod { parts: Vec::new(), exclusions: Vec::new(), credit: None, no_credit: None, runs: Vec::new() };
        Figures {
            judged,
            percentiles: Vec::new(),
            tiers_version: 1,
            spec_sha256: spec.to_owned(),
            evidence_sha256: "e".to_owned(),
            exclusions_sha256: exclusions.to_owned(),
        }
    }

    #[test]
    fn what_changed_is_told() {
        let before = figures("s", "x");
        let told = |after: Figures| cause(&before, &after);
        assert_eq!(told(figures("s", "x")), "rows came late, or were corrected");
        assert_eq!(told(figures("s", "y")), "exclusions changed");
        assert_eq!(told(figures("t", "y")), "the SLA or its tiers changed; exclusions changed");
        assert!(SlaResults::are_same(&before, &figures("t", "x")), "a comment changes no figure");
        let other = Figures { evidence_sha256: "f".to_owned(), ..figures("s", "x") };
        assert!(!SlaResults::are_same(&before, &other));
    }
}
