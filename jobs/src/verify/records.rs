//! Records of runs, reports, exports and reviews against the log.

use engine::recorded_path;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use engine::evidence::{LogProof, Note, ReportEntry};
use object_store::path::Path;
use sha2::{Digest, Sha256};

use super::digest::sha256_of;
use super::finding::{FindingKind, Verified};
use super::log::CheckedLog;
use super::retention::SUBJECTS;
use super::scope::Scope;
use crate::error::JobError;
use crate::evidence_log::{Act, PROOF_ENDING};
use crate::lake::OpenLake;
use crate::ledger::{CommitRecord, OutputRole, RunKey};
use crate::review::{self, ReviewState, StepRecord, note_text};
use crate::show::counted;
use crate::subject::Withdrawals;

/// Checks records of runs and everything that they say was written, other than rows of datasets.
pub(crate) async fn check(
    lake: &OpenLake,
    log: &CheckedLog,
    (scope, open): (&Scope, &[Act]),
    verified: &mut Verified,
) -> Result<(), JobError> {
    let parts = Parts { lake, withdrawn: logged_withdrawals(lake, log).await?, gone: AtomicU64::new(0) };
    runs(&parts, log, scope, verified).await?;
    unlogged_runs(lake, log, open, verified).await?;
    reports(&parts, log, scope, verified).await?;
    reviews(&parts, log, verified).await?;
    let gone = parts.gone.into_inner();
    if gone > 0 {
        verified.looked_at("withdrawn", format!("{}: gone, as cases of persons say", counted(gone, "object")));
    }
    Ok(())
}

async fn runs(parts: &Parts<'_>, log: &CheckedLog, scope: &Scope, verified: &mut Verified) -> Result<(), JobError> {
    let lake = parts.lake;
    let (mut runs, mut objects, mut foreign) = (0, 0, BTreeSet::new());
    for (index, run) in log.replay.runs.iter().filter(|(_, run)| scope.has_interval(&run.interval)) {
        runs += 1;
        let of = format!("of run \"{}\", entry {index},", run.run);
        // What the entries name themselves does not hang on the record.
        let export = log.replay.exports.iter().find(|(_, export)| export.of == run.run);
        let mut known: BTreeSet<String> = BTreeSet::new();
        for file in run.files.iter().chain(export.iter().flat_map(|(_, export)| &export.files)) {
            objects += 1;
            parts.check(&file.path, &file.sha256, &of, verified).await?;
            if let Some((index, _)) = export.filter(|(_, export)| export.manifest_sha256 == file.sha256) {
                proof(lake, log, &file.path, *index, verified).await?;
            }
            known.insert(file.path.clone());
        }
        let what = format!("record \"{}\" of run \"{}\"", run.record, run.run);
        let Some(bytes) = lake.front.read(&recorded_path(&run.record)).await? else {
            verified.add(FindingKind::MissingRecord, run.record.clone(), format!("{what}, entry {index}, is gone"));
            continue;
        };
        let sha256 = engine::hex(&Sha256::digest(&bytes));
        if sha256 != run.record_sha256 {
            let message = format!("{what} has sha256 {sha256}, entry {index} says {}", run.record_sha256);
            verified.add(FindingKind::ChangedRecord, run.record.clone(), message);
            continue;
        }
        let Ok(commit) = serde_json::from_slice::<CommitRecord>(&bytes) else { continue };
        foreign.extend(commit.inputs.iter().filter(|input| input.dataset.is_empty()).map(|input| input.path.clone()));
        // Rows are files of datasets, and those of a report are in an entry of their own.
        let is_own =
            |role| !matches!(role, OutputRole::Rows) && (role != OutputRole::Report || run.job_kind == "export");
        for output in commit.outputs.iter().filter(|output| is_own(output.role) && !known.contains(&output.path)) {
            objects += 1;
            parts.check(&output.path, &output.sha256, &of, verified).await?;
        }
    }
    if !foreign.is_empty() {
        let many = counted(foreign.len() as u64, "object");
        verified.not_checked(format!(
            "{many} that ingests read: sources are not the lake's, and only their rows are logged"
        ));
    }
    let about = format!("{}: records as logged, and {} they wrote", counted(runs, "run"), counted(objects, "object"));
    verified.looked_at("runs", about);
    Ok(())
}

/// What logged steps of cases withdrew. A record that is gone, or another one than was logged, excuses nothing.
async fn logged_withdrawals(lake: &OpenLake, log: &CheckedLog) -> Result<Withdrawals, JobError> {
    let mut all = Withdrawals::default();
    for (_, entry) in log.replay.records.iter().filter(|(_, entry)| entry.record.starts_with(SUBJECTS)) {
        let bytes = lake.front.read(&recorded_path(&entry.record)).await?;
        if let Some(bytes) = bytes.filter(|bytes| engine::hex(&Sha256::digest(bytes)) == entry.record_sha256) {
            all.take_record(&bytes);
        }
    }
    Ok(all)
}

