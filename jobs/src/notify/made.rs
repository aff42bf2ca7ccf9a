//! Events of records: what a run, a decision, a plan, a case or a request came to.

use std::collections::{BTreeMap, BTreeSet};

use engine::retention::{PlanFolder, find_plan};
use engine::{EngineError, Lakefront, recorded_path};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use schemas::{CaseRecord, CaseStep, Decision, EventType, FindingState, HoldRecord, HoldStep, JobId, parse_compact};

use super::event::{Event, Told};
use super::note::Source;
use crate::error::JobError;
use crate::evidence_log::LogStore;
use crate::export::{Manifest, ObjectPlace};
use crate::lake::OpenLake;
use crate::ledger::{CommitRecord, FailRecord, OutputRole, RunKey};
use crate::requests::refusal;
use crate::retention::{PlanReceipt, is_approved};
use crate::schedule::{DecisionRecord, FailedRecord, JournalRecord, MissedReason, MissedRecord, Step};
use crate::stream::AsideRecord;
use crate::usage::UsagePeriodSummary;

/// Whether a record that is written may be an event.
pub(super) fn tells(path: &str) -> bool {
    let folders = ["runs", "schedule", "holds", "subjects", "findings"];
    path.strip_prefix("_auditlake/").is_some_and(|below| folders.iter().any(|of| below.starts_with(&format!("{of}/"))))
}

/// The events of a source, as the lake has them by now.
///
/// # Errors
/// When the store fails, or a record is damaged.
pub(super) async fn events(lake: &OpenLake, source: &Source) -> Result<Vec<Event>, JobError> {
    let front = &lake.front;
    let mut made = match source {
        Source::Run { job, instant, known } => {
            of_run(lake, &RunKey { job: job.clone(), instant: *instant }, known).await?
        }
        Source::Records { paths } => {
            let mut all = Vec::new();
            for path in paths {
                all.extend(of_record(lake, path).await?);
            }
            all
        }
        Source::Answer { request, folder } => of_answer(front, request, folder).await?.into_iter().collect(),
        Source::Refusal { request, record } => {
            let refused = refusal(front, &recorded_path(record)).await?;
            let of = |(is_failure, at)| {
                let (kind, what) = match is_failure {
                    true => (EventType::ExportFailed, "a request for an export could not be answered"),
                    false => (EventType::ExportRejected, "a request for an export was refused"),
                };
                Event::of(kind, request.clone(), 1, (at, Told { what, ..Told::default() }))
            };
            refused.map(of).into_iter().collect()
        }
        Source::Plan { plan } => of_plan(lake, plan).await?.into_iter().collect(),
        Source::Applied { plan } => of_applied(front, plan).await?.into_iter().collect(),
        Source::Log => Vec::new(),
    };
    made.extend(of_log(lake).await?);
    Ok(made)
}

/// Names of the records of a run.
///
/// # Errors
/// When the store fails.
pub(super) async fn records_of(lake: &OpenLake, key: &RunKey) -> Result<Vec<String>, EngineError> {
    let listed = lake.front.list(&Path::from(key.folder())).await?;
    Ok(listed.iter().filter_map(|meta| meta.location.filename().map(str::to_owned)).collect())
}

/// What an attempt at a run came to: records that it did not have before.
async fn of_run(lake: &OpenLake, key: &RunKey, known: &[String]) -> Result<Vec<Event>, JobError> {
    let names = records_of(lake, key).await?;
    let is_cancelled = names.iter().any(|name| name == "cancel.json");
    let known: BTreeSet<&String> = known.iter().collect();
    let mut events = Vec::new();
    for name in names.iter().filter(|name| !known.contains(name)).filter_map(|name| name.strip_suffix(".json")) {
        if name.starts_with("commit-") {
            let commit: Option<CommitRecord> = lake.front.read_json(&key.record(name)).await?;
            events.extend(commit.iter().flat_map(|commit| of_commit(key, commit)));
        } else if name.ends_with(".fail") && !is_cancelled {
            let fail: Option<FailRecord> = lake.front.read_json(&key.record(name)).await?;
            events.extend(fail.and_then(|fail| of_failure(key, &fail)));
        }
    }
    Ok(events)
}

/// An attempt that is not followed by another one.
fn of_failure(key: &RunKey, fail: &FailRecord) -> Option<Event> {
    let is_end = !fail.shutdown && fail.next_try_at.is_none();
    let told = || Told {
        what: "a run failed and is not tried again by itself",
        attempt: Some(fail.attempt),
        remedy: Some(fail.remedy.clone()),
        ..Told::default()
    };
    is_end.then(|| Event::of_run(EventType::RunFailed, key, fail.attempt, (fail.ended_at, told())))
}

