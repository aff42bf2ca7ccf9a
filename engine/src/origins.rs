//! Where files of a dataset come from, for whoever reads each of them once: bytes that retention wrote in the place of
//! others, and files that came in the place of others.
//!
//! Absent: files that ingests wrote. They are the beginning.

use std::collections::{BTreeMap, BTreeSet};

use schemas::Dataset;

use crate::error::EngineError;
use crate::replace::{dropped_of, replaced};
use crate::retention::{open_intents, plans, receipts_of};
use crate::store::Lakefront;

/// What retention did to the objects of a dataset.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    /// By path and ETag: the ETags of the bytes that were there before. An object may have been written more than once.
    before: BTreeMap<(String, String), BTreeSet<String>>,
    /// Objects, by path and ETag, that are gone.
    removed: BTreeSet<(String, String)>,
    /// Paths of objects that are being written.
    under_way: BTreeSet<String>,
}

impl Origins {
    /// Reads the receipts of a dataset, and what is under way.
    ///
    /// # Errors
    /// When the store fails, or a record is damaged.
    pub async fn read(lake: &Lakefront, dataset: &Dataset) -> Result<Self, EngineError> {
        let mut all = Self::default();
        for plan in plans(lake).await? {
            // What is under way is read first: it has a receipt by then, or is seen to be under way.
            let open = open_intents(lake, &plan.id).await?;
            all.under_way.extend(open.into_iter().filter(|of| of.dataset == dataset.id.as_str()).map(|of| of.path));
            for receipt in receipts_of(lake, &plan.id).await? {
                if receipt.dataset != dataset.id.as_str() {
                    continue;
                }
                match receipt.etag_after {
                    Some(after) => {
                        all.before.entry((receipt.path, after)).or_default().insert(receipt.etag_before);
                    }
                    None => {
                        all.removed.insert((receipt.path, receipt.etag_before));
                    }
                }
            }
        }
        let dropped = dropped_of(lake, dataset).await?;
        all.removed.extend(dropped.into_iter().map(|file| (file.path, file.etag)));
        Ok(all)
    }

    /// ETags of bytes under a path that these came from, as receipts say.
    pub fn before(&self, path: &str, etag: &str) -> BTreeSet<String> {
        let (mut all, mut open) = (BTreeSet::new(), vec![etag.to_owned()]);
        while let Some(etag) = open.pop() {
            for before in self.before.get(&(path.to_owned(), etag)).into_iter().flatten() {
                if all.insert(before.clone()) {
                    open.push(before.clone());
                }
            }
        }
        all
    }

    /// Whether retention removed these bytes.
    pub fn is_removed(&self, path: &str, etag: &str) -> bool {
        self.removed.contains(&(path.to_owned(), etag.to_owned()))
    }

    /// Whether retention is at work on an object, or died at it.
    pub fn is_under_way(&self, path: &str) -> bool {
        self.under_way.contains(path)
    }
}

/// Whether another file came in the place of one.
///
/// # Errors
/// When the store fails, or a record is damaged.
pub async fn is_replaced(lake: &Lakefront, dataset: &Dataset, path: &str) -> Result<bool, EngineError> {
    let all = replaced(lake, dataset.id.as_str()).await?;
    Ok(all.removed.iter().any(|(_, removed)| removed.iter().any(|of| of == path)))
}