/// Objects that entries lead to.
struct Parts<'a> {
    lake: &'a OpenLake,
    /// What cases of persons withdrew.
    withdrawn: Withdrawals,
    /// How many of those are gone.
    gone: AtomicU64,
}

impl Parts<'_> {
    async fn check(&self, path: &str, sha256: &str, of: &str, verified: &mut Verified) -> Result<(), JobError> {
        match sha256_of(&self.lake.front, path).await? {
            None if self.withdrawn.explain(path, sha256) => {
                self.gone.fetch_add(1, Ordering::Relaxed);
                self.in_place_of(path, of, verified).await?;
            }
            None => verified.add(FindingKind::MissingPart, path, format!("object \"{path}\" {of} is gone")),
            Some((there, _)) if there != sha256 => {
                let message = format!("object \"{path}\" {of} has sha256 {there}, and {sha256} was logged");
                verified.add(FindingKind::ChangedPart, path, message);
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// What stands in the place of a withdrawn object, if anything has to: one of what cases name for it, as they name it.
    async fn in_place_of(&self, path: &str, of: &str, verified: &mut Verified) -> Result<(), JobError> {
        let mut fault = None;
        for object in self.withdrawn.in_place_of(path) {
            let instead = &object.path;
            match sha256_of(&self.lake.front, instead).await? {
                Some((there, _)) if Some(&there) == object.sha256.as_ref() => return Ok(()),
                Some((there, _)) => {
                    let message = format!("object \"{instead}\" {of} has sha256 {there}, and a case names another one");
                    fault = Some((FindingKind::ChangedPart, instead, message));
                }
                None => {
                    let message =
                        format!("object \"{instead}\" {of} is gone, which stood in the place of a withdrawn one");
                    fault = fault.or(Some((FindingKind::MissingPart, instead, message)));
                }
            }
        }
        if let Some((kind, path, message)) = fault {
            verified.add(kind, path.as_str(), message);
        }
        Ok(())
    }
}

async fn unlogged_runs(
    lake: &OpenLake,
    log: &CheckedLog,
    open: &[Act],
    verified: &mut Verified,
) -> Result<(), JobError> {
    let logged: BTreeSet<&str> = log.replay.runs.iter().map(|(_, run)| run.record.as_str()).collect();
    // By their names, whatever is in them.
    for meta in lake.front.list(&Path::from("_auditlake/runs")).await? {
        let record = meta.location.as_ref();
        let parts: Vec<&str> = record.split('/').collect();
        let [_, _, job, instant, name] = parts.as_slice() else { continue };
        if !name.starts_with("commit-") || logged.contains(record) {
            continue;
        }
        let run = format!("{job}@{instant}");
        let key = RunKey::parse(&run);
        let is_open = |act: &Act| matches!((act, &key), (Act::Run { job, instant }, Some(key)) if *job == key.job && *instant == key.instant);
        if open.iter().any(is_open) {
            let message =
                format!("run \"{run}\" has an open intent: it is being logged, or its process died before it was");
            verified.add(FindingKind::OpenIntent, record, message);
        } else {
            let message = format!("record \"{record}\" of run \"{run}\" is in no entry");
            verified.add(FindingKind::UnloggedRecord, record, message);
        }
    }
    Ok(())
}

async fn reports(
    objects: &Parts<'_>,
    log: &CheckedLog,
    scope: &Scope,
    verified: &mut Verified,
) -> Result<(), JobError> {
    let lake = objects.lake;
    let intervals: BTreeMap<(&str, u64), _> =
        log.replay.runs.iter().map(|(_, run)| ((run.run.as_str(), run.revision), run.interval)).collect();
    let (mut reports, mut parts, mut proofs) = (0, 0, 0);
    for (index, report) in &log.replay.reports {
        let interval = intervals.get(&(report.run.as_str(), report.revision));
        if interval.is_some_and(|interval| !scope.has_interval(interval)) {
            continue;
        }
        reports += 1;
        for one in &report.parts {
            parts += 1;
            let of = format!("of report \"{}\", entry {index},", report.run);
            objects.check(&one.path, &one.sha256, &of, verified).await?;
            proofs += u64::from(proof(lake, log, &one.path, *index, verified).await?);
        }
    }
    let exports = log.replay.exports.iter().filter(|(_, export)| !export.of.contains('@')).count() as u64;
    if exports > 0 {
        verified.not_checked(format!(
            "{} that people asked for: the log has the SHA-256 of each manifest and not where it went; compare one with `auditlake export verify`",
            counted(exports, "export")
        ));
    }
    verified.looked_at(
        "reports",
        format!(
            "{} of {}, {} beside them",
            counted(reports, "report"),
            counted(parts, "file"),
            counted(proofs, "proof")
        ),
    );
    Ok(())
}

/// The proof beside a file, if it has one: of that entry, under a checkpoint of this log.
async fn proof(
    lake: &OpenLake,
    log: &CheckedLog,
    path: &str,
    index: u64,
    verified: &mut Verified,
) -> Result<bool, JobError> {
    let path = format!("{path}{PROOF_ENDING}");
    let Some(bytes) = lake.front.read(&recorded_path(&path)).await? else {
        verified
            .not_checked(format!("proof \"{path}\" is not there; the file beside it was compared with the log itself"));
        return Ok(false);
    };
    let wrong = match LogProof::parse(&bytes).and_then(|proof| proof.leads_to().map(|checkpoint| (proof, checkpoint))) {
        Err(error) => Some(error.to_string()),
        Ok((proof, _)) if proof.index != index => Some(format!("it is of entry {}, and not of {index}", proof.index)),
        Ok((_, checkpoint)) if log.tree.root_at(checkpoint.size) != Some(checkpoint.root) => {
            Some("its checkpoint is not of this log".to_owned())
        }
        Ok((proof, _)) => match proof.checkpoint.signers(&log.keys.all()) {
            Ok(signers) if !signers.is_empty() => None,
            _ => Some("its checkpoint is not signed by a trusted key".to_owned()),
        },
    };
    if let Some(why) = &wrong {
        verified.add(FindingKind::BadProof, path.clone(), format!("proof \"{path}\": {why}"));
    }
    Ok(wrong.is_none())
}

async fn reviews(parts: &Parts<'_>, log: &CheckedLog, verified: &mut Verified) -> Result<(), JobError> {
    let lake = parts.lake;
    let reports: BTreeMap<(&str, u64), &(u64, ReportEntry)> =
        log.replay.reports.iter().map(|entry| ((entry.1.run.as_str(), entry.1.revision), entry)).collect();
    let mut approved: BTreeSet<(&str, u64)> = BTreeSet::new();
    for (index, step) in &log.replay.approvals {
        let key = (step.run.as_str(), step.revision);
        // What was published is told by the log, whatever became of the record of the step.
        if let Some(report) = reports.get(&key).filter(|_| step.state == ReviewState::Published.as_str()) {
            published(parts, log, (*index, report), verified).await?;
        }
        let what = format!("step {} of the review of \"{}\"", step.number, step.run);
        let mut bad = |why: String| {
            verified.add(FindingKind::BadApproval, step.record.clone(), format!("{what}, entry {index}, {why}"));
        };
        let Some(bytes) = lake.front.read(&recorded_path(&step.record)).await? else {
            bad(format!("has lost its record \"{}\"", step.record));
            continue;
        };
        let sha256 = engine::hex(&Sha256::digest(&bytes));
        if sha256 != step.record_sha256 {
            bad(format!("has a record of sha256 {sha256}, and {} was logged", step.record_sha256));
            continue;
        }
        if reports.get(&key).is_none_or(|(_, report)| report.manifest_sha256 != step.manifest_sha256) {
            bad("is about files that no report entry has".to_owned());
        }
        match serde_json::from_slice::<StepRecord>(&bytes) {
            Ok(record) => {
                if let Some(why) = note_fault(&record, log) {
                    bad(why);
                }
                match record.state {
                    ReviewState::Approved => {
                        approved.insert(key);
                    }
                    ReviewState::Published if !approved.contains(&key) => {
                        bad("publishes what no entry before it approves".to_owned());
                    }
                    _ => {}
                }
            }
            Err(error) => bad(format!("has a record that cannot be read: {error}")),
        }
    }
    let logged: BTreeSet<&str> = log.replay.approvals.iter().map(|(_, step)| step.record.as_str()).collect();
    for path in review::records(&lake.front).await? {
        if !logged.contains(path.as_ref()) {
            verified.add(
                FindingKind::UnloggedRecord,
                path.as_ref(),
                format!("record \"{path}\" of a review is in no entry"),
            );
        }
    }
    if !log.replay.approvals.is_empty() {
        let about = format!(
            "{} of reviews: records as logged, each approval before what rests on it",
            counted(log.replay.approvals.len() as u64, "step")
        );
        verified.looked_at("reviews", about);
    }
    Ok(())
}

/// What is wrong with the signed note of a step.
fn note_fault(record: &StepRecord, log: &CheckedLog) -> Option<String> {
    let note = record.note.as_deref()?;
    let Ok(note) = Note::parse(note.as_bytes()) else { return Some("has a note that cannot be read".to_owned()) };
    if note.text != note_text(record) {
        return Some("has a note that says something else".to_owned());
    }
    match note.signers(&log.keys.all()) {
        Ok(signers) if !signers.is_empty() => None,
        _ => Some("has a note that no trusted key signed".to_owned()),
    }
}

/// What was published, against the draft that was approved, with the proofs beside it.
async fn published(
    parts: &Parts<'_>,
    log: &CheckedLog,
    (index, (logged, report)): (u64, &(u64, ReportEntry)),
    verified: &mut Verified,
) -> Result<(), JobError> {
    for (path, sha256) in review::published_of(&report.parts, report.revision) {
        let of = format!("of report \"{}\", published by entry {index},", report.run);
        parts.check(&path, &sha256, &of, verified).await?;
        proof(parts.lake, log, &path, *logged, verified).await?;
    }
    Ok(())
}
