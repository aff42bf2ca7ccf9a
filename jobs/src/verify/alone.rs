//! One file: with the proof beside it, for which nothing but trusted keys is needed, or as a file of a dataset.

use std::path::{Path as FsPath, PathBuf};

use engine::evidence::{Entry, EntryBody, LogProof, Place, VerifierKey};
use schemas::StoreUrl;
use sha2::{Digest, Sha256};

use super::finding::{FindingKind, Verified};
use super::{log, told, trust};
use crate::Answer;
use crate::args::{Cli, VerifyArgs};
use crate::error::JobError;
use crate::evidence_log::{LogStore, PROOF_ENDING, Places};
use crate::lake::OpenLake;
use crate::world::World;

pub(crate) async fn command(
    cli: &Cli,
    world: &World,
    args: &VerifyArgs,
    given: Option<Vec<VerifierKey>>,
) -> Result<Answer, JobError> {
    let mut verified = Verified::default();
    let mut lake: Option<OpenLake> = None;
    let keys = match given {
        Some(keys) if !keys.is_empty() => keys,
        _ => trust(lake.insert(cli.open()?), None).await?.0,
    };
    let ids: Vec<String> = keys.iter().map(|key| key.id().to_string()).collect();
    verified.looked_at("trust", format!("key {}", ids.join(", ")));
    let mut in_datasets = Vec::new();
    for file in &args.files {
        match proof_of(file) {
            Some((file, proof)) => by_proof(&file, &proof, &keys, &mut verified)?,
            None => in_datasets.push(file.clone()),
        }
    }
    if !in_datasets.is_empty() {
        let lake = match &lake {
            Some(lake) => lake,
            None => lake.insert(cli.open()?),
        };
        in_log(lake, world, &in_datasets, &keys, &mut verified).await?;
    }
    verified.not_checked("anything but these files; `auditlake verify` without files checks the whole lake");
    Ok(told::answer(&verified.sorted()))
}

/// A file and the proof beside it, whichever of the two was named.
fn proof_of(file: &FsPath) -> Option<(PathBuf, PathBuf)> {
    let text = file.to_string_lossy();
    if let Some(of) = text.strip_suffix(PROOF_ENDING) {
        return Some((PathBuf::from(of), file.to_owned()));
    }
    let proof = PathBuf::from(format!("{text}{PROOF_ENDING}"));
    proof.is_file().then(|| (file.to_owned(), proof))
}

fn read(path: &FsPath) -> Result<Vec<u8>, JobError> {
    std::fs::read(path).map_err(|source| JobError::Local { action: "read", path: path.display().to_string(), source })
}

fn by_proof(file: &FsPath, proof: &FsPath, keys: &[VerifierKey], verified: &mut Verified) -> Result<(), JobError> {
    let shown = file.display().to_string();
    let bytes = read(proof)?;
    let parsed = LogProof::parse(&bytes).and_then(|proof| Ok((proof.leads_to()?, proof)));
    let (checkpoint, proof) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            verified.add(
                FindingKind::BadProof,
                shown.clone(),
                format!("the proof of \"{shown}\" proves nothing: {error}"),
            );
            return Ok(());
        }
    };
    match proof.checkpoint.signers(keys) {
        Ok(signers) if signers.iter().any(|key| key.name() == checkpoint.origin) => {}
        Ok(_) => {
            let names: Vec<String> =
                proof.checkpoint.signatures.iter().map(|by| format!("{}+{}", by.name, by.id)).collect();
            let message = format!(
                "the checkpoint in the proof of \"{shown}\" is signed by no trusted key of \"{}\"; it names {}",
                checkpoint.origin,
                names.join(", ")
            );
            verified.add(FindingKind::Untrusted, shown, message);
            return Ok(());
        }
        Err(id) => {
            let message =
                format!("the checkpoint in the proof of \"{shown}\" has a signature of key {id} that is not its own");
            verified.add(FindingKind::ChangedCheckpoint, shown, message);
            return Ok(());
        }
    }
    let Ok(entry) = Entry::parse(&proof.entry) else {
        verified.add(FindingKind::BadEntry, shown.clone(), format!("the entry in the proof of \"{shown}\" is none"));
        return Ok(());
    };
    if !file.is_file() {
        verified.not_checked(format!("file \"{shown}\" is not there; its proof is good for entry {}", proof.index));
        return Ok(());
    }
    let sha256 = engine::hex(&Sha256::digest(read(file)?));
    let (is_in, of) = match &entry.body {
        EntryBody::Report(report) => {
            (report.parts.iter().any(|part| part.sha256 == sha256), format!("report of run {}", report.run))
        }
        EntryBody::Export(export) => (export.manifest_sha256 == sha256, format!("export of {}", export.of)),
        _ => (false, "something else".to_owned()),
    };
    if is_in {
        let at = schemas::rfc3339(entry.at);
        let about = format!(
            "{shown}: as in entry {} ({of}), logged at {at}; in the signed tree of {} entries of {}",
            proof.index, checkpoint.size, checkpoint.origin
        );
        verified.looked_at("file", about);
    } else {
        let message = format!("file \"{shown}\" has sha256 {sha256}, which entry {} ({of}) does not have", proof.index);
        verified.add(FindingKind::ChangedPart, shown, message);
    }
    Ok(())
}

