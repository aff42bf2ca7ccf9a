//! `auditlake job states`: what is kept of each file for an incremental job, and deleting what nobody uses any more.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use engine::{Eligibility, kept_states, prune_states};
use schemas::{Job, JobKind, parse_compact};
use serde_json::json;

use crate::Answer;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::ledger::Ledger;
use crate::query::of_job;
use crate::show::{counted, write_line};
use crate::world::World;

/// How long states stay after the last run that used them.
const UNUSED_FOR: TimeDelta = TimeDelta::days(30);

/// When states were used last, by fingerprint.
type LastUsed = BTreeMap<String, DateTime<Utc>>;

/// Carries out the command.
pub(crate) async fn command(lake: &OpenLake, world: &World, job: &Job, prune: bool) -> Result<Answer, JobError> {
    let JobKind::Query(spec) = &job.kind else {
        let why =
            format!("job \"{}\" is of kind {}, and states are kept for jobs of kind query", job.id, job.kind.as_str());
        return Err(JobError::Usage(why));
    };
    let (of_job_used, used) = used(lake, job).await?;
    let current: BTreeSet<String> = match of_job(lake, world.now(), (job, spec)).await {
        Ok(Eligibility::Folds(groupings)) => groupings.into_iter().map(|grouping| grouping.fingerprint).collect(),
        // Of a statement that does not plan nothing is current.
        Ok(Eligibility::InFull { .. }) | Err(_) => BTreeSet::new(),
    };
    let mut kept = kept_states(&lake.front).await?;
    kept.retain(|states| current.contains(&states.fingerprint) || of_job_used.contains_key(&states.fingerprint));
    let is_unused = |fingerprint: &String| {
        !current.contains(fingerprint) && used.get(fingerprint).is_none_or(|at| world.now() - *at > UNUSED_FOR)
    };
    let unused: BTreeSet<String> = kept.iter().map(|states| states.fingerprint.clone()).filter(is_unused).collect();
    let deleted = if prune { prune_states(&lake.front, &unused).await? } else { 0 };
    let (mut text, mut rows) = (String::new(), Vec::new());
    for states in &kept {
        let last = used.get(&states.fingerprint).map(|at| schemas::rfc3339(*at));
        let is_pruned = prune && unused.contains(&states.fingerprint);
        let standing = match (is_pruned, current.contains(&states.fingerprint)) {
            (true, _) => "deleted",
            (false, true) => "current",
            (false, false) => "of an earlier statement or version",
        };
        let files = counted(states.files, "file");
        let last_used = last.clone().unwrap_or_else(|| "never".to_owned());
        let dataset = states.dataset.as_deref().unwrap_or("?");
        write_line(
            &mut text,
            &format!(
                "{}  {dataset}  {files} and {} of months and years, {} bytes; last used {last_used}; {standing}",
                states.fingerprint, states.nodes, states.bytes
            ),
        );
        rows.push(json!({
            "fingerprint": states.fingerprint,
            "dataset": states.dataset,
            "files": states.files,
            "nodes": states.nodes,
            "bytes": states.bytes,
            "last_used_at": last,
            "current": current.contains(&states.fingerprint),
            "deleted": is_pruned,
        }));
    }
    if kept.is_empty() {
        write_line(&mut text, &format!("nothing is kept for job \"{}\"", job.id));
    }
    if prune {
        write_line(&mut text, &format!("{} deleted", counted(deleted, "object")));
    }
    Ok(Answer::done(text, json!({ "job": job.id, "states": rows, "objects_deleted": deleted })))
}

/// When runs of this job, and of any, last used each fingerprint.
async fn used(lake: &OpenLake, job: &Job) -> Result<(LastUsed, LastUsed), JobError> {
    let (mut of_job, mut of_all) = (LastUsed::new(), LastUsed::new());
    for run in Ledger::new(lake.front.clone()).runs().await? {
        for commit in run.commits() {
            let Some(states) = commit.summary.query.as_ref().and_then(|query| query.states.as_ref()) else { continue };
            let Some(at) = commit.committed_at.or_else(|| parse_compact(&run.instant)) else { continue };
            for fingerprint in &states.fingerprints {
                let note = |used: &mut LastUsed| {
                    let last = used.entry(fingerprint.clone()).or_insert(at);
                    *last = at.max(*last);
                };
                note(&mut of_all);
                if run.job == job.id.as_str() {
                    note(&mut of_job);
                }
            }
        }
    }
    Ok((of_job, of_all))
}
