//! Files of datasets against the log: each that counts is logged, each that is logged is there, and its bytes are those.

use std::collections::BTreeSet;

use engine::{EngineError, FileRecords, PinnedFile, file_records, files_below};
use futures::{StreamExt, TryStreamExt};
use schemas::Dataset;

use super::digest::sha256_of;
use super::finding::{FindingKind, Verified};
use super::log::CheckedLog;
use super::scope::Scope;
use crate::error::JobError;
use crate::evidence_log::{Act, LoggedFile, Places, ingests_of};
use crate::lake::{OpenLake, with_companions};
use crate::show::counted;

/// Files that are read at the same time.
const AT_ONCE: usize = 4;

/// What was counted.
#[derive(Debug, Default)]
struct Counts {
    datasets: u64,
    files: u64,
    read: u64,
    bytes: u64,
}

/// Checks the files of the datasets that a scope has.
pub(crate) async fn check(
    lake: &OpenLake,
    log: &CheckedLog,
    (scope, open): (&Scope, &[Act]),
    verified: &mut Verified,
) -> Result<(), JobError> {
    let places = match Places::of(lake) {
        Ok(places) => places,
        Err(error) => {
            let why = crate::runner::chain(&error).join(": ");
            verified.not_checked(format!("files of datasets whose folders name people, whose paths are keyed: {why}"));
            Places::default()
        }
    };
    let mut counts = Counts::default();
    let all = with_companions(&lake.definitions);
    let mut known = BTreeSet::new();
    for dataset in all.iter().filter(|dataset| scope.has_dataset(dataset)) {
        known.insert(dataset.id.to_string());
        if dataset.elsewhere.is_some() {
            verified
                .not_checked(format!("dataset \"{}\": its files lie elsewhere and are written by others", dataset.id));
            continue;
        }
        let is_open = open.iter().any(|act| is_about(act, lake, dataset));
        if is_open {
            let message = format!(
                "dataset \"{}\" has an open intent: something writes it or died doing so, so it was not checked whether each file is \
                 logged; run `auditlake evidence anchor` once nothing does",
                dataset.id
            );
            verified.add(FindingKind::OpenIntent, dataset.location.clone(), message);
        }
        of_dataset(lake, log, (scope, &places, is_open), dataset, &mut counts, verified).await?;
    }
    strangers(log, scope, &known, verified);
    let Counts { datasets, files, read, bytes } = counts;
    let rest = if read == files { String::new() } else { format!(", of {read} of them the SHA-256 was computed") };
    let about = format!(
        "{} of {}, {} MiB: in the log, and what is logged is there{rest}",
        counted(files, "file"),
        counted(datasets, "dataset"),
        bytes >> 20
    );
    verified.looked_at("files", about);
    Ok(())
}

/// Whether an act writes the dataset, or the one of what it refuses.
fn is_about(act: &Act, lake: &OpenLake, dataset: &Dataset) -> bool {
    match act {
        Act::Dataset { dataset: of } => of.as_str() == ingests_of(lake, dataset),
        // Which dataset a plan is of, the plan says; until it is at an end, no file is called wrong because of it.
        Act::Retention { .. } => true,
        Act::Run { .. } | Act::Review { .. } | Act::Answer { .. } | Act::Record { .. } | Act::Other => false,
    }
}

/// Entries of datasets that are not declared any more.
fn strangers(log: &CheckedLog, scope: &Scope, known: &BTreeSet<String>, verified: &mut Verified) {
    let gone = log.replay.files.values().filter(|file| file.removed_by.is_none());
    let gone: BTreeSet<&String> = gone.map(|file| &file.entry.dataset).filter(|name| !known.contains(*name)).collect();
    for name in gone.into_iter().filter(|_| scope.datasets.is_empty()) {
        verified.not_checked(format!("files of dataset \"{name}\", which the lake does not declare any more"));
    }
}

