//! What was decided about the schedule of a job, create-only and in order: `_auditlake/schedule/<job>/000001.json`.
//!
//! Beside it stands how far everything is closed, `closed-<begin>-<until>`, so that what is due lists the few runs behind it
//! and not a history of years.

use chrono::{DateTime, Utc};
use engine::{Created, EngineError, Lakefront};
use object_store::path::Path;
use schemas::{JobId, compact, parse_compact};
use serde::{Deserialize, Serialize};

use super::due::Pause;
use crate::error::JobError;

/// What happened to a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(crate) enum Step {
    /// A runner saw the job for the first time; its first interval begins there.
    Seen {
        /// Where.
        begin: DateTime<Utc>,
    },
    /// Nothing is started from here on.
    Paused,
    /// It is started again; of what was missed meanwhile, these intervals are run after all, by their ends.
    Resumed {
        /// Their ends.
        again: Vec<DateTime<Utc>>,
    },
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JournalRecord {
    /// The job.
    pub(crate) job: JobId,
    /// From 1.
    pub(crate) number: u64,
    /// What happened.
    #[serde(flatten)]
    pub(crate) step: Step,
    /// Who did it, where somebody did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) by: Option<String>,
    /// Why, where somebody said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) reason: Option<String>,
    /// When.
    pub(crate) at: DateTime<Utc>,
}

/// The journal of one job.
#[derive(Debug, Clone, Default)]
pub(crate) struct Journal {
    /// Oldest first, without a gap.
    pub(crate) records: Vec<JournalRecord>,
    /// How far every interval has an end, of those that begin at an instant: an earlier beginning opens earlier ones.
    closed: Vec<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Journal {
    /// Reads it.
    ///
    /// # Errors
    /// When the store fails, or a record is damaged or gone.
    pub(crate) async fn read(front: &Lakefront, job: &JobId) -> Result<Self, EngineError> {
        let mut journal = Self::default();
        for meta in front.list(&folder(job)).await? {
            let name = meta.location.filename().unwrap_or_default();
            if let Some(closed) = name.strip_prefix("closed-").and_then(|spans| spans.split_once('-')) {
                journal.closed.extend(parse_compact(closed.0).zip(parse_compact(closed.1)));
            } else if name.ends_with(".json") {
                let record: Option<JournalRecord> = front.read_json(&meta.location).await?;
                let expected = journal.records.len() as u64 + 1;
                match record.filter(|record| record.number == expected && record.job == *job) {
                    Some(record) => journal.records.push(record),
                    None => {
                        let what = format!("is not record {expected} of the schedule of job \"{job}\"");
                        return Err(EngineError::Damaged { path: meta.location.to_string(), what });
                    }
                }
            }
        }
        Ok(journal)
    }

    /// Where the first interval of the job begins, as it was when a runner first saw it.
    pub(crate) fn begin(&self) -> Option<DateTime<Utc>> {
        self.records.iter().find_map(|record| match record.step {
            Step::Seen { begin } => Some(begin),
            Step::Paused | Step::Resumed { .. } => None,
        })
    }

    /// How far every interval has an end, of a job whose intervals begin at `begin`.
    pub(crate) fn closed_from(&self, begin: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.closed.iter().filter(|(of, _)| *of == begin).map(|(_, until)| *until).max()
    }

    /// The pause that is on, with who paused it and why.
    pub(crate) fn paused(&self) -> Option<&JournalRecord> {
        let last = self.records.iter().rfind(|record| !matches!(record.step, Step::Seen { .. }))?;
        (last.step == Step::Paused).then_some(last)
    }

    /// Every span in which it was paused.
    pub(crate) fn pauses(&self) -> Vec<Pause> {
        let mut pauses: Vec<Pause> = Vec::new();
        for record in &self.records {
            match record.step {
                Step::Paused => pauses.push(Pause { from: record.at, until: None }),
                Step::Resumed { .. } => {
                    if let Some(pause) = pauses.last_mut() {
                        pause.until = pause.until.or(Some(record.at));
                    }
                }
                Step::Seen { .. } => {}
            }
        }
        pauses
    }

    /// Missed intervals that resumptions took up again, by their ends.
    pub(crate) fn again(&self) -> Vec<DateTime<Utc>> {
        let of = |record: &JournalRecord| match &record.step {
            Step::Resumed { again } => again.clone(),
            Step::Seen { .. } | Step::Paused => Vec::new(),
        };
        self.records.iter().flat_map(of).collect()
    }

    /// Writes the next record.
    ///
    /// # Errors
    /// When somebody else was first, or the store fails.
    pub(crate) async fn add(&mut self, front: &Lakefront, record: JournalRecord) -> Result<(), JobError> {
        match front.create_json(&record_path(&record.job, record.number), &record).await? {
            Created::Now => {
                self.records.push(record);
                Ok(())
            }
            Created::Existed => Err(JobError::Refused {
                what: format!("schedule of job \"{}\"", record.job),
                why: "somebody else changed it meanwhile; run the same command again".to_owned(),
            }),
        }
    }

    /// The number of the record that comes next.
    pub(crate) fn next_number(&self) -> u64 {
        self.records.len() as u64 + 1
    }

    /// Notes how far everything is closed. What fails here fails nothing: more is listed.
    pub(crate) async fn close(&self, front: &Lakefront, job: &JobId, (begin, until): (DateTime<Utc>, DateTime<Utc>)) {
        let noted = async {
            front.create(&closed_path(job, (begin, until)), bytes::Bytes::new()).await?;
            for earlier in self.closed.iter().filter(|(of, before)| *of == begin && *before < until) {
                front.remove(&closed_path(job, *earlier)).await?;
            }
            Ok::<_, EngineError>(())
        };
        if let Err(error) = noted.await {
            tracing::warn!(%error, %job, "how far its runs are closed is not noted, will be later");
        }
    }
}

fn folder(job: &JobId) -> Path {
    Path::from(format!("_auditlake/schedule/{job}"))
}

/// Where a record lies.
pub(crate) fn record_path(job: &JobId, number: u64) -> Path {
    Path::from(format!("_auditlake/schedule/{job}/{number:06}.json"))
}

fn closed_path(job: &JobId, (begin, until): (DateTime<Utc>, DateTime<Utc>)) -> Path {
    Path::from(format!("_auditlake/schedule/{job}/closed-{}-{}", compact(begin), compact(until)))
}
