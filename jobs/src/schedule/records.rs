//! Records of a run that say how it stands beside its attempts: missed, queued, failed for good, cancelled, waived.

use chrono::{DateTime, Utc};
use engine::{Created, EngineError, Lakefront};
use object_store::path::Path;
use schemas::Interval;
use serde::{Deserialize, Serialize};

use super::due::MissedReason;
use crate::ledger::RunKey;

/// An interval that was not computed: `missed.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissedRecord {
    /// Run id.
    pub run: String,
    /// The interval.
    pub interval: Interval,
    /// Why.
    pub reason: MissedReason,
    /// The run that it waited for, and how that one stands.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upstream: Option<String>,
    /// When it was noticed.
    pub recorded_at: DateTime<Utc>,
    /// SHA-256 of the definitions that say so.
    pub definitions_sha256: String,
}

/// An interval that is run as soon as what it waits for is there: `queued.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedRecord {
    /// Run id.
    pub run: String,
    /// The interval.
    pub interval: Interval,
    /// What it waits for.
    pub waits_for: String,
    /// When it was noticed.
    pub recorded_at: DateTime<Utc>,
}

/// An interval whose attempts failed, and that is not tried again by itself: `failed.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedRecord {
    /// Run id.
    pub run: String,
    /// The interval.
    pub interval: Interval,
    /// Attempts that were made.
    pub attempts: u64,
    /// The last error with its causes, outermost first.
    pub errors: Vec<String>,
    /// What to do next.
    pub remedy: String,
    /// When it was given up.
    pub recorded_at: DateTime<Utc>,
}

/// What somebody decided about a run: `cancel.json`, `waived.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// Run id.
    pub run: String,
    /// Who decided.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// Every record of a run beside its attempts and commits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ends {
    /// It was not computed in time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub missed: Option<MissedRecord>,
    /// It waited.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub queued: Option<QueuedRecord>,
    /// It is not tried again by itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub given_up: Option<FailedRecord>,
    /// Somebody stopped it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cancelled: Option<DecisionRecord>,
    /// Somebody said that it need not be made up for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub waived: Option<DecisionRecord>,
}

/// Names of these records, without their ending.
pub(crate) const MISSED: &str = "missed";
pub(crate) const QUEUED: &str = "queued";
pub(crate) const FAILED: &str = "failed";
pub(crate) const CANCEL: &str = "cancel";
pub(crate) const WAIVED: &str = "waived";

impl Ends {
    /// Takes in the record that lies at `path`, if it is one of these.
    pub(crate) async fn take(&mut self, front: &Lakefront, path: &Path) -> Result<(), EngineError> {
        match path.filename().and_then(|name| name.strip_suffix(".json")) {
            Some(MISSED) => self.missed = front.read_json(path).await?,
            Some(QUEUED) => self.queued = front.read_json(path).await?,
            Some(FAILED) => self.given_up = front.read_json(path).await?,
            Some(CANCEL) => self.cancelled = front.read_json(path).await?,
            Some(WAIVED) => self.waived = front.read_json(path).await?,
            _ => {}
        }
        Ok(())
    }

    /// The interval that one of them names.
    pub(crate) fn interval(&self) -> Option<Interval> {
        let missed = self.missed.as_ref().map(|record| record.interval);
        let missed = missed.or_else(|| self.queued.as_ref().map(|record| record.interval));
        missed.or_else(|| self.given_up.as_ref().map(|record| record.interval))
    }

    /// Why the run has no commit, as the strongest of them says.
    pub(crate) fn why(&self) -> Option<String> {
        let cancelled = self.cancelled.as_ref().map(|of| format!("cancelled by {}: {}", of.by, of.reason));
        let given_up = || self.given_up.as_ref().map(|of| of.errors.join(": "));
        let missed = || {
            self.missed.as_ref().map(|of| match &of.upstream {
                Some(upstream) => format!("{}, {upstream}", of.reason.as_str()),
                None => of.reason.as_str().to_owned(),
            })
        };
        let queued = || self.queued.as_ref().map(|of| format!("waits for {}", of.waits_for));
        cancelled.or_else(given_up).or_else(missed).or_else(queued)
    }

    /// How the run stands where it has no commit; none where attempts decide.
    pub(crate) fn state(&self) -> Option<&'static str> {
        let states = [
            (self.cancelled.is_some(), "cancelled"),
            (self.given_up.is_some(), "failed"),
            (self.missed.is_some(), "missed"),
        ];
        states.into_iter().find(|(is, _)| *is).map(|(_, state)| state)
    }
}

/// Writes one of these records; whoever was first decides.
pub(crate) async fn note<T: Serialize + Sync>(
    front: &Lakefront,
    key: &RunKey,
    name: &str,
    record: &T,
) -> Result<Created, EngineError> {
    front.create_json(&key.record(name), record).await
}
