//! When a job runs: at the fires of a pattern, after other jobs, again after a failure, and for how long at most.
//!
//! Pure: definitions and instants in, instants out. Absent: what has run already, which the ledger knows, and which files
//! are new.

mod cron;
mod listing;
mod order;
mod pattern;
mod stream;
mod wall_clock;

pub use cron::{Cron, Dialect};
pub(crate) use order::cycles;
pub use order::in_order;
pub(crate) use stream::{MAX_BYTES_DEFAULT, MAX_FILES_DEFAULT, SETTLE_SECONDS_DEFAULT};
pub use stream::{Stream, StreamSource};
pub use wall_clock::day_or_instant;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::id::JobId;

/// When a job runs. A job that says nothing about it runs when somebody runs it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Timing {
    /// When it is due by the clock.
    pub schedule: Option<Schedule>,
    /// Which new files it is due for; never beside a schedule.
    pub stream: Option<Stream>,
    /// What it waits for. Without a schedule there is one at most, and the job runs for the intervals of that.
    pub after: Vec<After>,
    /// How often an attempt that failed for a while is made again.
    pub retry: Retry,
    /// How long one attempt may take; as long as it likes where there is none.
    pub timeout_seconds: Option<u64>,
    /// How long one may take until that is an event; three times the usual where there is none.
    pub slow_after_seconds: Option<u64>,
}

/// When a job is due by the clock.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// The fires: each ends an interval and begins the next.
    pub cron: Cron,
    /// Where the first interval begins; at the last fire before the job was first seen where there is none.
    pub start: Option<DateTime<Utc>>,
    /// Which of the fires that nobody started are still run.
    pub catch_up: CatchUp,
    /// Later than this after its fire a run is not started.
    pub starting_deadline_seconds: u64,
    /// How long after its fire a run waits for late rows.
    pub lateness_seconds: u64,
    /// By how much runs are spread at most; no interval changes by it.
    pub jitter_seconds: u64,
    /// What happens when the run before is not done.
    pub concurrency: Concurrency,
    /// How long after its end an interval is computed anew when rows come late; never where there is none.
    pub revise_within_seconds: Option<u64>,
}

/// Which of the fires that nobody started are still run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CatchUp {
    /// None of them.
    None,
    /// The newest.
    #[default]
    Latest,
    /// All of them, oldest first.
    All,
    /// So many of the newest, oldest first.
    Newest(u32),
}

/// What happens to a run that is due while the one before is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Concurrency {
    /// It is missed.
    Forbid,
    /// It waits, oldest first.
    #[default]
    Queue,
}

/// A job that is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    /// Its name.
    pub job: JobId,
    /// Which of its runs.
    pub interval: AfterInterval,
    /// How long at most, from the fire on; then the run is missed.
    pub wait_seconds: u64,
}

/// Which runs of a job are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AfterInterval {
    /// Those whose intervals cover one's own.
    #[default]
    Covering,
    /// The one of the same instant.
    Same,
    /// One that is newer than the own run before.
    Latest,
}

/// How often and when an attempt that failed for a while is made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Attempts after the first.
    pub max: u32,
    /// The longest wait before the first of them.
    pub base_seconds: u64,
    /// By how much the longest wait grows from one to the next.
    pub factor: u32,
    /// No wait is longer.
    pub cap_seconds: u64,
}

impl Default for Retry {
    fn default() -> Self {
        Self { max: 3, base_seconds: 30, factor: 2, cap_seconds: 900 }
    }
}

impl Retry {
    /// How long to wait after so many failures, at most `min(cap, base × factor^(failures − 1))`. Every runner comes to
    /// the same, and two runs hardly ever do.
    pub fn delay_seconds(&self, job: &JobId, instant: DateTime<Utc>, failures: u32) -> u64 {
        let growth = u64::from(self.factor).saturating_pow(failures.saturating_sub(1));
        let longest = self.base_seconds.saturating_mul(growth).min(self.cap_seconds);
        drawn("retry", job, instant, failures, longest)
    }
}

impl Schedule {
    /// By how many seconds the run of a fire is put off: the same for every runner, at most `jitter_seconds`.
    pub fn jitter(&self, job: &JobId, instant: DateTime<Utc>) -> u64 {
        drawn("jitter", job, instant, 0, self.jitter_seconds)
    }
}

/// A number from 0 to `most`, each as likely as the other, that its arguments decide.
fn drawn(what: &str, job: &JobId, instant: DateTime<Utc>, count: u32, most: u64) -> u64 {
    let mut hash = Sha256::new();
    // Names hold no colon, so no two draws are taken for one.
    hash.update(format!("{what}:{job}:"));
    hash.update(instant.timestamp_micros().to_be_bytes());
    hash.update(count.to_be_bytes());
    let digest = hash.finalize();
    let drawn = digest.iter().take(16).fold(0_u128, |drawn, byte| (drawn << 8) | u128::from(*byte));
    u64::try_from(drawn % (u128::from(most) + 1)).unwrap_or(most)
}
