//! What applies left half done: named here, and brought to an end by applying the same plan again.
//!
//! Absent: changing anything.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use schemas::{Dataset, hex};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::archive::archived_objects;
use super::journal::{ObjectReceipt, PlanFolder};
use super::plans::{KnownPlan, open_intents, receipts_of};
use crate::error::EngineError;
use crate::ingest::Fence;
use crate::replace::{change_dropped, dropped_of, files_of};
use crate::store::{Lakefront, recorded_path, same_etag};

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Leftover {
    /// A plan was begun and is not done: objects are under way, or wait for their grace.
    OpenPlan {
        /// Its id.
        plan: String,
        /// The dataset.
        dataset: String,
        /// Objects that are under way.
        objects: Vec<String>,
    },
    /// An object has bytes again that a receipt says are gone: a restore brought them back.
    Restored {
        /// The plan of the receipt.
        plan: String,
        /// The object.
        path: String,
    },
    /// An archive object that no receipt names: its apply stopped before anything was removed.
    ArchivedTwice {
        /// The object; its rows are in the dataset, too.
        path: String,
    },
    /// A file that counts no more and is still there, although no plan is about to remove it.
    Dropped {
        /// The object.
        path: String,
    },
}

/// Looks for what is not as it should be in a dataset and its archive; `plans` are those of the lake.
///
/// # Errors
/// When the store fails, or a record is damaged.
pub async fn leftovers(lake: &Lakefront, dataset: &Dataset, plans: &[KnownPlan]) -> Result<Vec<Leftover>, EngineError> {
    let mut found = BTreeSet::new();
    let mut under_way = BTreeSet::new();
    let mut archived = BTreeSet::new();
    let mut receipts = Vec::new();
    let archive = dataset.archive();
    let names = [dataset.id.as_str(), archive.id.as_str()];
    for known in plans.iter().filter(|known| names.contains(&known.plan.dataset.as_str())) {
        let of_plan = receipts_of(lake, &known.id).await?;
        archived.extend(of_plan.iter().flat_map(|receipt| &receipt.archived_to).map(|object| object.path.clone()));
        receipts.extend(of_plan);
        if lake.read(&PlanFolder::of(&known.id).receipt()).await?.is_some() {
            continue;
        }
        let open = open_intents(lake, &known.id).await?;
        archived.extend(open.iter().flat_map(|intent| &intent.archived_to).map(|object| object.path.clone()));
        let objects: Vec<String> = open.into_iter().map(|intent| intent.path).collect();
        under_way.extend(objects.iter().cloned());
        if !objects.is_empty() {
            let (plan, dataset) = (known.id.clone(), known.plan.dataset.clone());
            found.insert(Leftover::OpenPlan { plan, dataset, objects });
        }
    }
    let mut there = files_of(lake, dataset).await?;
    there.extend(files_of(lake, &archive).await?);
    for file in &there {
        let of_file: Vec<&ObjectReceipt> = receipts.iter().filter(|receipt| receipt.path == file.path()).collect();
        let is_ours =
            |receipt: &&ObjectReceipt| receipt.etag_after.as_deref().is_some_and(|etag| same_etag(etag, file.etag()));
        if of_file.is_empty() || of_file.iter().any(is_ours) {
            continue;
        }
        let sha256 = hex(&Sha256::digest(lake.read(&file.meta.location).await?.unwrap_or_default()));
        if let Some(receipt) = of_file.iter().find(|receipt| receipt.sha256_before == sha256) {
            found.insert(Leftover::Restored { plan: receipt.plan.clone(), path: receipt.path.clone() });
        }
    }
    for path in archived_objects(lake, dataset).await?.into_keys().filter(|path| !archived.contains(path)) {
        if lake.head(&recorded_path(&path)).await?.is_some() {
            found.insert(Leftover::ArchivedTwice { path });
        }
    }
    for file in dropped_of(lake, dataset).await?.into_iter().filter(|file| !under_way.contains(&file.path)) {
        if lake.head(&recorded_path(&file.path)).await?.is_some_and(|head| head.e_tag.as_deref() == Some(&file.etag)) {
            found.insert(Leftover::Dropped { path: file.path });
        }
    }
    Ok(found.into_iter().collect())
}

/// Removes an object of the archive whose rows are still in the dataset.
///
/// # Errors
/// When the claim is lost, or the store fails.
pub async fn remove_archived(lake: &Lakefront, fence: &dyn Fence, path: &str) -> Result<(), EngineError> {
    fence.check().await?;
    lake.remove(&recorded_path(path)).await
}

/// Lets a file that is still there count again.
///
/// # Errors
/// When the claim is lost, somebody else changed what counts meanwhile, or the store fails.
pub async fn lift_dropped(
    lake: &Lakefront,
    fence: &dyn Fence,
    dataset: &Dataset,
    path: &str,
    now: DateTime<Utc>,
) -> Result<(), EngineError> {
    for dataset in [dataset.clone(), dataset.archive()] {
        let dropped = dropped_of(lake, &dataset).await?;
        let lifts: Vec<_> = dropped.into_iter().filter(|file| file.path == path).collect();
        change_dropped(lake, fence, &dataset, (&[], &lifts), now).await?;
    }
    Ok(())
}
