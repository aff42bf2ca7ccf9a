//! What the ledger knows of a job's runs, as far as the names of records tell: one listing, and nothing is read.

use chrono::{DateTime, Utc};
use engine::{EngineError, Lakefront};
use object_store::path::Path;
use schemas::{Interval, JobId, compact, parse_compact};

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is true.
    Committed,
    /// Somebody stopped it.
    Cancelled,
    /// Its attempts failed, and no further one is made by itself.
    Failed,
    /// It was not started in time.
    Missed,
    /// It waits for the runs before it.
    Queued,
    /// It was begun and has no end.
    Begun,
}

impl Standing {
    /// As in answers.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Missed => "missed",
            Self::Queued => "queued",
            Self::Begun => "started",
        }
    }

    /// Whether nothing more is done about it by itself.
    pub(crate) fn is_end(self) -> bool {
        !matches!(self, Self::Queued | Self::Begun)
    }
}

/// One run, by its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownRun {
    /// Its instant, which is the end of its interval.
    pub(crate) instant: DateTime<Utc>,
    /// How it stands.
    pub(crate) standing: Standing,
    /// Numbers of attempts that were begun.
    pub(crate) begun: Vec<u64>,
    /// Numbers of attempts that failed.
    pub(crate) failed: Vec<u64>,
    /// Numbers of attempts that committed.
    pub(crate) completed: Vec<u64>,
    /// Whether somebody said that it need not be made up for.
    pub(crate) is_waived: bool,
    /// The interval, where a record that has it was read.
    pub(crate) interval: Option<Interval>,
}

impl KnownRun {
    pub(crate) fn of(instant: DateTime<Utc>) -> Self {
        Self {
            instant,
            standing: Standing::Begun,
            begun: Vec::new(),
            failed: Vec::new(),
            completed: Vec::new(),
            is_waived: false,
            interval: None,
        }
    }

    /// Attempts without an end: their runner is at work, or died.
    pub(crate) fn unended(&self) -> usize {
        let is_ended = |number: &&u64| self.failed.contains(number) || self.completed.contains(number);
        self.begun.iter().filter(|number| !is_ended(number)).count()
    }

    /// Whether its runner waits for something: a run of another job, the run before it, or its next attempt.
    pub(crate) fn waits(&self) -> bool {
        let is_between_attempts = self.begun.iter().max().is_some_and(|last| self.failed.contains(last));
        match self.standing {
            Standing::Queued => self.begun.is_empty() || is_between_attempts,
            Standing::Begun => is_between_attempts,
            Standing::Committed | Standing::Cancelled | Standing::Failed | Standing::Missed => false,
        }
    }

    /// Takes in the name of a record; the strongest of them says how the run stands.
    fn take(&mut self, name: &str) {
        let Some(name) = name.strip_suffix(".json") else { return };
        let standing = match name.split_once('.') {
            Some((number, end)) => {
                let Ok(number) = number.parse::<u64>() else { return };
                match end {
                    "start" => self.begun.push(number),
                    "fail" => self.failed.push(number),
                    "complete" => self.completed.push(number),
                    _ => {}
                }
                return;
            }
            None if name.starts_with("commit-") => Standing::Committed,
            None => match name {
                "cancel" => Standing::Cancelled,
                "failed" => Standing::Failed,
                "missed" => Standing::Missed,
                "queued" => Standing::Queued,
                "waived" => {
                    self.is_waived = true;
                    return;
                }
                _ => return,
            },
        };
        let rank = |of: Standing| match of {
            Standing::Begun => 0,
            Standing::Queued => 1,
            Standing::Missed => 2,
            Standing::Failed => 3,
            Standing::Cancelled => 4,
            Standing::Committed => 5,
        };
        if rank(standing) > rank(self.standing) {
            self.standing = standing;
        }
    }
}

/// The runs of a job whose instants are after `from`, oldest first.
///
/// # Errors
/// When the store fails.
pub(crate) async fn known_runs(
    front: &Lakefront,
    job: &JobId,
    from: Option<DateTime<Utc>>,
) -> Result<Vec<KnownRun>, EngineError> {
    let folder = Path::from(format!("_auditlake/runs/{job}"));
    // Names of instants sort as the instants do, and `z` is behind whatever a folder of one holds. `~` would be written `%7E`.
    let listed = match from {
        Some(from) => {
            let offset = Path::from(format!("{folder}/{}/z", compact(from)));
            front.list_behind(&folder, &offset).await?
        }
        None => front.list(&folder).await?,
    };
    let mut runs: Vec<KnownRun> = Vec::new();
    for meta in listed {
        let parts: Vec<String> = meta.location.parts().skip(3).map(|part| part.as_ref().to_owned()).collect();
        let [instant, name] = parts.as_slice() else { continue };
        let Some(instant) = parse_compact(instant) else { continue };
        if runs.last().is_none_or(|run| run.instant != instant) {
            runs.push(KnownRun::of(instant));
        }
        if let Some(run) = runs.last_mut() {
            run.take(name);
        }
    }
    runs.sort_by_key(|run| run.instant);
    Ok(runs)
}

/// The instant of the newest run of a job that is recorded.
///
/// # Errors
/// When the store fails.
pub(crate) async fn newest_run(front: &Lakefront, job: &JobId) -> Result<Option<DateTime<Utc>>, EngineError> {
    Ok(known_runs(front, job, None).await?.last().map(|run| run.instant))
}
