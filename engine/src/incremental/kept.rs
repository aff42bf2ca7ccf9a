//! Which states are kept, for people, and deleting those that nobody uses.

use std::collections::BTreeSet;

use object_store::path::Path;

use super::states::STATES;
use super::sweep::{PLAN, by_fingerprint, described, remove_for_good};
use crate::error::EngineError;
use crate::store::Lakefront;

/// The states of one fingerprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptStates {
    /// The fingerprint.
    pub fingerprint: String,
    /// The dataset whose files they are of; none where nothing says so.
    pub dataset: Option<String>,
    /// States of files.
    pub files: u64,
    /// States of months and years.
    pub nodes: u64,
    /// Bytes of all of them.
    pub bytes: u64,
}

/// Every fingerprint that has states.
///
/// # Errors
/// When the store fails.
pub async fn kept_states(lake: &Lakefront) -> Result<Vec<KeptStates>, EngineError> {
    let mut all = Vec::new();
    for (fingerprint, objects) in by_fingerprint(lake).await? {
        let dataset = described(lake, &fingerprint).await?.map(|plan| plan.dataset);
        let states = || objects.iter().filter(|(object, _)| *object != PLAN);
        let files = states().filter(|(object, _)| object.contains('/')).count() as u64;
        let nodes = states().count() as u64 - files;
        all.push(KeptStates { fingerprint, dataset, files, nodes, bytes: states().map(|(_, bytes)| bytes).sum() });
    }
    Ok(all)
}

/// Deletes everything of these fingerprints; how many objects went.
///
/// # Errors
/// When the store fails.
pub async fn prune_states(lake: &Lakefront, fingerprints: &BTreeSet<String>) -> Result<u64, EngineError> {
    let mut deleted = 0;
    for (fingerprint, objects) in by_fingerprint(lake).await? {
        if !fingerprints.contains(&fingerprint) {
            continue;
        }
        // The description last: what is left when this stops is still known for what it is.
        let (plan, states): (Vec<_>, Vec<_>) = objects.into_keys().partition(|object| object == PLAN);
        for object in states.into_iter().chain(plan) {
            let path = Path::from(format!("{STATES}/{fingerprint}/{object}"));
            if let Some(left) = remove_for_good(lake, &path).await? {
                tracing::warn!(left, "a deleted state has versions left");
            }
            deleted += 1;
        }
    }
    Ok(deleted)
}
