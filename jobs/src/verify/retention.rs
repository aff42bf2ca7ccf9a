//! Records of holds, of approvals of retention plans, and of plans that are done, against the log; and whether each change of
//! a file rests on a plan that was approved before.

use std::collections::{BTreeMap, BTreeSet};

use engine::evidence::{ChangeEntry, Note};
use engine::retention::{PlanFolder, find_plan};
use engine::{EngineError, recorded_path};
use object_store::path::Path;
use sha2::{Digest, Sha256};

use super::finding::{FindingKind, Verified};
use super::log::CheckedLog;
use crate::error::JobError;
use crate::evidence_log::Act;
use crate::lake::OpenLake;
use crate::retention::{approval_records, note_of_approval};
use crate::review;
use crate::show::counted;

/// Where cases lie.
const HOLDS: &str = "_auditlake/holds";
/// Where cases of persons lie.
pub(super) const SUBJECTS: &str = "_auditlake/subjects";
/// Where objections lie.
const OBJECTIONS: &str = "_auditlake/objections";
/// Where plans and receipts lie.
const JOURNAL: &str = "_auditlake/journal";

/// Checks the records, each against its entry, and each entry against its record.
pub(crate) async fn check(
    lake: &OpenLake,
    log: &CheckedLog,
    open: &[Act],
    verified: &mut Verified,
) -> Result<(), JobError> {
    let mut logged = BTreeSet::new();
    for (index, entry) in &log.replay.records {
        logged.insert(entry.record.as_str());
        let what = format!("record \"{}\" of entry {index}", entry.record);
        let Some(bytes) = lake.front.read(&recorded_path(&entry.record)).await? else {
            verified.add(FindingKind::MissingRecord, entry.record.clone(), format!("{what} is gone"));
            continue;
        };
        let sha256 = engine::hex(&Sha256::digest(&bytes));
        if sha256 != entry.record_sha256 {
            let message = format!("{what} has sha256 {sha256}, and {} was logged", entry.record_sha256);
            verified.add(FindingKind::ChangedRecord, entry.record.clone(), message);
            continue;
        }
        if let Some(why) = note_fault(&entry.record, &bytes, log) {
            verified.add(FindingKind::BadApproval, entry.record.clone(), format!("{what} {why}"));
        }
        let certified = ["/receipt.json", "/certificate.json"];
        if let Some(folder) = certified.iter().find_map(|name| entry.record.strip_suffix(name)) {
            certificate(lake, folder, &bytes, log, verified).await?;
        }
    }
    unlogged(lake, &logged, open, verified).await?;
    changes(lake, log, verified).await?;
    if !log.replay.records.is_empty() || !log.replay.changes.is_empty() {
        let rows: u64 = log.replay.changes.iter().map(|(_, change)| change.rows_deleted + change.rows_archived).sum();
        let about = format!(
            "{} of files by plans, {rows} rows left; {} of holds, approvals and plans: as logged",
            counted(log.replay.changes.len() as u64, "change"),
            counted(log.replay.records.len() as u64, "record")
        );
        verified.looked_at("retention", about);
    }
    Ok(())
}

/// What is wrong with the note in an approval of retention.
fn note_fault(path: &str, bytes: &[u8], log: &CheckedLog) -> Option<String> {
    if path.split('/').nth(1) != Some("approvals") {
        return None;
    }
    let Some((note, text)) = note_of_approval(bytes) else { return Some("is no approval".to_owned()) };
    let note = note?;
    let Ok(note) = Note::parse(note.as_bytes()) else { return Some("has a note that cannot be read".to_owned()) };
    if note.text != text {
        return Some("has a note that says something else".to_owned());
    }
    match note.signers(&log.keys.all()) {
        Ok(signers) if !signers.is_empty() => None,
        _ => Some("has a note that no trusted key signed".to_owned()),
    }
}