async fn of_dataset(
    lake: &OpenLake,
    log: &CheckedLog,
    (scope, places, is_open): (&Scope, &Places, bool),
    dataset: &Dataset,
    counts: &mut Counts,
    verified: &mut Verified,
) -> Result<(), JobError> {
    let records = match file_records(&lake.front, dataset, ingests_of(lake, dataset)).await {
        Ok(records) => records,
        // What was committed is gone, or a record that says what counts: the files tell the rest.
        Err(error @ (EngineError::Input { .. } | EngineError::Record { .. })) => {
            verified.add(FindingKind::MissingRecord, dataset.location.clone(), error.to_string());
            FileRecords { in_force: files_below(&lake.front, dataset).await?, ..FileRecords::default() }
        }
        Err(error) => return Err(error.into()),
    };
    let is_whole = !records.written.is_empty() || records.in_force.is_empty();
    let in_force: BTreeSet<&str> = records.in_force.iter().map(PinnedFile::path).collect();
    let mut logged: Vec<(&PinnedFile, &LoggedFile)> = Vec::new();
    let mut places_there = BTreeSet::new();
    for file in &records.in_force {
        let forms = places.forms(dataset, file.path());
        let entry = log.replay.file(dataset.id.as_str(), &forms);
        places_there.extend(forms);
        if !scope.has_path(file.path()) {
            continue;
        }
        match entry {
            None if is_open => {}
            None => {
                let message = format!("file \"{}\" is in dataset \"{}\" and in no entry", file.path(), dataset.id);
                verified.add(FindingKind::UnloggedFile, file.path(), message);
            }
            Some(LoggedFile { index, removed_by: Some(by), .. }) if is_whole && !is_open => {
                let message = format!(
                    "file \"{}\" of entry {index} counts in dataset \"{}\", and entry {by} says that it does no more",
                    file.path(),
                    dataset.id
                );
                verified.add(FindingKind::UnloggedFile, file.path(), message);
            }
            Some(entry) => logged.push((file, entry)),
        }
    }
    if !is_open {
        missing(log, (scope, places), dataset, &places_there, verified);
    }
    counts.datasets += u64::from(!in_force.is_empty());
    counts.files += logged.len() as u64;
    compare(lake, scope, &logged, counts, verified).await
}

/// Logged files that no longer count, although nothing logged removed them.
fn missing(
    log: &CheckedLog,
    (scope, places): (&Scope, &Places),
    dataset: &Dataset,
    there: &BTreeSet<engine::evidence::Place>,
    verified: &mut Verified,
) {
    for ((of, place), file) in &log.replay.files {
        let text = place.to_text();
        if of != dataset.id.as_str() || file.removed_by.is_some() || there.contains(place) || !scope.has_path(&text) {
            continue;
        }
        if log.replay.removes_unknown(of, &places.forms(dataset, &text)) {
            continue;
        }
        let index = file.index;
        let message = format!("file \"{text}\" of entry {index} is gone and nothing logged removed it");
        verified.add(FindingKind::MissingFile, text, message);
    }
}

async fn compare(
    lake: &OpenLake,
    scope: &Scope,
    logged: &[(&PinnedFile, &LoggedFile)],
    counts: &mut Counts,
    verified: &mut Verified,
) -> Result<(), JobError> {
    let drawn: Vec<&(&PinnedFile, &LoggedFile)> = logged.iter().filter(|(file, _)| scope.draws(file.path())).collect();
    let work = futures::stream::iter(drawn).map(|(file, entry)| {
        let (front, path) = (lake.front.clone(), file.path().to_owned());
        let task = tokio::spawn(async move { sha256_of(&front, &path).await });
        async move {
            let stopped = |error| EngineError::Bug { what: format!("a digest stopped ({error})") };
            Ok::<_, EngineError>((*file, *entry, task.await.map_err(stopped)??))
        }
    });
    let digests: Vec<_> = work.buffered(AT_ONCE).try_collect().await?;
    for (file, logged, digest) in digests {
        let path = file.path();
        counts.read += 1;
        let Some((sha256, bytes)) = digest else {
            let message = format!("file \"{path}\" of entry {} went while it was checked", logged.index);
            verified.add(FindingKind::MissingFile, path, message);
            continue;
        };
        counts.bytes += bytes;
        if sha256 != logged.entry.sha256 {
            let message =
                format!("file \"{path}\" has sha256 {sha256}, entry {} says {}", logged.index, logged.entry.sha256);
            verified.add(FindingKind::ChangedFile, path, message);
        }
    }
    Ok(())
}
