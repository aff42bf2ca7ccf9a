//! Rows that committed runs left in the lake, as something that is withdrawn: evidence, findings and results of controls, where
//! a control shows people. A file of rows goes as a report does; in the place of findings and results the same rows stand
//! without the person, because trends, first sights and decisions rest on them.
//!
//! Absent: what attempts wrote that no commit names, which nothing reads.

use engine::recorded_path;
use std::collections::BTreeSet;

use bytes::Bytes;
use engine::retention::Mentions;
use schemas::{Interval, WithdrawnObject, rfc3339};
use sha2::{Digest, Sha256};

use super::anew::{RowsOf, without};
use super::desk::Desk;
use super::withdraw::{MARK, Publication, PublicationKind};
use super::withdrawals::Withdrawals;
use crate::error::JobError;
use crate::ledger::{CommitRecord, Output, OutputRole, RunEntry, RunKey};
use crate::review;

/// Ends of names of files of rows.
const PARQUET: &str = ".parquet";
/// What became of rows on which others rest.
const BESIDE: &str = "the same rows stand beside it without what showed the person";
/// Hex digits of its SHA-256 that stand in the name of what was written anew.
const DIGITS: usize = 16;

/// What stands in the place of a file.
#[derive(Debug)]
pub(super) struct Anew {
    pub(super) object: WithdrawnObject,
    pub(super) bytes: Bytes,
}

/// Files of rows of committed runs, as far as they are `there`.
pub(super) async fn rows_of_runs(
    desk: &Desk<'_>,
    runs: &[RunEntry],
    there: &BTreeSet<&str>,
) -> Result<Vec<Publication>, JobError> {
    let withdrawals = Withdrawals::read(&desk.lake.front).await?;
    let mut all = Vec::new();
    for run in runs {
        let Some(key) = RunKey::parse(&run.run) else { continue };
        let again = again(desk, &key);
        for commit in run.commits() {
            for output in commit.outputs.iter().filter(|output| is_of(&key, output)) {
                let own = WithdrawnObject { path: output.path.clone(), sha256: Some(output.sha256.clone()) };
                let places = std::iter::once(&own).chain(withdrawals.in_place_of(&output.path));
                for object in places.filter(|object| there.contains(object.path.as_str())) {
                    all.extend(publication(object, (commit, output), &again)?);
                }
            }
        }
    }
    Ok(all)
}

/// Whether rows lie where only runs of its job write.
fn is_of(key: &RunKey, output: &Output) -> bool {
    output.path.starts_with(&format!("_auditlake/evidence/{}/", key.job)) && output.path.ends_with(PARQUET)
}

fn publication(
    object: &WithdrawnObject,
    (commit, output): (&CommitRecord, &Output),
    again: &str,
) -> Result<Option<Publication>, JobError> {
    let (kind, rows) = match output.role {
        OutputRole::Evidence => (PublicationKind::Evidence, None),
        OutputRole::Findings => (PublicationKind::Findings, Some((RowsOf::Findings, commit.interval))),
        OutputRole::ControlResults => {
            (PublicationKind::ControlResults, Some((RowsOf::ControlResults, commit.interval)))
        }
        _ => return Ok(None),
    };
    let word = match kind {
        PublicationKind::Findings => "findings",
        PublicationKind::ControlResults => "results of controls",
        _ => "evidence",
    };
    let path = object.path.as_str();
    let many = crate::show::counted(output.rows.unwrap_or_default(), "row");
    Ok(Some(Publication {
        kind,
        what: format!("{word} {path} of {}, {many}", commit.run),
        then: match rows {
            None => again.to_owned(),
            Some(_) => BESIDE.to_owned(),
        },
        objects: vec![object.clone()],
        mark: Some(recorded_path(&format!("{}.{MARK}", path.strip_suffix(PARQUET).unwrap_or(path)))),
        rows,
    }))
}

/// How what a run computed is computed once more, where it is.
pub(super) fn again(desk: &Desk<'_>, key: &RunKey) -> String {
    match review::is_required(desk.lake, &key.job) {
        true => format!(
            "`auditlake run {} --at {} --again` computes the run again, of what is there now",
            key.job,
            rfc3339(key.instant)
        ),
        false => format!("a run of \"{}\" at another instant is of what is there then", key.job),
    }
}

/// Draws up what is to stand in the place of a file of rows; or says why it cannot.
pub(super) fn anew(path: &str, bytes: Bytes, rows: (RowsOf, Interval), mentions: &Mentions) -> Result<Anew, String> {
    let bytes = without((path, bytes), rows, mentions)?;
    let sha256 = engine::hex(&Sha256::digest(&bytes));
    Ok(Anew { object: WithdrawnObject { path: name_of(path, &sha256), sha256: Some(sha256) }, bytes })
}

/// `findings.parquet` and whatever came in its place become `findings.<digits>.parquet`.
fn name_of(path: &str, sha256: &str) -> String {
    let path = recorded_path(path);
    let name = path.filename().unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default();
    let folder = path.as_ref().strip_suffix(name).unwrap_or_default();
    format!("{folder}{stem}.{}{PARQUET}", sha256.get(..DIGITS).unwrap_or(sha256))
}