/// Files of datasets against the log of the lake.
async fn in_log(
    lake: &OpenLake,
    world: &World,
    files: &[PathBuf],
    keys: &[VerifierKey],
    verified: &mut Verified,
) -> Result<(), JobError> {
    let log = log::check(&LogStore::of_lake(lake.front.clone()), keys, world.logged_at(), verified).await?;
    let places = Places::of(lake)?;
    for file in files {
        let path = path_in_store(lake, file)?;
        let dataset = lake.definitions.datasets.iter().flat_map(|dataset| [Some(dataset.clone()), dataset.rejected()]);
        let dataset = dataset.flatten().find(|dataset| path.starts_with(&dataset.location));
        let forms =
            dataset.as_ref().map_or_else(|| vec![Place::Path(path.clone())], |dataset| places.forms(dataset, &path));
        let of = dataset.map(|dataset| dataset.id.to_string()).unwrap_or_default();
        let digest = super::digest::sha256_of(&lake.front, &path).await?;
        match (log.replay.file(&of, &forms), digest) {
            (None, _) => verified.add(
                FindingKind::UnloggedFile,
                path.clone(),
                format!("file \"{path}\" is in no entry, and no proof lies beside it"),
            ),
            (Some(logged), None) => {
                let message = format!("file \"{path}\" of entry {} is not there", logged.index);
                verified.add(FindingKind::MissingFile, path, message);
            }
            (Some(logged), Some((sha256, _))) if sha256 != logged.entry.sha256 => {
                let message =
                    format!("file \"{path}\" has sha256 {sha256}, entry {} says {}", logged.index, logged.entry.sha256);
                verified.add(FindingKind::ChangedFile, path, message);
            }
            (Some(logged), Some(_)) => {
                let removed =
                    logged.removed_by.map(|by| format!("; entry {by} says that it counts no more")).unwrap_or_default();
                let about = format!("{path}: {} rows, as in entry {}{removed}", logged.entry.rows, logged.index);
                verified.looked_at("file", about);
            }
        }
    }
    Ok(())
}

/// The path of a file in the lake's store.
fn path_in_store(lake: &OpenLake, file: &FsPath) -> Result<String, JobError> {
    let local = |source| JobError::Local { action: "find", path: file.display().to_string(), source };
    if let (StoreUrl::File(store), true) = (&lake.definitions.store, file.exists()) {
        let store = std::fs::canonicalize(lake.folder.join(store)).map_err(local)?;
        let file = std::fs::canonicalize(file).map_err(local)?;
        if let Ok(inside) = file.strip_prefix(&store) {
            return Ok(inside.to_string_lossy().replace('\\', "/"));
        }
    }
    Ok(file.to_string_lossy().into_owned())
}