/// The certificate beside a receipt: the same, signed.
async fn certificate(
    lake: &OpenLake,
    folder: &str,
    receipt: &[u8],
    log: &CheckedLog,
    verified: &mut Verified,
) -> Result<(), JobError> {
    let path = Path::from(format!("{folder}/certificate.txt"));
    let Some(bytes) = lake.front.read(&path).await? else {
        verified.not_checked(format!(
            "certificate \"{path}\" is not there; the receipt beside it was compared with the log"
        ));
        return Ok(());
    };
    let wrong = match Note::parse(&bytes) {
        Err(error) => Some(error.to_string()),
        Ok(note) => {
            let value = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).ok();
            match note.signers(&log.keys.all()) {
                Ok(signers) if !signers.is_empty() => (value(note.text.as_bytes()) != value(receipt))
                    .then(|| "says something else than the receipt".to_owned()),
                _ => Some("is not signed by a trusted key".to_owned()),
            }
        }
    };
    if let Some(why) = wrong {
        verified.add(FindingKind::BadProof, path.as_ref(), format!("certificate \"{path}\": {why}"));
    }
    Ok(())
}

/// Records that no entry knows.
async fn unlogged(
    lake: &OpenLake,
    logged: &BTreeSet<&str>,
    open: &[Act],
    verified: &mut Verified,
) -> Result<(), JobError> {
    let mut there = Vec::new();
    for folder in [HOLDS, OBJECTIONS] {
        there.extend(lake.front.list(&Path::from(folder)).await?.into_iter().map(|meta| meta.location));
    }
    let steps = lake.front.list(&Path::from(SUBJECTS)).await?.into_iter().map(|meta| meta.location);
    there.extend(steps.filter(is_of_case));
    let approvals = review::all_records(&lake.front).await?;
    there.extend(approval_records(&approvals).into_iter().cloned());
    let journal = lake.front.list(&Path::from(JOURNAL)).await?.into_iter().map(|meta| meta.location);
    there.extend(journal.filter(|path| path.parts().count() == 4 && path.filename() == Some("receipt.json")));
    for path in there.iter().filter(|path| !logged.contains(path.as_ref())) {
        let is_open = open.iter().any(|act| match act {
            Act::Record { path: of } => of == path.as_ref(),
            Act::Retention { plan } => path.as_ref().contains(plan.as_str()),
            _ => false,
        });
        let (kind, what) = match is_open {
            true => {
                (FindingKind::OpenIntent, "has an open intent: it is being logged, or its process died before it was")
            }
            false => (FindingKind::UnloggedRecord, "is in no entry"),
        };
        verified.add(kind, path.as_ref(), format!("record \"{path}\" {what}"));
    }
    Ok(())
}

/// Whether an object beside a case of a person is a record of it, and no plan, seal or note.
fn is_of_case(path: &Path) -> bool {
    let name = path.filename().and_then(|name| name.strip_suffix(".json"));
    name.is_some_and(|name| name == "certificate" || name.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Each change by a plan: the plan is there, and somebody agreed to it before.
async fn changes(lake: &OpenLake, log: &CheckedLog, verified: &mut Verified) -> Result<(), JobError> {
    let mut plans: BTreeMap<&str, (u64, &ChangeEntry)> = BTreeMap::new();
    for (index, change) in &log.replay.changes {
        plans.entry(&change.plan).or_insert((*index, change));
    }
    for (plan, (first, change)) in plans {
        let path = PlanFolder::of(plan).plan();
        let what = format!(
            "plan {} of dataset \"{}\", first in entry {first},",
            &plan.get(..12).unwrap_or(plan),
            change.dataset
        );
        let known = match find_plan(&lake.front, plan).await {
            Ok(known) => known,
            Err(error @ (EngineError::Plan { .. } | EngineError::Damaged { .. } | EngineError::Record { .. })) => {
                verified.add(FindingKind::MissingRecord, path.as_ref(), format!("{what} {error}"));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let own = format!("_auditlake/approvals/{plan}/");
        let standing = format!("_auditlake/approvals/standing/{}/", known.plan.policy.name);
        let is_approval = |record: &str| record.starts_with(&own) || record.starts_with(&standing);
        let before = log.replay.records.iter().any(|(index, entry)| *index < first && is_approval(&entry.record));
        if !before {
            let message = format!("{what} changed files, and no entry before it approves it");
            verified.add(FindingKind::BadApproval, path.as_ref(), message);
        }
    }
    Ok(())
}
