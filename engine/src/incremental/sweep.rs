//! Deletes states of files that do not count any more: replaced, erased, expired or merged into others.
//!
//! A state is named by the version of its file, so what is to go needs no list of what was done: every object of a fingerprint
//! that is not named by a file that counts goes, whoever left it there. Where the store keeps versions, those go with it.

use std::collections::{BTreeMap, HashSet};

use object_store::path::Path;
use schemas::Dataset;

use super::states::{Described, STATES};
use super::tree::{Inner, Node, leaf, tree};
use crate::dataset::PinnedFile;
use crate::error::EngineError;
use crate::replace::files_of;
use crate::store::{Lakefront, Version, Versions};

/// Describes a fingerprint; written before any of its states.
pub(super) const PLAN: &str = "plan.json";

/// What a sweep did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SweptStates {
    /// States that were deleted.
    pub deleted: u64,
    /// What is left of them and why, each a sentence.
    pub not_reached: Vec<String>,
}

/// The objects that states of these files have, below the folder of a fingerprint.
pub(super) fn objects_of(files: &[PinnedFile]) -> HashSet<String> {
    fn nodes(inner: &Inner, objects: &mut HashSet<String>) {
        if inner.keepable {
            objects.insert(inner.object());
        }
        for child in &inner.children {
            if let Node::Inner(child) = child {
                nodes(child, objects);
            }
        }
    }
    let mut objects: HashSet<String> = files.iter().enumerate().map(|(at, file)| leaf(file, at).object()).collect();
    for inner in &tree(&files.iter().collect::<Vec<_>>()) {
        nodes(inner, &mut objects);
    }
    objects
}

/// Deletes the states of all fingerprints of `dataset` that are of no file that counts. Whoever keeps a state looks
/// afterwards whether its file still counts; so call this *after* files were replaced or dropped, and one of the two sees the
/// other (INC-7).
///
/// # Errors
/// When the store fails.
pub async fn sweep_states(lake: &Lakefront, dataset: &Dataset) -> Result<SweptStates, EngineError> {
    let mut swept = SweptStates::default();
    for path in stale_states(lake, dataset).await? {
        swept.not_reached.extend(remove_for_good(lake, &path).await?);
        swept.deleted += 1;
    }
    Ok(swept)
}

/// The states that a sweep deletes.
///
/// # Errors
/// When the store fails.
pub async fn stale_states(lake: &Lakefront, dataset: &Dataset) -> Result<Vec<Path>, EngineError> {
    let mut stale = Vec::new();
    let kept = by_fingerprint(lake).await?;
    if kept.is_empty() {
        return Ok(stale);
    }
    let files = files_of(lake, dataset).await?;
    let counting = objects_of(&files);
    for (fingerprint, objects) in kept {
        // Of what nobody described nobody knows the files.
        let of = described(lake, &fingerprint).await?;
        // Under another name since, it has the same files.
        let is_of = |of: &Described| of.dataset == dataset.id.as_str() || of.location == dataset.location;
        if of.as_ref().is_some_and(|of| !is_of(of)) {
            continue;
        }
        for object in objects.keys().filter(|object| of.is_none() || (*object != PLAN && !counting.contains(*object))) {
            stale.push(Path::from(format!("{STATES}/{fingerprint}/{object}")));
        }
    }
    Ok(stale)
}

/// Objects of each fingerprint, with their bytes.
pub(super) async fn by_fingerprint(lake: &Lakefront) -> Result<BTreeMap<String, BTreeMap<String, u64>>, EngineError> {
    let mut kept: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for meta in lake.list(&Path::from(STATES)).await? {
        let below = meta.location.as_ref().strip_prefix(&format!("{STATES}/")).and_then(|below| below.split_once('/'));
        let Some((fingerprint, object)) = below else { continue };
        kept.entry(fingerprint.to_owned()).or_default().insert(object.to_owned(), meta.size);
    }
    Ok(kept)
}

/// What is said of a fingerprint; none where nothing readable is.
pub(super) async fn described(lake: &Lakefront, fingerprint: &str) -> Result<Option<Described>, EngineError> {
    match lake.read_json(&Path::from(format!("{STATES}/{fingerprint}/{PLAN}"))).await {
        Err(EngineError::Record { .. }) => Ok(None),
        read => read,
    }
}

/// Deletes an object with every version of it; why some stay, where they do. The one that listings show goes last, and stays as
/// long as another does: then whoever sweeps next finds it and tries again, also after a death.
///
/// # Errors
/// When the store fails.
pub async fn remove_for_good(lake: &Lakefront, path: &Path) -> Result<Option<String>, EngineError> {
    let versions = match lake.versions(path).await? {
        Versions::Listed(versions) => versions,
        Versions::None => {
            lake.remove(path).await?;
            return Ok(None);
        }
        Versions::Unlisted { why } => {
            lake.remove(path).await?;
            return Ok(Some(format!("older versions of \"{path}\": {why}")));
        }
    };
    delete_versions(lake, path, versions).await
}

/// Deletes versions of an object, the oldest first; why some stay, where they do. The latest goes last, and only where nothing else
/// is left: if it is the mark of a removal, what is left would be an object again without it.
///
/// # Errors
/// When the store fails.
pub(crate) async fn delete_versions(
    lake: &Lakefront,
    path: &Path,
    versions: Vec<Version>,
) -> Result<Option<String>, EngineError> {
    let (latest, older): (Vec<Version>, Vec<Version>) = versions.into_iter().partition(|version| version.latest);
    let mut left = None;
    for version in older.iter().rev().chain(&latest) {
        if version.latest && left.is_some() {
            continue;
        }
        if let Some(lock) = lake.delete_version(path, &version.id).await? {
            left = Some(format!("version {} of \"{path}\": {lock}", version.id));
        }
    }
    Ok(left)
}
