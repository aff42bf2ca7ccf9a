//! What is being published while a person is erased: whoever began before the rows went may have read them, and publishes them
//! afterwards. So a case does not end as long as one such act may be under way.
//!
//! Acts are known by the intents of the evidence log. Absent: what a lake without a log does, and waiting for anybody.

use engine::retention::{Mentions, Person};
use engine::subject::{SubjectCase, case_folder};
use schemas::{DatasetId, JobId, JobKind};

use super::desk::Desk;
use super::places::Left;
use super::sweep::is_named;
use crate::error::JobError;
use crate::evidence_log::{Act, under_way};
use crate::lake::OpenLake;
use crate::ledger::RunKey;

/// What may publish rows that are gone by now, each a phrase; who knows of none says so in `not_searched`.
pub(super) async fn publishing(
    desk: &Desk<'_>,
    case: &SubjectCase,
    person: &Person,
) -> Result<(Vec<String>, Option<Left>), JobError> {
    if desk.lake.definitions.evidence.is_none() {
        let why = "the lake keeps no evidence log, which would tell; erase when nothing else runs";
        return Ok((Vec::new(), Some(Left::new("what was being published meanwhile", why))));
    }
    // No such record is ever written, so there is nothing to make up for, and another erasure does not wait for this one.
    let act = Act::Record { path: format!("{}/under-way", case_folder(&case.case)) };
    let acts = under_way(desk.lake, desk.world, act).await?;
    let mentions = person.mentions();
    let told = acts.iter().filter_map(|(act, by)| Some(format!("{} by {by}", phrase(desk.lake, act, &mentions)?)));
    Ok((told.collect(), None))
}

/// How an act is called that publishes; none where it does not.
fn phrase(lake: &OpenLake, act: &Act, mentions: &Mentions) -> Option<String> {
    let (phrase, without_names) = match act {
        Act::Run { job, instant } if publishes(lake, job) => {
            (format!("run {}", RunKey { job: job.clone(), instant: *instant }.id()), "a run")
        }
        Act::Review { job, instant } => {
            let run = RunKey { job: job.clone(), instant: *instant }.id();
            (format!("a step of the review of {run}"), "a step of a review")
        }
        Act::Answer { folder, .. } => (format!("answer {folder}"), "an answer to a request"),
        Act::Dataset { dataset } if is_copy(lake, dataset) => (format!("copy {dataset}"), "a copy"),
        Act::Other => ("an export, or another command of which the lake keeps no record,".to_owned(), ""),
        Act::Run { .. } | Act::Dataset { .. } | Act::Retention { .. } | Act::Record { .. } => return None,
    };
    Some(if is_named(&phrase, mentions) { without_names.to_owned() } else { phrase })
}

/// Whether runs of a job write what they read anywhere else. What an ingest brings is compared with the ledger of erasures, and an
/// SLA counts requests, of nobody in particular.
fn publishes(lake: &OpenLake, job: &JobId) -> bool {
    match lake.definitions.job(job).map(|job| &job.kind) {
        Some(JobKind::Ingest(_) | JobKind::Verify(_) | JobKind::Retention(_) | JobKind::Sla(_) | JobKind::Usage(_)) => {
            false
        }
        // Of a job that is not defined any more nobody knows.
        Some(
            JobKind::ComplianceReport(_)
            | JobKind::Export(_)
            | JobKind::Query(_)
            | JobKind::Anonymize(_)
            | JobKind::Anomalies(_)
            | JobKind::Report(_),
        )
        | None => true,
    }
}

fn is_copy(lake: &OpenLake, dataset: &DatasetId) -> bool {
    lake.definitions.copies.iter().any(|copy| copy.to == *dataset)
}