fn of_commit(key: &RunKey, commit: &CommitRecord) -> Vec<Event> {
    let summary = &commit.summary;
    let reports = commit.outputs.iter().filter(|output| output.role == OutputRole::Report);
    let told = |what, counts: &[(&'static str, u64)]| Told {
        what,
        interval: Some(commit.interval),
        attempt: Some(commit.attempt),
        revision: Some(commit.revision),
        counts: counts.iter().copied().collect(),
        ..Told::default()
    };
    let at = commit.committed_at.unwrap_or(key.instant);
    let event = |kind, told| Event::of_run(kind, key, commit.revision, (at, told));
    let counts = [
        ("inputs", commit.inputs.len() as u64),
        ("outputs", commit.outputs.len() as u64),
        ("findings", summary.findings),
    ];
    let (kind, what) = match commit.revision {
        1 => (EventType::RunSucceeded, "a run was committed"),
        _ => (EventType::RunRevised, "a run was computed anew"),
    };
    let committed = Told { paths: reports.map(|output| output.path.clone()).collect(), ..told(what, &counts) };
    let mut events = vec![event(kind, committed)];
    if let Some(export) = &summary.export {
        let counts = [("rows", export.rows), ("bytes", export.bytes), ("parts", export.parts)];
        events.push(event(EventType::ExportReady, told("an export can be collected", &counts)));
    }
    if summary.verify.is_some() && summary.findings > 0 {
        let counts = [("findings", summary.findings)];
        events.push(event(EventType::VerifyFailed, told("a verification found that something is wrong", &counts)));
    }
    if let Some(anomalies) = summary.anomalies.as_ref().filter(|anomalies| anomalies.alerts > 0) {
        let counts = [("alerts", anomalies.alerts), ("high", anomalies.high)];
        events.push(event(EventType::AlertRaised, told("a job raised alerts", &counts)));
    }
    if let Some(sla) = &summary.sla {
        // Of results that are new alone: a run that finds what the one before found tells nobody again.
        let news = sla.periods.iter().filter(|period| period.new > 0);
        let missed: u64 = news.clone().map(|period| period.missed).sum();
        if missed > 0 {
            events.push(event(EventType::SlaMissed, told("promises of an SLA were missed", &[("promises", missed)])));
        }
        let owed = news.filter(|period| period.provisional == 0 && !period.credits.is_empty()).count() as u64;
        if owed > 0 {
            events.push(event(EventType::SlaCreditDue, told("credits of an SLA are final", &[("periods", owed)])));
        }
    }
    if let Some(usage) = &summary.usage {
        // Of quotas that the run before did not know as such: nobody is told again each day.
        let sum = |of: fn(&UsagePeriodSummary) -> u64| usage.periods.iter().map(of).sum::<u64>();
        let near = (EventType::QuotaWarned, "tenants come near to quotas", sum(|period| period.newly_warned));
        let over = (EventType::QuotaExceeded, "tenants used more than their quotas", sum(|period| period.newly_over));
        for (kind, what, count) in [near, over].into_iter().filter(|(.., count)| *count > 0) {
            events.push(event(kind, told(what, &[("quotas", count)])));
        }
    }
    let changes = summary.finding_changes.unwrap_or_default();
    if changes.new > 0 {
        let what = "a report found what the one before did not";
        events.push(event(EventType::FindingOpened, told(what, &[("findings", changes.new)])));
    }
    if changes.gone > 0 {
        let what = "a report no longer found what the one before did";
        events.push(event(EventType::FindingResolved, told(what, &[("findings", changes.gone)])));
    }
    events
}

/// A record that stands for itself.
async fn of_record(lake: &OpenLake, path: &str) -> Result<Option<Event>, JobError> {
    let parts: Vec<&str> = path.split('/').collect();
    let at = recorded_path(path);
    Ok(match parts.as_slice() {
        ["_auditlake", "runs", job, instant, name] => match (JobId::parse(job), parse_compact(instant)) {
            (Ok(job), Some(instant)) => of_end(lake, &RunKey { job, instant }, name).await?,
            _ => None,
        },
        ["_auditlake", "schedule", ..] => lake.front.read_json::<JournalRecord>(&at).await?.and_then(of_step),
        ["_auditlake", "holds", ..] => lake.front.read_json::<HoldRecord>(&at).await?.and_then(of_hold),
        ["_auditlake", "subjects", _, name] if name.ends_with(".json") => {
            lake.front.read_json::<CaseRecord>(&at).await?.and_then(of_case)
        }
        ["_auditlake", "checkpoints", job, "aside", name] => {
            lake.front.read_json::<AsideRecord>(&at).await?.map(|aside| of_changed_file(job, name, &aside))
        }
        ["_auditlake", "findings", finding, number] => {
            let decision: Option<Decision> = lake.front.read_json(&at).await?;
            let number = number.trim_end_matches(".json").parse().unwrap_or_default();
            decision.and_then(|decision| of_decision(finding, number, &decision))
        }
        _ => None,
    })
}

/// A file that has other rows than were read of it, or may have.
fn of_changed_file(job: &str, name: &str, aside: &AsideRecord) -> Event {
    let told = Told {
        what: "a file that was read is another one now, and is not read again by itself",
        job: Some(job.to_owned()),
        command: Some(format!("auditlake job show {job}")),
        paths: vec![aside.file.path.clone()],
        ..Told::default()
    };
    let subject = format!("{job}/{}", name.trim_end_matches(".json"));
    Event::of(EventType::DatasetFileChanged, subject, 1, (aside.at, told))
}

/// A record of a run that says why it has no commit.
async fn of_end(lake: &OpenLake, key: &RunKey, name: &str) -> Result<Option<Event>, JobError> {
    let front = &lake.front;
    let path = key.record(name.trim_end_matches(".json"));
    Ok(match name {
        "missed.json" => front.read_json::<MissedRecord>(&path).await?.and_then(|missed| {
            let told = Told {
                what: "an interval was not computed",
                interval: Some(missed.interval),
                reason: Some(missed.reason.as_str().to_owned()),
                ..Told::default()
            };
            // Whoever paused it knows.
            let is_told = missed.reason != MissedReason::Paused;
            is_told.then(|| Event::of_run(EventType::RunMissed, key, 1, (missed.recorded_at, told)))
        }),
        "cancel.json" => front.read_json::<DecisionRecord>(&path).await?.map(|cancelled| {
            let told = Told { what: "somebody cancelled a run", ..Told::default() };
            Event::of_run(EventType::RunCancelled, key, 1, (cancelled.at, told))
        }),
        "failed.json" => match front.read_json::<FailedRecord>(&path).await? {
            Some(failed) => {
                // The last attempt may have said the same, and then it is the same event.
                let begun = records_of(lake, key).await?;
                let begun = begun.iter().filter_map(|name| name.strip_suffix(".start.json")?.parse().ok());
                let attempt: u64 = begun.max().unwrap_or_default();
                let told = Told {
                    what: "a run failed and is not tried again by itself",
                    interval: Some(failed.interval),
                    attempt: Some(attempt),
                    remedy: Some(failed.remedy),
                    ..Told::default()
                };
                Some(Event::of_run(EventType::RunFailed, key, attempt, (failed.recorded_at, told)))
            }
            None => None,
        },
        _ => None,
    })
}

fn of_step(record: JournalRecord) -> Option<Event> {
    let (kind, what) = match record.step {
        Step::Seen { .. } => return None,
        Step::Paused => (EventType::SchedulePaused, "a schedule was paused"),
        Step::Resumed { .. } => (EventType::ScheduleResumed, "a schedule was resumed"),
    };
    let told = Told {
        what,
        job: Some(record.job.to_string()),
        command: Some(format!("auditlake job show {}", record.job)),
        ..Told::default()
    };
    Some(Event::of(kind, record.job.to_string(), record.number, (record.at, told)))
}

fn of_hold(record: HoldRecord) -> Option<Event> {
    let (kind, what) = match record.what {
        HoldStep::Placed { .. } => (EventType::HoldPlaced, "a legal hold was placed"),
        HoldStep::Amended { .. } => return None,
        HoldStep::Released => (EventType::HoldReleased, "a legal hold was released"),
    };
    let told = Told { what, command: Some("auditlake hold list --all".to_owned()), ..Told::default() };
    Some(Event::of(kind, record.case.to_string(), record.number, (record.at, told)))
}

fn of_case(record: CaseRecord) -> Option<Event> {
    let CaseStep::Closed { state, .. } = record.what else { return None };
    let told = Told {
        what: "the case of a person is over",
        reason: Some(state.as_str().to_owned()),
        command: Some("auditlake subject list --all".to_owned()),
        ..Told::default()
    };
    Some(Event::of(EventType::SubjectClosed, record.case.to_string(), record.number, (record.at, told)))
}

fn of_decision(finding: &str, number: u64, decision: &Decision) -> Option<Event> {
    let (kind, what) = match decision.state {
        FindingState::Open => (EventType::FindingOpened, "a finding counts again"),
        FindingState::Remediated | FindingState::FalsePositive => {
            (EventType::FindingResolved, "a finding was decided about")
        }
        FindingState::Accepted => return None,
    };
    let told = Told { what, reason: Some(decision.state.as_str().to_owned()), ..Told::default() };
    Some(Event::of(kind, finding.to_owned(), number, (decision.at, told)))
}

async fn of_answer(front: &Lakefront, request: &str, folder: &str) -> Result<Option<Event>, JobError> {
    let place = ObjectPlace::in_lake(front, folder);
    let Some(manifest) = place.read_json::<Manifest>(&place.manifest()).await? else { return Ok(None) };
    let counts =
        BTreeMap::from([("rows", manifest.rows), ("bytes", manifest.bytes), ("parts", manifest.parts.len() as u64)]);
    let expires_at = manifest.request.as_ref().and_then(|request| request.expires_at);
    let (kind, what, at) = match (place.head("expired.json").await?, expires_at) {
        (Some(_), Some(at)) => (EventType::ExportExpired, "the time of an answer is over", at),
        _ => (EventType::ExportReady, "a request for an export was answered", manifest.instant),
    };
    Ok(Some(Event::of(kind, request.to_owned(), 1, (at, Told { what, counts, ..Told::default() }))))
}

/// A plan that nobody has agreed to.
async fn of_plan(lake: &OpenLake, plan: &str) -> Result<Option<Event>, JobError> {
    if lake.front.read(&PlanFolder::of(plan).plan()).await?.is_none() {
        return Ok(None);
    }
    let known = find_plan(&lake.front, plan).await?;
    if is_approved(lake, &known).await? {
        return Ok(None);
    }
    let told = Told {
        what: "a retention plan waits for somebody to agree",
        command: Some(format!("auditlake retention approve {}", &plan[..12.min(plan.len())])),
        counts: BTreeMap::from([
            ("rows", known.plan.rows_changed()),
            ("objects", known.plan.changing().count() as u64),
        ]),
        ..Told::default()
    };
    Ok(Some(Event::of(EventType::RetentionApprovalNeeded, plan.to_owned(), 1, (known.plan.at, told))))
}

async fn of_applied(front: &Lakefront, plan: &str) -> Result<Option<Event>, JobError> {
    let receipt: Option<PlanReceipt> = front.read_json(&PlanFolder::of(plan).receipt()).await?;
    Ok(receipt.map(|receipt| {
        let counts = BTreeMap::from([
            ("objects", receipt.objects.len() as u64),
            ("skipped", receipt.skipped.len() as u64),
            ("deleted", receipt.rows.deleted),
            ("archived", receipt.rows.archived),
            ("anonymized", receipt.rows.anonymized),
        ]);
        let told = Told { what: "a retention plan was carried out", counts, ..Told::default() };
        Event::of(EventType::RetentionApplied, plan.to_owned(), 1, (receipt.ended_at, told))
    }))
}

/// The newest checkpoint of the evidence log, where somebody is told of it.
async fn of_log(lake: &OpenLake) -> Result<Option<Event>, JobError> {
    let hears = lake.definitions.notify.iter().any(|channel| channel.takes(EventType::EvidenceCheckpoint));
    let Some(policy) = lake.definitions.evidence.as_ref().filter(|_| hears) else { return Ok(None) };
    let store = LogStore::of_lake(lake.front.clone());
    let Some((size, note)) = store.newest_checkpoint().await? else { return Ok(None) };
    let path = store.checkpoint_path(size);
    let meta = lake.front.store().head(&path).await.map_err(|source| EngineError::store(&path, "find it", source))?;
    // The third line of a checkpoint (C2SP) is the hash of the tree.
    let root = std::str::from_utf8(&note).ok().and_then(|note| note.lines().nth(2)).map(str::to_owned);
    let counts = BTreeMap::from([("entries", size)]);
    let told =
        Told { what: "the evidence log was signed", root, counts, paths: vec![path.to_string()], ..Told::default() };
    Ok(Some(Event::of(EventType::EvidenceCheckpoint, policy.origin.clone(), size, (meta.last_modified, told))))
}
