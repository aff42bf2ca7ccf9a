//! Runs as the ledger has them: every one, one of them, or the newest. Records are read side by side.

use chrono::{DateTime, TimeDelta, Utc};
use engine::EngineError;
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::ObjectMeta;
use object_store::path::Path;
use schemas::{JobId, compact, parse_compact};

use super::{Ledger, RunEntry, RunKey};
use crate::schedule::Ends;

const RUNS: &str = "_auditlake/runs";
/// Runs whose records are read at once.
const READ_AT_ONCE: usize = 16;
/// Jobs whose records are listed at once.
const LISTED_AT_ONCE: usize = 8;
/// How far back the newest runs are looked for, one after the other, before everything is listed. A list of years costs what
/// there is in days.
const LOOKS: [TimeDelta; 4] = [TimeDelta::days(2), TimeDelta::days(8), TimeDelta::days(32), TimeDelta::days(128)];

/// Which runs are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Newest<'a> {
    /// Of this job; of all where none is named.
    pub(crate) job: Option<&'a JobId>,
    /// So many at most.
    pub(crate) limit: usize,
    /// Of instants from this one on.
    pub(crate) since: Option<DateTime<Utc>>,
}

/// The newest runs.
#[derive(Debug, Default)]
pub(crate) struct NewestRuns {
    /// By job and instant.
    pub(crate) runs: Vec<RunEntry>,
    /// Whether there are others that were asked for.
    pub(crate) has_more: bool,
}

/// A run, by the names of its records.
struct Named {
    job: String,
    instant: String,
    records: Vec<Path>,
}

impl Ledger {
    /// Every run, by job and instant.
    ///
    /// # Errors
    /// When the store fails or a record is damaged.
    pub async fn runs(&self) -> Result<Vec<RunEntry>, EngineError> {
        self.read(named(self.front.list(&Path::from(RUNS)).await?)).await
    }

    /// The run of a key; none that was never started.
    ///
    /// # Errors
    /// As [`Self::runs`].
    pub(crate) async fn run_of(&self, key: &RunKey) -> Result<Option<RunEntry>, EngineError> {
        Ok(self.read(named(self.front.list(&Path::from(key.folder())).await?)).await?.pop())
    }

    /// The newest runs, at the instant `now`. Nothing is listed that is much older than they are.
    ///
    /// # Errors
    /// As [`Self::runs`].
    pub(crate) async fn newest(&self, now: DateTime<Utc>, wanted: Newest<'_>) -> Result<NewestRuns, EngineError> {
        let jobs = match wanted.job {
            Some(job) => vec![job.to_string()],
            None => self.front.folders(&Path::from(RUNS)).await?,
        };
        let looks: Vec<Option<DateTime<Utc>>> = match wanted.since {
            Some(since) => vec![Some(since)],
            None => LOOKS.iter().map(|back| now.checked_sub_signed(*back)).chain([None]).collect(),
        };
        let mut found = Vec::new();
        let mut is_all = false;
        for since in looks {
            found = self.since(&jobs, since).await?;
            is_all = since == wanted.since;
            if found.len() > wanted.limit {
                break;
            }
        }
        let has_more = !is_all || found.len() > wanted.limit;
        found.sort_by(|one, other| other.instant.cmp(&one.instant).then_with(|| one.job.cmp(&other.job)));
        found.truncate(wanted.limit);
        found.sort_by(|one, other| (&one.job, &one.instant).cmp(&(&other.job, &other.instant)));
        Ok(NewestRuns { runs: self.read(found).await?, has_more })
    }

    /// Runs of these jobs of instants from `since` on.
    async fn since(&self, jobs: &[String], since: Option<DateTime<Utc>>) -> Result<Vec<Named>, EngineError> {
        let listed = stream::iter(jobs.to_vec()).map(async |job| {
            let folder = Path::from(format!("{RUNS}/{job}"));
            match since {
                // The name of a folder sorts before those of its records.
                Some(since) => {
                    self.front.list_behind(&folder, &Path::from(format!("{folder}/{}", compact(since)))).await
                }
                None => self.front.list(&folder).await,
            }
        });
        let listed: Vec<Vec<ObjectMeta>> = listed.buffered(LISTED_AT_ONCE).try_collect().await?;
        Ok(listed.into_iter().flat_map(named).collect())
    }

    /// The attempts of every run, by job and instant, as far as the names of records tell.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn attempts(&self) -> Result<Vec<(RunKey, u64)>, EngineError> {
        let mut attempts = Vec::new();
        for Named { job, instant, records } in named(self.front.list(&Path::from(RUNS)).await?) {
            let (Ok(job), Some(instant)) = (JobId::parse(&job), parse_compact(&instant)) else { continue };
            let number = |path: &Path| path.filename()?.strip_suffix(".start.json")?.parse().ok();
            attempts.extend(records.iter().filter_map(number).map(|at| (RunKey { job: job.clone(), instant }, at)));
        }
        Ok(attempts)
    }

    async fn read(&self, runs: Vec<Named>) -> Result<Vec<RunEntry>, EngineError> {
        stream::iter(runs).map(|run| self.entry(run)).buffered(READ_AT_ONCE).try_collect().await
    }

    async fn entry(&self, Named { job, instant, records }: Named) -> Result<RunEntry, EngineError> {
        let mut run = RunEntry {
            run: format!("{job}@{instant}"),
            job,
            instant,
            attempts: Vec::new(),
            failures: Vec::new(),
            commit: None,
            earlier_commits: Vec::new(),
            ends: Ends::default(),
        };
        for path in records {
            let name = path.filename().unwrap_or_default();
            if name.ends_with(".start.json") {
                run.attempts.extend(self.front.read_json(&path).await?);
            } else if name.ends_with(".fail.json") {
                run.failures.extend(self.front.read_json(&path).await?);
            } else if name.starts_with("commit-") {
                run.earlier_commits.extend(run.commit.take());
                run.commit = self.front.read_json(&path).await?;
            } else {
                run.ends.take(&self.front, &path).await?;
            }
        }
        run.attempts.sort_by_key(|start| start.attempt);
        run.failures.sort_by_key(|fail| fail.attempt);
        Ok(run)
    }
}

/// Records by their runs, of a listing by path.
fn named(listed: Vec<ObjectMeta>) -> Vec<Named> {
    let mut runs: Vec<Named> = Vec::new();
    for ObjectMeta { location, .. } in listed {
        let parts: Vec<String> = location.parts().skip(2).map(|part| part.as_ref().to_owned()).collect();
        let [job, instant, _] = parts.as_slice() else { continue };
        if runs.last().is_none_or(|run| run.job != *job || run.instant != *instant) {
            runs.push(Named { job: job.clone(), instant: instant.clone(), records: Vec::new() });
        }
        if let Some(run) = runs.last_mut() {
            run.records.push(location);
        }
    }
    runs
}

#[cfg(test)]
mod tests;
