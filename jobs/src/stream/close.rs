//! The end of a batch: what its run read counts as read.

use chrono::{DateTime, TimeDelta, Utc};
use engine::{EngineError, PlannedInput};
use schemas::Job;

use super::aside::put_aside;
use super::log::snapshot;
use super::records::{AsideRecord, BatchEnd, BatchPlan, BatchSummary, Checkpoint, Places};
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::ledger::CommitRecord;

/// Notes the end of a batch whose run is committed. Whoever does so notes the same.
///
/// # Errors
/// When the store fails, or the commit is of no batch.
pub(crate) async fn committed(
    lake: &OpenLake,
    job: &Job,
    plan: &BatchPlan,
    commit: &CommitRecord,
) -> Result<(), JobError> {
    let summary = commit.summary.batch.as_ref().filter(|summary| summary.batch == plan.batch);
    let summary = summary.ok_or_else(|| EngineError::Damaged {
        path: Places(&job.id).plan(plan.batch).to_string(),
        what: format!("is of run {}, and the commit of that is of no such batch", plan.run),
    })?;
    let is_left_out = |file: &&PlannedInput| summary.left_out.iter().any(|left| left.path == file.path);
    let mut read: Vec<PlannedInput> = plan.files.iter().filter(|file| !is_left_out(file)).cloned().collect();
    read.extend(summary.rewritten.iter().cloned());
    end(lake, job, plan, (BatchEnd::Committed, read, watermark(job, summary))).await
}

/// How far the rows of a batch say that time has come.
fn watermark(job: &Job, summary: &BatchSummary) -> Option<DateTime<Utc>> {
    let lateness = job.timing.stream.as_ref().map_or(0, |stream| stream.lateness_seconds);
    let lateness = i64::try_from(lateness).ok().and_then(TimeDelta::try_seconds)?;
    summary.newest?.checked_sub_signed(lateness)
}

/// Notes the end of a batch whose run was cancelled: its files are set aside, each by name.
///
/// # Errors
/// When the store fails.
pub(crate) async fn cancelled(
    lake: &OpenLake,
    job: &Job,
    plan: &BatchPlan,
    (why, at): (&str, DateTime<Utc>),
) -> Result<(), JobError> {
    for file in &plan.files {
        let why = format!("run {} was cancelled: {why}", plan.run);
        put_aside(&lake.front, &AsideRecord { job: job.id.clone(), file: file.clone(), why, at }).await?;
    }
    end(lake, job, plan, (BatchEnd::Cancelled, Vec::new(), None)).await
}

async fn end(
    lake: &OpenLake,
    job: &Job,
    plan: &BatchPlan,
    (end, mut read, watermark): (BatchEnd, Vec<PlannedInput>, Option<DateTime<Utc>>),
) -> Result<(), JobError> {
    let before: Option<Checkpoint> = match plan.batch {
        0 | 1 => None,
        batch => lake.front.read_json(&Places(&job.id).checkpoint(batch - 1)).await?,
    };
    read.extend(plan.same.iter().cloned());
    let checkpoint = Checkpoint {
        job: job.id.clone(),
        batch: plan.batch,
        run: plan.run.clone(),
        interval: plan.interval,
        end,
        read,
        watermark: watermark.max(before.and_then(|before| before.watermark)),
    };
    lake.front.create_json(&Places(&job.id).checkpoint(plan.batch), &checkpoint).await?;
    snapshot(&lake.front, &job.id, plan.batch).await;
    Ok(())
}
